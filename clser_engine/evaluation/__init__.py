"""Metrics with intervals and evaluation protocols."""
