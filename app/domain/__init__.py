"""Plain data of a project and the edits that change it; no Qt, no disk."""
