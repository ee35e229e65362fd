"""The one open file: opened with a clear word when that fails, opened anew when DuckDB gives up."""

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import duckdb

from controlplane.domain.errors import StorageError
from controlplane.store.disk import log_of
from controlplane.store.session import Session

FILE: Final = "leeboard.duckdb"
REOPEN_SECONDS: Final = 10.0
"""How long readers are waited for before the file is opened anew."""

_CONFIG: Final[dict[str, str | bool | int | float | list[str]]] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "python_enable_replacements": "false",
    "wal_autocheckpoint": "1TB",
}
"""Nothing is fetched, no Python variable is a table, and only the writer checkpoints."""
MEMORY: Final = "384MB"
"""For blocks of the file and what statements need beside them; what needs more goes by way of the
disk. Without it DuckDB takes four fifths of the machine's."""
_SHARED: Final = "set threads = {count}"


class Database:
    """Hands out cursors, each to one thread at a time. `path` None: in memory, for tests.
    `only_reading` changes nothing, not even the log."""

    def __init__(self, directory: Path | None, *, only_reading: bool = False) -> None:
        self.path = None if directory is None else directory / FILE
        self._changed = threading.Condition()
        self._idle: list[Session] = []
        self._busy: set[Session] = set()
        self._root: duckdb.DuckDBPyConnection | None = _connect(
            self.path, only_reading=only_reading
        )

    @property
    def place(self) -> str:
        """What messages call it."""
        return "the store in memory" if self.path is None else str(self.path)

    @property
    def wal(self) -> Path | None:
        """The write-ahead log."""
        return None if self.path is None else log_of(self.path)

    @contextmanager
    def session(self) -> Iterator[Session]:
        """A cursor of one's own, while the block lasts."""
        session = self._taken()
        try:
            yield session
        finally:
            self._given_back(session)

    def end_all_but(self, mine: Session) -> None:
        """End what is under way in the other sessions: their next question fails too."""
        with self._changed:
            for session in self._busy - {mine}:
                session.end()

    def drained(self, *, but: int, patience: float) -> bool:
        """Whether all sessions but so many are given back, within some seconds."""
        with self._changed:
            return self._changed.wait_for(lambda: len(self._busy) <= but, patience)

    def reopen(self, put: Callable[[], None] = lambda: None) -> None:
        """Close everything, wait for readers to let go, open the file again; `put` is called in
        between, when nobody has the file.

        Raises StorageError where that fails; then nothing but a new `reopen` helps.
        """
        if self.path is None:
            raise StorageError("the store in memory broke, and what it held is lost")
        with self._changed:
            root, self._root = self._root, None
            for session in self._busy:
                session.end()
            if not self._changed.wait_for(lambda: not self._busy, REOPEN_SECONDS):
                self._root = root
                message = f"{self.path} broke and readers hold it still; restart the server"
                raise StorageError(message)
            self._dismiss(root)
            try:
                put()
            finally:
                try:
                    self._root = _connect(self.path)
                finally:
                    self._changed.notify_all()

    def close(self) -> None:
        """Close the file. Raises StorageError, naming the path, where DuckDB could not."""
        with self._changed:
            root, self._root = self._root, None
            for session in self._busy:
                session.end()
            self._changed.wait_for(lambda: not self._busy, REOPEN_SECONDS)
            try:
                self._dismiss(root)
            except duckdb.Error as error:
                message = (
                    f"{self.place} did not close cleanly ({_line(error)}); nothing acknowledged "
                    "is lost: the next start reads it back from the log beside the file"
                )
                raise StorageError(message) from error

    def _taken(self) -> Session:
        with self._changed:
            if self._root is None:
                message = f"{self.place} is closed; restart the server to go on"
                raise StorageError(message)
            session = self._idle.pop() if self._idle else Session(self._root.cursor(), self.place)
            self._busy.add(session)
            return session

    def _given_back(self, session: Session) -> None:
        with self._changed:
            self._busy.discard(session)
            session.is_ended = False
            if self._root is None:
                session.close()
            else:
                self._idle.append(session)
            self._changed.notify_all()

    def _dismiss(self, root: duckdb.DuckDBPyConnection | None) -> None:
        for session in self._idle:
            session.close()
        self._idle.clear()
        if root is not None:
            root.close()


def _connect(path: Path | None, *, only_reading: bool = False) -> duckdb.DuckDBPyConnection:
    if path is None:
        return _sharing(duckdb.connect(":memory:", config=_CONFIG))
    try:
        if not only_reading:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        config = {**_CONFIG, "memory_limit": MEMORY}
        connection = duckdb.connect(str(path), config=config, read_only=only_reading)
        connection.execute("pragma disable_checkpoint_on_shutdown")
    except (duckdb.Error, OSError) as error:
        raise StorageError(_why(path, error)) from error
    return _sharing(connection)


def _sharing(connection: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """Half of the threads that DuckDB would take. Requests are decoded and checked meanwhile; and
    whoever has asked spins, taking the interpreter's lock at every turn, while another of its
    threads works, which takes half as long again for the appending of ten thousand rows."""
    [(count,)] = connection.execute("select current_setting('threads')").fetchall()
    connection.execute(_SHARED.format(count=max(1, int(count) // 2)))
    return connection


def _why(path: Path, error: Exception) -> str:
    """One sentence: what is wrong with the file, and what to do."""
    text = str(error)
    if "Could not set lock" in text:
        holder = re.search(r"PID (\d+)", text)
        who = f"process {holder[1]}" if holder else "another process"
        return f"{path} is in use by {who}; stop that server, or give this one another directory"
    if "version number" in text:
        return (
            f"{path} was written by a newer DuckDB than this one; upgrade Leeboard ({_line(error)})"
        )
    if "Corrupt database file" in text:
        return f"{path} is damaged ({_line(error)}); restore a backup"
    if "not a valid DuckDB" in text:
        return f"{path} is not a Leeboard store; move it away, or give another directory"
    if isinstance(error, PermissionError) or "Permission denied" in text:
        return f"{path} may not be read and written by this user; change its owner or permissions"
    return f"{path} does not open: {_line(error)}; free space, or restore a backup"


def _line(error: Exception) -> str:
    text = str(error).strip()
    return text.splitlines()[0] if text else type(error).__name__
