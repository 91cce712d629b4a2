"""What `clser bench` measures: one file a bench."""
