"""The server: it watches models, decides what to do about them, and does it."""

__version__ = "0.1.0"
