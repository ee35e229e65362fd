"""What other programs send, from the files of tests/golden/ingest: a request's headers and body."""

from pathlib import Path

GOLDEN = Path(__file__).parent / "golden" / "ingest"


def captured(name: str) -> tuple[dict[str, str], bytes]:
    """The headers, by names in small letters, and the body of a captured request."""
    head, _, body = (GOLDEN / f"{name}.http").read_bytes().partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")[1:]
    headers = dict(line.split(": ", 1) for line in lines)
    left_out = ("host", "content-length", "accept-encoding", "user-agent")
    return {k.lower(): v for k, v in headers.items() if k not in left_out}, body
