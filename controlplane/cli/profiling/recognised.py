"""Whether a file is a profile: told without loading what reads one."""

from pathlib import Path
from typing import Final

NAMES: Final = (".profile.json", ".profile.json.gz")
_BEGINS: Final = b'{"form":'
_SOURCE: Final = b'"source":'
_HEAD: Final = 64


def is_profile(path: Path) -> bool:
    """Whether a file is a profile, by its name or its first bytes."""
    if path.name.endswith(NAMES):
        return True
    with path.open("rb") as file:
        head = file.read(_HEAD)
    return head.startswith(_BEGINS) and _SOURCE in head
