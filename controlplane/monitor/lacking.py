"""What cannot be told of a window yet, and from when on it can: a sentence a verdict."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from controlplane.domain.budget import Family
from controlplane.domain.grid import HOUR, boundary, number_at
from controlplane.domain.moving import MOVING
from controlplane.domain.policy import Reference as Asked
from controlplane.domain.windows import Calendar, Window, closes, is_whole
from controlplane.monitor.scope import Scope
from controlplane.monitor.yardstick import Measure
from detectors.answers import MIN_ROWS
from detectors.finding import Basis
from detectors.refmax import Calibration
from detectors.thresholds import FEWEST_WINDOWS

PREDICTIONS = "prediction drift"
FEWEST_APART = 30
"""Windows that do not overlap by which windows that do are judged; with fewer they only inform."""


def notes_on(scope: Scope, measure: Measure | None, window: Window) -> tuple[str, ...]:
    """What could not be judged of a window, why, and from when on, a sentence each."""
    return tuple(_notes(scope, measure, window))


def _notes(scope: Scope, measure: Measure | None, window: Window) -> Iterator[str]:
    if measure is None:
        yield "there is nothing to compare with yet: only hard limits are judged"
    moves = measure is None or bool(measure.reference.spans)
    yardstick = None if measure is None else measure.yardstick
    monitors = scope.policy.monitors
    if monitors.drift is not None:
        found = None if yardstick is None else yardstick.drift
        yield from _until(scope, window, "drift of the columns", found, measure, moves=moves)
        answers = None if yardstick is None else yardstick.answer_drift
        yield from _answers(scope, window, answers, measure, moves=moves)
    if yardstick is not None and yardstick.rates is not None and moves:
        rates = yardstick.rates
        yield from _until(scope, window, "missing shares and volume", rates.inputs, measure, moves=True)  # fmt: skip
    elif yardstick is None and monitors.quality is not None:
        yield from _until(scope, window, "missing shares and volume", None, None, moves=True)
    if (
        scope.is_watched
        and monitors.performance is not None
        and window.labels_close > scope.instant
    ):
        yield f"performance can be judged from {_at(window.labels_close)} on, as far as labels come"
    if is_informational(scope, measure):
        assert measure is not None
        yield (
            f"{_long(scope.calendar)} windows that overlap only inform: the reference has "
            f"{measure.yardstick.windows} that do not, of the {FEWEST_APART} that it takes to judge"
        )


def is_informational(
    scope: Scope, measure: Measure | None, found: Calibration | None = None
) -> bool:
    """Whether a threshold is shown without being judged by.

    Where it was drawn from blocks of few windows; and where windows overlap, and too few that do
    not could set it: of the reference, or those of one family that has fewer.
    """
    if found is not None and found.basis is Basis.OPTIMISTIC:
        return True
    if scope.calendar.overlap == 1 or measure is None:
        return False
    windows = measure.yardstick.windows if found is None else found.windows
    return windows < FEWEST_APART


def _answers(
    scope: Scope, window: Window, found: Calibration | None, measure: Measure | None, *,
    moves: bool,
) -> Iterator[str]:  # fmt: skip
    if measure is not None and found is None and not moves:
        kind = Family.PREDICTION_DRIFT.replace("_", " ")
        yield (
            f"{measure.reference.version} predicted nothing before it served, so its predictions "
            f"are shown without {kind}"
        )
        return
    yield from _until(scope, window, PREDICTIONS, found, measure, moves=moves)


def _until(
    scope: Scope, window: Window, what: str, found: Calibration | None, measure: Measure | None,
    *, moves: bool,
) -> Iterator[str]:  # fmt: skip
    needs = FEWEST_WINDOWS if found is None else found.needs
    if not needs:
        return
    if found is not None and found.basis is Basis.OPTIMISTIC:
        yield (
            f"{what} only informs: blocks of {found.windows} windows cannot know how windows "
            f"differ; {needs} more are needed to judge"
        )
        return
    are_enough = measure is not None and measure.yardstick.windows >= FEWEST_WINDOWS
    if are_enough and what != PREDICTIONS:
        yield f"{what} is not judged: windows with fewer than {MIN_ROWS} values say too little"
        return
    if not moves and measure is not None:
        windows = measure.yardstick.windows if found is None else found.windows
        yield (
            f"{needs} more calibration windows are needed before {what} against "
            f"{measure.reference.version}'s reference is judged; there are {windows}"
        )
        return
    when = judged_from(scope.calendar, scope.policy.reference, window, needs)
    if when is not None:
        yield (
            f"{what} can be judged from {_at(when)} on: {needs} more "
            f"{_long(scope.calendar)} windows"
        )


def judged_from(calendar: Calendar, asked: Asked, window: Window, needs: int) -> datetime | None:
    """When the rows close of the first window with so many more calibration windows before it.

    `asked` is the reference of the model file. A window that is whole is itself one of those of
    the next. Seasons bring one each.
    """
    if (grid := calendar.grid) is None:
        return None
    pace = calendar.overlap
    if asked.kind in MOVING and asked.season is not None:
        pace = max(asked.season // grid.step, 1)
    end = number_at(grid, window.end)
    if boundary(grid, end) < window.end:
        end += 1
    part = 0 if is_whole(window, calendar) or calendar.overlap > 1 else 1
    return closes(calendar, boundary(grid, end + needs * pace + part))[0]


def _at(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def _long(calendar: Calendar) -> str:
    """How long windows are, as a word before windows: daily, 6-hour."""
    length = calendar.length or timedelta(0)
    known = {HOUR: "hourly", timedelta(days=1): "daily", timedelta(days=7): "weekly"}
    if length in known:
        return known[length]
    days = length / timedelta(days=1)
    return f"{days:g}-day" if days >= 1 else f"{length / HOUR:g}-hour"
