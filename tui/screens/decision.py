"""Decisions: what was decided, when, why, and on which facts."""

from collections.abc import Hashable, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static
from typing_extensions import override

from connectors.client import wire
from connectors.client.calls import Call
from tui import palette, questions
from tui.feed import Feed
from tui.format import NOTHING, day, moment, words
from tui.messages import Known, RowOpened
from tui.questions import Wanted
from tui.screens import asking
from tui.screens.followed import Followed
from tui.screens.listing import Listing, stamp
from tui.widgets.columns import Column
from tui.widgets.evidence_table import EvidenceTable, place_of
from tui.widgets.facts import Facts, FactSheet
from tui.widgets.table import Row
from tui.widgets.verdict_badge import badge

SHORT = 14
"""Longest subject that is named on the way to a decision."""
KINDS = {
    "promote": palette.GOOD_TEXT, "first": palette.GOOD_TEXT, "roll_back": palette.BAD_TEXT,
    "reject": palette.WARM_TEXT, "stop": palette.BAD_TEXT, "alert": palette.WARM_TEXT,
    "retrain": palette.BLUE_TEXT, "trial": palette.BLUE_TEXT, "hold": palette.MUTED_TEXT,
}  # fmt: skip


def kind_of(decision: wire.Decision) -> Content:
    """What kind it is; one of the demonstration's own making says so."""
    made = (" (made)", palette.WARM_TEXT) if decision.made else ""
    return Content.assemble((words(decision.kind), KINDS.get(decision.kind, palette.TEXT)), made)


def facts_of(decision: wire.Decision, *, timed: bool = True) -> Sequence[Facts]:
    """All that is known of a decision but its evidence."""
    at = decision.recorded_at
    recorded = NOTHING if at is None else f"{moment(at)}:{at:%S} UTC"
    return [
        Facts(
            "",
            [
                ("decided", kind_of(decision)),
                ("says", Content.styled(decision.says, palette.STRONG)),
                ("model", decision.model),
                ("about", decision.subject),
                ("when", f"{day(decision.model_time, timed=timed)} in model time"),
                ("recorded", recorded),
                ("by", decision.by),
                ("because of", ", ".join(map(words, decision.triggers)) or NOTHING),
                ("verdict", badge(decision.verdict, "none was needed")),
                ("state", badge(decision.state)),
                *([("outcome", decision.outcome)] if decision.outcome else []),
                *(
                    [("made", "by the demonstration: this scene is made up")]
                    if decision.made
                    else []
                ),
                ("under", f"generation {decision.generation} of the model file"),
                ("decision", decision.id),
            ],
        )
    ]


class DecisionsScreen(Listing):
    """What was decided, of one model or of all."""

    KIND = "decision"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("Y", "answer(True)", "Approve"),
        Binding("N", "answer(False)", "Turn down"),
    ]
    WRITES = frozenset({"answer"})
    COLUMNS = (
        Column(title="model time"),
        Column(title="model", rank=2, most=20),
        Column(title="decided"),
        Column(title="about", rank=3, most=14),
        Column(title="says", is_flexible=True, least=24, most=200),
        Column(title="verdict", rank=1),
        Column(title="state", rank=4),
        Column(title="by", rank=5),
    )
    NONE_YET = (
        "Nothing decided yet.",
        "Decisions come with the first windows: retrain, hold, trial, promote, roll back, alert,",
        "each with the facts it rests on.",
    )

    @property
    @override
    def crumb(self) -> str:
        return "decisions"

    @override
    def wants(self, known: Known) -> Sequence[Wanted]:
        if self.model is None:
            return super().wants(known)
        return [
            Wanted(key="model", call=questions.model(self.model)),
            *(super().wants(known) if "model" in known else []),
        ]

    @override
    def changes_with(self, known: Known) -> Hashable:
        return stamp(known.get("model")) if self.model is not None else None

    @override
    def page(self, cursor: str | None) -> Call[wire.Page[wire.Decision]]:
        return questions.decisions(self.model, cursor=cursor)

    @override
    def row(self, item: wire.Decision) -> Row:
        is_open = item.state == "awaiting_approval"
        return Row(
            key=item.id,
            cells=(
                Content(day(item.model_time, timed=self.timed)),
                Content.styled(item.model, palette.MUTED_TEXT),
                kind_of(item),
                Content.styled(item.subject, palette.MUTED_TEXT),
                Content(item.says),
                badge(item.verdict, ""),
                badge(item.state)
                if is_open
                else Content.styled(words(item.state), palette.MUTED_TEXT),
                Content.styled(item.by, palette.MUTED_TEXT),
            ),
        )

    @override
    def facts(self, item: wire.Decision) -> Sequence[Facts]:
        evidence = [(e.kind, e.says or e.id) for e in item.evidence]
        return [*facts_of(item, timed=self.timed), Facts("Evidence", evidence)]

    @override
    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "answer" and not any(waits(item) for item in self.everything):
            return False
        return super().check_action(action, parameters)

    def action_answer(self, approves: bool) -> None:  # noqa: FBT001 - a key's argument
        """Approve the one under the cursor, or turn it down."""
        answer(self, self.item(), approves=approves)


