"""The false-alarm budget of a model: what is allowed, every threshold, what would be seen."""

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, VerticalScroll
from textual.content import Content
from textual.widgets import Static
from typing_extensions import override

from connectors.client import wire
from tui import allowed, palette, questions
from tui.feed import Feed
from tui.messages import Known
from tui.questions import Wanted
from tui.resting import missing
from tui.screens.filtered import Filtered
from tui.screens.listing import WIDE, stamp
from tui.widgets.facts import FactSheet
from tui.widgets.table import Table


class BudgetScreen(Filtered):
    """The false-alarm budget: what is allowed, each threshold, what a window would show."""

    CSS_PATH = "../styles/budget.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "alerts", "Alerts"),
        Binding("tab", "app.focus_next", "Next part"),
    ]

    def __init__(self, feed: Feed, model: str, column: str = "") -> None:
        super().__init__(feed)
        self.model = model
        self._column = column

    @property
    @override
    def crumb(self) -> str:
        return "budget"

    @override
    def wants(self, known: Known) -> Sequence[Wanted]:
        found = [Wanted(key="model", call=questions.model(self.model))]
        if isinstance(detail := known.get("model"), wire.ModelDetail):
            now = stamp(detail)
            found += [
                Wanted(key="budget", call=questions.budget(self.model), when=now),
                Wanted(key="windows", call=questions.newest(self.model), when=now,
                       is_optional=True),
            ]  # fmt: skip
        return found

    @override
    def compose_body(self) -> ComposeResult:
        yield Static("", id="broken")
        with Container(id="both"):
            with VerticalScroll(id="body"):
                yield FactSheet(id="facts")
            with Container(id="columns"):
                yield Static("", id="heading")
                yield Table(allowed.COLUMNS, id="rows")

    @override
    def draw(self) -> None:
        budget = self.get("budget", wire.Budget)
        if budget is None:
            return
        told = allowed.broken(budget)
        self.set_class(told is not None, "-broken")
        self.query_one("#broken", Static).update(told or "")
        facts = allowed.sheet(budget, missing(self.items("windows")), timed=self.timed)
        self.query_one(FactSheet).show(facts)
        self.set_class(not budget.columns, "-bare")
        heading = "What each column must reach, and the least shift that one window shows"
        self.query_one("#heading", Static).update(Content.styled(heading, palette.ACCENT_TEXT))
        table = self.query_one("#rows", Table)
        table.show([allowed.row(i, column) for i, column in enumerate(budget.columns)])
        first = next((i for i, c in enumerate(budget.columns) if c.column == self._column), None)
        if first is not None:
            self._column = ""
            table.go_to(str(first))

    def on_resize(self) -> None:
        """The columns stand beside the rest where there is room."""
        self.set_class(self.size.width >= WIDE, "-wide")

    def action_alerts(self) -> None:
        """The alerts that the audit counts."""
        self.open("alerts", model=self.model)
