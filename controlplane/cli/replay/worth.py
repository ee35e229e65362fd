"""What a policy bought: its error beside never retraining and always retraining."""

from collections.abc import Iterator
from typing import Final

from controlplane.cli.replay.document import Document, Summary
from controlplane.cli.replay.episodes import episodes
from controlplane.cli.replay.phrases import figure, some, wrapped
from controlplane.cli.replay.story import Story

ALIKE: Final = 0.005
"""A share of the error below which two policies are said to have done the same."""


def bought(found: Document, story: Story) -> Iterator[str]:
    """The table and what it means."""
    summary = found.summary
    measured = [w for w in found.windows if w.served is not None and w.served.value is not None]
    rows = sum(w.served.rows for w in measured if w.served is not None)
    better = "less" if found.direction == "down" else "more"
    yield (
        f"What it bought: {found.metric} over {some(len(measured), 'window')}, "
        f"{some(rows, 'labelled row')} ({better} is better)"
    )
    if summary.served is None or summary.never_retrained is None:
        yield "  no window has labels, so nothing can be said"
        return
    yield f"  {'':<18}{found.metric:>10}{'trainings':>12}{'against never':>16}"
    lines = (
        ("as served", summary.served, summary.retrainings),
        ("never retrained", summary.never_retrained, 0),
        ("always retrained", summary.always_retrained, summary.retrainings_always),
    )
    for name, value, trainings in lines:
        against = "" if name == "never retrained" else _percent(value, summary.never_retrained)
        yield f"  {name:<18}{figure(value):>10}{trainings:>12}{against:>16}".rstrip()
    yield from wrapped("  ", " ".join(_meaning(found, story)))


def _percent(value: float | None, never: float | None) -> str:
    if value is None or not never:
        return ""
    return "the same" if value == never else f"{(value - never) / abs(never):+.1%}"


def _meaning(found: Document, story: Story) -> Iterator[str]:
    """In words: against never retraining, then against always."""
    summary = found.summary
    sign = 1.0 if found.direction == "down" else -1.0
    served, never, always = summary.served, summary.never_retrained, summary.always_retrained
    assert served is not None
    assert never is not None
    promoted = sum(e.trial is not None and e.trial.verdict == "better" for e in episodes(story))
    yield _against_never(found, sign * (never - served), promoted)
    if always is not None and summary.retrainings_always:
        yield _against_always(summary, sign * (served - always), sign * (never - always))


def _against_never(found: Document, avoided: float, promoted: int) -> str:
    summary = found.summary
    if summary.retrainings == 0 and avoided == 0:
        return "It never retrained: nothing was bought and nothing was paid."
    spent = f"{some(summary.retrainings, 'retraining')}, {some(promoted, 'promotion')}"
    if avoided == 0:
        return f"Nothing was bought for {spent}: what was tried was not better."
    what = f"{found.metric} {'avoided' if found.direction == 'down' else 'gained'}"
    if avoided < 0:
        what = f"{found.metric} lost"
    each = (
        f", {figure(abs(avoided) / summary.retrainings)} a retraining"
        if summary.retrainings
        else ""
    )
    return f"{figure(abs(avoided))} {what} in all{each} ({spent})."


def _against_always(summary: Summary, behind: float, bought_by_always: float) -> str:
    """`behind` is by how much the schedule did better than the policy, `bought_by_always` by how
    much it did better than never retraining."""
    always, many = summary.always_retrained or 0.0, some(summary.retrainings_always, "training")
    if abs(behind) <= ALIKE * abs(always):
        how = f"did no better than that, for {many}"
    else:
        how = f"did {'better' if behind > 0 else 'worse'} by {figure(abs(behind))}, for {many}"
    pays = "" if bought_by_always > 0 else ": here retraining did not pay"
    return f"Retraining on a schedule {how}{pays}."
