"""The chain of a version: asked for, trained, tried, promoted or turned away, guarded, ended."""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from connectors.client import wire
from controlplane.cli import render
from controlplane.cli.why.book import Book
from controlplane.cli.why.story import Chapter, in_words

TITLES: Final = {
    "retrain": "Asked for", "hold": "Held back", "trial": "Put on trial", "first": "Promoted first",
    "promote": "Promoted", "reject": "Turned away", "roll_back": "Taken back", "alert": "Alerted",
    "stop": "Retraining stopped", "resume": "Go ahead said",
}  # fmt: skip
MOVES: Final = frozenset({"first", "promote", "roll_back"})
CITED: Final = 5
"""Alerts of a version's time that are told one by one."""


def chain(book: Book, version: wire.Version) -> list[Chapter]:
    """What became of a version, from what asked for it to what ended it."""
    found = [
        *asked(book, book.run(version.run)),
        *_made(book, version),
        *_tried(book, version),
        *_guarded(book, version),
        *_served(book, version),
        *_ended(book, version),
    ]
    return sorted(found, key=lambda chapter: (chapter.at is None, chapter.at))


def asked(book: Book, run: wire.Run | None) -> Iterator[Chapter]:
    """The decision that asked for a run."""
    decision = None if run is None else book.decision(run.decision)
    if decision is not None:
        yield decided(decision)


def decided(decision: wire.Decision) -> Chapter:
    """A decision as a chapter: its sentence, who decided under which generation, its evidence."""
    says = [decision.says, f"decided by {who(decision)}, under generation {decision.generation}"]
    if decision.triggers:
        says.append(f"triggered by {', '.join(decision.triggers)}")
    cited = [e for e in decision.evidence if e.figures]
    says += [f"{e.kind} {e.id}: {in_words(e.figures)}" for e in cited]
    if decision.state not in {"performed", "recorded"} or decision.outcome:
        says.append(outcome(decision))
    ids = {"decision": decision.id} | {e.kind: e.id for e in decision.evidence}
    if decision.window is not None:
        ids["window"] = decision.window
    figures = {name: value for e in cited for name, value in e.figures.items()}
    title = TITLES.get(decision.kind, decision.kind) + made(made_up=decision.made)
    return Chapter(at=decision.model_time, title=title, says=says, figures=figures, ids=ids)


def trained(run: wire.Run) -> Chapter:
    """A training run as a chapter."""
    says = [
        f"run {run.id} by trainer {run.trainer}: {run.state.replace('_', ' ')}"
        + ("" if run.seconds is None else f" after {render.lasting(run.seconds)}")
    ]
    if run.rows:
        span = f"{render.when(run.data_from)} to {render.when(run.data_to)}"
        says.append(f"on {render.count(run.rows)} labelled rows from {span}")
    if run.reason:
        says.append(run.reason)
    ids = {"run": run.id, "decision": run.decision}
    return Chapter(
        at=run.finished_at or run.requested_at, title="Trained", says=says, ids=ids,
        figures={"rows": float(run.rows), "seconds": run.seconds},
    )  # fmt: skip


def judged(trial: wire.Trial) -> Chapter:
    """A trial as a chapter: the figures, and what they proved."""
    gain = render.bounded(trial.difference, trial.low, trial.high)
    losses = (
        f"{trial.champion} {render.number(trial.loss_champion)}, "
        f"{trial.candidate} {render.number(trial.loss_candidate)}"
    )
    says = [
        (
            f"trial {trial.id}: {trial.candidate} against {trial.champion} by {trial.metric} on "
            f"{render.count(trial.rows)} rows of {trial.blocks} closed days "
            f"from {render.when(trial.start)}"
        ),
        f"{losses}; gain {gain}, above zero the candidate is better",
        f"verdict: {trial.verdict.replace('_', ' ')}" + (f", {trial.says}" if trial.says else "")
        if trial.verdict
        else f"still running; it stops undecided after {trial.stop_blocks} days",
    ]
    return Chapter(
        at=trial.ended_at, title="Tried" + made(made_up=trial.made), says=says,
        ids={"trial": trial.id, "decision": trial.decision},
        figures={
            "difference": trial.difference, "low": trial.low, "high": trial.high,
            "rows": float(trial.rows), "days": float(trial.blocks),
            "loss_champion": trial.loss_champion, "loss_candidate": trial.loss_candidate,
        },
    )  # fmt: skip


