"""Training loops and the recipes of shipped models."""
