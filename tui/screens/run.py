"""Training runs, and what one prints while it works."""

from collections.abc import Sequence
from typing import ClassVar, Final

import msgspec
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Static
from typing_extensions import override

from connectors.client import wire
from connectors.client.calls import Call
from tui import palette, questions
from tui.feed import Feed
from tui.format import NOTHING, count, day, lasting, span, words
from tui.messages import Known
from tui.questions import Wanted
from tui.screens import asking
from tui.screens.followed import Followed
from tui.screens.listing import OfModel
from tui.widgets.columns import Column
from tui.widgets.empty import empty
from tui.widgets.facts import Facts, FactSheet
from tui.widgets.log_view import LogView
from tui.widgets.table import Row
from tui.widgets.verdict_badge import badge

OPEN: Final = frozenset({"requested", "awaiting_approval", "queued", "running"})
KEPT: Final = 1_000_000
"""Bytes of a log that are kept, from its end."""


class Log(msgspec.Struct, frozen=True):
    """What is known of a log: its end, and at which byte to read on."""

    offset: int = 0
    text: bytes = b""


def joined(before: object, more: object) -> object:
    """A log and what was printed since.

    >>> joined(Log(4, b"one\\n"), b"two\\n")
    Log(offset=8, text=b'one\\ntwo\\n')
    """
    log = before if isinstance(before, Log) else Log()
    if not isinstance(more, bytes):
        return more if before is None else before
    return Log(log.offset + len(more), (log.text + more)[-KEPT:])


def facts_of(run: wire.Run, *, timed: bool = True) -> Sequence[Facts]:
    """All that is known of a run."""
    return [
        Facts(
            "",
            [
                ("state", badge(run.state)),
                *([("because", run.reason)] if run.reason else []),
                (
                    "asked for",
                    f"{day(run.requested_at, timed=timed)}, by {', '.join(run.triggers) or 'hand'}",
                ),
                ("took", lasting(run.seconds)),
                ("trainer", run.trainer),
                ("rows", f"{count(run.rows)} from {span(run.data_from, run.data_to, timed=timed)}"),
                ("made", run.version or NOTHING),
                ("run", run.id),
                ("decision", run.decision),
            ],
        )
    ]


class RunsScreen(OfModel):
    """Every run of a model."""

    KIND = "run"
    COLUMNS = (
        Column(title="asked for"),
        Column(title="state"),
        Column(title="because of", is_flexible=True, least=10),
        Column(title="made"),
        Column(title="rows", is_right=True),
        Column(title="of", rank=2),
        Column(title="took", is_right=True, rank=1),
        Column(title="trainer", rank=3),
    )
    NONE_YET = (
        "No run yet.",
        "The policy asks for one when a condition of the model file holds; T on the model's",
        "screen asks by hand.",
    )

    @property
    @override
    def crumb(self) -> str:
        return "runs"

    @override
    def page(self, cursor: str | None) -> Call[wire.Page[wire.Run]]:
        return questions.runs(self.model, cursor)

    @override
    def row(self, item: wire.Run) -> Row:
        return Row(
            key=item.id,
            cells=(
                Content(day(item.requested_at, timed=self.timed)),
                badge(item.state),
                Content(item.reason or words(", ".join(item.triggers))),
                Content.styled(item.version or NOTHING, palette.STRONG),
                Content(count(item.rows)),
                Content.styled(
                    span(item.data_from, item.data_to, timed=self.timed), palette.MUTED_TEXT
                ),
                Content.styled(lasting(item.seconds), palette.MUTED_TEXT),
                Content.styled(item.trainer, palette.MUTED_TEXT),
            ),
        )

    @override
    def facts(self, item: wire.Run) -> Sequence[Facts]:
        return facts_of(item, timed=self.timed)


class RunScreen(Followed):
    """One run: its facts, and its log as it grows."""

    CSS_PATH = "../styles/run.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("d", "decision", "Decision"),
        Binding("v", "version", "What it made"),
        Binding("X", "cancel", "Cancel it"),
    ]
    WRITES = frozenset({"cancel"})

    def __init__(self, feed: Feed, model: str, run: str) -> None:
        super().__init__(feed)
        self.model = model
        self.run_id = run

    @property
    @override
    def crumb(self) -> str:
        return self.run_id

    @property
    def found(self) -> wire.Run | None:
        """The run, as last told."""
        return self.get("run", wire.Run)

    @override
    def wants(self, known: Known) -> Sequence[Wanted]:
        run, log = known.get("run"), known.get("log")
        is_over = isinstance(run, wire.Run) and run.state not in OPEN
        offset = log.offset if isinstance(log, Log) else 0
        return [
            Wanted(key="model", call=questions.model(self.model), when="once", is_optional=True),
            Wanted(key="run", call=questions.run(self.run_id), when="over" if is_over else None),
            Wanted(
                key="log", call=questions.run_log(self.run_id, offset), fold=joined,
                when=("over", offset) if is_over else None, is_optional=True,
            ),
        ]  # fmt: skip

    @override
    def compose_body(self) -> ComposeResult:
        yield FactSheet(id="facts")
        yield Static("", id="heading")
        yield LogView(id="log")

    @override
    def draw(self) -> None:
        run, log = self.found, self.get("log", Log)
        if run is None:
            return
        self.query_one(FactSheet).show(facts_of(run, timed=self.timed))
        is_open = run.state in OPEN
        says = "What it prints, as it comes" if is_open else "What it printed"
        if log is None or not log.text:
            quiet = "Nothing printed yet." if is_open else "It printed nothing."
            self.query_one("#heading", Static).update(empty(quiet))
            return
        self.query_one("#heading", Static).update(Content.styled(says, palette.ACCENT_TEXT))
        self.query_one(LogView).show(log.text.decode(errors="replace"))

    @override
    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "cancel" and (self.found is None or self.found.state not in OPEN):
            return False
        return super().check_action(action, parameters)

    def action_decision(self) -> None:
        """What asked for it."""
        if self.found is not None:
            self.open("decision", model=self.model, id=self.found.decision)

    def action_version(self) -> None:
        """The version that it made."""
        if self.found is not None and self.found.version is not None:
            self.open("version", model=self.model, id=self.found.version)

    def action_cancel(self) -> None:
        """End it, once that is confirmed."""
        if self.found is not None and self.found.state in OPEN:
            asking.cancel(self, self.found)
        else:
            self.notify("This run is over.", severity="warning", markup=False)
