"""A trial's confidence sequence over its days: the gain so far, and what it may still be."""

from collections.abc import Sequence
from typing import Final

from textual.content import Content
from textual.strip import Strip
from textual.widget import Widget
from typing_extensions import override

from connectors.client import wire
from tui import palette
from tui.widgets.canvas import Line, Picture, Point, Span, draw
from tui.widgets.scale import dates, laid_out, value_labels

GUTTER: Final = 8


class SequenceChart(Widget):
    """Above the line of nought the candidate is better; decided once the band has left it."""

    DEFAULT_CSS = "SequenceChart { height: 12; }"

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's word
        super().__init__(id=id)
        self._trial: wire.Trial | None = None
        self._timed = True
        self._lines: list[Content] = []

    def show(self, trial: wire.Trial | None, *, timed: bool = True) -> None:
        """Draw this trial."""
        self._trial, self._timed = trial, timed
        self.display = trial is not None and bool(trial.series)
        self._lay_out()

    def on_resize(self) -> None:
        """Draw for the new size."""
        self._lay_out()

    @override
    def render_line(self, y: int) -> Strip:
        line = self._lines[y] if y < len(self._lines) else Content("")
        return Strip(line.render_segments(self.visual_style)).adjust_cell_length(
            self.size.width, self.rich_style
        )

    def _lay_out(self) -> None:
        width, height = self.size
        trial = self._trial
        if trial is None or not trial.series or width < 2 * GUTTER or height < 4:  # noqa: PLR2004
            self._lines = []
        else:
            self._lines = _drawn(trial, (width, height), timed=self._timed)
        self.refresh()


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
        band=band, lines=[nought, gain], low=low, high=high, band_colour=palette.BAND,
        paper=palette.BACKGROUND,
    )  # fmt: skip
    labels = value_labels(low, high, rows)
    axis = laid_out(
        dates([p.at for p in trial.series], timed=timed), [int(x) for x in places], room
    )
    title = f"gain in {trial.metric}, by day; above 0 {trial.candidate} is better"
    return [
        Content.styled(title[:width], palette.MUTED_TEXT),
        *(
            Content.assemble((f"{labels.get(y, ''):>{GUTTER - 1}} ", palette.MUTED_TEXT), line)
            for y, line in enumerate(draw(picture, room, rows))
        ),
        Content.styled(" " * GUTTER + axis, palette.MUTED_TEXT),
    ]


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
