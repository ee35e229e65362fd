"""What every chart has: lines of text that are laid out anew when the size or the data change."""

from abc import abstractmethod
from collections.abc import Sequence

from textual.content import Content
from textual.strip import Strip
from textual.widget import Widget
from typing_extensions import override

from tui import palette
from tui.widgets.canvas import Picture, draw
from tui.widgets.scale import laid_out, value_labels


class Chart(Widget):
    """Keeps the lines that `drawn` gives for a size, and shows them."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's word
        super().__init__(id=id)
        self._lines: Sequence[Content] = ()

    @abstractmethod
    def drawn(self, width: int, height: int) -> Sequence[Content]:
        """What is shown in so many cells and lines."""

    def lay_out(self) -> None:
        """Draw again: the size or what is drawn has changed."""
        self._lines = self.drawn(*self.size)
        self.refresh()

    def on_resize(self) -> None:
        """Draw for the new size."""
        self.lay_out()

    @override
    def render_line(self, y: int) -> Strip:
        line = self._lines[y] if y < len(self._lines) else Content("")
        return Strip(line.render_segments(self.visual_style)).adjust_cell_length(
            self.size.width, self.rich_style
        )


def framed(
    head: Content, picture: Picture, size: tuple[int, int], gutter: int,
    labels: tuple[Sequence[str], Sequence[int]],
) -> list[Content]:  # fmt: skip
    """A picture of so many cells and lines under a heading, with its two axes.

    Values stand in the `gutter` at the left; `labels` are those of the lower axis and the cells,
    counted from the gutter on, under which they stand. It takes two lines more than the picture.
    """
    room, rows = size
    values = value_labels(picture.low, picture.high, rows)
    return [
        head,
        *(
            Content.assemble((f"{values.get(y, ''):>{gutter - 1}} ", palette.MUTED_TEXT), line)
            for y, line in enumerate(draw(picture, room, rows))
        ),
        Content.styled(" " * gutter + laid_out(*labels, room), palette.MUTED_TEXT),
    ]
