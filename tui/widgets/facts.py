"""Facts about one thing: a label and what is known, in groups; long texts wrap under themselves."""

from collections.abc import Iterator, Sequence

import msgspec
from textual.content import Content
from textual.geometry import Size
from textual.widget import Widget
from typing_extensions import override

from tui import palette

LABEL = 15


class Facts(msgspec.Struct, frozen=True):
    """A group of facts; one without a label is a line of its own."""

    title: str
    lines: Sequence[tuple[str, Content | str]]


class FactSheet(Widget):
    """Groups of facts, laid out for the width that there is."""

    DEFAULT_CSS = "FactSheet { height: auto; }"

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's word
        super().__init__(id=id)
        self._groups: Sequence[Facts] = ()

    def show(self, groups: Sequence[Facts]) -> None:
        """Take these facts in place of those before."""
        if groups != self._groups:
            self._groups = groups
            self.refresh(layout=True)

    @override
    def render(self) -> Content:
        return Content("\n").join(_lines(self._groups, self.content_size.width))

    @override
    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return sum(1 for _ in _lines(self._groups, width))


def _lines(groups: Sequence[Facts], width: int) -> Iterator[Content]:
    for position, group in enumerate(g for g in groups if g.lines):
        if position:
            yield Content("")
        if group.title:
            yield Content.styled(group.title, palette.ACCENT_TEXT)
        for label, told in group.lines:
            indent = LABEL if label else 0
            text = told if isinstance(told, Content) else Content(told)
            wrapped = text.wrap(max(width - indent, 8)) if text.plain else [Content("")]
            for number, line in enumerate(wrapped):
                head = label[: LABEL - 1].ljust(indent) if number == 0 else " " * indent
                yield Content.assemble((head, palette.MUTED_TEXT), line.rstrip())
