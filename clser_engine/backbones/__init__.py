"""The frame encoders behind one interface: the compact one, transformers, torchaudio."""
