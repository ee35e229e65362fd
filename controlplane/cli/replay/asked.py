"""What the command line, or a model file, says of a file of history."""

from datetime import timedelta

import msgspec

from controlplane.domain.schema import Column


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What the command line says of a file."""

    label: str
    time: str | None = None
    label_time: str | None = None
    id: str | None = None
    drop: tuple[str, ...] = ()
    time_zone: str = "UTC"
    task: str | None = None
    positive: str | None = None
    delay: timedelta | None = None
    """How late labels come; None: as `label_time` shows, else a day."""
    declared: tuple[Column, ...] | None = None
    """The features and their kinds; None: every column that is left, as it looks."""
    outputs: frozenset[str] = frozenset({"prediction", "score"})
    """Columns that the model file needs for what is predicted."""
    has_file: bool = False
    """Whether a model file says how the history is to be cut."""
