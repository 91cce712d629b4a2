"""Dialogs; each takes plain data and returns plain data."""
