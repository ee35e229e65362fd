"""The model file in force, as it was applied."""

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static
from typing_extensions import override

from connectors.client import wire
from tui import palette, questions
from tui.feed import Feed
from tui.messages import Known
from tui.questions import Wanted
from tui.screens.followed import Followed


class FileScreen(Followed):
    """The model file in force: what the policy may do, and when."""

    CSS_PATH = "../styles/sheet.tcss"

    def __init__(self, feed: Feed, model: str) -> None:
        super().__init__(feed)
        self.model = model

    @property
    @override
    def crumb(self) -> str:
        return "file"

    @override
    def wants(self, known: Known) -> Sequence[Wanted]:
        return [Wanted(key="model", call=questions.model(self.model))]

    @override
    def compose_body(self) -> ComposeResult:
        with VerticalScroll(id="body"):
            yield Static("", id="text")

    @override
    def draw(self) -> None:
        detail = self.get("model", wire.ModelDetail)
        if detail is not None:
            self.note(f"generation {detail.summary.generation}")
            lines = [_line(line) for line in detail.file.splitlines()]
            self.query_one("#text", Static).update(Content("\n").join(lines))


def _line(text: str) -> Content:
    """A comment is dim, a key stands out."""
    key, colon, rest = text.partition(":")
    if text.lstrip().startswith("#") or not colon:
        return Content.styled(text, palette.MUTED_TEXT)
    return Content.assemble((key + colon, palette.ACCENT_TEXT), rest)
