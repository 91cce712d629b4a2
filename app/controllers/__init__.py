"""Answer what views ask: they change the project and publish what changed."""
