"""The engine as a process of its own: protocol, server and job table."""
