"""Manifests, corpora, splits and batches for training; no networks."""
