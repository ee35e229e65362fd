"""A table whose lines are drawn as they are looked at: thousands of rows cost what is visible."""

from collections.abc import Sequence
from typing import ClassVar

import msgspec
from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip
from typing_extensions import override

from tui.messages import EndNeared, RowHighlighted, RowOpened
from tui.widgets.columns import GAP, Column, fit

NEAR: int = 10


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A line of a table; `key` stays the same while its cells change."""

    key: str
    cells: tuple[Content, ...]


class Table(ScrollView, can_focus=True, inherit_bindings=False):
    """Rows under a heading that stays; the cursor keeps to its row when rows come and go."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "Open"),
        Binding("up,k", "move(-1)", "Up", show=False),
        Binding("down,j", "move(1)", "Down", show=False),
        Binding("pageup", "page(-1)", "Page up", show=False),
        Binding("pagedown", "page(1)", "Page down", show=False),
        Binding("home,g", "edge(0)", "First", show=False),
        Binding("end", "edge(1)", "Last", show=False),
    ]
    COMPONENT_CLASSES: ClassVar[set[str]] = {"table--head", "table--cursor", "table--resting"}
    DEFAULT_CSS = """
    Table {
        width: 1fr;
        height: 1fr;
        overflow-x: hidden;
        scrollbar-size-vertical: 1;
        & > .table--head { color: $muted; }
        & > .table--cursor { background: $raised; }
        & > .table--resting { background: $surface; }
    }
    """

    def __init__(
        self, columns: Sequence[Column], *, id: str,  # noqa: A002 - Textual's word
        is_headed: bool = True,
    ) -> None:  # fmt: skip
        super().__init__(id=id)
        self._columns = columns
        self._head = 1 if is_headed else 0
        self._rows: Sequence[Row] = ()
        self._shown: Sequence[Row] = ()
        self._filter = ""
        self._cursor = 0
        self._natural = [len(column.title) for column in columns]
        self._widths: list[int] = []
        self._fitted_to = 0

    @property
    def count(self) -> int:
        """Rows that the filter lets through."""
        return len(self._shown)

    @property
    def key(self) -> str | None:
        """The row under the cursor."""
        return self._shown[self._cursor].key if self._shown else None

    @property
    def _room(self) -> int:
        """Cells beside the scroll bar."""
        return self.scrollable_content_region.width

    def show(self, rows: Sequence[Row]) -> None:
        """Take these rows in place of those before."""
        self._rows = rows
        self._choose()

    def use(self, columns: Sequence[Column]) -> None:
        """Take other columns; rows that have cells for them are to be shown next."""
        if columns is not self._columns:
            self._columns, self._rows = columns, ()
            self._choose()

    def filter(self, text: str) -> None:
        """Show only the rows that hold every word of it."""
        self._filter = text.casefold()
        self._choose()

    def go_to(self, key: str) -> None:
        """Put the cursor on a row, if it is there."""
        found = next((i for i, row in enumerate(self._shown) if row.key == key), None)
        if found is not None:
            self._put(found)

    @override
    def render_line(self, y: int) -> Strip:
        if self._fitted_to != self._room:
            self._fit()
        if y < self._head:
            cells = [Content(column.title) for column in self._columns]
            style = self.get_visual_style("table--head")
        else:
            index = round(self.scroll_y) + y - self._head
            if index >= len(self._shown):
                return Strip.blank(self._room, self.rich_style)
            cells = list(self._shown[index].cells)
            name = "table--cursor" if self.has_focus else "table--resting"
            at_cursor = index == self._cursor
            style = self.get_visual_style(name) if at_cursor else self.visual_style
        line = self._line(cells)
        return Strip(line.render_segments(style)).adjust_cell_length(self._room, style.rich_style)

    def _line(self, cells: Sequence[Content]) -> Content:
        parts: list[Content | str] = [" "]
        for column, cell, width in zip(self._columns, cells, self._widths, strict=False):
            if width == 0:
                continue
            cut = cell.first_line.truncate(width, ellipsis=True)
            blank = " " * (width - cut.cell_length)
            parts += [blank, cut] if column.is_right else [cut, blank]
            parts.append(" " * GAP)
        return Content.assemble(*parts)

    def _choose(self) -> None:
        """Filter again, measure, and keep the cursor on its row."""
        before = self.key
        wanted = self._filter.split()
        self._shown = [
            row for row in self._rows
            if all(word in " ".join(c.plain for c in row.cells).casefold() for word in wanted)
        ]  # fmt: skip
        same = next((i for i, row in enumerate(self._shown) if row.key == before), self._cursor)
        self._measure()
        self._cursor = -1
        self._put(min(same, len(self._shown) - 1), is_new=self.key != before)

    def _measure(self) -> None:
        self._natural = [
            max([len(column.title), *(row.cells[i].cell_length for row in self._shown)])
            for i, column in enumerate(self._columns)
        ]
        self._fit()
        self.virtual_size = Size(self._room, len(self._shown) + self._head)
        self.refresh()

    def _fit(self) -> None:
        """A scroll bar that comes or goes changes the room, too."""
        self._fitted_to = self._room
        self._widths = fit(self._columns, self._natural, self._room - 1)

    def _put(self, index: int, *, is_new: bool = True) -> None:
        index = max(0, min(index, len(self._shown) - 1))
        is_new = is_new or index != self._cursor
        self._cursor = index
        room = max(self.size.height - self._head, 1)
        if index < self.scroll_y:
            self.scroll_to(y=index, animate=False)
        elif index >= self.scroll_y + room:
            self.scroll_to(y=index - room + 1, animate=False)
        self.refresh()
        if is_new:
            self.post_message(RowHighlighted(self.id or "", self.key))
        if len(self._shown) - index < NEAR:
            self.post_message(EndNeared(self.id or ""))

    def on_resize(self) -> None:
        """Fit the columns to the new width."""
        self._measure()
        self._put(self._cursor, is_new=False)

    def on_focus(self) -> None:
        """The cursor is bright where it is at work."""
        self.refresh()

    def on_blur(self) -> None:
        """And dim elsewhere."""
        self.refresh()

    def on_click(self, event: events.Click) -> None:
        """The first click chooses, the second opens."""
        index = round(self.scroll_y) + event.y - self._head
        if event.y < self._head or index >= len(self._shown):
            return
        if index == self._cursor:
            self.action_open()
        self._put(index)

    def action_open(self) -> None:
        """Show what is behind the row."""
        if self.key is not None:
            self.post_message(RowOpened(self.id or "", self.key))

    def action_move(self, by: int) -> None:
        """To the next row."""
        self._put(self._cursor + by)

    def action_page(self, by: int) -> None:
        """A screenful on."""
        self._put(self._cursor + by * max(self.size.height - self._head - 1, 1))

    def action_edge(self, end: int) -> None:
        """To the first or the last row."""
        self._put(end * (len(self._shown) - 1))
