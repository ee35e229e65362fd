"""Parcels on disk until the server has them: in a folder a process, taken up when that is gone.

    SPOOL/<model>-<hash of server and model>/<begun>-<random>/lock
                                                             /000000000001-predictions-500.rows
                                            /set-aside/

A process holds its folder by a lock that ends with it, however it ends. Whoever then gets the lock
has the folder's parcels to send, so that no two processes send one. A file is a line of JSON that
says what follows, and the body of the request; it is complete or it is not there.
"""

import os
import secrets
import sys
from collections.abc import Iterator
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from time import monotonic, time_ns
from typing import Final, NamedTuple
from urllib.parse import quote
from zlib import crc32

import msgspec

from connectors.client.rows import FEEDS, Parcel

if sys.platform != "win32":
    import fcntl

SET_ASIDE: Final = "set-aside"
_FORM: Final = 1
_LOCK: Final = "lock"
_SUFFIX: Final = ".rows"
_UNFINISHED: Final = ".unfinished"
_RECOUNT_SECONDS: Final = 5.0


class Segment(NamedTuple):
    """A parcel on disk."""

    path: Path
    rows: int
    size: int


class SpoolFull(OSError):
    """The spool holds as many bytes as it may."""


class TornSegment(ValueError):
    """A file of the spool that is not what was written."""


class _Head(msgspec.Struct, frozen=True, kw_only=True):
    """What is said of a body before it."""

    form: int
    feed: str
    key: str
    rows: int
    size: int
    crc: int


