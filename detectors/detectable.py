"""The least shift of a column that a single window would show: what the budget costs in sight."""

from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from detectors import judging, remembering, tail_arrays
from detectors.counted import Column, reference_of, spread, taken
from detectors.finding import Kind
from detectors.laws import Calibration, Detectable, Scale
from detectors.reading import Counts, Floats
from detectors.scores import Form, score

SHIFTS: Final = (0.1, 0.25, 0.5, 1.0)
"""In standard deviations of the reference, by which calibration windows are shifted."""
POWER: Final = 0.8
"""In so many of the windows the shift must fail."""
MOST_WINDOWS: Final = 60
"""So many calibration windows are shifted; of more, every so many-th."""
_NORMAL_80: Final = 0.8416
_AT_ONCE: Final = 32
"""Columns whose shifted windows are held in memory."""


def detectable(calibration: Calibration, columns: Sequence[Column]) -> tuple[Detectable, ...]:
    """For each column the smallest of four shifts that 80 % of its shifted windows fail by.

    `columns` hold calibration windows, already of comparable size, of which sixty are shifted.
    Costs about four times the scoring of as many windows.
    """
    if calibration.threshold is None:
        return ()
    found: dict[str, float | None] = {column.bins.column: None for column in columns}
    some = spread(len(columns[0].counts), MOST_WINDOWS)
    for at in range(0, len(columns), _AT_ONCE):
        group = [taken(column, some) for column in columns[at : at + _AT_ONCE]]
        for shift in SHIFTS:
            left = [column for column in group if found[column.bins.column] is None]
            for name in _seen(calibration, [shifted(column, shift) for column in left]):
                found[name] = shift
    return tuple(Detectable(column=name, shift=shift) for name, shift in found.items())


def detectable_rates(calibration: Calibration) -> tuple[Detectable, ...]:
    """For each rate the change that a window of the usual size shows in four cases of five."""
    if calibration.threshold is None:
        return ()
    return tuple(_rate(calibration, s) for s in calibration.scales if s.reason is None)


def _rate(calibration: Calibration, fitted: Scale) -> Detectable:
    known = np.array([calibration.freedom + 1.0])
    height = tail_arrays.t_matched(np.array([calibration.threshold]), known, fitted.counted - 1.0)
    windows = remembering.counted_mean(np.array(fitted.memory), np.array(float(fitted.windows)))
    spread = float((height[0] + _NORMAL_80) * fitted.sd * np.sqrt(1.0 + 1.0 / windows))
    counted = fitted.form is Form.COUNT
    if counted:
        shift = float(np.expm1(spread))
    else:
        shift = float(np.sin(min(fitted.mean + spread, np.pi / 2)) ** 2 - np.sin(fitted.mean) ** 2)
    return Detectable(
        column=fitted.column, detector=fitted.detector, shift=max(shift, fitted.floor),
        unit="relative" if counted else "share",
    )  # fmt: skip


def _seen(calibration: Calibration, columns: Sequence[Column]) -> list[str]:
    scores = score(columns)
    if not scores:
        return []
    failures = judging.failed(calibration, scores)
    by_column: dict[str, NDArray[np.bool_]] = {}
    for one in scores:
        for place, name in zip(one.places, one.names, strict=True):
            before = by_column.get(name.column, False)
            by_column[name.column] = failures[:, place] | before
    return [name for name, hits in by_column.items() if hits.mean() >= POWER]


def shifted(column: Column, by: float) -> Column:
    """The windows with their mean moved by so many standard deviations, as counts show it.

    Numbers move up, spread evenly within their bins; of levels the most frequent one loses rows
    to the others, of two values the rarer one gains.
    """
    if column.bins.kind is Kind.NUMERIC and not column.values:
        return _moved(column, by * (column.bins.std or 0.0))
    counts = _exchanged(column.counts, column.whole.counts, by)
    same = column.drawn is column.counts
    drawn = counts if same else _exchanged(column.drawn, column.whole.counts, by)
    return msgspec.structs.replace(
        column, counts=counts, drawn=drawn, rows=counts.sum(axis=1), against=reference_of(column)
    )


def _exchanged(counts: Counts, reference: Counts, by: float) -> Counts:
    rows = counts.sum(axis=1, keepdims=True)
    top = int(np.argmax(reference))
    share = reference[top] / reference.sum()
    moved = np.minimum(by * np.sqrt(share * (1.0 - share)) * rows[:, 0], counts[:, top])
    others = reference.astype(np.float64)
    others[top] = 0.0
    weights = others / others.sum() if others.sum() else others
    found = counts + moved[:, None] * weights
    found[:, top] = counts[:, top] - moved * bool(others.sum())
    return found  # type: ignore[no-any-return] # rows in parts, which scores take as well


def _moved(column: Column, by: float) -> Column:
    edges = column.edges
    low, high = column.bins.minimum or 0.0, column.bins.maximum or 0.0
    least = min(low, edges[0] if edges.size else low)
    most = max(high, edges[-1] if edges.size else high)
    at = np.concatenate([[least], edges, [np.nextafter(most, np.inf)]])
    asked = np.concatenate([[-np.inf], edges, [np.inf]]) - by
    drawn, sums = _carried(column.drawn, column.drawn_sums, at, asked)
    with np.errstate(over="ignore", invalid="ignore"):
        return msgspec.structs.replace(column, drawn=drawn, drawn_sums=sums + by * drawn)


def _carried(counts: Counts, sums: Floats, at: Floats, asked: Floats) -> tuple[Floats, Floats]:
    """Counts and sums between the points `asked`, of what lies evenly between the points `at`."""
    place = np.clip(np.searchsorted(at, asked, side="right") - 1, 0, at.size - 2)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        part = (asked - at[place]) / (at[place + 1] - at[place])
    part = np.clip(np.nan_to_num(part, nan=0.0, posinf=1.0, neginf=0.0), 0.0, 1.0)
    found = []
    with np.errstate(over="ignore", invalid="ignore"):
        for values in (counts, sums):
            below = np.concatenate([np.zeros((len(values), 1)), np.cumsum(values, axis=1)], axis=1)
            upto = below[:, place] + part * values[:, place]
            found.append(np.diff(upto, axis=1))
    return found[0], found[1]
