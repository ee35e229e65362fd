"""Alerts: what somebody should hear of, since when, and who looks at it."""

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from typing_extensions import override

from connectors.client import wire
from connectors.client.calls import Call
from tui import palette, questions
from tui.feed import Feed
from tui.format import NOTHING, day, moment, words
from tui.messages import Known
from tui.questions import Wanted
from tui.screens import asking
from tui.screens.followed import Followed
from tui.screens.listing import Listing
from tui.screens.sheet import Sheet
from tui.widgets.columns import Column
from tui.widgets.facts import Facts
from tui.widgets.table import Row
from tui.widgets.verdict_badge import badge, severity


def state_of(alert: wire.Alert) -> Content:
    """Whether it fires; one that somebody looks at says so."""
    if alert.state == "firing" and alert.acknowledged_by:
        return Content.styled("◆ acknowledged", palette.WARM_TEXT)
    return badge(alert.state)


def verdict_of(alert: wire.Alert, unsaid: str = "") -> Content:
    """Whether somebody called it a true or a false alarm."""
    match alert.verdict:
        case "true_alarm":
            return Content.styled("■ true alarm", palette.BAD_TEXT)
        case "false_alarm":
            return Content.styled("○ false alarm", palette.WARM_TEXT)
        case None:
            return Content.styled(unsaid, palette.MUTED_TEXT)
        case other:
            return Content(words(other))


def facts_of(alert: wire.Alert, *, timed: bool = True) -> Sequence[Facts]:
    """All that is known of an alert."""
    seen = NOTHING
    if alert.acknowledged_by:
        seen = f"by {alert.acknowledged_by}, {moment(alert.acknowledged_at)}"
    resolved = "still firing"
    if alert.resolved_at is not None:
        resolved = (
            f"{day(alert.resolved_at, timed=timed)}: {alert.resolved_because or 'no reason given'}"
        )
    return [
        Facts(
            "",
            [
                ("severity", severity(alert.severity)),
                ("says", Content.styled(alert.summary, palette.STRONG)),
                ("state", state_of(alert)),
                ("condition", words(alert.condition)),
                ("model", alert.model),
                ("about", alert.subject),
                ("fired", day(alert.fired_at, timed=timed)),
                ("resolved", resolved),
                ("acknowledged", seen),
                (
                    "it was",
                    verdict_of(alert, "not said; A says whether it was a true or a false alarm"),
                ),
                *([("note", alert.note)] if alert.note else []),
                ("alert", alert.id),
                ("decision", alert.decision or NOTHING),
                ("window", alert.window or NOTHING),
            ],
        )
    ]


def told_of(alert: str, deliveries: Sequence[wire.Delivery]) -> Facts:
    """Who was told of an alert."""
    return Facts(
        "Told to",
        [
            (
                d.receiver,
                Content.assemble(badge(d.state), f"  {words(d.type)}  {d.last_error or ''}"),
            )
            for d in deliveries
            if d.alert == alert
        ],
    )


class AlertsScreen(Listing):
    """The alerts of one model or of all."""

    KIND = "alert"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("A", "acknowledge", "Acknowledge"),
        Binding("d", "decision", "Decision"),
        Binding("w", "window", "Window"),
    ]
    WRITES = frozenset({"acknowledge"})
    COLUMNS = (
        Column(title="fired"),
        Column(title="state"),
        Column(title="severity"),
        Column(title="model", rank=2, most=20),
        Column(title="condition", rank=1),
        Column(title="says", is_flexible=True, least=20, most=200),
        Column(title="it was", rank=1),
        Column(title="resolved", rank=3),
    )
    NONE_YET = (
        "No alert so far.",
        "One fires when a condition of a model file holds, and resolves by itself.",
        "Receivers are named in leeboard.yaml.",
    )

    @property
    @override
    def crumb(self) -> str:
        return "alerts"

    @override
    def page(self, cursor: str | None) -> Call[wire.Page[wire.Alert]]:
        return questions.alerts(self.model, cursor)

    @override
    def row(self, item: wire.Alert) -> Row:
        is_old = item.state == "resolved"
        return Row(
            key=item.id,
            cells=(
                Content(day(item.fired_at, timed=self.timed)),
                state_of(item),
                Content.styled(item.severity, palette.MUTED_TEXT)
                if is_old
                else severity(item.severity),
                Content(item.model),
                Content(words(item.condition)),
                Content.styled(item.summary, palette.MUTED_TEXT if is_old else palette.TEXT),
                verdict_of(item),
                Content.styled(day(item.resolved_at, timed=self.timed), palette.MUTED_TEXT),
            ),
        )

    @override
    def facts(self, item: wire.Alert) -> Sequence[Facts]:
        return facts_of(item, timed=self.timed)

    def action_acknowledge(self) -> None:
        """Say that somebody looks at the one under the cursor."""
        acknowledge(self, self.item())

    def action_decision(self) -> None:
        """The decision that fired it."""
        item = self.item()
        if item is not None and item.decision is not None:
            self.open("decision", model=item.model, id=item.decision)

    def action_window(self) -> None:
        """The window that it fired on."""
        item = self.item()
        if item is not None and item.window is not None:
            self.open("window", model=item.model, id=item.window)


class AlertScreen(Sheet):
    """One alert, and who was told of it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("A", "acknowledge", "Acknowledge"),
        Binding("d", "decision", "Decision"),
        Binding("w", "window", "Window"),
    ]
    WRITES = frozenset({"acknowledge"})

    def __init__(self, feed: Feed, alert: str) -> None:
        super().__init__(feed)
        self.alert = alert

    @property
    @override
    def crumb(self) -> str:
        return f"alert: {words(self.found.condition)}" if self.found else "alert"

    @property
    def found(self) -> wire.Alert | None:
        """The alert, as last told."""
        return self.get("alert", wire.Alert)

    @override
    def wants(self, known: Known) -> Sequence[Wanted]:
        wanted = [
            Wanted(key="alert", call=questions.alert(self.alert)),
            Wanted(key="deliveries", call=questions.deliveries(), is_optional=True),
        ]
        if isinstance(found := known.get("alert"), wire.Alert):
            wanted.append(questions.model_once(found.model))
        return wanted

    @override
    def facts(self) -> Sequence[Facts] | None:
        if self.found is None:
            return None
        told = told_of(self.alert, self.items("deliveries"))
        return [*facts_of(self.found, timed=self.timed), told]

    def action_acknowledge(self) -> None:
        """Say that somebody looks at it."""
        acknowledge(self, self.found)

    def action_decision(self) -> None:
        """The decision that fired it."""
        if self.found is not None and self.found.decision is not None:
            self.open("decision", model=self.found.model, id=self.found.decision)

    def action_window(self) -> None:
        """The window that it fired on."""
        if self.found is not None and self.found.window is not None:
            self.open("window", model=self.found.model, id=self.found.window)


def acknowledge(screen: Followed, alert: wire.Alert | None) -> None:
    """Ask, where there is an alert; of one that is resolved it can still be said what it was."""
    if alert is not None:
        asking.acknowledge(screen, alert)
