"""One column in one window: its values beside the reference's, and why its findings are so."""

import re
from collections.abc import Sequence
from typing import ClassVar, Final

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static
from typing_extensions import override

from connectors.client import wire
from tui import palette, questions
from tui.explained import explained, in_order
from tui.feed import Feed
from tui.format import count, span, words
from tui.messages import Known, Place
from tui.questions import Wanted
from tui.screens.followed import Followed
from tui.widgets.facts import FactSheet
from tui.widgets.heatmap import ALL_ROWS
from tui.widgets.histogram import Histogram

DERIVED: Final = re.compile(r" \((age|hour|weekday)\)$")
"""What the name of a column ends in that is compared in place of a date."""


class ColumnScreen(Followed):
    """One column in one window beside its reference, and why each finding is as it is."""

    CSS_PATH = "../styles/window.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("b", "budget", "Budget")]

    def __init__(self, feed: Feed, at: Place) -> None:
        super().__init__(feed)
        self.model = at.model
        self.window_id = at.id
        self.column = at.column
        self._opened = (at.detector, at.segment)

    @property
    @override
    def crumb(self) -> str:
        return "all rows" if self.column == ALL_ROWS else self.column

    @override
    def wants(self, known: Known) -> Sequence[Wanted]:
        window, detail = known.get("window"), known.get("model")
        revision = window.revision if isinstance(window, wire.Window) else -1
        found = [
            questions.model_once(self.model),
            Wanted(key="window", call=questions.window(self.window_id)),
            Wanted(key="findings", call=questions.findings(self.window_id), when=revision,
                   is_optional=True),
            Wanted(key="budget", call=questions.budget(self.model), when=revision,
                   is_optional=True),
        ]  # fmt: skip
        if not isinstance(detail, wire.ModelDetail) or self._is_of(detail.features):
            picture = questions.column(self.model, self.column, self.window_id)
            is_sure = isinstance(detail, wire.ModelDetail)
            found.append(Wanted(key="column", call=picture, when=revision, is_optional=not is_sure))
        return found

    @override
    def compose_body(self) -> ComposeResult:
        with VerticalScroll(id="body"):
            yield Static("", id="title")
            yield FactSheet(id="why")
            yield Histogram(id="histogram")
            yield Static("")
            yield FactSheet(id="facts")

    @override
    def draw(self) -> None:
        picture, window = self.get("column", wire.ColumnPicture), self.get("window", wire.Window)
        if window is None:
            return
        when = f"window {window.number}: {span(window.start, window.end, timed=self.timed)}"
        told = f"{when}; not a feature, so there is no picture of it"
        if picture is not None:
            told = _sides(picture, when)
        elif "model" not in self.known or self._is_of(self.features):
            told = when
        self.query_one("#title", Static).update(
            Content.assemble((f"{self.crumb}  ", palette.STRONG), (told, palette.MUTED_TEXT))
        )
        self.query_one(Histogram).show(picture)
        found = self.get("findings", wire.WindowFindings)
        if found is not None:
            mine = [f for f in found.findings if f.column == self.column]
            budget = self.get("budget", wire.Budget)
            facts = [(self._is_opened(f), explained(f, budget)) for f in in_order(mine)]
            self.query_one("#why", FactSheet).show([one for opened, one in facts if opened])
            self.query_one("#facts", FactSheet).show([one for opened, one in facts if not opened])

    def _is_opened(self, finding: wire.Finding) -> bool:
        return (finding.detector, finding.segment or "") == self._opened

    def _is_of(self, features: Sequence[str]) -> bool:
        """Whether this column is a feature, or is derived of one: `booked_at (age)`."""
        return self.column in features or DERIVED.sub("", self.column) in features

    @property
    def features(self) -> list[str]:
        """The features of the model, as far as they are known."""
        detail = self.get("model", wire.ModelDetail)
        return [] if detail is None else detail.features

    def action_budget(self) -> None:
        """What this column must reach, and what it would show."""
        self.open("budget", model=self.model, column=self.column)


def _sides(picture: wire.ColumnPicture, when: str) -> str:
    """What kind of column it is, and how many rows of either side are shown."""
    sides = ((picture.reference, "the reference"), (picture.current, "the window"))
    rows = " and ".join(
        f"{count(side.rows)} rows of {name}" for side, name in sides if side is not None
    )
    of = f" ({picture.version}'s reference)" if picture.version else ""
    return f"{words(picture.kind)}, {when}; {rows}{of}"
