"""Run configurations: frozen dataclasses read from TOML, and the presets that ship."""
