"""Trials: candidate against champion, with the confidence sequence that decides."""

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from typing_extensions import override

from connectors.client import wire
from connectors.client.calls import Call
from tui import palette, questions
from tui.feed import Feed
from tui.format import count, day, interval, metric, number, signed, words
from tui.messages import Known
from tui.questions import Wanted
from tui.screens.followed import Followed
from tui.screens.listing import OfModel
from tui.widgets.columns import Column
from tui.widgets.facts import Facts, FactSheet
from tui.widgets.sequence import SequenceChart
from tui.widgets.table import Row
from tui.widgets.verdict_badge import badge


def verdict_of(trial: wire.Trial) -> Content:
    """Its verdict, or that it runs."""
    return badge(trial.verdict or trial.state)


def progress(trial: wire.Trial) -> str:
    """How far it is.

    >>> from datetime import UTC, datetime
    >>> at = datetime(2012, 1, 1, tzinfo=UTC)
    >>> progress(wire.Trial(id="t", model="m", opened_at=at, start=at, blocks=3, stop_blocks=28))
    '3 of 28 days'
    """
    return f"{trial.blocks} of {trial.stop_blocks} days"


def gain(trial: wire.Trial) -> str:
    """The gain so far, with what it may be."""
    if trial.difference is None:
        return "no labelled rows yet"
    return f"{signed(trial.difference)} {interval(trial.low, trial.high)}".rstrip()


def facts_of(trial: wire.Trial, *, timed: bool = True) -> Sequence[Facts]:
    """All that is known of a trial."""
    made = [("made", "by the demonstration, to show a refusal")] if trial.made else []
    return [
        Facts(
            f"{trial.candidate} against {trial.champion}",
            [
                ("verdict", verdict_of(trial)),
                ("says", trial.says or "not decided yet"),
                ("gain", f"{gain(trial)} {trial.metric}; above 0 {trial.candidate} is better"),
                ("error", (f"{trial.candidate} {number(trial.loss_candidate)}, "
                          f"{trial.champion} {number(trial.loss_champion)}, on the same rows")),
                ("rows", f"{count(trial.rows)} labelled rows{_by_rows(trial)}"),
                ("days", f"{progress(trial)}; undecided by then, it is inconclusive"),
                ("rows from", day(trial.start, timed=timed)),
                ("opened", day(trial.opened_at, timed=timed)),
                ("ended", day(trial.ended_at, timed=timed) if trial.ended_at else "still running"),
                *made,
            ],
        ),
        Facts("", [("trial", trial.id), ("decision", trial.decision)]),
    ]  # fmt: skip


def _by_rows(trial: wire.Trial) -> str:
    """What is compared, where the model file asks for rows."""
    if trial.unit != "rows":
        return ""
    last = trial.series[-1].unit if trial.series else "rows"
    return ", compared one by one" if last == "rows" else ", compared by the means of their days"


class TrialsScreen(OfModel):
    """Every trial of a model."""

    KIND = "trial"
    COLUMNS = (
        Column(title="opened"),
        Column(title="candidate"),
        Column(title="champion", rank=3),
        Column(title="verdict"),
        Column(title="gain", is_right=True),
        Column(title="interval"),
        Column(title="rows", is_right=True),
        Column(title="days", is_right=True, rank=1),
        Column(title="", rank=2),
    )
    NONE_YET = (
        "No trial yet.",
        "Every candidate is tried against the champion on rows that neither was trained on.",
        "A run makes a candidate: press T on the model's screen, or let the policy ask for one.",
    )

    @property
    @override
    def crumb(self) -> str:
        return "trials"

    @override
    def page(self, cursor: str | None) -> Call[wire.Page[wire.Trial]]:
        return questions.trials(self.model, cursor)

    @override
    def row(self, item: wire.Trial) -> Row:
        return Row(
            key=item.id,
            cells=(
                Content(day(item.opened_at, timed=self.timed)),
                Content.styled(item.candidate, palette.STRONG),
                Content.styled(item.champion, palette.MUTED_TEXT),
                verdict_of(item),
                Content(signed(item.difference)),
                Content.styled(interval(item.low, item.high), palette.MUTED_TEXT),
                Content(count(item.rows)),
                Content.styled(f"{item.blocks}/{item.stop_blocks}", palette.MUTED_TEXT),
                Content.styled("made" if item.made else "", palette.WARM_TEXT),
            ),
        )

    @override
    def facts(self, item: wire.Trial) -> Sequence[Facts]:
        return facts_of(item, timed=self.timed)

    @override
    def compose_beside(self) -> ComposeResult:
        yield FactSheet(id="facts")
        yield SequenceChart(id="sequence")

    @override
    def draw_beside(self) -> None:
        super().draw_beside()
        self.query_one(SequenceChart).show(self.item(), timed=self.timed)


class TrialScreen(Followed):
    """One trial."""

    CSS_PATH = "../styles/trial.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("d", "decision", "Decision"),
        Binding("v", "version", "Candidate"),
    ]

    def __init__(self, feed: Feed, model: str, trial: str) -> None:
        super().__init__(feed)
        self.model = model
        self.trial = trial

    @property
    @override
    def crumb(self) -> str:
        found = self.get("trial", wire.Trial)
        return f"trial of {found.candidate}" if found else "trial"

    @override
    def wants(self, known: Known) -> Sequence[Wanted]:
        found = known.get("trial")
        is_over = isinstance(found, wire.Trial) and found.ended_at is not None
        return [
            questions.model_once(self.model),
            Wanted(key="trial", call=questions.trial(self.trial), when="over" if is_over else None),
        ]

    @override
    def compose_body(self) -> ComposeResult:
        yield SequenceChart(id="sequence")
        with VerticalScroll(id="body"):
            yield FactSheet(id="facts")

    @override
    def draw(self) -> None:
        found = self.get("trial", wire.Trial)
        if found is None:
            return
        self.note(f"{words(found.verdict or found.state)} · {metric(found.metric, None, None, None)}"
                  .removesuffix(" –"))  # fmt: skip
        self.query_one(SequenceChart).show(found, timed=self.timed)
        self.query_one(FactSheet).show(facts_of(found, timed=self.timed))

    def action_decision(self) -> None:
        """What opened it."""
        found = self.get("trial", wire.Trial)
        if found is not None:
            self.open("decision", model=self.model, id=found.decision)

    def action_version(self) -> None:
        """The candidate."""
        found = self.get("trial", wire.Trial)
        if found is not None:
            self.open("version", model=self.model, id=found.candidate)
