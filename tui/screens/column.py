"""One column in one window: its values beside the reference's, and what was found of it."""

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static
from typing_extensions import override

from connectors.client import wire
from tui import palette, questions
from tui.feed import Feed
from tui.format import count, number, plural, span, words
from tui.messages import Known
from tui.questions import Wanted
from tui.screens.followed import Followed
from tui.widgets.facts import Facts, FactSheet
from tui.widgets.histogram import Histogram
from tui.widgets.verdict_badge import badge


class ColumnScreen(Followed):
    """One column in one window, beside the reference that it was compared with."""

    CSS_PATH = "../styles/window.tcss"
    BINDINGS: ClassVar[list[BindingType]] = []

    def __init__(self, feed: Feed, model: str, window: str, column: str) -> None:
        super().__init__(feed)
        self.model = model
        self.window_id = window
        self.column = column

    @property
    @override
    def crumb(self) -> str:
        return self.column

    @override
    def wants(self, known: Known) -> Sequence[Wanted]:
        picture = questions.column(self.model, self.column, self.window_id)
        window = known.get("window")
        revision = window.revision if isinstance(window, wire.Window) else -1
        return [
            Wanted(key="model", call=questions.model(self.model), when="once", is_optional=True),
            Wanted(key="window", call=questions.window(self.window_id)),
            Wanted(key="column", call=picture, when=revision),
            Wanted(key="findings", call=questions.findings(self.window_id), when=revision,
                   is_optional=True),
        ]  # fmt: skip

    @override
    def compose_body(self) -> ComposeResult:
        with VerticalScroll(id="body"):
            yield Static("", id="title")
            yield Histogram(id="histogram")
            yield Static("")
            yield FactSheet(id="facts")

    @override
    def draw(self) -> None:
        picture, window = self.get("column", wire.ColumnPicture), self.get("window", wire.Window)
        if picture is None:
            return
        rows = " and ".join(
            f"{count(side.rows)} rows of {name}"
            for side, name in (
                (picture.reference, "the reference"),
                (picture.current, "the window"),
            )
            if side is not None
        )
        of = f" ({picture.version}'s reference)" if picture.version else ""
        when = (
            f", window {window.number}: {span(window.start, window.end, timed=self.timed)}"
            if window
            else ""
        )
        self.query_one("#title", Static).update(Content.assemble(
            (f"{picture.column}  ", palette.STRONG),
            (f"{words(picture.kind)}{when}; {rows}{of}", palette.MUTED_TEXT),
        ))  # fmt: skip
        self.query_one(Histogram).show(picture)
        found = self.get("findings", wire.WindowFindings)
        if found is not None:
            self.query_one(FactSheet).show([_found(found, self.column)])


def _found(found: wire.WindowFindings, column: str) -> Facts:
    mine = [f for f in found.findings if f.column == column]
    return Facts(
        f"{plural(len(mine), 'finding')} in it", [(words(f.detector), _says(f)) for f in mine]
    )


def _says(finding: wire.Finding) -> Content:
    """A finding in a line."""
    parts = [
        f"statistic {number(finding.statistic)}",
        f"threshold {number(finding.threshold)}",
        f"effect {number(finding.effect)}",
        f"p {number(finding.p_value)}",
        f"{count(finding.rows)} against {count(finding.rows_reference)} rows",
        *([words(finding.reason)] if finding.reason and finding.reason != "shown" else []),
        *([finding.basis] if finding.basis else []),
    ]
    head: Content = badge(finding.verdict)
    if finding.reason == "shown":
        head = Content.styled("shown only", palette.MUTED_TEXT)
    return Content.assemble(head, ("  " + " · ".join(parts), palette.MUTED_TEXT))
