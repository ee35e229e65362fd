"""A backup taken apart, proved, and put in place of nothing: no server is needed."""

import hashlib
import os
import re
import shutil
import tarfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import IO, Final, cast

import msgspec

from controlplane.domain.errors import Conflict, StorageError
from controlplane.store.backup import ARTIFACTS, FORM, MANIFEST, PART, Manifest, parts_of
from controlplane.store.commits import Committer, Published
from controlplane.store.copying import table_rows
from controlplane.store.database import FILE, Database
from controlplane.store.ports import Transaction
from controlplane.store.session import Session
from controlplane.store.writer import Piece

LARGEST_MANIFEST: Final = 64 * 2**20
_NAME: Final = re.compile(rf"{re.escape(FILE)}(\.wal)?|{ARTIFACTS}/[0-9a-f]{{64}}\.tar")


class _Stream:
    """Parts of bytes as a file that can only be read on."""

    def __init__(self, parts: Iterator[bytes]) -> None:
        self._parts = parts
        self._left = b""

    def read(self, size: int) -> bytes:
        """The next bytes, fewer than `size` at the end alone."""
        found, count = [], 0
        while count < size:
            part = self._left or next(self._parts, b"")
            if not part:
                break
            taken, self._left = part[: size - count], part[size - count :]
            found.append(taken)
            count += len(taken)
        return b"".join(found)


def unpacked(parts: Iterator[bytes], folder: Path) -> Manifest:
    """Take a backup's tar apart into an empty folder, and compare each file with the manifest.

    Raises StorageError for a tar that was cut off, that holds what no backup does, or whose files
    are not what the manifest says.
    """
    digests: dict[str, tuple[int, str]] = {}
    manifest = b""
    try:
        stream = cast("IO[bytes]", _Stream(parts))  # of which it only reads
        with tarfile.open(fileobj=stream, mode="r|", bufsize=PART) as tar:
            for member in tar:
                file = tar.extractfile(member)
                if file is None or not (_NAME.fullmatch(member.name) or member.name == MANIFEST):
                    raise StorageError(f"{member.name[:200]!r} is in no backup; is this one?")
                if member.name == MANIFEST:
                    manifest = file.read(LARGEST_MANIFEST)
                    continue
                digests[member.name] = _written(file, folder / member.name)
    except tarfile.TarError as error:
        raise StorageError(f"the backup breaks off ({error}); take it again") from error
    if not manifest:
        raise StorageError("the backup has no manifest: it was cut off; take it again")
    (folder / MANIFEST).write_bytes(manifest)
    told = manifest_of(folder)
    _compare(told, digests)
    return told


def manifest_of(folder: Path) -> Manifest:
    """What a backup's folder says that it holds. Raises StorageError."""
    try:
        manifest = msgspec.json.decode((folder / MANIFEST).read_bytes(), type=Manifest)
    except FileNotFoundError:
        message = f"{folder} has no {MANIFEST}; expected a folder that `leeboard backup` made"
        raise StorageError(message) from None
    except (OSError, msgspec.DecodeError) as error:
        raise StorageError(f"{folder / MANIFEST} cannot be read: {error}") from error
    if manifest.form != FORM:
        message = f"{folder} is a backup of form {manifest.form}, this Leeboard knows {FORM}"
        raise StorageError(f"{message}; use the one that made it")
    if any(not _NAME.fullmatch(file.path) for file in manifest.files):
        raise StorageError(f"{folder / MANIFEST} names a file that is in no backup")
    return manifest


def copied(backup: Path, folder: Path) -> Manifest:
    """Copy a backup's folder into another, and compare each file with the manifest."""
    manifest = manifest_of(backup)
    digests = {}
    for file in manifest.files:
        try:
            with (backup / file.path).open("rb") as source:
                digests[file.path] = _written(source, folder / file.path)
        except FileNotFoundError:
            raise StorageError(f"{backup / file.path} is missing from the backup") from None
    _compare(manifest, digests)
    return manifest


def prove(folder: Path, manifest: Manifest) -> None:
    """Open a backup's store, changing nothing, and compare its rows with the manifest. Raises
    StorageError."""
    database = Database(folder, only_reading=True)
    try:
        with database.session() as session:
            rows = table_rows(session)
    finally:
        database.close()
    wrong = sorted(t for t in {*rows, *manifest.rows} if rows.get(t) != manifest.rows.get(t))
    if wrong:
        told, found = manifest.rows.get(wrong[0]), rows.get(wrong[0])
        message = f"{wrong[0]} has {found} rows in {folder}, and had {told} when it was made"
        raise StorageError(f"{message}; take the backup again")


def restore(backup: Path, data: Path, *, at: datetime, by: str) -> Manifest:
    """Put a backup (its folder or its tar) into an empty data folder, bring it to the schema of
    this Leeboard, and say so in its journal. Raises Conflict where the folder is not empty;
    StorageError, then the folder is as it was."""
    if data.exists() and any(data.iterdir()):
        message = f"{data} is not empty; expected an empty folder, or one that is not there yet"
        raise Conflict(message)
    part = data.with_name(f"{data.name}.restoring")
    part.mkdir(mode=0o700, parents=True)
    try:
        manifest = copied(backup, part) if backup.is_dir() else unpacked(_parts(backup), part)
        prove(part, manifest)
        (part / MANIFEST).unlink(missing_ok=True)
        _begun(part, manifest, at=at, by=by)
        if data.exists():
            data.rmdir()
        part.rename(data)
    except BaseException:
        shutil.rmtree(part)
        raise
    return manifest


def _renew_epoch(session: Session) -> None:
    """Tell everything beside the database that was derived from it that it is another one now."""
    session.run("delete from id_indexes")


def _begun(folder: Path, manifest: Manifest, *, at: datetime, by: str) -> None:
    """Open the store for the first time since: migrations, the journal's entry, a checkpoint."""
    database = Database(folder)
    try:
        committer = Committer(database, Published(folder))
        renewed = committer.between(_renew_epoch)
        committer.rest(idle=False)  # what is done at rest is for a server that goes on
        renewed.result()

        def note(t: Transaction) -> None:
            t.ledger.journal(model="", at=at, kind="restored", subject="store", by=by, facts={
                "made_at": manifest.made_at.isoformat(), "leeboard": manifest.leeboard,
                "rows": sum(manifest.rows.values()),
            })  # fmt: skip

        piece: Piece[None] = Piece(note, 0, quiet=True)
        committer.commit([piece])  # type: ignore[list-item]
        piece.future.result()
        committer.close()
    finally:
        database.close()


def _written(source: IO[bytes], target: Path) -> tuple[int, str]:
    """A file written to disk; its size and its SHA-256."""
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    digest, size = hashlib.sha256(), 0
    with target.open("wb") as file:
        while part := source.read(PART):
            digest.update(part)
            size += len(part)
            file.write(part)
        file.flush()
        os.fsync(file.fileno())
    return size, digest.hexdigest()


def _compare(manifest: Manifest, found: dict[str, tuple[int, str]]) -> None:
    told = {file.path: (file.size, file.sha256) for file in manifest.files}
    wrong = sorted(name for name in {*told, *found} if told.get(name) != found.get(name))
    if wrong:
        message = f"{wrong[0]} is not what the manifest says: it was changed or cut off"
        raise StorageError(f"{message}; use another backup")


def _parts(path: Path) -> Iterator[bytes]:
    try:
        yield from parts_of(path)
    except OSError as error:
        message = f"{path} cannot be read ({error.strerror}); expected a backup's folder or tar"
        raise StorageError(message) from None
