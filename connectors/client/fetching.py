"""A version's files on disk: fetched once, checked, and there as a whole or not at all."""

from pathlib import Path
from tempfile import TemporaryDirectory

from connectors.artifacts import sha256_of, unpack
from connectors.client.problems import BadAnswer


def folder_of(sha256: str, into: Path | str) -> Path:
    """Where the files of an artifact are; what is there is whole."""
    return Path(into) / sha256


def unpacked(tar: bytes, sha256: str, into: Path | str) -> Path:
    """The files of a tar in their folder.

    Raises BadAnswer where the tar does not have that hash, BadArtifact where it would write
    outside its folder.
    """
    folder = folder_of(sha256, into)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".", dir=folder.parent) as own:
        file, files = Path(own) / "tar", Path(own) / "files"
        file.write_bytes(tar)
        if (found := sha256_of(file)) != sha256:
            message = f"artifact {sha256} came with the hash {found}; nothing was unpacked"
            raise BadAnswer(message)
        unpack(file, files)
        try:
            files.rename(folder)
        except OSError:
            if not folder.is_dir():  # else another worker was faster
                raise
    return folder
