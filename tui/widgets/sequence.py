"""A trial's confidence sequence over its days: the gain so far, and what it may still be."""

from collections.abc import Sequence
from typing import Final

from textual.content import Content
from typing_extensions import override

from connectors.client import wire
from tui import palette
from tui.widgets.canvas import Band, Line, Picture, Point, Span
from tui.widgets.chart import Chart, framed
from tui.widgets.scale import dates

GUTTER: Final = 8


class SequenceChart(Chart):
    """Above the line of nought the candidate is better; decided once the band has left it."""

    DEFAULT_CSS = "SequenceChart { height: 12; }"

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's word
        super().__init__(id=id)
        self._trial: wire.Trial | None = None
        self._timed = True

    def show(self, trial: wire.Trial | None, *, timed: bool = True) -> None:
        """Draw this trial."""
        self._trial, self._timed = trial, timed
        self.display = trial is not None and bool(trial.series)
        self.lay_out()

    @override
    def drawn(self, width: int, height: int) -> Sequence[Content]:
        trial = self._trial
        if trial is None or not trial.series or width < 2 * GUTTER or height < 4:  # noqa: PLR2004
            return ()
        return _drawn(trial, (width, height), timed=self._timed)


def _drawn(trial: wire.Trial, size: tuple[int, int], *, timed: bool) -> list[Content]:
    width, height = size
    room, rows = width - GUTTER - 1, height - 2
    low, high = _bounds(trial.series)
    total = max(trial.stop_blocks, trial.series[-1].blocks, 2)
    places = [(p.blocks - 0.5) / total * room for p in trial.series]
    nought = Line(points=[Point(0, 0.0), Point(room, 0.0)], colour=palette.MUTED, dash=2)
    gain = Line(
        points=[
            None if p.difference is None else Point(x, _within(p.difference, low, high))
            for p, x in zip(trial.series, places, strict=True)
        ],
        colour=palette.ACCENT,
        is_bold=True,
    )
    band = [
        None if p.low is None or p.high is None
        else Span(x, _within(p.low, low, high), _within(p.high, low, high))
        for p, x in zip(trial.series, places, strict=True)
    ]  # fmt: skip
    picture = Picture(
        bands=[Band(spans=band, colour=palette.BAND)], lines=[nought, gain], low=low, high=high,
        paper=palette.BACKGROUND,
    )  # fmt: skip
    title = f"gain in {trial.metric}, by day; above 0 {trial.candidate} is better"
    head = Content.styled(title[:width], palette.MUTED_TEXT)
    axis = dates([p.at for p in trial.series], timed=timed), [int(x) for x in places]
    return framed(head, picture, (room, rows), GUTTER, axis)


def _bounds(series: Sequence[wire.Progress]) -> tuple[float, float]:
    """What the axis spans: the bounds from the moment when they are not absurdly wide, and 0."""
    middle = [abs(p.difference) for p in series if p.difference is not None]
    last = series[-1]
    reach = max([abs(last.low or 0.0), abs(last.high or 0.0), *middle]) * 1.6 or 1.0
    values = [v for p in series for v in (p.low, p.high, p.difference) if v is not None]
    low, high = min([*values, 0.0]), max([*values, 0.0])
    pad = (min(high, reach) - max(low, -reach)) * 0.06 or 1.0
    return max(low, -reach) - pad, min(high, reach) + pad


def _within(value: float, low: float, high: float) -> float:
    return min(max(value, low), high)
