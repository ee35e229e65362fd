"""The terminal dashboard; it reaches the server over HTTP only."""
