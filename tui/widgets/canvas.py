"""Curves in a terminal: bands to an eighth of a line, lines in braille; pure, no widget.

x is in cells from the left edge (a point may lie anywhere in a cell), y in the units of the data.
"""

from collections.abc import Iterator, Sequence
from math import floor
from typing import Final, TypeVar

import msgspec
from textual.content import Content
from textual.style import Style

from tui.palette import ink

Place = TypeVar("Place")

BLOCKS: Final = " ▁▂▃▄▅▆▇█"
DOTS: Final = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
FILLED_FROM: Final = 4
"""Eighths of a cell from which on a band fills a cell that a line crosses."""


class Point(msgspec.Struct, frozen=True):
    """A place on the canvas."""

    x: float
    y: float


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """A curve; None interrupts it. `dash` dots are drawn and as many left out, 0: unbroken."""

    points: Sequence[Point | None]
    colour: str
    dash: int = 0
    is_bold: bool = False
    """Whether it is two dots thick."""


class Span(msgspec.Struct, frozen=True):
    """A band's two edges over one x."""

    x: float
    low: float
    high: float


class Band(msgspec.Struct, frozen=True, kw_only=True):
    """An area between two curves; None interrupts it."""

    spans: Sequence[Span | None]
    colour: str


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """A sign over a point."""

    at: Point
    sign: str
    colour: str


class Picture(msgspec.Struct, frozen=True, kw_only=True):
    """What is drawn, from below to above: bands and lines in their order, then the marks."""

    bands: Sequence[Band] = ()
    lines: Sequence[Line] = ()
    marks: Sequence[Mark] = ()
    low: float
    high: float
    """The values at the lower and the upper edge."""
    paper: str
    at_cursor: tuple[int, int] | None = None
    """Cells from the left, first and after the last, that stand out."""
    cursor_paper: str = ""


class _Cell(msgspec.Struct):
    sign: str = " "
    colour: str | None = None
    paper: str | None = None
    dots: int = 0
    band: int = 0
    """Eighths of the cell that a band covers."""
    band_colour: str | None = None


def draw(picture: Picture, width: int, height: int) -> list[Content]:
    """The picture as lines of text."""
    cells = [[_Cell() for _ in range(width)] for _ in range(height)]
    scale = height / ((picture.high - picture.low) or 1.0)
    for band in picture.bands:
        _draw_band(cells, band, picture, scale)
    for line in picture.lines:
        _draw_line(cells, line, picture, scale)
    for mark in picture.marks:
        x, y = floor(mark.at.x), floor((picture.high - mark.at.y) * scale)
        if 0 <= x < width and 0 <= y < height:
            cells[y][x].sign, cells[y][x].colour, cells[y][x].dots = mark.sign, mark.colour, 0
            _fill(cells[y][x])
    return [_text(row, picture) for row in cells]


def _draw_band(cells: list[list[_Cell]], band: Band, picture: Picture, scale: float) -> None:
    """Eighths from the top of the canvas; a cell's edge is a block in the band's colour."""
    for x, low, high in _edges(band.spans, len(cells[0])):
        top = round((picture.high - high) * scale * 8)
        bottom = max(round((picture.high - low) * scale * 8), top + 1)
        for y in range(max(top // 8, 0), min((bottom + 7) // 8, len(cells))):
            begins, ends = max(top - 8 * y, 0), min(bottom - 8 * y, 8)
            cell = cells[y][x]
            cell.band, cell.band_colour = ends - begins, band.colour
            if cell.band == 8:  # noqa: PLR2004 - all eighths
                cell.paper = band.colour
            elif ends == 8:  # noqa: PLR2004
                cell.sign, cell.colour = BLOCKS[8 - begins], band.colour
            elif begins == 0:
                cell.sign, cell.colour = BLOCKS[8 - ends], picture.paper
                cell.paper = band.colour
            else:
                cell.sign, cell.colour = "━", band.colour


def _edges(band: Sequence[Span | None], width: int) -> Iterator[tuple[int, float, float]]:
    """The band's edges at the middle of each cell that it covers."""
    for before, after in _pieces(band):
        for x in range(max(floor(before.x), 0), min(int(after.x) + 1, width)):
            part = min(max((x + 0.5 - before.x) / ((after.x - before.x) or 1.0), 0.0), 1.0)
            yield (
                x, before.low + part * (after.low - before.low),
                before.high + part * (after.high - before.high),
            )  # fmt: skip


def _draw_line(cells: list[list[_Cell]], line: Line, picture: Picture, scale: float) -> None:
    def place(point: Point) -> tuple[float, float]:
        return point.x * 2, (picture.high - point.y) * scale * 4

    for before, after in _pieces(line.points):
        for x, y in _dots(line, place(before), place(after)):
            if 0 <= x < 2 * len(cells[0]) and 0 <= y < 4 * len(cells):
                cell = cells[y // 4][x // 2]
                dots = cell.dots if cell.colour == line.colour else 0
                cell.dots, cell.colour = dots | DOTS[y % 4][x % 2], line.colour
                _fill(cell)


def _pieces(points: Sequence[Place | None]) -> Iterator[tuple[Place, Place]]:
    """Neighbours that are both known; one that stands alone is its own neighbour.

    >>> list(_pieces([1, 2, None, 4, None]))
    [(1, 2), (4, 4)]
    """
    for before, point, after in zip([None, *points], points, [*points[1:], None], strict=False):
        if point is not None and after is not None:
            yield point, after
        elif point is not None and before is None:
            yield point, point


def _dots(
    line: Line, start: tuple[float, float], end: tuple[float, float]
) -> Iterator[tuple[int, int]]:
    """Those that are drawn."""
    for x, y in _between(start, end):
        if not line.dash or (x // line.dash) % 2 == 0:
            yield x, y
            if line.is_bold:
                yield x, y + 1


def _between(start: tuple[float, float], end: tuple[float, float]) -> Iterator[tuple[int, int]]:
    """Every dot on the way."""
    steps = max(int(max(abs(end[0] - start[0]), abs(end[1] - start[1]))), 1)
    for step in range(steps + 1):
        part = step / steps
        yield (
            floor(start[0] + part * (end[0] - start[0])), floor(start[1] + part * (end[1] - start[1]))
        )  # fmt: skip


def _fill(cell: _Cell) -> None:
    cell.paper = cell.band_colour if cell.band >= FILLED_FROM else None


def _text(row: Sequence[_Cell], picture: Picture) -> Content:
    parts: list[tuple[str, Style]] = []
    first, last = picture.at_cursor or (0, 0)
    for x, cell in enumerate(row):
        sign = chr(0x2800 + cell.dots) if cell.dots else cell.sign
        colour = cell.colour or cell.band_colour or picture.paper
        paper = cell.paper
        if first <= x < last and paper is None:
            paper = picture.cursor_paper
        style = _style(colour, paper)
        if parts and parts[-1][1] is style:
            parts[-1] = (parts[-1][0] + sign, style)
        else:
            parts.append((sign, style))
    return Content.assemble(*parts)


_STYLES: Final[dict[tuple[str, str | None], Style]] = {}


def _style(colour: str, paper: str | None) -> Style:
    """The same object for the same colours, so that runs are found by identity."""
    return _STYLES.setdefault((colour, paper), ink(colour, paper))
