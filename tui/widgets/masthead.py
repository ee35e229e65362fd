"""The first line of a screen: where one is, and whether what is shown is from now."""

from collections.abc import Sequence

from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget
from typing_extensions import override

from tui import palette

SEPARATOR = " \u203a "


class Masthead(Widget):
    """The way to this screen on the left, the server on the right."""

    DEFAULT_CSS = """
    Masthead { dock: top; height: 1; background: $surface; }
    """

    crumbs: reactive[Sequence[str]] = reactive(("Leeboard",))
    server: reactive[str] = reactive("")
    note: reactive[str] = reactive("")
    """What is to be said of the whole screen, such as its model time."""
    is_away: reactive[bool] = reactive(default=False)
    is_read_only: reactive[bool] = reactive(default=False)

    @override
    def render(self) -> Content:
        width = self.size.width
        right = self._right(width)
        left = self._left().truncate(max(width - right.cell_length - 1, 8), ellipsis=True)
        gap = " " * max(width - left.cell_length - right.cell_length, 0)
        return Content.assemble(left, gap, right)

    def _left(self) -> Content:
        *before, last = self.crumbs
        parts: list[tuple[str, str] | Content | str] = [" "]
        for crumb in before:
            parts.append(Content.styled(crumb, palette.MUTED_TEXT))
            parts.append(Content.styled(SEPARATOR, palette.FAINT_TEXT))
        parts.append(Content.styled(last, palette.STRONG))
        return Content.assemble(*parts)

    def _right(self, width: int) -> Content:
        state = ("▲ away ", palette.BAD_TEXT) if self.is_away else ("● live ", palette.GOOD_TEXT)
        parts: list[tuple[str, object]] = []
        if self.note:
            parts.append((f"{self.note}  ", palette.MUTED_TEXT))
        if self.is_read_only:
            parts.append(("read-only  ", palette.WARM_TEXT))
        if width >= 100:  # noqa: PLR2004 - cells
            parts.append((f"{self.server.removeprefix('http://')}  ", palette.FAINT_TEXT))
        parts.append(state)
        return Content.assemble(*parts)  # type: ignore[arg-type]