def watched(guard: wire.Guard) -> Chapter:
    """A guard as a chapter."""
    lost = "nothing measured yet"
    if guard.mean_difference is not None:
        way = "more" if guard.mean_difference > 0 else "less"
        lost = (
            f"{guard.version} lost {render.number(abs(guard.mean_difference))} a row {way} than "
            f"{guard.previous} on {render.count(guard.rows)} rows; allowed "
            f"{render.number(guard.margin)} more"
        )
    says = [
        (
            f"guard {guard.id} from {render.when(guard.started_at)} until "
            f"{render.when(guard.until)}: {guard.state.replace('_', ' ')}"
        ),
        lost,
        (
            f"alarm level {render.number(guard.level)}; it would take back at "
            f"{render.number(guard.threshold)}"
        ),
    ]
    return Chapter(
        at=guard.ended_at, title="Guarded", says=says, ids={"guard": guard.id},
        figures={
            "mean_difference": guard.mean_difference, "rows": float(guard.rows),
            "margin": guard.margin, "level": guard.level, "threshold": guard.threshold,
        },
    )  # fmt: skip


def who(decision: wire.Decision) -> str:
    """Who decided: the policy, or an operator by hand."""
    return "the policy" if decision.by == "policy" else f"{decision.by}, by hand"


def outcome(decision: wire.Decision) -> str:
    """What became of a decision."""
    state = decision.state.replace("_", " ")
    return f"{state}: {decision.outcome}" if decision.outcome else state


def made(*, made_up: bool) -> str:
    """A mark on what a demonstration made up."""
    return " (made by the demonstration)" if made_up else ""


def _made(book: Book, version: wire.Version) -> Iterator[Chapter]:
    run = book.run(version.run)
    if run is not None:
        yield trained(run)
        return
    span = f"{render.when(version.trained_from)} to {render.when(version.trained_to)}"
    says = [
        "trained elsewhere and registered here",
        f"on data from {span}" if version.trained_to else "nothing was told of its training data",
    ]
    title = "Registered" + made(made_up=version.made)
    yield Chapter(at=version.made_at, title=title, says=says, ids={"sha256": version.sha256})


def _tried(book: Book, version: wire.Version) -> Iterator[Chapter]:
    opened = ("trial", "first", "promote", "reject")
    own = [d for d in book.decisions if d.subject == version.version and d.kind in opened]
    for decision in own:
        yield decided(decision)
        for trial in book.trials:
            if trial.decision == decision.id:
                yield judged(trial)


def _guarded(book: Book, version: wire.Version) -> Iterator[Chapter]:
    return (watched(guard) for guard in book.guards if guard.version == version.version)


def _served(book: Book, version: wire.Version) -> Iterator[Chapter]:
    """The alerts of the time in which it was champion."""
    if version.promoted_at is None:
        return
    until = version.ended_at
    fired = [
        alert
        for alert in book.alerts
        if alert.fired_at > version.promoted_at and (until is None or alert.fired_at <= until)
    ]
    if not fired:
        return
    says = [
        f"{alert.severity}, {render.when(alert.fired_at)}: {alert.summary} ({alert.id})"
        for alert in fired[:CITED]
    ]
    if len(fired) > CITED:
        says.append(f"and {len(fired) - CITED} more: leeboard alerts {version.model}")
    title = f"While it served, {len(fired)} alert{'s' if len(fired) > 1 else ''}"
    yield Chapter(
        at=fired[0].fired_at, title=title, says=says, figures={"alerts": float(len(fired))},
        ids={"alert": fired[0].id},
    )  # fmt: skip


def _ended(book: Book, version: wire.Version) -> Iterator[Chapter]:
    """Its ends and returns: replaced, taken back, served again after another was taken back."""
    since: datetime | None = None
    for decision, before, after in _moves(book):
        if after == version.version:
            since = decision.model_time
            if decision.kind == "roll_back":
                said = f"{before} was taken back, and this one served again"
                yield _moved(decision, "Served again", said, f"{version.model}/{before}")
        elif before == version.version and since is not None:
            lasted = render.lasting((decision.model_time - since).total_seconds())
            if decision.kind == "roll_back":
                yield decided(decision)
            else:
                said = f"it had served for {lasted}"
                yield _moved(decision, "Replaced", said, f"{version.model}/{after}")


def _moves(book: Book) -> Iterator[tuple[wire.Decision, str | None, str]]:
    """The champion's moves in their order: the decision, the champion before and after."""
    champion: str | None = None
    for decision in book.decisions:
        if decision.state != "performed" or decision.kind not in MOVES:
            continue
        after = decision.subject
        if decision.kind == "roll_back":
            after = next((e.id for e in decision.evidence if e.kind == "target"), after)
        yield decision, champion, after
        champion = after


def _moved(decision: wire.Decision, title: str, said: str, other: str) -> Chapter:
    ids = {"decision": decision.id, "version": other}
    return Chapter(at=decision.model_time, title=title, says=[decision.says, said], ids=ids)
