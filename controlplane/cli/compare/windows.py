"""Both files cut into windows of time: the reference's calibrate, the current's are judged."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from controlplane.cli.compare.by_windows import Spans, by_windows
from controlplane.cli.compare.concluding import Asking, Measured, concluded
from controlplane.cli.compare.source import Source
from controlplane.cli.replay.times import as_times
from controlplane.domain.errors import BadInput
from detectors import instants
from detectors.answers import MIN_ROWS
from detectors.comparison import measuring, windowed
from detectors.comparison.held import held
from detectors.comparison.measuring import Asked
from detectors.comparison.parted import Parts, parts_of
from detectors.comparison.result import ComparedColumn, Comparison, Rows
from detectors.comparison.windowed import Seasons
from detectors.finding import Kind, Sample

MICROS: Final = 1_000_000
DAY: Final = 86_400 * MICROS
HOUR: Final = 3_600 * MICROS
ORIGIN: Final = 4 * DAY
"""Monday 1970-01-05: where weeks begin."""
LENGTHS: Final = ((7 * DAY, 30), (DAY, 30), (DAY, 8), (6 * HOUR, 30), (HOUR, 30), (HOUR, 8))
"""Lengths of windows, the first taken of which the reference holds so many."""
MOST_WINDOWS: Final = 1_000
WHOLE: Final = 0.5
"""The share of the usual rows below which the first and the last window of a reference, which its
ends have cut, do not calibrate."""


class Windows(msgspec.Struct, frozen=True):
    """The windows of both files, `every` so many microseconds; each known by when it begins."""

    column: str
    every: int
    starts: NDArray[np.int64]
    """Of the current's windows."""
    reference: Parts
    current: Parts
    seasons: Seasons
    at: tuple[pa.ChunkedArray, pa.ChunkedArray]
    """The times of the rows of both files, beside which dates are so old."""
    notes: tuple[str, ...] = ()

    def measured(
        self,
        whole: ComparedColumn,
        samples: tuple[Sample, Sample],
        asked: Asked,
    ) -> Measured:
        """A column that is measured as a whole, counted by window; one that names rows is not, and
        of dates what is compared in their stead is."""
        names_rows = whole.note is not None
        if whole.kind is Kind.DATETIME:
            return Measured(whole, beside=tuple(self._derived(samples, asked)))
        if names_rows:
            return Measured(whole)
        return Measured(whole, counted=windowed.counted(samples, (self.reference, self.current)))

    def _derived(self, samples: tuple[Sample, Sample], asked: Asked) -> Iterator[Measured]:
        names = instants.settled(samples[0], self.at[0])
        sides = [
            instants.among(sample, at, names) for sample, at in zip(samples, self.at, strict=True)
        ]
        for both in zip(*sides, strict=True):
            whole = measuring.measured(held(both[0]), held(both[1]), asked)
            yield Measured(whole, counted=windowed.counted(both, (self.reference, self.current)))

    def concluded(self, asking: Asking, found: Sequence[Measured]) -> Comparison:
        """The comparison by windows; that of all rows where the reference has too few of them."""
        columns = [each.counted for each in found if each.counted is not None]
        calibrated = windowed.calibrated(columns, level=asking.level, seasons=self.seasons)
        if calibrated is None:
            held, rows = len(self.reference.rows), int(np.median(self.reference.rows))
            short = (
                f"of {rows} rows, of which {MIN_ROWS} are needed; a longer --every has them"
                if rows < MIN_ROWS
                else "too few to calibrate by"
            )
            note = (
                f"{self.column} cuts the reference into {held} windows of {told(self.every)}, {short}; "
                "so all rows are compared at once"
            )
            # Of files of other hours or days of the week these differ without a change.
            rhythms = {
                each.whole.column + part for each in found if each.whole.kind is Kind.DATETIME
                for part in (instants.HOUR, instants.WEEKDAY)
            }  # fmt: skip
            kept = [each for each in found if each.whole.column not in rhythms]
            return concluded(
                msgspec.structs.replace(asking, notes=(*asking.notes, *self.notes, note)), kept
            )
        asking = msgspec.structs.replace(asking, notes=(*asking.notes, *self.notes))
        return by_windows(self.spans, asking, found, calibrated)

    @property
    def spans(self) -> Spans:
        """How the windows are called, and how many rows each has."""
        unit = "D" if self.every % DAY == 0 else "m"
        names = self.starts.astype("datetime64[us]").astype(f"datetime64[{unit}]").astype(str)
        before = int(np.median(self.reference.rows))
        return Spans(self.column, told(self.every), tuple(names.tolist()),
                     tuple(Rows(before, rows) for rows in self.current.rows))  # fmt: skip


