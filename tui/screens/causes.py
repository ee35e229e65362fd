"""Why a window is as it is: looked for when the screen is opened, which may take seconds."""

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static
from typing_extensions import override

from connectors.client import wire
from tui import caused, palette, questions
from tui.feed import Feed
from tui.format import count
from tui.messages import Known, Objection, RowOpened
from tui.questions import Wanted
from tui.resting import standing
from tui.screens import asking
from tui.screens.followed import Followed
from tui.widgets.empty import empty
from tui.widgets.facts import FactSheet
from tui.widgets.table import Table


class CausesScreen(Followed):
    """Why a window is as it is: what moved, whether it matters, where it hurts."""

    CSS_PATH = "../styles/causes.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "app.focus_next", "Next part"),
        Binding("i", "importance", "Ask the version"),
    ]
    WRITES = frozenset({"importance"})

    def __init__(self, feed: Feed, model: str, window: str) -> None:
        super().__init__(feed)
        self.model = model
        self.window_id = window
        self._waited = 0
        self._asked = 0

    @property
    @override
    def crumb(self) -> str:
        return "causes"

    @override
    def wants(self, known: Known) -> Sequence[Wanted]:
        found = [
            questions.model_once(self.model),
            Wanted(key="window", call=questions.window(self.window_id), when="once"),
        ]
        window = known.get("window")  # shown while the causes are looked for
        if isinstance(window, wire.Window):
            call = questions.causes(self.window_id)
            found.append(Wanted(key="causes", call=call, when=(window.revision, self._asked),
                                is_optional=True))  # fmt: skip
        return found

    @override
    def compose_body(self) -> ComposeResult:
        yield Static("", id="standing")
        yield Static("", id="working")
        with VerticalScroll(id="body", can_focus=False):
            yield FactSheet(id="facts")
        yield Table(caused.MOVED, id="moved")
        yield Table(caused.SLICES, id="slices")
        yield Static("", id="none")

    def on_mount(self) -> None:
        """Say every second that it is at work."""
        _ = self.set_interval(1.0, self.tell_that_it_works)
        self._say_working()

    @override
    def draw(self) -> None:
        window, found = self.get("window", wire.Window), self.known.get("causes")
        if window is not None:
            self.query_one("#standing", Static).update(standing(window, timed=self.timed))
        self.set_class(isinstance(found, wire.Causes), "-found")
        if isinstance(found, Objection):
            says = found.says[:1].upper() + found.says[1:].rstrip(".")
            self.query_one("#working", Static).update(
                empty("No causes can be told.", f"{says}.", "`ctrl+r` asks again.")
            )
        elif isinstance(found, wire.Causes):
            self._draw_found(found)

    def _draw_found(self, found: wire.Causes) -> None:
        self.query_one(FactSheet).show(caused.sheet(found))
        self.query_one("#moved", Table).show(caused.moved(found.moved))
        rows = caused.slices(found)
        self.set_class(bool(rows), "-hurt")
        self.query_one("#slices", Table).show(rows)
        self.query_one("#none", Static).update(
            Content.styled(caused.no_slice(found), palette.MUTED_TEXT)
        )

    def tell_that_it_works(self) -> None:
        """A second went by; while the server is at work that is shown."""
        if "causes" not in self.known:
            self._waited += 1
            self._say_working()

    def _say_working(self) -> None:
        window = self.get("window", wire.Window)
        rows = f"{count(window.rows)} rows of the window" if window else "rows of the window"
        since = f", {self._waited} s so far" if self._waited else ""
        self.query_one("#working", Static).update(empty(
            f"▸ Looking for causes{since}",
            f"The server reads the {rows} and those before it; that may take some seconds.",
        ))  # fmt: skip

    @override
    def action_again(self) -> None:
        found = self.known.get("causes")
        waits = isinstance(found, wire.Causes) and found.importance_state == "asked"
        self._asked += waits or isinstance(found, Objection)
        super().action_again()

    def action_importance(self) -> None:
        """Have the version asked how much it depends on each column."""
        found = self.get("causes", wire.Causes)
        if found is not None:
            asking.importance(self, found)

    def on_row_opened(self, event: RowOpened) -> None:
        """The column that moved."""
        if event.table == "moved":
            self.open("column", model=self.model, id=self.window_id, column=event.key)
        else:
            self.notify("A slice has no screen: its rows are those that fit its words.",
                        markup=False)  # fmt: skip
