"""Labelled recordings: manifests, corpora, checks, splits, batches, features; no training."""
