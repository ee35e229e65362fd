"""The library for serving apps, and for our own command line and dashboard; it talks HTTP only."""
