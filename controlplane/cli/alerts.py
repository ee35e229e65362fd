"""`leeboard alerts` and `leeboard deliveries`: what somebody should hear of, and who was told."""

from collections.abc import Iterator
from typing import Final

import click

from connectors.client import wire
from controlplane.cli import completing, render
from controlplane.cli.groups import Listing, examples, limited
from controlplane.cli.render import Column, badge, when
from controlplane.cli.terminal import Terminal, talks

ALERTS: Final = [
    Column("alert"), Column("severity"), Column("state"), Column("fired"), Column("resolved", spare=True),
    Column("model", spare=True), Column("condition", spare=True), Column("seen by", spare=True), Column("summary", grows=True),
]  # fmt: skip
DELIVERIES: Final = [
    Column("delivery"), Column("state"), Column("receiver"), Column("message"), Column("alert", spare=True),
    Column("queued", spare=True), Column("attempts", right=True, spare=True), Column("error", grows=True),
]  # fmt: skip


@click.group("alerts", cls=Listing, epilog=examples(
    "leeboard alerts --state firing",
    "leeboard alerts bike-demand",
    "leeboard alerts acknowledge a_5e69ae588e2e73da",
))  # fmt: skip
def alerts() -> None:
    """Alerts: list, show, acknowledge."""


@alerts.command("list", epilog=examples("leeboard alerts bike-demand --state firing"))
@click.argument("model", required=False, shell_complete=completing.models)
@click.option("--state", type=click.Choice(["pending", "firing", "resolved"]))
@limited()
@talks
def list_alerts(terminal: Terminal, model: str | None, state: str | None, limit: int) -> None:
    """Alerts, the newest first."""
    ask = terminal.connection
    if model is not None:
        ask.model(model)
    terminal.listing(
        terminal.newest(lambda span: ask.alerts(span, model=model, state=state), limit), ALERTS,
        _alert, empty="no alert" + (f" is {state}" if state else " yet"),
    )  # fmt: skip


@alerts.command("show", epilog=examples("leeboard alerts show a_5e69ae588e2e73da"))
@click.argument("alert", shell_complete=completing.alerts)
@talks
def show_alert(terminal: Terminal, alert: str) -> None:
    """One alert."""
    found = terminal.connection.alert(alert)
    terminal.answer(found, _sheet(found))


@alerts.command(
    "acknowledge",
    epilog=examples(
        "leeboard alerts acknowledge a_5e69ae588e2e73da",
        "leeboard alerts acknowledge a_5e69ae588e2e73da --false-alarm --note 'a bank holiday'",
    ),
)
@click.argument("alert", shell_complete=completing.alerts)
@click.option("--false-alarm", is_flag=True, help="Nothing was wrong.")
@click.option("--true-alarm", is_flag=True, help="It told of something real.")
@click.option("--note", default="", help="What you found.")
@talks
def acknowledge(
    terminal: Terminal, alert: str, *, false_alarm: bool, true_alarm: bool, note: str
) -> None:
    """Say that somebody is looking at it, and whether it was a true or a false alarm.

    False alarms are counted against the budget: `leeboard budget MODEL`.
    """
    if false_alarm and true_alarm:
        raise click.UsageError("--false-alarm and --true-alarm say the opposite; give one of them")
    verdict = "false_alarm" if false_alarm else "true_alarm" if true_alarm else None
    found = terminal.connection.acknowledge(alert, verdict=verdict, note=note)
    said = f" as a {found.verdict.replace('_', ' ')}" if found.verdict else ""
    terminal.answer(
        found, [f"{found.id} is acknowledged by {found.acknowledged_by}{said}: {found.summary}"]
    )


@click.group("deliveries", cls=Listing, epilog=examples(
    "leeboard deliveries --state dead",
    "leeboard deliveries retry msg_683ff35b79efc3ee",
))  # fmt: skip
def deliveries() -> None:
    """Messages to receivers, dead letters included: list, retry."""


@deliveries.command("list", epilog=examples("leeboard deliveries --state dead"))
@click.option("--state", type=click.Choice(["queued", "delivered", "dead"]))
@limited()
@talks
def list_deliveries(terminal: Terminal, state: str | None, limit: int) -> None:
    """The outbox, the newest first. Times are the clock's."""
    terminal.listing(
        terminal.newest(lambda span: terminal.connection.deliveries(span, state=state), limit),
        DELIVERIES, _delivery,
        empty="no message" + (f" is {state}" if state else " yet: a model file's `alerts` name receivers"),
    )  # fmt: skip


@deliveries.command("retry", epilog=examples("leeboard deliveries retry msg_683ff35b79efc3ee"))
@click.argument("delivery", shell_complete=completing.deliveries)
@talks
def retry(terminal: Terminal, delivery: str) -> None:
    """Put a dead letter back into the queue."""
    found = terminal.connection.retry_delivery(delivery)
    terminal.answer(found, [f"{found.id} to {found.receiver} is {badge(found.state)} again"])


def _alert(alert: wire.Alert) -> tuple[str, ...]:
    return (
        alert.id, badge(alert.severity), badge(alert.state), when(alert.fired_at),
        when(alert.resolved_at), alert.model, alert.condition,
        alert.acknowledged_by or render.NOTHING, alert.summary,
    )  # fmt: skip


def _delivery(delivery: wire.Delivery) -> tuple[str, ...]:
    return (
        delivery.id, badge(delivery.state), delivery.receiver, delivery.type, delivery.alert,
        when(delivery.queued_at), str(delivery.attempts), delivery.last_error or "",
    )  # fmt: skip


def _sheet(alert: wire.Alert) -> Iterator[str]:
    yield render.heading(
        f"{alert.id}  {alert.model}  {badge(alert.severity)}, {badge(alert.state)}"
    )
    seen = f"{when(alert.acknowledged_at)} by {alert.acknowledged_by}"
    said = (alert.verdict or "not judged").replace("_", " ")
    said += f": {alert.note}" if alert.note else ""
    yield from render.fields((
        ("summary", alert.summary),
        ("condition", alert.condition),
        ("fired", when(alert.fired_at)),
        ("resolved", when(alert.resolved_at)),
        ("because", alert.resolved_because or ""),
        ("acknowledged", seen if alert.acknowledged_by else "by nobody"),
        ("it was", said),
        ("window", alert.window or ""),
    ))  # fmt: skip
    yield f"leeboard why {alert.id}    tells it from its evidence"
