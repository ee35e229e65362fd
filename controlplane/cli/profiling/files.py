"""Profiles and data files on disk: told apart, read, put together, written."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

import msgspec

from controlplane.cli.profiling.gathering import Asked, profiled
from controlplane.cli.profiling.told import Told, selected
from controlplane.cli.tables.opening import DataFile, opened
from controlplane.domain.errors import BadInput
from detectors.profile import hidden, merging, written
from detectors.profile.form import Profile


class Bar(Protocol):
    """A progress bar of click's."""

    length: int | None

    def update(self, _steps: int, /) -> None:
        """So much more is done."""


def read_profile(path: Path) -> Profile:
    """A profile from a file; raises BadInput where it is none or a damaged one."""
    try:
        return written.decoded(path.read_bytes())
    except written.UnreadableProfile as error:
        message = f"{path}: {error}"
        raise BadInput(message) from error


def write(profile: Profile, path: Path) -> None:
    """Write a profile beside its place and put it there whole, gzipped if the name says so."""
    data = written.packed(profile) if path.suffix == ".gz" else written.encoded(profile)
    beside = path.with_name(path.name + ".part")
    beside.write_bytes(data)
    beside.replace(path)


def made(
    told: Told, known: Mapping[Path, Profile], rows: Sequence[Path], bar: Bar
) -> tuple[Profile, list[str]]:
    """The profile of all files together, and remarks; raises BadInput."""
    profiles = [narrowed(profile, told) for profile in known.values()]
    remarks: list[str] = []
    if rows:
        like = read_profile(told.like) if told.like is not None else next(iter(profiles), None)
        found, remarks = profile_of([opened(path) for path in rows], told, like, bar)
        profiles.append(found)
    try:
        return merging.merged(profiles), remarks
    except merging.NotMergeable as error:
        raise BadInput(str(error)) from error


def profile_of(
    files: Sequence[DataFile], told: Told, like: Profile | None, bar: Bar
) -> tuple[Profile, list[str]]:
    """The profile of data files, on the edges of `like`; raises BadInput."""
    salt = (told.salt or "").encode()
    names = files[0].names
    for file in files[1:]:
        if absent := [name for name in names if name not in file.names]:
            message = f"{file.path} lacks columns of {files[0].path}: {', '.join(absent[:5])}"
            raise BadInput(message)
    columns = selected(names, told)
    if like is not None:
        same_salt(like, salt)
        columns = _of_both(columns, like, files[0])
    bar.length = max(sum(file.size for file in files), 1)
    asked = Asked(files=tuple(files), columns=columns, like=like, salt=salt)
    return profiled(asked, bar.update)


def narrowed(profile: Profile, told: Told) -> Profile:
    """A profile with the columns that are asked for."""
    names = selected(tuple(column.column for column in profile.columns), told)
    columns = tuple(column for column in profile.columns if column.column in names)
    return msgspec.structs.replace(profile, columns=columns)


def _of_both(columns: Sequence[str], like: Profile, file: DataFile) -> tuple[str, ...]:
    """The reference's columns in its order; all of them have to be there."""
    expected = [column.column for column in like.columns]
    absent = [name for name in expected if name not in file.names]
    if absent and not set(columns) - set(expected):
        message = (
            f"{file.path} lacks columns of the profile it is to be like: {', '.join(absent[:5])}; "
            "name those that both have with --columns"
        )
        raise BadInput(message)
    return tuple(name for name in expected if name in columns)


def same_salt(like: Profile, salt: bytes) -> None:
    """Raise BadInput where rows hashed with this salt cannot be counted like a profile."""
    if like.salt == hidden.salt_name(salt):
        return
    if like.salt and salt:
        message = "the profile to be like has its level names hashed with another --salt"
    elif like.salt:
        message = "the profile to be like has its level names hashed; say the same --salt"
    else:
        message = "the profile to be like has its level names as they are; leave --salt out"
    raise BadInput(message)
