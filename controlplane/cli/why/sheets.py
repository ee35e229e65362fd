"""Stories by what they are about: a version, a decision, an alert, a run, a trial, a window."""

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Final

from connectors.client import wire
from controlplane.cli import render
from controlplane.cli.why import chain
from controlplane.cli.why.book import Book
from controlplane.cli.why.story import Chapter, Story, in_words

FAILED: Final = 8
"""Failed findings of a window that are told one by one."""
OF_VERSIONS: Final = frozenset({"trial", "first", "promote", "reject", "roll_back"})

Windows = Callable[[str], tuple[wire.Window, wire.WindowFindings]]
"""Reads a window and its findings by `w_…` or `w_…/revision`."""


def of_version(book: Book, version: wire.Version, windows: Windows) -> Story:
    """How a version came to be, and what became of it."""
    chapters = chain.chain(book, version)
    for place, chapter in reversed(list(enumerate(chapters))):
        decision = book.decision(chapter.ids.get("decision", ""))
        if decision is not None and decision.kind == "retrain" and chapter.title != "Trained":
            chapters[place + 1 : place + 1] = _scored(decision, windows)
    name = f"{version.model}/{version.version}"
    facts = {
        "state": version.state.replace("_", " ") + chain.made(made_up=version.made),
        "champion": _span(version),
        "trained on": f"{render.count(version.rows_trained)} rows" if version.rows_trained else "",
        "parent": version.parent or "",
        "reference loss": render.number(version.reference_loss),
        "metrics": ", ".join(f"{k} {render.number(v)}" for k, v in version.metrics.items()),
        "data sha256": version.data_sha256 or "",
        "files sha256": version.sha256,
        "code": version.code or "",
    }
    says = f"{version.version} of {version.model}, {version.state.replace('_', ' ')}"
    return _story(book, name, "version", says, facts, chapters)


def of_decision(book: Book, decision: wire.Decision, windows: Windows) -> Story:
    """What a decision rests on, what led to it and what came of it."""
    facts = {
        "decided": f"{render.when(decision.model_time)} in model time, by {chain.who(decision)}",
        "under": f"generation {decision.generation} of the model file",
        "recorded": f"{render.when(decision.recorded_at)} by the clock",
        "verdict": (decision.verdict or "").replace("_", " "),
        "triggers": ", ".join(decision.triggers),
        "state": chain.outcome(decision) + chain.made(made_up=decision.made),
    }
    says = f"{decision.kind.replace('_', ' ')}, {decision.model}: {decision.says}"
    chapters = [*_evidence(book, decision, windows), *_around(book, decision)]
    return _story(book, decision.id, "decision", says, facts, chapters)


def of_alert(
    book: Book, alert: wire.Alert, deliveries: Iterable[wire.Delivery], windows: Windows
) -> Story:
    """What an alert rests on, who was told, and what was decided at that moment."""
    facts = {
        "severity": alert.severity,
        "state": alert.state,
        "fired": f"{render.when(alert.fired_at)} in model time",
        "resolved": render.when(alert.resolved_at),
        "because": alert.resolved_because or "",
        "acknowledged": f"{render.when(alert.acknowledged_at)} by {alert.acknowledged_by}"
        if alert.acknowledged_by
        else "by nobody",
        "told": _told(deliveries),
    }
    decision = book.decision(alert.decision or "")
    chapters = [] if decision is None else [*_evidence(book, decision, windows)]
    chapters += [
        chain.decided(other)
        for other in book.decisions
        if other.model_time == alert.fired_at
        and other.kind in {"retrain", "hold", "roll_back", "stop"}
    ]
    chapters += [
        chapter
        for run in book.runs
        if any(chapter.ids.get("decision") == run.decision for chapter in chapters)
        for chapter in _after_run(book, run)
    ]
    return _story(book, alert.id, "alert", f"{alert.condition}, {alert.model}: {alert.summary}",
                  facts, chapters)  # fmt: skip


def of_run(book: Book, run: wire.Run) -> Story:
    """What asked for a run and what came of it."""
    facts = {"state": run.state.replace("_", " "), "version": run.version or "none",
             "reason": run.reason or ""}  # fmt: skip
    says = f"training run of {run.model}, {run.state.replace('_', ' ')}"
    chapters = [*chain.asked(book, run), *_after_run(book, run)]
    return _story(book, run.id, "run", says, facts, chapters)


