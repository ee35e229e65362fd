"""The command line: through the client, but for `serve` and the commands that need no server."""
