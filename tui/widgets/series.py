"""A metric over its windows: realised with its interval, estimated, the reference, the moves."""

import itertools
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from textual.content import Content
from textual.style import Style
from typing_extensions import override

from tui import palette
from tui.timeline import Layout, Timeline, Value, laid
from tui.widgets.canvas import Band, Line, Mark, Picture, Point, Span
from tui.widgets.chart import Chart, framed
from tui.widgets.scale import dates

GUTTER: Final = 13
_GLUE: Final = "\u2800"
"""A blank at which no line is broken: a mark and its word stay together."""
CHART_LEGEND: Final = Content.assemble(
    ("⣀⣀", palette.ACCENT_TEXT), ("  ", palette.ink(palette.BAND, palette.BAND)),
    (" realised  ", palette.MUTED_TEXT),
    ("⠄⠄", palette.WARM_TEXT), ("  ", palette.ink(palette.HAZE, palette.HAZE)),
    (" estimated  ", palette.MUTED_TEXT),
    ("⠤ ", palette.MUTED_TEXT), (" reference loss  ", palette.MUTED_TEXT),
    ("■", palette.BAD_TEXT), (f"{_GLUE}failed  ", palette.MUTED_TEXT),
    ("▲", palette.GOOD_TEXT), (f"{_GLUE}promoted  ", palette.MUTED_TEXT),
    ("▼", palette.BAD_TEXT), (f"{_GLUE}rolled{_GLUE}back", palette.MUTED_TEXT),
)  # fmt: skip
NOTHING_YET: Final = "no label is in and nothing is estimated yet"
LEAST: Final = 5
"""Lines below which nothing is drawn."""


class SeriesChart(Chart):
    """Stands over the heat map and shares its windows and its cursor."""

    DEFAULT_CSS = "SeriesChart { height: 1fr; min-height: 6; }"

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's word
        super().__init__(id=id)
        self._timeline = Timeline()
        self._cursor = -1

    def show(self, timeline: Timeline, cursor: int) -> None:
        """Draw these windows; the one at the cursor stands out."""
        self._timeline, self._cursor = timeline, cursor
        self.lay_out()

    @override
    def drawn(self, width: int, height: int) -> Sequence[Content]:
        room = width - GUTTER - 1
        if not self._timeline.windows or height < LEAST or room <= 0:
            return ()
        layout = laid(len(self._timeline.windows), room, self._cursor)
        return _drawn(self._timeline, layout, self._cursor, (room, height))


def _drawn(line: Timeline, at: Layout, cursor: int, size: tuple[int, int]) -> list[Content]:
    room, height = size
    low, high = bounds(line, at)
    picture = Picture(
        bands=[
            Band(spans=_band(_expected(line), at), colour=palette.HAZE),
            Band(spans=_band(line.realised, at), colour=palette.BAND),
        ],
        lines=_curves(line, at), marks=_marks(line, at), low=low, high=high,
        paper=palette.BACKGROUND, at_cursor=at.edges(cursor), cursor_paper=palette.RAISED,
    )  # fmt: skip
    shown = line.windows[at.first : at.first + at.shown]
    axis = (
        dates([w.start for w in shown], timed=line.timed),
        [at.edges(at.first + i)[0] for i in range(len(shown))],
    )
    head = Content.styled(f"{line.metric[: GUTTER - 2]:>{GUTTER - 1}} ", palette.STRONG)
    head = Content.assemble(head, _ribbon(line, at, room))
    if not any(line.realised) and not any(line.estimated):
        return [head, Content.styled(" " * GUTTER + NOTHING_YET, palette.MUTED_TEXT)]
    return framed(head, picture, (room, height - 2), GUTTER, axis)


def _expected(line: Timeline) -> list[Value | None]:
    """Estimates where nothing is realised yet; the first goes on from the window before it."""
    known = [value is not None for value in line.realised]
    leads = [here and not after for here, after in itertools.pairwise([*known, True])]
    return [
        estimated or realised if leading else None if is_known else estimated
        for estimated, realised, is_known, leading in zip(
            line.estimated, line.realised, known, leads, strict=True
        )
    ]


