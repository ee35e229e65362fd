"""Asks before anything is changed: what exactly will happen, why, and a way out."""

from collections.abc import Sequence
from typing import ClassVar

import msgspec
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Static
from typing_extensions import override

from tui import palette


class Choice(msgspec.Struct, frozen=True):
    """One of several answers to a question: what is said with it, and what its button says."""

    value: str
    says: str


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What an operator is about to do."""

    title: str
    says: Sequence[str]
    """What will happen, a sentence a line."""
    verb: str
    choices: Sequence[Choice] = ()
    """What may be answered besides the verb; the verb itself answers nothing more."""
    needs_reason: bool = False
    is_grave: bool = False


class Confirm(ModalScreen[str | None]):
    """Ends with the reason or the choice (empty where none is made), or with None where it was left."""

    CSS_PATH = "../styles/confirm.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "Leave it")]

    def __init__(self, asked: Asked) -> None:
        super().__init__()
        self._asked = asked

    @override
    def compose(self) -> ComposeResult:
        asked = self._asked
        with VerticalScroll(
            id="dialog", can_focus=False, classes="-grave" if asked.is_grave else ""
        ):
            yield Static(Content.styled(asked.title, palette.STRONG), id="title")
            for sentence in asked.says:
                yield Static(Content(sentence), classes="says")
            if asked.needs_reason:
                yield Static(
                    Content.styled("Reason, for the journal:", palette.MUTED_TEXT), id="why"
                )
                yield Input(placeholder="why this is done", id="reason", select_on_focus=False)
            yield Static("", id="missing")
            with Horizontal(id="answers"):
                for position, choice in enumerate(asked.choices):
                    yield Button(choice.says, id=f"choice-{position}", compact=True)
                yield Button(
                    asked.verb,
                    id="do",
                    variant="error" if asked.is_grave else "primary",
                    compact=True,
                )
                yield Button("Leave it", id="leave", compact=True)

    def on_mount(self) -> None:
        """Begin where something is to be said; else at the way out."""
        self.query_one("#reason" if self._asked.needs_reason else "#leave").focus()

    def on_input_submitted(self) -> None:
        """Enter in the reason does it."""
        self._do()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Any of the answers."""
        name = event.button.id or ""
        if name == "do":
            self._do()
        elif name.startswith("choice-"):
            _ = self.dismiss(self._asked.choices[int(name.removeprefix("choice-"))].value)
        else:
            _ = self.dismiss(None)

    def action_leave(self) -> None:
        """Change nothing."""
        _ = self.dismiss(None)

    def _do(self) -> None:
        if not self._asked.needs_reason:
            _ = self.dismiss("")
            return
        reason = self.query_one("#reason", Input).value.strip()
        if reason:
            _ = self.dismiss(reason)
            return
        missing = Content.styled("A reason is needed; it is kept in the journal.", palette.BAD_TEXT)
        self.query_one("#missing", Static).update(missing)
