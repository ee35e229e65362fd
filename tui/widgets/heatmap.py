"""Columns by windows: what was found of each column in each window, by sign and by colour."""

from collections.abc import Mapping, Sequence
from typing import ClassVar, Final

from textual import events
from textual.binding import Binding, BindingType
from textual.color import Color
from textual.content import Content
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.style import Style
from typing_extensions import override

from tui import palette
from tui.messages import CellHighlighted, CellOpened
from tui.palette import ink
from tui.timeline import Heat, Layout, laid
from tui.widgets.series import GUTTER

ALL_ROWS: Final = "*"
LEVELS: Final[Mapping[str, tuple[str, Style]]] = {
    "quiet": ("·", ink("#3f5668", "#13202b")),
    "moved 1": ("░", ink("#4d86a8", "#183347")),
    "moved 2": ("▒", ink("#6fb0d6", "#1d4a68")),
    "moved 3": ("▓", ink("#e2c98a", "#7a6430")),
    "failed": ("■", ink("#ffe9e9", "#a83a44", bold=True)),
    "inconclusive": ("◇", ink("#8f96a0", "#262b33")),
    "error": ("▲", ink("#f3e3f8", "#754489", bold=True)),
    "none": (" ", ink("#3d4856", "#10171f")),
    "unknown": ("˙", ink("#2c3a47", "#10171f")),
}
LEGEND: Final = Content.assemble(
    *(
        part
        for level, says in (
            ("quiet", "quiet"), ("moved 1", ""), ("moved 2", ""), ("moved 3", "moved"),
            ("failed", "failed"), ("inconclusive", "inconclusive"), ("error", "error"),
        )
        for part in (LEVELS[level], (f" {says}  " if says else "", palette.MUTED_TEXT))
    )
)  # fmt: skip


class HeatMap(ScrollView, can_focus=True, inherit_bindings=False):
    """A line a column, a cell (or a few) a window; the cursor stands in one of them."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "Open"),
        Binding("left", "move(-1, 0)", "Window before", show=False),
        Binding("right", "move(1, 0)", "Next window", show=False),
        Binding("up,k", "move(0, -1)", "Column above", show=False),
        Binding("down,j", "move(0, 1)", "Column below", show=False),
        Binding("pageup", "move(-10, 0)", "Ten windows back", show=False),
        Binding("pagedown", "move(10, 0)", "Ten windows on", show=False),
        Binding("home", "move(-9999, 0)", "First window", show=False),
        Binding("end", "move(9999, 0)", "Newest window", show=False),
    ]
    DEFAULT_CSS = """
    HeatMap { width: 1fr; height: 1fr; min-height: 4; overflow-x: hidden; scrollbar-size-vertical: 1; }
    """

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's word
        super().__init__(id=id)
        self._columns: Sequence[str] = ()
        self._heat: Sequence[Mapping[str, Heat] | None] = ()
        self._window = -1
        self._newest = -1
        self._row = 0

    @property
    def window(self) -> int:
        """The window under the cursor."""
        return self._window

    @property
    def column(self) -> str:
        """The column under the cursor."""
        return self._columns[self._row] if self._columns else ALL_ROWS

    @property
    def layout_shown(self) -> Layout:
        """Which windows are shown."""
        return laid(len(self._heat), self.size.width - GUTTER - 1, self._window)

    def show(
        self, columns: Sequence[str], heat: Sequence[Mapping[str, Heat] | None], newest: int
    ) -> None:
        """Take these in; `heat` has an entry a window, None where it is not known yet.

        `newest` is the window that was judged last; a cursor on that stays on it.
        """
        follows = self._window in {-1, self._newest}
        self._columns, self._heat, self._newest = columns, heat, newest
        self._window = newest if follows else min(self._window, len(heat) - 1)
        self._row = min(self._row, max(len(columns) - 1, 0))
        self.virtual_size = Size(self.size.width, len(columns))
        self.refresh()

    @override
    def render_line(self, y: int) -> Strip:
        row = y + round(self.scroll_y)
        width = self.size.width
        if row >= len(self._columns):
            return Strip.blank(width, self.rich_style)
        line = self._line(row, self._columns[row])
        return Strip(line.render_segments(self.visual_style)).adjust_cell_length(
            width, self.rich_style
        )

    def _line(self, row: int, column: str) -> Content:
        at = self.layout_shown
        is_here = row == self._row
        name = "all rows" if column == ALL_ROWS else column
        label = f"{_cut(name, GUTTER - 1):>{GUTTER - 1}} "
        parts: list[tuple[str, Style]] = [
            (label, palette.STRONG if is_here else palette.MUTED_TEXT)
        ]
        for index in range(at.first, at.first + at.shown):
            sign, style = self._cell(index, column)
            if index == self._window:
                style = self._at_cursor(style, is_here=is_here)
            left, right = at.edges(index)
            parts.append((_filled(sign, right - left), style))
        return Content.assemble(*parts)

    def _cell(self, index: int, column: str) -> tuple[str, Style]:
        heat = self._heat[index]
        if heat is None:
            return LEVELS["unknown"]
        found = heat.get(column)
        return LEVELS["none" if found is None else found.level]

    def _at_cursor(self, style: Style, *, is_here: bool) -> Style:
        if is_here and self.has_focus:
            return ink(palette.BACKGROUND, "#eef3f7", bold=True)
        return style if style.bold else style + Style(background=Color.parse(palette.RAISED))

    def on_click(self, event: events.Click) -> None:
        """The first click chooses, the second opens."""
        at = self.layout_shown
        index = at.index_at(event.x - GUTTER)
        row = event.y + round(self.scroll_y)
        if event.x < GUTTER or not (index < at.first + at.shown and row < len(self._columns)):
            return
        if (index, row) == (self._window, self._row):
            self.action_open()
        else:
            self.action_move(index - self._window, row - self._row)

    def on_resize(self) -> None:
        """Whoever draws along has another width, too."""
        self.virtual_size = Size(self.size.width, len(self._columns))
        self._tell()

    def on_focus(self) -> None:
        """The cursor is bright where it is at work."""
        self.refresh()

    def on_blur(self) -> None:
        """And dim elsewhere."""
        self.refresh()

    def action_move(self, windows: int, columns: int) -> None:
        """To another window or column."""
        if not self._heat or not self._columns:
            return
        self._window = max(0, min(self._window + windows, len(self._heat) - 1))
        self._row = max(0, min(self._row + columns, len(self._columns) - 1))
        if self._row < self.scroll_y:
            self.scroll_to(y=self._row, animate=False)
        elif self._row >= self.scroll_y + self.size.height:
            self.scroll_to(y=self._row - self.size.height + 1, animate=False)
        self.refresh()
        self._tell()

    def action_open(self) -> None:
        """Show the window, from this column on."""
        if self._heat:
            self.post_message(CellOpened(self._window, self.column))

    def _tell(self) -> None:
        self.post_message(CellHighlighted(self._window, self.column))


def _filled(sign: str, width: int) -> str:
    """A shade fills its cells, a sign stands in their middle."""
    return sign * width if sign in "░▒▓" else sign.center(width)


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"