def of_trial(book: Book, trial: wire.Trial) -> Story:
    """What a trial compared and what came of it."""
    version = book.version(trial.candidate)
    facts = {"state": trial.state.replace("_", " "), "opened": render.when(trial.opened_at),
             "ended": render.when(trial.ended_at)}  # fmt: skip
    says = f"trial of {trial.candidate} against {trial.champion}, {trial.model}"
    chapters = [chain.judged(trial)] if version is None else chain.chain(book, version)
    return _story(book, trial.id, "trial", says, facts, chapters)


def of_window(book: Book, window: str, windows: Windows) -> Story:
    """What the monitors found in a window, and what was decided on it."""
    found, findings = windows(window)
    facts = {
        "span": f"{render.when(found.start)} to {render.when(found.end)}",
        "state": found.state,
        "verdict": (found.verdict or "").replace("_", " "),
        "champion": found.champion or "",
        "rows": f"{render.count(found.rows)}, {render.count(found.labels)} of them labelled",
        "notes": "; ".join(found.notes),
    }
    chapters = [judged_window(found, findings)]
    chapters += [chain.decided(d) for d in book.decisions if d.window == found.id]
    return _story(book, found.id, "window", f"window {found.number} of {found.model}", facts,
                  chapters)  # fmt: skip


def judged_window(window: wire.Window, findings: wire.WindowFindings) -> Chapter:
    """A window's failed findings with their figures; how many of the others there are."""
    failed = [finding for finding in findings.findings if finding.verdict in {"failed", "error"}]
    says = [
        (
            f"{render.when(window.start)} to {render.when(window.end)}, revision {findings.revision}: "
            f"{render.count(window.rows)} rows, {render.count(window.labels)} labelled, "
            f"{findings.verdict}"
        )
    ]
    if window.realised is not None:
        figure = window.realised
        known = render.bounded(figure.value, figure.low, figure.high)
        says.append(f"{figure.metric} {known} on {render.count(figure.rows)} rows")
    says += [_finding(finding) for finding in failed[:FAILED]]
    others = Counter(
        "shown only" if finding.reason == "shown" else finding.verdict
        for finding in findings.findings
    )
    counted = ", ".join(f"{number} {verdict}" for verdict, number in others.most_common())
    says.append(f"of {len(findings.findings)} findings: {counted}")
    return Chapter(
        at=findings.scored_at, title="What the monitors found", says=says,
        figures={verdict: float(number) for verdict, number in others.items()},
        ids={"window": window.id},
    )  # fmt: skip


def _finding(finding: wire.Finding) -> str:
    where = "all rows" if finding.column == "*" else finding.column
    parts = [f"{where}, {finding.detector}: {finding.verdict}"]
    for name in ("statistic", "p_value", "effect", "threshold"):
        value: float | None = getattr(finding, name)
        if value is not None:
            parts.append(f"{name.replace('_', ' ')} {render.number(value)}")
    if finding.interval is not None:
        parts.append(
            f"interval [{render.number(finding.interval.low)}, "
            f"{render.number(finding.interval.high)}] at {finding.interval.level:.0%}"
        )
    against = f" against {render.count(finding.rows_reference)}" if finding.rows_reference else ""
    parts.append(f"{render.count(finding.rows)} rows{against}")
    basis = f" ({finding.basis})" if finding.basis else ""
    return ", ".join(parts) + basis


def _evidence(book: Book, decision: wire.Decision, windows: Windows) -> list[Chapter]:
    """The facts that a decision cites, one chapter each; of a window also what failed in it."""
    chapters = [
        Chapter(
            at=None, title=f"Because of {evidence.kind} {evidence.id}",
            says=[evidence.says, *([in_words(evidence.figures)] if evidence.figures else [])],
            figures=evidence.figures, ids={evidence.kind: evidence.id},
        )
        for evidence in _once(decision.evidence)
    ]  # fmt: skip
    chapters += _scored(decision, windows)
    for evidence in decision.evidence:
        guard = book.guard(evidence.id) if evidence.kind == "guard" else None
        if guard is not None:
            chapters.append(chain.watched(guard))
    return chapters


