"""Every key of the screen that it was opened from, made of the bindings themselves."""

from collections.abc import Iterator
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.dom import DOMNode
from textual.screen import ModalScreen, Screen
from textual.widgets import Static
from typing_extensions import override

from tui import palette
from tui.widgets.facts import Facts, FactSheet

HIDDEN = frozenset({"app.focus_previous", "screen.copy_text", "app.copy_selected_text"})
"""What Textual binds and nobody needs to be told of here."""
SIGNS = (
    ("● ■ ◆ ▲ ○", "passed · failed · inconclusive · error (could not be measured) · not yet"),
    ("▸ ▹ ◇", "at work · waiting its turn · waiting for somebody's approval"),
    ("· ░ ▒ ▓ ■ ◇ ▲", ("a column in a window: quiet · moved a little, more, far · failed · "
                      "inconclusive · error")),
    ("capitals", "keys in capitals change something, and ask first"),
)  # fmt: skip


class HelpScreen(ModalScreen[None]):
    """A sheet over the screen that it explains."""

    CSS_PATH = "../styles/help.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,question_mark,q", "leave", "Close", key_display="esc")
    ]

    def __init__(self, explained: Screen[object]) -> None:
        super().__init__()
        self._explained = explained

    @override
    def compose(self) -> ComposeResult:
        says = (type(self._explained).__doc__ or "").splitlines()[0]
        with VerticalScroll(id="dialog"):
            yield Static(Content.styled(says, palette.STRONG), id="title")
            yield FactSheet(id="keys")

    def on_mount(self) -> None:
        """List the keys."""
        self.query_one(FactSheet).show(
            [
                *groups(self._explained),
                Facts("Signs", [(sign, says) for sign, says in SIGNS]),
            ]
        )

    def action_leave(self) -> None:
        """Back to the screen."""
        _ = self.dismiss(None)


def groups(screen: Screen[object]) -> Iterator[Facts]:
    """The keys that work, from the part in focus outwards; a key is named where it works first."""
    seen: set[str] = set()
    nodes: list[tuple[str, DOMNode]] = [("This screen", screen), ("Everywhere", screen.app)]
    if screen.focused is not None:
        nodes.insert(0, ("Here", screen.focused))
    for title, node in nodes:
        lines = list(_keys(screen, node, seen))
        if lines:
            yield Facts(title, lines)


def _keys(screen: Screen[object], node: DOMNode, seen: set[str]) -> Iterator[tuple[str, str]]:
    by_action: dict[str, list[Binding]] = {}
    for key, binding in node._bindings:  # noqa: SLF001 - Textual's own help panel reads them so
        if binding.description and key not in seen and _works(screen, node, binding):
            by_action.setdefault(binding.action, []).append(binding)
        seen.add(key)
    for bindings in by_action.values():
        names = " ".join(dict.fromkeys(_shown(screen, each) for each in bindings))
        yield names, bindings[0].description


def _works(screen: Screen[object], node: DOMNode, binding: Binding) -> bool:
    name = binding.action.partition("(")[0]
    if binding.action in HIDDEN:
        return False
    return node is not screen or screen.check_action(name, ()) is not False


def _shown(screen: Screen[object], binding: Binding) -> str:
    return binding.key_display or screen.app.get_key_display(binding)
