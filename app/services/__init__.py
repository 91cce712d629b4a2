"""Disk, sound device and engine process; no Qt."""
