"""A version's files as one tar whose bytes depend on nothing but the files, and back again.

Standard library only: the server and the client library both use it.
"""

import hashlib
import io
import os
import shutil
import tarfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Final

_EXECUTABLE: Final = 0o100


class BadArtifact(ValueError):
    """A directory that cannot be packed or a tar that must not be unpacked; the text says why."""


def pack(directory: Path, target: Path) -> str:
    """Write the tar of a directory to `target`; returns its SHA-256 in hex.

    Names are sorted, times and owners are zero, modes are 644 or 755: the same files give the
    same bytes on any machine. Links, devices and sockets raise BadArtifact.
    """
    with tarfile.open(target, "w", format=tarfile.PAX_FORMAT) as tar:
        for path in _entries(directory):
            _add(tar, path, path.relative_to(directory).as_posix())
    return sha256_of(target)


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def unpack(tar: bytes | Path, into: Path) -> None:
    """Write the files of an uncompressed tar below `into`, which is made where it is missing.

    Nothing is written unless every member is a plain file or folder that stays below `into`;
    otherwise BadArtifact names the member.
    """
    try:
        with (
            io.BytesIO(tar) if isinstance(tar, bytes) else tar.open("rb") as file,
            tarfile.open(fileobj=file, mode="r:") as archive,
        ):
            members = [_checked(member) for member in archive.getmembers()]
            into.mkdir(parents=True, exist_ok=True)
            for member in members:
                _write(archive, member, into / member.name)
    except tarfile.TarError as error:
        message = f"the artifact is not a plain, uncompressed tar: {error}"
        raise BadArtifact(message) from error
    except (FileExistsError, IsADirectoryError, NotADirectoryError) as error:
        message = f"the artifact has a file and a folder of one name: {error.filename}"
        raise BadArtifact(message) from error


def _entries(directory: Path) -> list[Path]:
    """Everything below a directory, ordered by the bytes of its path."""
    return sorted(_walk(directory), key=lambda path: os.fsencode(path.relative_to(directory)))


def _walk(directory: Path) -> Iterator[Path]:
    for path in directory.iterdir():
        if path.is_symlink() or not (path.is_file() or path.is_dir()):
            message = (
                f"{path} is a link or a special file; an artifact holds files and folders: copy it"
            )
            raise BadArtifact(message)
        yield path
        if path.is_dir():
            yield from _walk(path)


def _add(tar: tarfile.TarFile, path: Path, name: str) -> None:
    entry = tarfile.TarInfo(name)
    if path.is_dir():
        entry.type, entry.mode = tarfile.DIRTYPE, 0o755
        tar.addfile(entry)
        return
    with path.open("rb") as file:
        status = os.fstat(file.fileno())
        entry.size = status.st_size
        entry.mode = 0o755 if status.st_mode & _EXECUTABLE else 0o644
        tar.addfile(entry, file)


def _write(archive: tarfile.TarFile, member: tarfile.TarInfo, target: Path) -> None:
    """A checked member as a file or folder of our own; tarfile's own filters are of Python 3.11.4
    and later."""
    if member.isdir():
        target.mkdir(parents=True, exist_ok=True)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    content = archive.extractfile(member)
    assert content is not None, "a regular file has a content"
    with content, target.open("wb") as file:
        shutil.copyfileobj(content, file)
    target.chmod(0o755 if member.mode & _EXECUTABLE else 0o644)


def _checked(member: tarfile.TarInfo) -> tarfile.TarInfo:
    name = PurePosixPath(member.name)
    if name.is_absolute() or ".." in name.parts:
        message = f"the artifact's member {member.name!r} would be written outside its folder"
        raise BadArtifact(message)
    if not (member.isreg() or member.isdir()):
        message = f"the artifact's member {member.name!r} is neither a file nor a folder"
        raise BadArtifact(message)
    return member
