"""`leeboard decisions`: what was decided, and the say of an operator where approval is asked."""

from typing import Final

import click

from connectors.client import wire
from controlplane.cli import completing
from controlplane.cli.groups import Listing, examples, limited
from controlplane.cli.render import Column, badge, when
from controlplane.cli.terminal import Terminal, talks
from controlplane.cli.why.book import book_of
from controlplane.cli.why.command import story_of, told
from controlplane.cli.why.subject import subject_of

KINDS: Final = (
    "retrain", "hold", "trial", "first", "promote", "reject", "roll_back", "alert", "stop",
    "resume",
)  # fmt: skip
COLUMNS: Final = [
    Column("decision"), Column("when"), Column("model", spare=True), Column("kind"), Column("subject", spare=True),
    Column("state", spare=True), Column("by", spare=True), Column("says", grows=True),
]  # fmt: skip


@click.group("decisions", cls=Listing, epilog=examples(
    "leeboard decisions",
    "leeboard decisions bike-demand --kind promote",
    "leeboard decisions show d_4618024cd26fc951",
    "leeboard decisions approve d_4618024cd26fc951",
))  # fmt: skip
def decisions() -> None:
    """Decisions: list, show, approve, reject."""


@decisions.command("list", epilog=examples("leeboard decisions bike-demand --kind hold"))
@click.argument("model", required=False, shell_complete=completing.models)
@click.option("--kind", type=click.Choice(KINDS), help="Only decisions of this kind.")
@limited()
@talks
def list_decisions(terminal: Terminal, model: str | None, kind: str | None, limit: int) -> None:
    """Decisions by model time, the newest first."""
    ask = terminal.connection
    if model is not None:
        ask.model(model)
    terminal.listing(
        terminal.newest(lambda span: ask.decisions(span, model=model, kind=kind), limit), COLUMNS,
        _line, empty="nothing was decided yet",
    )  # fmt: skip


@decisions.command("show", epilog=examples("leeboard decisions show d_4618024cd26fc951"))
@click.argument("decision", shell_complete=completing.decisions)
@talks
def show_decision(terminal: Terminal, decision: str) -> None:
    """A decision with its evidence; for people the same as `leeboard why`."""
    found = terminal.connection.decision(decision)
    if terminal.as_json:
        terminal.answer(found, [])
        return
    subject = subject_of(terminal, decision)
    terminal.answer(found, told(story_of(terminal, subject, book_of(terminal, found.model))))


@decisions.command("approve", epilog=examples("leeboard decisions approve d_4618024cd26fc951"))
@click.argument("decision", shell_complete=completing.decisions)
@talks
def approve(terminal: Terminal, decision: str) -> None:
    """Let a decision that waits for approval be performed."""
    _answered(terminal, terminal.connection.approve(decision))


@decisions.command("reject", epilog=examples("leeboard decisions reject d_4618024cd26fc951"))
@click.argument("decision", shell_complete=completing.decisions)
@talks
def reject(terminal: Terminal, decision: str) -> None:
    """Refuse a decision that waits for approval."""
    _answered(terminal, terminal.connection.reject(decision))


def _answered(terminal: Terminal, decision: wire.Decision) -> None:
    terminal.answer(decision, [f"{decision.id} is {badge(decision.state)}: {decision.says}"])


def _line(decision: wire.Decision) -> tuple[str, ...]:
    return (
        decision.id, when(decision.model_time), decision.model, decision.kind.replace("_", " "),
        decision.subject, badge(decision.state), decision.by, decision.says,
    )  # fmt: skip
