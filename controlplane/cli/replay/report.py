"""The report for people: what was noticed, when, what was done, what it bought."""

from collections.abc import Iterator

from connectors.client import wire
from controlplane.cli.replay.document import Document

WORTH_TELLING = frozenset(
    {"alert", "retrain", "trial", "first", "promote", "reject", "roll_back", "stop"}
)


def report(found: Document, decisions: list[wire.Decision], *, timed: bool) -> str:
    """Plain text of some screens: the story in order, then what it bought."""
    return "\n".join([*_story(decisions, timed=timed), "", *_bought(found)])


def _story(decisions: list[wire.Decision], *, timed: bool) -> Iterator[str]:
    yield "What was noticed and done"
    for decision in decisions:
        if decision.kind not in WORTH_TELLING:
            continue
        made = " (made by the demonstration)" if decision.made else ""
        failed = f" — {decision.outcome}" if decision.state == "failed" else ""
        yield f"  {_when(decision, timed=timed)}  {decision.kind:<9}  {decision.says}{made}{failed}"


def _when(decision: wire.Decision, *, timed: bool) -> str:
    if timed:
        return f"{decision.model_time:%Y-%m-%d}"
    hours = int(decision.model_time.timestamp() // 3600) - 4 * 24
    return f"row {hours:>8}"


def _bought(found: Document) -> Iterator[str]:
    summary = found.summary
    yield f"What it bought, in {found.metric} over {len(found.windows)} windows"
    rows = (
        ("as served", summary.served, summary.retrainings),
        ("never retrained", summary.never_retrained, 0),
        ("always retrained", summary.always_retrained, summary.retrainings_always),
    )
    for name, value, trainings in rows:
        yield f"  {name:<18} {_number(value):>9}   {trainings} retrainings"
    yield "  " + _avoided(found)


def _avoided(found: Document) -> str:
    """The error avoided a retraining: what the policy bought for each training that it paid."""
    summary = found.summary
    if summary.served is None or summary.never_retrained is None:
        return "no window has labels, so nothing can be said of what it bought"
    sign = 1.0 if found.direction == "down" else -1.0
    avoided = sign * (summary.never_retrained - summary.served)
    if summary.retrainings == 0:
        return "it never retrained; nothing was bought and nothing was paid"
    each = avoided / summary.retrainings
    return f"{avoided:.4g} {found.metric} avoided in all, {each:.4g} a retraining"


def _number(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.4g}"