class Spool:
    """The parcels of one model, of this process and of those that are gone; one thread uses it.

    Every method but `forget` and `close` raises OSError where the disk does not want to.
    """

    def __init__(self, folder: Path, server: str, model: str, most_bytes: int) -> None:
        if sys.platform == "win32":
            raise NotImplementedError("a spool needs locks that this system lacks: leave it out")
        told = sha256(f"{server}\n{model}".encode()).hexdigest()[:12]
        self._place = folder / f"{quote(model, safe='')[:100]}-{told}"
        self._most_bytes = most_bytes
        self._locks: dict[Path, int] = {}
        self.forget()

    def forget(self) -> None:
        """Begin anew, as a forked child must: what is there is its parent's."""
        for held in self._locks.values():
            os.close(held)  # the lock itself stays with the parent, which holds it too
        self._locks.clear()
        self._own: Path | None = None
        self._written = 0
        self._bytes = 0
        self._others = 0
        self._counted_at: float | None = None

    def put(self, parcel: Parcel) -> Segment:
        """Write a parcel; when this returns it outlives the process and the machine's power."""
        head = _Head(
            form=_FORM, feed=parcel.feed, key=parcel.key, rows=parcel.rows,
            size=len(parcel.body), crc=crc32(parcel.body),
        )  # fmt: skip
        content = msgspec.json.encode(head) + b"\n" + parcel.body
        self._make_room(len(content))
        folder = self._own_folder()
        self._written += 1
        name = f"{self._written:012d}-{parcel.feed}-{parcel.rows}{_SUFFIX}"
        _write(folder / name, content)
        self._bytes += len(content)
        return Segment(folder / name, parcel.rows, len(content))

    def read(self, segment: Segment) -> Parcel:
        """A parcel as it was written. Raises TornSegment, OSError."""
        line, _, body = segment.path.read_bytes().partition(b"\n")
        try:
            head = msgspec.json.decode(line, type=_Head)
        except ValueError as error:  # no JSON, or not even UTF-8
            raise TornSegment(f"{segment.path} does not begin with its description") from error
        if head.form != _FORM or head.feed not in FEEDS:
            raise TornSegment(f"{segment.path} is of a form that this version does not know")
        if (head.size, head.crc) != (len(body), crc32(body)):
            raise TornSegment(f"{segment.path} is not what was written")
        return Parcel(feed=head.feed, key=head.key, rows=head.rows, body=body)

    def remove(self, segment: Segment) -> None:
        """Delete a parcel that is dealt with, and its folder where that was another's last."""
        segment.path.unlink(missing_ok=True)
        self._gone(segment)

    def set_aside(self, segment: Segment) -> Path:
        """Move a file that cannot be read out of the way; where it is now."""
        aside = self._place / SET_ASIDE / f"{segment.path.parent.name}-{segment.path.name}"
        aside.parent.mkdir(mode=0o700, exist_ok=True)
        segment.path.rename(aside)
        self._gone(segment)
        return aside

    def take_up(self) -> list[Segment]:
        """The parcels of processes that are gone, in their order; from now on they are ours."""
        found: list[Segment] = []
        for folder in self._folders():
            with suppress(OSError):  # such as another user's: the others are looked at
                if folder not in self._locks and self._take(folder):
                    left = list(_segments(folder))
                    self._bytes += sum(segment.size for segment in left)
                    found += left
                    if not left:
                        self._leave(folder)
        return found

    def close(self) -> None:
        """Let go of every folder: what is left in them is for the next process."""
        for folder in list(self._locks):
            self._leave(folder)
        self._own = None

    def _gone(self, segment: Segment) -> None:
        self._bytes -= segment.size
        folder = segment.path.parent
        if folder != self._own and folder in self._locks and not any(_segments(folder)):
            self._leave(folder)

    def _own_folder(self) -> Path:
        """This process's folder, made and held when it is first needed."""
        self._place.mkdir(mode=0o700, parents=True, exist_ok=True)
        while self._own is None:
            folder = self._place / f"{time_ns():020d}-{secrets.token_hex(4)}"
            folder.mkdir(mode=0o700)
            if self._take(folder):
                self._own = folder
        return self._own

    def _take(self, folder: Path) -> bool:
        """Get a folder's lock, unless another process has it or has just removed the folder."""
        try:
            held = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.path.samestat(os.fstat(held), os.stat(folder / _LOCK)):  # noqa: PTH116
                self._locks[folder] = held
        except (BlockingIOError, FileNotFoundError):
            pass
        finally:
            if folder not in self._locks:
                os.close(held)
        return folder in self._locks

    def _leave(self, folder: Path) -> None:
        """Give a folder's lock back, and remove the folder where nothing is left in it."""
        held = self._locks.pop(folder)
        with suppress(OSError):  # what stays there is found by whoever comes next
            for unfinished in folder.glob(f"*{_UNFINISHED}"):
                unfinished.unlink(missing_ok=True)
            if not any(_segments(folder)):
                (folder / _LOCK).unlink(missing_ok=True)
                folder.rmdir()
        os.close(held)

    def _folders(self) -> list[Path]:
        """The folders of all processes, the oldest first."""
        if not self._place.is_dir():
            return []
        return sorted(path for path in self._place.iterdir() if path.name[0].isdigit())

    def _make_room(self, size: int) -> None:
        """Raises SpoolFull; what other processes have there is counted now and then."""
        now = monotonic()
        if self._counted_at is None or now - self._counted_at > _RECOUNT_SECONDS:
            others = [folder for folder in self._folders() if folder not in self._locks]
            self._others = sum(s.size for folder in others for s in _segments(folder))
            self._counted_at = now
        if self._bytes + self._others + size > self._most_bytes:
            raise SpoolFull(f"the spool {self._place} holds {self._most_bytes:,} bytes, its limit")


def _write(path: Path, content: bytes) -> None:
    """A file that is whole or not there, also after the power has failed."""
    unfinished = path.with_suffix(_UNFINISHED)
    try:
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "wb") as file:  # noqa: PTH123 - of a descriptor
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        unfinished.rename(path)
    except OSError:
        unfinished.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _segments(folder: Path) -> Iterator[Segment]:
    """The parcels in a folder, in the order in which they were written."""
    try:
        paths = sorted(folder.glob(f"*{_SUFFIX}"))
    except FileNotFoundError:
        return
    for path in paths:
        try:
            size = path.stat().st_size
        except FileNotFoundError:  # sent meanwhile
            continue
        rows = path.stem.rpartition("-")[2]
        yield Segment(path, int(rows) if rows.isdigit() else 0, size)
