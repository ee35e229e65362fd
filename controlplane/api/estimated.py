"""Estimates as the wire shows them, and the one series of what is realised or else expected."""

import math
from typing import Final

from controlplane.api import wire
from controlplane.domain.estimates import MEANS, Estimated
from controlplane.domain.windows import Realised, Score
from detectors.finding import Interval

ALL: Final = "*"
WHOLE: Final = 0.999
"""From this share of labels on a figure rests on them alone."""


def headline(score: Score) -> wire.Estimate | None:
    """The followed metric over all live rows; None where nothing was estimated.

    A model without an estimate at all has an entry of the followed metric that says why.
    """
    mine = [found for found in score.estimated if found.version == ALL]
    return _estimate(mine[0]) if mine else None


def point(score: Score, found: Estimated) -> wire.EstimatedPoint:
    """An estimate in its window."""
    return wire.EstimatedPoint(
        window=score.window, start=score.start, end=score.end, metric=found.metric,
        value=found.value, interval=found.interval, rows=found.rows, method=found.method,
        assumption=found.assumption, low=found.low, high=found.high, is_apart=found.is_apart,
        labels_wanted=found.labels_wanted, hidden=found.hidden,
    )  # fmt: skip


def merged(
    score: Score, realised: Realised | None, estimated: Estimated | None
) -> wire.MergedPoint | None:
    """What a window's point rests on: labels where they are in, else what is expected.

    While some labels are in, a mean over rows is that of both parts, each by its share of the
    rows; of other metrics the estimate stands until labels close. None where there is neither.
    """
    rows = max(estimated.rows if estimated else 0, realised.rows if realised else 0)
    share = min(1.0, realised.rows / rows) if realised and rows else 0.0
    known = realised is not None and realised.value is not None
    expected = estimated is not None and estimated.value is not None
    if known and (not expected or share >= WHOLE or score.revision >= 1):
        assert realised is not None
        return _merged(score, rows, share, "realised", (realised.value, realised.interval))
    if not expected:
        return None
    assert estimated is not None
    if not known or estimated.metric not in MEANS:
        return _merged(score, rows, share, "estimated", (estimated.value, estimated.interval))
    assert realised is not None
    return _merged(score, rows, share, "both", _blend(realised, estimated, share))


def _blend(realised: Realised, estimated: Estimated, share: float) -> tuple[float, Interval | None]:
    value = share * (realised.value or 0.0) + (1.0 - share) * (estimated.value or 0.0)
    if realised.interval is None or estimated.interval is None:
        return value, None
    half = math.hypot(share * _half(realised.interval), (1.0 - share) * _half(estimated.interval))
    return value, Interval(value - half, value + half, estimated.interval.level)


def _half(interval: Interval) -> float:
    return (interval.high - interval.low) / 2.0


def _merged(
    score: Score, rows: int, share: float, rests_on: str,
    figure: tuple[float | None, Interval | None],
) -> wire.MergedPoint:  # fmt: skip
    return wire.MergedPoint(
        window=score.window, start=score.start, end=score.end, value=figure[0],
        interval=figure[1], rows=rows, rests_on=rests_on, labelled=share,
    )  # fmt: skip


def _estimate(found: Estimated) -> wire.Estimate:
    return wire.Estimate(
        metric=found.metric, value=found.value, interval=found.interval, rows=found.rows,
        method=found.method, assumption=found.assumption, low=found.low, high=found.high,
        is_apart=found.is_apart, labels_wanted=found.labels_wanted, hidden=found.hidden,
    )  # fmt: skip