def _scored(decision: wire.Decision, windows: Windows) -> list[Chapter]:
    """The windows that a decision cites, with what failed in them."""
    names = sorted({e.id for e in decision.evidence if e.kind == "score"})
    return [judged_window(*windows(name)) for name in names]


def _once(evidence: Iterable[wire.Evidence]) -> list[wire.Evidence]:
    return list({(e.kind, e.id, e.says): e for e in evidence}.values())


def _around(book: Book, decision: wire.Decision) -> list[Chapter]:
    """What led to a decision and what came of it, by what it is about."""
    version = book.version(decision.subject) if decision.kind in OF_VERSIONS else None
    if version is not None:
        return chain.chain(book, version)
    if decision.kind == "retrain":
        return [
            c for run in book.runs if run.decision == decision.id for c in _after_run(book, run)
        ]
    if decision.kind == "hold":
        return [*_blocker(book, decision), *_next_run(book, decision)]
    return [chain.decided(other) for other in _answers(book, decision)]


def _after_run(book: Book, run: wire.Run) -> list[Chapter]:
    version = book.version(run.version)
    if version is None:
        return [chain.trained(run)]
    return [c for c in chain.chain(book, version) if c.ids.get("decision") != run.decision
            or c.title == "Trained"]  # fmt: skip


def _blocker(book: Book, decision: wire.Decision) -> list[Chapter]:
    """What held a trigger back, which the subject of a hold names."""
    name = decision.subject.rpartition(":")[2]
    if (trial := book.trial(name)) is not None:
        return [chain.judged(trial)]
    if (guard := book.guard(name)) is not None:
        return [chain.watched(guard)]
    if (other := book.decision(name)) is not None:
        return [chain.decided(other)]
    return [] if (run := book.run(name)) is None else [chain.trained(run)]


def _next_run(book: Book, decision: wire.Decision) -> list[Chapter]:
    """When a run was asked for after all."""
    later = (
        d for d in book.decisions if d.kind == "retrain" and d.model_time > decision.model_time
    )
    return [chain.decided(following) for following in list(later)[:1]]


def _answers(book: Book, decision: wire.Decision) -> list[wire.Decision]:
    """What else was decided at the moment of an alert; the go after a stop, and the stop before."""
    if decision.kind == "alert":
        return [
            d for d in book.decisions
            if d.model_time == decision.model_time and d.kind in {"retrain", "hold", "roll_back"}
        ]  # fmt: skip
    if decision.kind == "stop":
        later = [
            d for d in book.decisions if d.kind == "resume" and d.model_time >= decision.model_time
        ]
        return later[:1]
    before = [d for d in book.decisions if d.kind == "stop" and d.model_time <= decision.model_time]
    return before[-1:]


def _told(deliveries: Iterable[wire.Delivery]) -> str:
    found = [f"{d.receiver} of {d.type.partition('.')[2]}: {d.state}" for d in deliveries]
    return "; ".join(found) or "nobody: no receiver of the model file's `alerts` takes it"


def _span(version: wire.Version) -> str:
    if version.promoted_at is None:
        return "never"
    if version.ended_at is None:
        return f"since {render.when(version.promoted_at)}"
    return f"from {render.when(version.promoted_at)} to {render.when(version.ended_at)}"


def _story(
    book: Book, id_: str, kind: str, says: str, facts: dict[str, str], chapters: list[Chapter]
) -> Story:  # fmt: skip
    """The whole, with the ids of its chapters as commands that read on."""
    found: dict[str, None] = {}
    for chapter in chapters:
        for name in ("decision", "run", "trial", "version", "window", "alert"):
            if name in chapter.ids and chapter.ids[name] != id_:
                found[chapter.ids[name]] = None
    run = next((chapter.ids["run"] for chapter in chapters if "run" in chapter.ids), None)
    log = [f"leeboard runs log {run}"] if run else []
    cited = (chapter.ids.get(kind) for chapter in chapters for kind in ("window", "score"))
    windows = dict.fromkeys(name.partition("/")[0] for name in cited if name)
    log += [f"leeboard causes {window}" for window in windows]
    return Story(
        id=id_, kind=kind, model=book.model.name, says=says,
        facts={name: text for name, text in facts.items() if text and text != render.NOTHING},
        chapters=chapters, next=[f"leeboard why {name}" for name in found] + log,
    )  # fmt: skip
