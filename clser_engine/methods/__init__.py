"""Training methods, one published method per file; baselines are methods too."""