def windows_of(name: str, every: timedelta | None, reference: Source, current: Source) -> Windows:
    """Both files cut by a column of times, into windows of `every`, a second or more, or of the longest of a week, a
    day, six hours and an hour of which the reference holds thirty; raises BadInput."""
    both = [_micros(file, name) for file in (reference, current)]
    length = _length(both[0]) if every is None else every // timedelta(microseconds=1)
    codes = [np.where(known, (micros - ORIGIN) // length, 0) for micros, known in both]
    cut = [_cut(code, known) for code, (_, known) in zip(codes, both, strict=True)]
    starts = [found * length + ORIGIN for found, _ in cut]
    kept = _whole_ones(cut[0][1])
    before = [_seasons(start, length) for start in starts[0][kept].tolist()]
    seasons = Seasons(
        before={key: tuple(one[key] for one in before) for key in (before[0] if before else {})},
        now=tuple(_seasons(start, length) for start in starts[1].tolist()),
    )
    gone = [int(np.count_nonzero(~known)) for _, known in both]
    notes = (
        ()
        if not any(gone)
        else (f"{gone[0]:,} and {gone[1]:,} rows without a time in {name} are in no window",)
    )
    at = [pa.chunked_array([pa.array(micros, pa.timestamp("us", "UTC"), mask=~known)])
          for micros, known in both]  # fmt: skip
    return Windows(
        name, length, starts[1], _only(cut[0][1], kept), cut[1][1], seasons, (at[0], at[1]), notes
    )


def told(micros: int) -> str:
    """A length in words.

    >>> told(7 * DAY), told(DAY), told(6 * HOUR), told(90 * 60 * MICROS)
    ('7 days', '1 day', '6 hours', '1:30:00')
    """
    for unit, word in ((DAY, "day"), (HOUR, "hour")):
        if micros % unit == 0:
            return f"{micros // unit} {word}{'s' if micros > unit else ''}"
    return str(timedelta(microseconds=micros))


def _micros(file: Source, name: str) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """The times of a file in microseconds since 1970, and which rows have one."""
    if name not in file.types:
        message = f"--time {name}: {file.path} has no such column"
        raise BadInput(message)
    values = file.read([name])[name]
    if pa.types.is_dictionary(values.type):
        values = values.cast(values.type.value_type)
    times = as_times(values, name, "UTC").cast(pa.int64())
    known = times.is_valid().to_numpy()
    if not known.any():
        message = f"--time {name}: {file.path} has no time in it"
        raise BadInput(message)
    return times.fill_null(0).to_numpy(), known


def _length(reference: tuple[NDArray[np.int64], NDArray[np.bool_]]) -> int:
    micros, known = reference
    for length, fewest in LENGTHS:
        _, rows = np.unique((micros[known] - ORIGIN) // length, return_counts=True)
        if rows.size >= fewest and np.median(rows) >= MIN_ROWS:
            return length
    return DAY


def _cut(code: NDArray[np.int64], known: NDArray[np.bool_]) -> tuple[NDArray[np.int64], Parts]:
    """The numbers of the windows that have rows, and the rows of each."""
    found, places = np.unique(code[known], return_inverse=True)
    if found.size > MOST_WINDOWS:
        message = f"it would be {found.size:,} windows, of {MOST_WINDOWS:,} at most; give a longer --every"
        raise BadInput(message)
    of = np.full(code.size, -1, dtype=np.int64)
    of[known] = places
    return found, parts_of(of, found.size)


def _whole_ones(parts: Parts) -> NDArray[np.int64]:
    """The places of a reference's windows without the outer ones that its ends have cut."""
    rows = np.array(parts.rows)
    kept = np.ones(rows.size, dtype=np.bool_)
    for end in (0, -1):
        kept[end] = rows[end] >= WHOLE * np.median(rows)
    return np.flatnonzero(kept)


def _only(parts: Parts, kept: NDArray[np.int64]) -> Parts:
    """The windows next to one another that are kept."""
    return Parts(parts.order, parts.ends[kept[0] : kept[-1] + 2])


def _seasons(start: int, length: int) -> dict[str, int]:
    """The group of each season that a window is of, in UTC; none for windows of more than a day."""
    if length > DAY:
        return {}
    at = datetime.fromtimestamp(start / MICROS, UTC)
    found = {"day of week": at.weekday()}
    return {"hour of day": at.hour, **found} if length <= DAY // 2 else found
