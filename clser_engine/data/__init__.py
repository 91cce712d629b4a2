"""Manifests of labelled recordings, splits by corpus and speaker, features on disk; no training."""
