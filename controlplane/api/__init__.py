"""The HTTP API, one module a resource: decode, authorise, call, encode."""
