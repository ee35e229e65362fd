"""What a run printed, followed to its end while the view stands there."""

from textual.content import Content
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip
from typing_extensions import override


class LogView(ScrollView, can_focus=True):
    """Lines of a log; scrolled away from its end it stays where it is."""

    DEFAULT_CSS = """
    LogView { width: 1fr; height: 1fr; scrollbar-size: 1 1; background: $surface; padding: 0 1; }
    """

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's word
        super().__init__(id=id)
        self._lines: list[str] = []

    def show(self, text: str) -> None:
        """Take this log in place of what was known of it."""
        follows = self.scroll_y >= self.max_scroll_y - 1
        self._lines = [line.expandtabs(4) for line in text.split("\n")]
        if self._lines and not self._lines[-1]:
            self._lines.pop()
        longest = max((len(line) for line in self._lines), default=0)
        self.virtual_size = Size(longest, len(self._lines))
        if follows:
            self.scroll_end(animate=False)
        self.refresh()

    @override
    def render_line(self, y: int) -> Strip:
        x, number = round(self.scroll_x), y + round(self.scroll_y)
        text = self._lines[number] if number < len(self._lines) else ""
        strip = Strip(Content(text).render_segments(self.visual_style))
        return strip.crop_extend(x, x + self.size.width, self.rich_style)
