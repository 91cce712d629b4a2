"""`clser`, one sub-command per file."""
