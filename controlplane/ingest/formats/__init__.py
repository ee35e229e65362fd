"""One module a format: the bytes of a body to columns."""
