"""What is asked of the disk and the files on it."""

import os
import shutil
from pathlib import Path


def free_bytes(folder: Path) -> int:
    """Space that is left where a folder is; none where it cannot be told."""
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return 0


def synced(path: Path) -> None:
    """Have the disk keep what a file holds, or the names that a folder holds. Raises OSError."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def log_of(path: Path) -> Path:
    """The write-ahead log of a database's file, which is beside it."""
    return path.with_name(path.name + ".wal")
