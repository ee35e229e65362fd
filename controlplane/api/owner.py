"""The owner's token: a file that only its user can read, and where a server may do without."""

import os
import re
from pathlib import Path
from typing import Final

from controlplane.clock import new_token
from controlplane.domain.errors import Refused, StorageError
from controlplane.settings import Settings

TOKEN_FILE: Final = "token"  # noqa: S105 - a file's name
_TOKEN: Final = re.compile(r"[A-Za-z0-9\-._~+/]{16,200}=*")
"""What RFC 6750 lets a header carry; a shorter one could be guessed."""


def check_openness(settings: Settings) -> None:
    """Raise Refused where the settings would let strangers in without a token that was given."""
    if settings.is_loopback:
        return
    if settings.open:
        message = (
            f"--open serves without tokens, and {settings.host or 'every address'} can be reached "
            "from other machines; leave --open away, or serve 127.0.0.1"
        )
        raise Refused(message)
    if not (settings.data / TOKEN_FILE).exists():
        message = (
            f"{settings.host or 'every address'} can be reached from other machines, and there is "
            f"no token yet; `leeboard token init --data {settings.data}` makes the owner's"
        )
        raise Refused(message)


def owner_token(data: Path) -> str:
    """The token in `<data>/token`, which only its user can read; made where there is none."""
    path = data / TOKEN_FILE
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        text = path.read_text(encoding="ascii", errors="replace").strip()
        if text:
            if not _TOKEN.fullmatch(text):
                message = (
                    f"{path} does not hold a token: expected one line of 16 to 200 letters, "
                    "figures and -._~+/=; delete it, and a new one is made"
                )
                raise StorageError(message) from None
            path.chmod(0o600)
            return text
        handle = os.open(path, os.O_WRONLY | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        text = new_token()
        file.write(text + "\n")
    return text