class DecisionScreen(Followed):
    """One decision and its evidence; what it cites can be opened."""

    CSS_PATH = "../styles/decision.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("w", "window", "Window"),
        Binding("Y", "answer(True)", "Approve"),
        Binding("N", "answer(False)", "Turn down"),
    ]
    WRITES = frozenset({"answer"})

    def __init__(self, feed: Feed, decision: str) -> None:
        super().__init__(feed)
        self.decision = decision

    @property
    @override
    def crumb(self) -> str:
        found = self.found
        if found is None:
            return "decision"
        return f"{words(found.kind)} {found.subject if len(found.subject) <= SHORT else ''}".strip()

    @property
    def found(self) -> wire.Decision | None:
        """The decision, as last told."""
        return self.get("decision", wire.Decision)

    @override
    def wants(self, known: Known) -> Sequence[Wanted]:
        wanted = [Wanted(key="decision", call=questions.decision(self.decision))]
        if isinstance(found := known.get("decision"), wire.Decision):
            wanted.append(questions.model_once(found.model))
        return wanted

    @override
    def compose_body(self) -> ComposeResult:
        with VerticalScroll(id="body", can_focus=False):
            yield FactSheet(id="facts")
        yield Static("", id="heading")
        yield EvidenceTable(id="evidence")

    @override
    def draw(self) -> None:
        found = self.found
        if found is None:
            return
        self.query_one(FactSheet).show(facts_of(found, timed=self.timed))
        n = len(found.evidence)
        heading = "Evidence: what it rests on" if n else "It cites no record: its reason is above."
        self.query_one("#heading", Static).update(Content.styled(heading, palette.ACCENT_TEXT))
        self.query_one(EvidenceTable).show_evidence(found.evidence)
        self.query_one(EvidenceTable).display = n > 0

    def on_row_opened(self, event: RowOpened) -> None:
        """Show the record that the evidence is of."""
        found = self.found
        if found is None:
            return
        place = place_of(found.evidence[int(event.key)], found.model)
        if place is None:
            self.notify("There is no more to this than its figures.", markup=False)
        else:
            self.open(place.kind, model=place.model, id=place.id, column=place.column)

    @override
    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "answer" and not waits(self.found):
            return False
        return super().check_action(action, parameters)

    def action_window(self) -> None:
        """The window that it was decided on."""
        found = self.found
        if found is not None and found.window is not None:
            self.open("window", model=found.model, id=found.window)
        else:
            self.notify("It was not decided on a window.", severity="warning", markup=False)

    def action_answer(self, approves: bool) -> None:  # noqa: FBT001 - a key's argument
        """Approve it, or turn it down."""
        answer(self, self.found, approves=approves)


def waits(decision: wire.Decision | None) -> bool:
    """Whether somebody is to say yes or no."""
    return decision is not None and decision.state == "awaiting_approval"


def answer(screen: Followed, found: wire.Decision | None, *, approves: bool) -> None:
    """Ask, where the decision waits for an answer."""
    if found is None or not waits(found):
        screen.notify("This decision waits for nobody.", severity="warning", markup=False)
    else:
        asking.answer(screen, found, approves=approves)