def bounds(line: Timeline, at: Layout) -> tuple[float, float]:
    """The values at the lower and upper edge: all values, and intervals that are not absurd."""
    span = slice(at.first, at.first + at.shown)
    values = [v for v in (*line.realised[span], *line.estimated[span]) if v is not None]
    points = [v.value for v in values] + [r for r in line.reference[span] if r is not None]
    if not points:
        return 0.0, 1.0
    least, most = min(points), max(points)
    reach = (most - least) * 0.75 or abs(most) * 0.1 or 1.0
    lows = [v.low for v in values if v.low is not None]
    highs = [v.high for v in values if v.high is not None]
    low = max(min([least, *lows]), least - reach)
    high = min(max([most, *highs]), most + reach)
    pad = (high - low) * 0.04 or 1.0
    return (low if 0 <= low <= pad else low - pad), high + pad


def _middle(at: Layout, index: int) -> float:
    return at.place(index) + at.cell / 2


def _band(values: Sequence[Value | None], at: Layout) -> list[Span | None]:
    """A window's interval, from its left edge to its right."""
    band: list[Span | None] = []
    for index, value in enumerate(values):
        if value is None or value.low is None or value.high is None:
            band.append(None)
        else:
            band.append(Span(_middle(at, index), value.low, value.high))
    return band


def _curves(line: Timeline, at: Layout) -> list[Line]:
    def curve(values: Sequence[float | None], colour: str, dash: int = 0) -> Line:
        points = [
            None if value is None else Point(_middle(at, index), value)
            for index, value in enumerate(values)
        ]
        return Line(points=points, colour=colour, dash=dash, is_bold=not dash)

    return [
        curve(line.reference, palette.MUTED, dash=2),
        curve([v.value if v else None for v in line.estimated], palette.WARM, dash=1),
        curve([v.value if v else None for v in line.realised], palette.ACCENT),
    ]


def _marks(line: Timeline, at: Layout) -> list[Mark]:
    """The windows that failed."""
    return [
        Mark(at=Point(_middle(at, index), value.value), sign="■", colour=palette.BAD)
        for index, (window, value) in enumerate(zip(line.windows, line.realised, strict=True))
        if window.verdict in {"failed", "error"} and value is not None
    ]


def _ribbon(line: Timeline, at: Layout, room: int) -> Content:
    """Who served when: a sign at each move, the version's name after it."""
    cells: list[tuple[str, Style]] = [(" ", palette.FAINT_TEXT)] * room
    shown = line.windows[at.first : at.first + at.shown]
    if not shown:
        return Content("")
    starts = [(place_of(line, at, move.at), move) for move in line.moves]
    before = [move for x, move in starts if x < 0]
    begun = [(0, before[-1])] if before else []
    reigns = [*begun, *((x, move) for x, move in starts if 0 <= x < room)]
    end = min(int(at.place(at.first + at.shown)), room)
    for number, (x, move) in enumerate(reigns):
        until = min(reigns[number + 1][0] if number + 1 < len(reigns) else end, room)
        style = palette.ink(palette.BAD if move.is_back else palette.GOOD)
        sign = "▼" if move.is_back else "▲" if (x, move) not in begun else "…"
        for i in range(x, until):
            cells[i] = ("─", palette.FAINT_TEXT)
        for i, letter in enumerate(sign + move.version):
            if x + i < max(until - 1, x + 1):
                cells[x + i] = (letter, style if i == 0 else palette.TEXT)
    return Content.assemble(*cells)


def place_of(line: Timeline, at: Layout, when: datetime) -> int:
    """The cell in which something happened; before the first shown window it is negative."""
    shown = line.windows[at.first : at.first + at.shown]
    if not shown or when < shown[0].start:
        return -1
    index = sum(window.start <= when for window in line.windows) - 1
    window = line.windows[index]
    part = min((when - window.start) / (window.end - window.start), 0.999)
    return int(at.place(index + part))
