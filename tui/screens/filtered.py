"""A screen around one table that can be filtered with `/`."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widgets import Input, Static
from typing_extensions import override

from tui.screens.followed import Followed
from tui.widgets.table import Table


class Filtered(Followed):
    """`/` opens a line to type words into; the rows that hold them all stay."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("slash", "filter", "Filter", key_display="/")]

    @override
    def compose(self) -> ComposeResult:
        yield from super().compose()
        with Horizontal(id="filter"):
            yield Static("/", id="filter-sign")
            yield Input(placeholder="words that a row holds; escape shows all", id="filter-words")

    def on_input_changed(self, event: Input.Changed) -> None:
        """Filter as it is typed."""
        self.query_one("#rows", Table).filter(event.value)

    def on_input_submitted(self) -> None:
        """Back to the rows, with the filter on."""
        self.query_one("#rows", Table).focus()

    def action_filter(self) -> None:
        """Open the line."""
        self.add_class("-filtering")
        self.query_one("#filter-words", Input).focus()

    @override
    def action_back(self) -> None:
        if not self.has_class("-filtering"):
            super().action_back()
            return
        self.query_one("#filter-words", Input).value = ""
        self.remove_class("-filtering")
        self.query_one("#rows", Table).focus()
