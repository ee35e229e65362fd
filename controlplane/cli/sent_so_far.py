"""How far a file was sent, noted after each part, so that a run that was cut off is gone on with.

A note is of one file as it is, one model of one server and what was asked of it; once the file is
sent it is deleted. That a note is there proves nothing about the server, which may have been put
back to a backup or begun anew since: who goes on asks it for the last part first.
"""

import hashlib
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec

from connectors.client import wire
from controlplane.cli.reading import Place

_FORM: Final = 1
_MOST_WRONG: Final = 1_000
"""Lines that were no rows which a note remembers one by one."""


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """What was sent of a file."""

    form: int = _FORM
    begin: Place
    """Where the last part that was sent begins."""
    end: Place
    """Where the next one does."""
    rows_a_part: int
    receipt: wire.Receipt
    """Of all parts so far."""
    wrong: dict[int, str] = {}


class Notes:
    """The note of one file; a disk that does not want to keep it is no hindrance."""

    def __init__(self, path: Path | None) -> None:
        """None: nothing is noted."""
        self._path = path

    @property
    def are_kept(self) -> bool:
        """Whether what was noted will be found."""
        return self._path is not None

    def last(self) -> Note | None:
        """What an earlier run noted; None: nothing, or nothing that can be read."""
        if self._path is None:
            return None
        try:
            found = msgspec.json.decode(self._path.read_bytes(), type=Note)
        except (OSError, ValueError):
            return None
        return found if found.form == _FORM else None

    def note(self, note: Note) -> None:
        """Remember that a part is with the server."""
        if self._path is None:
            return
        kept = dict(list(note.wrong.items())[:_MOST_WRONG])
        content = msgspec.json.encode(msgspec.structs.replace(note, wrong=kept))
        unfinished = self._path.with_suffix(f".{os.getpid()}")
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            unfinished.write_bytes(content)
            unfinished.replace(self._path)
        except OSError:
            with suppress(OSError):
                unfinished.unlink(missing_ok=True)
            self._path = None

    def forget(self) -> None:
        """The file is sent, or sent anew."""
        if self._path is not None:
            with suppress(OSError):
                self._path.unlink(missing_ok=True)


def notes_of(file: Path, asked: object, server: str) -> Notes:
    """Where is noted how far a file was sent; `asked` is all that decides what is sent of it."""
    status = file.stat()
    told = msgspec.json.encode([
        str(file.resolve()), status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns,
        server, asked,
    ])  # fmt: skip
    name = hashlib.sha256(told).hexdigest()[:32]
    return Notes(state_folder() / "sending" / f"{name}.json")


def state_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """`leeboard` in XDG's home of states.

    >>> str(state_folder({"XDG_STATE_HOME": "/states"}))
    '/states/leeboard'
    """
    if home := environ.get("XDG_STATE_HOME"):
        return Path(home) / "leeboard"
    return Path(environ.get("HOME") or Path.home()) / ".local" / "state" / "leeboard"
