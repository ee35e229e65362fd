"""A backup: the store's files and the artifacts as one tar, with a manifest at its end.

The manifest names every file with its size and its SHA-256, and every table with its rows. A
backup without one was cut off. Not in it: tokens' files, what jobs left, and whatever else can be
made again from the store.
"""

import hashlib
import tarfile
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec

from controlplane.store.keeping import Copying

FORM: Final = 1
MANIFEST: Final = "manifest.json"
ARTIFACTS: Final = "artifacts"
PART: Final = 2**20
_BLOCK: Final = 512


class Packed(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A file of a backup; `path` is within it, `size` in bytes."""

    path: str
    size: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a backup holds; `rows` are those of each table."""

    form: int
    made_at: datetime
    leeboard: str
    rows: Mapping[str, int]
    files: tuple[Packed, ...]


def packed(held: Copying, data: Path, *, made_at: datetime, leeboard: str) -> Iterator[bytes]:
    """The tar of a backup, part by part; memory does not grow with it.

    Artifacts are kept by content and never changed, so those that are there after the store was
    held are all that it names.
    """
    files: list[Packed] = []
    for name, size in held.files.items():
        yield from _member(name, size, held.read(name), files)
    for path in sorted((data / ARTIFACTS).glob("*.tar")):
        if len(path.stem) == hashlib.sha256().digest_size * 2:
            name = f"{ARTIFACTS}/{path.name}"
            yield from _member(name, path.stat().st_size, parts_of(path), files)
    manifest = Manifest(
        form=FORM, made_at=made_at, leeboard=leeboard, rows=held.rows, files=tuple(files)
    )
    text = msgspec.json.format(msgspec.json.encode(manifest), indent=1)
    yield from _member(MANIFEST, len(text), iter((text,)), [])
    yield bytes(2 * _BLOCK)


def _member(name: str, size: int, parts: Iterator[bytes], files: list[Packed]) -> Iterator[bytes]:
    """A file within the tar; what it was goes to `files`."""
    info = tarfile.TarInfo(name)
    info.size, info.mode = size, 0o600
    yield info.tobuf(tarfile.PAX_FORMAT)
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
        yield part
    yield bytes(-size % _BLOCK)
    files.append(Packed(path=name, size=size, sha256=digest.hexdigest()))


def parts_of(path: Path) -> Iterator[bytes]:
    """A file, part by part. Raises OSError."""
    with path.open("rb") as file:
        while part := file.read(PART):
            yield part
