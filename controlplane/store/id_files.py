"""The files of one index: which runs it has, agreed upon by a list beside them and the database.

Both name a token. The list is written first and holds the state before it too, so that whichever
token the database has after a kill, its files are there. A list that does not know the database's
token belongs to another history of the file (a backup was put in place): the index is made anew.
"""

import os
import secrets
import shutil
from pathlib import Path
from typing import Final
from urllib.parse import quote

import msgspec

from controlplane.domain.errors import StorageError
from controlplane.store.disk import synced
from controlplane.store.id_runs import Run

LIST: Final = "runs.json"


class State(msgspec.Struct, frozen=True, kw_only=True):
    """The files of an index at one moment; rows below `covered` are in them."""

    token: str
    covered: int
    files: tuple[str, ...]


class _List(msgspec.Struct, frozen=True, kw_only=True):
    format: int
    states: tuple[State, ...]
    """The newest first."""


class IdFiles:
    """A folder of runs."""

    def __init__(self, folder: Path, name: str) -> None:
        """`folder` holds those of all indexes; this one's is named after its table."""
        self.folder = folder / quote(name, safe="")

    def opened(self, token: str) -> tuple[State, tuple[Run, ...]]:
        """The runs of the state that the database names. Raises StorageError with the reason
        where they are not what they were."""
        for state in self._states():
            if state.token == token:
                return state, tuple(Run(self.folder / name) for name in state.files)
        message = f"{self.folder / LIST} does not name the state that the database has"
        raise StorageError(message)

    def new_path(self) -> Path:
        """Where a new run goes. Raises OSError."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return self.folder / f"{secrets.token_hex(8)}.run"

    def agreed(self, token: str, runs: tuple[Run, ...], covered: int) -> State:
        """Write down a state, to which the database is about to agree, beside the one before.
        Raises OSError."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        new = State(
            token=secrets.token_hex(8), covered=covered, files=tuple(r.path.name for r in runs)
        )
        before = tuple(state for state in self._states() if state.token == token)
        data = msgspec.json.encode(_List(format=1, states=(new, *before)))
        place = self.folder / LIST
        draft = place.with_suffix(".new")
        with draft.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(place)
        synced(self.folder)
        return new

    def tidy(self, runs: tuple[Run, ...]) -> None:
        """Delete every file that the index does not have any more."""
        kept = {run.path.name for run in runs} | {LIST}
        for path in self._files():
            if path.name not in kept:
                path.unlink(missing_ok=True)

    def remove(self) -> None:
        """Delete the whole folder."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _files(self) -> list[Path]:
        try:
            return list(self.folder.iterdir())
        except FileNotFoundError:
            return []

    def _states(self) -> tuple[State, ...]:
        try:
            found = msgspec.json.decode((self.folder / LIST).read_bytes(), type=_List)
        except (OSError, msgspec.DecodeError):
            return ()
        return found.states if found.format == 1 else ()
