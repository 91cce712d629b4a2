"""Offline and streaming prediction with a model bundle, and calibration."""
