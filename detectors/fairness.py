"""Gaps between parts of the rows: how otherwise a model treats each of them than all others.

Of a binary task: the share predicted positive, the shares of positive and of negative rows
predicted positive, precision, accuracy, and by how much outcomes exceed scores (calibration). Of
several classes: accuracy. Of numbers: the mean absolute error and the bias.
"""

from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from detectors import intervals, labelled, multiplicity, tails
from detectors.answers import MIN_ROWS
from detectors.finding import Interval
from detectors.labelled import Given
from detectors.reading import Counts, Floats

LEVEL: Final = 0.9
SHARES: Final = frozenset(
    {"selection_rate", "true_positive_rate", "false_positive_rate", "precision", "accuracy"}
)
FLOOR: Final = 0.05
"""The least difference of shares that matters."""
FLOOR_ERROR: Final = 0.1
"""The least difference of errors that matters, as a share of the mean absolute error."""


class Asked(msgspec.Struct, frozen=True):
    """One measure: a figure a row, over the rows for which it counts; `known` places them."""

    name: str
    values: Floats
    among: NDArray[np.bool_]
    known: NDArray[np.bool_]

    @property
    def is_share(self) -> bool:
        """Whether the figure is a share of the rows."""
        return self.name in SHARES


class Gap(msgspec.Struct, frozen=True, kw_only=True):
    """One part against all other rows by one measure.

    `interval` is of the difference and holds for all parts at once, at 90 %; `p_value` is Holm's
    over the parts. `ratio` is None where the rest's figure is 0. Parts with fewer than 30 rows on
    either side have no figures.
    """

    measure: str
    part: int
    rows: int
    rows_rest: int
    value: float | None = None
    rest: float | None = None
    difference: float | None = None
    ratio: float | None = None
    interval: Interval | None = None
    p_value: float | None = None
    floor: float = FLOOR

    @property
    def is_plain(self) -> bool:
        """Whether the whole interval lies beyond the least difference that matters."""
        found = self.interval
        return found is not None and (found.low > self.floor or found.high < -self.floor)


class _Sums(msgspec.Struct, frozen=True):
    """Rows, means and variances of every part, and of all rows but its own."""

    rows: tuple[Floats, Floats]
    means: tuple[Floats, Floats]
    variances: tuple[Floats, Floats]


def gaps(given: Given, codes: Counts, parts: int) -> list[Gap]:
    """Every measure of every part that has rows, in the order of the measures.

    `codes` hold the part of each given row, -1 for none. Shares get Newcombe's interval (1998) of
    the difference of two, means Welch's, at a level that Bonferroni makes hold for all parts.
    """
    return [gap for asked in _asked(given) for gap in _gaps(asked, codes[asked.known], parts)]


def _asked(given: Given) -> list[Asked]:
    if given.task == "regression":
        rows = labelled.numbers(given)
        error, all_ = rows.other - rows.truth, np.ones(rows.truth.size, dtype=np.bool_)
        return [
            Asked("mae", np.abs(error), all_, rows.known),
            Asked("bias", error, all_, rows.known),
        ]
    if given.task == "multiclass":
        rows = labelled.classes(given)
        all_ = np.ones(rows.truth.size, dtype=np.bool_)
        return [Asked("accuracy", (rows.truth == rows.other) * 1.0, all_, rows.known)]
    rows = labelled.positives(given)
    truth, predicted = rows.truth, rows.other
    all_, answered = np.ones(truth.size, dtype=np.bool_), predicted * 1.0
    found = [
        Asked("selection_rate", answered, all_, rows.known),
        Asked("true_positive_rate", answered, truth, rows.known),
        Asked("false_positive_rate", answered, ~truth, rows.known),
        Asked("precision", truth * 1.0, predicted, rows.known),
        Asked("accuracy", (truth == predicted) * 1.0, all_, rows.known),
    ]
    scored = labelled.scored(given)
    if scored.truth.size:
        over = scored.truth - scored.other
        found.append(Asked("calibration", over, np.ones(over.size, dtype=np.bool_), scored.known))
    return found


