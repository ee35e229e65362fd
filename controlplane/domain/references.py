"""Which rows a window is compared with, and the calibration made from them."""

from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar, Final

import msgspec
from typing_extensions import override

from controlplane.domain.grid import steps_before, steps_within
from controlplane.domain.names import digest
from controlplane.domain.policy import Policy
from controlplane.domain.records import Record
from controlplane.domain.versions import Version
from controlplane.domain.windows import Calendar

WANTED: Final = 60
"""Calibration windows that hold the budget; more come from before the reference span."""


UNVERSIONED: Final = "unversioned"
"""Whose rows and whose reference they are where no version was ever registered."""


class Reference(Record, frozen=True, kw_only=True):
    """The reference sample of a version: its training rows; `id` is `{model}/{version}`.

    `calibration` is what `detectors` made of the sample and the calibration windows, as its own
    JSON; None until the first window asks for it.
    """

    TABLE: ClassVar[str] = "references"

    version: str
    start: datetime
    end: datetime
    known_at: datetime
    """Labels and rows known by then belong to it."""
    rows: int
    uploaded: bool = False
    spans: tuple[tuple[datetime, datetime], ...] = ()
    """The parts of `[start, end)` that belong to it, of one that goes on with the windows; empty:
    all of it."""
    calibration: msgspec.Raw | None = None
    calibration_windows: int = 0
    confirmed: tuple[tuple[datetime, datetime], ...] = ()
    """Later windows, `[start, end)`, in which an operator found nothing wrong: they calibrate
    too, without being part of the sample."""
    recalibrated_at: datetime | None = None
    made_at: datetime

    @property
    @override
    def filed_at(self) -> datetime:
        """References are listed by when they came into force."""
        return self.made_at


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """A calibration window, `[start, end)`; `inside` where the reference sample holds its rows."""

    start: datetime
    end: datetime
    inside: bool


def reference_of(policy: Policy, version: Version, known: datetime) -> Reference | None:
    """The reference that a model file gives a version; None where neither says which rows.

    A fixed span is the file's, and its name begins with the version's id and a colon; otherwise
    it is the rows that the version was trained on, under the version's id. `known` is the
    instant by which its rows were known.
    """
    fixed = policy.reference
    if fixed.start is not None and fixed.end is not None:
        start, end = fixed.start, fixed.end
        name = f"{version.id}:{digest('r', start.isoformat(), end.isoformat())}"
    elif version.trained_from is not None and version.trained_to is not None:
        start, end, name = version.trained_from, version.trained_to, version.id
    else:
        return None
    return Reference(
        id=name, model=version.model, version=version.version, start=start, end=end,
        known_at=known, rows=version.rows_trained, made_at=known,
    )  # fmt: skip


def calibration_spans(calendar: Calendar, reference: Reference, first_row: datetime) -> list[Span]:
    """The windows that set a reference's thresholds, in order of time.

    All whole windows of the reference span and, where those are fewer than 60, the windows
    before it back to `first_row`; none of them overlaps another, though windows slide. A window
    that lies across the span's beginning is neither. Nothing for counted windows, which go by rows
    and not by time.
    """
    grid = calendar.apart
    if grid is None:
        return []
    inside = [
        Span(start=start, end=end, inside=True)
        for start, end in steps_within(grid, reference.start, reference.end)
    ]
    before: list[Span] = []
    for start, end in steps_before(grid, reference.start, first_row):
        if len(inside) + len(before) >= WANTED or start < first_row:
            break
        before.append(Span(start=start, end=end, inside=False))
    return before[::-1] + inside


def calibration_slices(inside: Sequence[bool], rows: int) -> list[tuple[int, int]]:
    """Counted windows over rows in order of time: `[first, last)` of each calibration window.

    `inside` says of each row whether the reference sample holds it; those that it does not hold
    come before. Windows are cut backwards from the end of each part, so none lies across both.
    """
    outside = inside.index(True) if any(inside) else len(inside)
    held = [(last - rows, last) for last in range(len(inside), outside + rows - 1, -rows)]
    earlier = [(last - rows, last) for last in range(outside, rows - 1, -rows)]
    return (earlier[: max(WANTED - len(held), 0)])[::-1] + held[::-1]
