"""Where the server is and which token opens it, unless told."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

DEFAULT_SERVER: Final = "http://127.0.0.1:8321"
TOKEN_FILE: Final = "token"  # noqa: S105 - a file's name
RUNNING: Final = "running"
"""The folder in which servers leave word, a file a port."""
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})


def server_named(server: str | None, environ: Mapping[str, str] = os.environ) -> str:
    """The server's address: what was given, else LEEBOARD_SERVER, else this machine's."""
    return (server or environ.get("LEEBOARD_SERVER") or DEFAULT_SERVER).rstrip("/")


def token_for(server: str, environ: Mapping[str, str] = os.environ) -> str | None:
    """LEEBOARD_TOKEN, else the token that a server on this machine made for its own user.

    That file's token is given to the loopback address alone. A server whose data are elsewhere
    leaves word of where they are.
    """
    if named := environ.get("LEEBOARD_TOKEN"):
        return named
    if not is_loopback(server):
        return None
    parts = urlsplit(server)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    word = data_folder(environ) / RUNNING / str(port)
    folder = _text(word) or str(data_folder(environ))
    return _text(Path(folder) / TOKEN_FILE)


def ca_named(ca: str | None, environ: Mapping[str, str] = os.environ) -> str | None:
    """The certificates that vouch for the server's: the file given, else LEEBOARD_CA; None: those
    that this machine trusts anyway."""
    return ca or environ.get("LEEBOARD_CA") or None


def _text(path: Path) -> str | None:
    """What a small file holds; None where there is none that can be read."""
    try:
        return path.read_text(encoding="utf-8").strip() or None
    except (OSError, ValueError):
        return None


def data_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """LEEBOARD_DATA, else `leeboard` in XDG's data home."""
    if named := environ.get("LEEBOARD_DATA"):
        return Path(named)
    if home := environ.get("XDG_DATA_HOME"):
        return Path(home) / "leeboard"
    return Path(environ.get("HOME") or Path.home()) / ".local" / "share" / "leeboard"


def is_loopback(server: str) -> bool:
    """Whether an address is this machine.

    >>> is_loopback("http://127.0.0.1:8321"), is_loopback("https://lee.example")
    (True, False)
    """
    return urlsplit(server).hostname in _LOOPBACK