def _gaps(asked: Asked, codes: Counts, parts: int) -> list[Gap]:
    used = asked.among & (codes >= 0)
    sums = _sums(asked.values[used], codes[used], parts)
    rows, rest = sums.rows
    there = np.flatnonzero(rows > 0)
    enough = [at for at in there.tolist() if min(rows[at], rest[at]) >= MIN_ROWS]
    level = 1.0 - (1.0 - LEVEL) / max(len(enough), 1)
    tested = [_compared(asked, sums, at, level) for at in enough]
    adjusted = multiplicity.holm([gap.p_value or 0.0 for gap in tested]).tolist()
    found = {
        gap.part: msgspec.structs.replace(gap, p_value=p)
        for gap, p in zip(tested, adjusted, strict=True)
    }
    return [
        found.get(at, Gap(measure=asked.name, part=at, rows=int(rows[at]), rows_rest=int(rest[at])))
        for at in there.tolist()
    ]


def _sums(values: Floats, codes: Counts, parts: int) -> _Sums:
    rows = np.bincount(codes, minlength=parts).astype(np.float64)
    totals = np.bincount(codes, weights=values, minlength=parts)
    squares = np.bincount(codes, weights=np.square(values), minlength=parts)
    means, variances = [], []
    sides = ((rows, totals, squares),
             (rows.sum() - rows, totals.sum() - totals, squares.sum() - squares))  # fmt: skip
    with np.errstate(divide="ignore", invalid="ignore"):
        for n, total, square in sides:
            means.append(total / n)
            variances.append(np.maximum(square - total * total / n, 0.0) / (n - 1.0))
    return _Sums((sides[0][0], sides[1][0]), (means[0], means[1]), (variances[0], variances[1]))


def _compared(asked: Asked, sums: _Sums, at: int, level: float) -> Gap:
    (n, m), (here, rest) = (
        (float(each[0][at]), float(each[1][at])) for each in (sums.rows, sums.means)
    )
    difference = here - rest
    if asked.is_share:
        interval, p = _of_shares((here, n), (rest, m), level)
    else:
        errors = [float(v[at]) / size for v, size in zip(sums.variances, (n, m), strict=True)]
        interval, p = _of_means(difference, errors, (n, m), level)
    floor = FLOOR if asked.is_share or asked.name == "calibration" else FLOOR_ERROR * _size(asked)
    return Gap(
        measure=asked.name, part=at, rows=int(n), rows_rest=int(m), value=here, rest=rest,
        difference=difference, ratio=here / rest if rest else None,
        interval=Interval(interval[0], interval[1], LEVEL), p_value=p, floor=floor,
    )  # fmt: skip


def _size(asked: Asked) -> float:
    return float(np.abs(asked.values).mean()) if asked.values.size else 0.0


def _of_shares(
    one: tuple[float, float], other: tuple[float, float], level: float
) -> tuple[tuple[float, float], float]:
    (p, n), (q, m) = one, other
    first, second = intervals.wilson(p, n, level), intervals.wilson(q, m, level)
    difference = p - q
    bounds = (
        difference - float(np.hypot(p - first.low, second.high - q)),
        difference + float(np.hypot(first.high - p, q - second.low)),
    )
    pooled = (p * n + q * m) / (n + m)
    error = float(np.sqrt(pooled * (1.0 - pooled) * (1.0 / n + 1.0 / m)))
    p_value = 2.0 * tails.normal_sf(abs(difference) / error) if error > 0.0 else 1.0
    return bounds, min(p_value, 1.0)


def _of_means(
    difference: float, errors: Sequence[float], sizes: tuple[float, float], level: float
) -> tuple[tuple[float, float], float]:
    error = float(np.sqrt(sum(errors)))
    if not error > 0.0:
        return (difference, difference), 1.0 if difference == 0.0 else 0.0
    df = error**4 / sum(e * e / (size - 1.0) for e, size in zip(errors, sizes, strict=True))
    half = tails.t_quantile(0.5 + level / 2.0, df) * error
    p_value = 2.0 * tails.t_sf(abs(difference) / error, df)
    return (difference - half, difference + half), min(p_value, 1.0)
