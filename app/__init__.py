"""Window of CLSER Studio; everything with torch in it stays in the engine's process."""
