"""Small controls used by several views."""
