"""`python -m app.bench`: what the window promises in milliseconds, measured through the window."""
