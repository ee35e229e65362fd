"""A short list to choose from, over the screen that it is for."""

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static
from typing_extensions import override

from tui import palette
from tui.messages import RowOpened
from tui.widgets.columns import Column
from tui.widgets.table import Row, Table


class Choose(ModalScreen[str | None]):
    """Ends with the key of the row that was chosen, or with None where it was left."""

    CSS_PATH = "../styles/choose.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "Leave it")]

    def __init__(
        self, title: str, columns: Sequence[Column], rows: Sequence[Row], at: str
    ) -> None:  # fmt: skip
        super().__init__()
        self._title = title
        self._columns = columns
        self._rows = rows
        self._at = at

    @override
    def compose(self) -> ComposeResult:
        with Vertical(id="dialog"):
            yield Static(Content.styled(self._title, palette.STRONG), id="title")
            yield Table(self._columns, id="choices")

    def on_mount(self) -> None:
        """Begin at what is shown now."""
        table = self.query_one(Table)
        table.styles.height = len(self._rows) + 1
        table.show(self._rows)
        table.go_to(self._at)
        table.focus()

    def on_row_opened(self, event: RowOpened) -> None:
        """This one."""
        event.stop()
        _ = self.dismiss(event.key)

    def action_leave(self) -> None:
        """None of them."""
        _ = self.dismiss(None)
