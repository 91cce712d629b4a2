"""Readers of public corpora in their original layout, one a file."""
