"""Labels and posteriors as files: CSV, JSON and TextGrid, one file each."""
