"""What the command line says of the profile that it asks for."""

from pathlib import Path

import msgspec

from controlplane.cli.outcome import nearest
from controlplane.domain.errors import BadInput


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What the command line says."""

    files: tuple[Path, ...]
    output: Path | None
    like: Path | None
    columns: tuple[str, ...]
    drop: tuple[str, ...]
    salt: str | None


def selected(names: tuple[str, ...], told: Told) -> tuple[str, ...]:
    """The columns that are asked for, in the file's order; raises BadInput for others."""
    for name in (*told.columns, *told.drop):
        if name not in names:
            message = (
                f"there is no column {name!r}{nearest(name, names)}; there are: {', '.join(names)}"
            )
            raise BadInput(message)
    wanted = told.columns or names
    return tuple(name for name in names if name in wanted and name not in told.drop)
