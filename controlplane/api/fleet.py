"""How models stand, read from one snapshot."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec

from controlplane.api import encode, estimated, wire
from controlplane.domain.alerts import Alert, Severity
from controlplane.domain.conditions import Condition
from controlplane.domain.guards import Guard
from controlplane.domain.models import Generation, Model, Timing
from controlplane.domain.policy import Policy
from controlplane.domain.runs import Run
from controlplane.domain.states import (
    AlertState,
    GuardState,
    RunState,
    TrialState,
    WindowState,
)
from controlplane.domain.trials import Trial
from controlplane.domain.versions import Version
from controlplane.domain.windows import Score, Window
from controlplane.ingest.checking import FURTHEST
from controlplane.store.ports import Counts, LedgerReader, Snapshot

OPEN_RUN: Final = (
    RunState.REQUESTED, RunState.AWAITING_APPROVAL, RunState.QUEUED, RunState.RUNNING
)  # fmt: skip
ALL_ROWS: Final = "*"
"""The version under which a score keeps what holds for all live rows."""


class Going(msgspec.Struct, frozen=True, kw_only=True):
    """What is open of a model at the moment."""

    run: Run | None
    trial: Trial | None
    guard: Guard | None
    champion: Version | None
    alerts: list[Alert]


def going_on(ledger: LedgerReader, model: Model) -> Going:
    """The open run, trial and guard, the champion, and the alerts that fire."""
    runs = ledger.find(Run, model=model.id, states=OPEN_RUN, newest_first=True, limit=1)
    trials = ledger.find(
        Trial, model=model.id, states=(TrialState.RUNNING,), newest_first=True, limit=1
    )
    guards = ledger.find(
        Guard, model=model.id, states=(GuardState.WATCHING,), newest_first=True, limit=1
    )
    alerts = ledger.find(Alert, model=model.id, states=(AlertState.FIRING,), newest_first=True)
    return Going(
        run=next(iter(runs), None), trial=next(iter(trials), None),
        guard=next(iter(guards), None), champion=_champion(ledger, model), alerts=alerts,
    )  # fmt: skip


def policy_of(ledger: LedgerReader, model: Model) -> Generation | None:
    """The model file in force."""
    return ledger.get(Generation, f"{model.id}/{model.generation}")


def metric_of(policy: Policy) -> str:
    """The metric that the model is followed by."""
    performance = policy.monitors.performance
    return policy.trial.metric if performance is None else performance.metric


def summary(snapshot: Snapshot, model: Model) -> wire.ModelSummary:
    """A line of the fleet."""
    counts = snapshot.events.counts(model.id)
    return _summary(snapshot.ledger, model, going_on(snapshot.ledger, model), counts)


def detail(
    snapshot: Snapshot, model: Model, conditions: Sequence[Condition], now: datetime
) -> wire.ModelDetail:
    """One model: its file and its status. `now` is the server's clock."""
    ledger = snapshot.ledger
    going = going_on(ledger, model)
    generation = policy_of(ledger, model)
    counts = snapshot.events.counts(model.id)
    return wire.ModelDetail(
        name=model.id,
        summary=_summary(ledger, model, going, counts),
        file="" if generation is None else generation.text,
        conditions=[
            wire.Condition(name=c.name, holds=c.holds, says=c.says, window=c.window)
            for c in conditions
        ],
        watermark=watermark(
            model,
            None if generation is None else generation.policy,
            last_at(snapshot, model, counts, now),
        ),
        features=[c.name for c in model.schema.features] if model.schema else [],
        champion=None if going.champion is None else encode.version(going.champion),
        trial=None if going.trial is None else encode.trial(going.trial),
        guard=None if going.guard is None else encode.guard(going.guard),
        run=None if going.run is None else encode.run(going.run),
        open_alerts=[encode.alert(a) for a in going.alerts],
        timed=model.timed,
        window_seconds=model.every_seconds,
    )


def last_at(snapshot: Snapshot, model: Model, counts: Counts, now: datetime) -> datetime | None:
    """The greatest event time seen; of a live model none that the clock has not reached."""
    by = now + FURTHEST
    if counts.last_at is None or counts.last_at <= by or model.timing is not Timing.LIVE:
        return counts.last_at
    return snapshot.events.last_at(model.id, by=by)


def watermark(model: Model, policy: Policy | None, last: datetime | None) -> datetime | None:
    """The greatest event time seen less the allowed lateness; None before the first row."""
    if last is None:
        return None
    lateness = None if policy is None else policy.windows.lateness
    if lateness is None:
        lateness = timedelta(seconds=(model.every_seconds or 0.0) / 10)
    return last - lateness


def champion(ledger: LedgerReader, model: Model) -> wire.Champion:
    """What serving must run: the champion, and the versions wanted in the shadow."""
    serving = _champion(ledger, model)
    reference = None
    if serving is not None:
        reference = wire.ArtifactRef(
            version=serving.version, sha256=serving.sha256,
            artifact=encode.artifact_path(serving.sha256),
        )  # fmt: skip
    return wire.Champion(champion=reference, shadow=_shadow(ledger, model), generation=model.moves)


def _shadow(ledger: LedgerReader, model: Model) -> list[str]:
    """The version before during a guard, and the candidate of a trial on live traffic."""
    going = going_on(ledger, model)
    wanted: list[str] = []
    if going.guard is not None and going.guard.previous is not None:
        wanted.append(going.guard.previous)
    if going.trial is not None:
        generation = ledger.get(Generation, f"{model.id}/{going.trial.generation}")
        if generation is not None and generation.policy.trial.mode != "replay":
            wanted.append(going.trial.candidate)
    return wanted


def _champion(ledger: LedgerReader, model: Model) -> Version | None:
    return ledger.get(Version, f"{model.id}/{model.champion}") if model.champion else None


def _summary(ledger: LedgerReader, model: Model, going: Going, counts: Counts) -> wire.ModelSummary:
    generation = policy_of(ledger, model)
    score = newest_score(ledger, model)
    matured = _newest(ledger, model, (WindowState.MATURED,))
    scale = going.champion.scale if going.champion else None
    return wire.ModelSummary(
        name=model.id,
        task="" if generation is None else generation.policy.task,
        timing=model.timing,
        generation=model.generation,
        verdict=None if score is None else score.verdict,
        champion=model.champion,
        metric="" if generation is None else metric_of(generation.policy),
        realised=None if matured is None else figure(matured),
        estimated=None if score is None else estimated.headline(score),
        reference_loss=None if scale is None else scale.reference_loss,
        activity=_activity(model, None if generation is None else generation.policy, going),
        open_alerts=len(going.alerts),
        worst_alert=worst(going.alerts),
        rows=wire.Rows(
            predictions=counts.predictions, labels=counts.labels, rejected=counts.rejected
        ),
        model_time=model.announced if model.timing is Timing.REPLAY else model.stepped,
        retraining_stopped=model.retraining_stopped,
        frozen=model.frozen,
        timed=model.timed,
    )


def figure(score: Score) -> wire.Figure | None:
    """The headline figure of a window: over all its live rows, None where there is none."""
    found = next((r for r in score.realised if r.version == ALL_ROWS), None)
    if found is None:
        return None
    return wire.Figure(
        metric=found.metric, value=found.value, rows=found.rows,
        low=found.interval.low if found.interval else None,
        high=found.interval.high if found.interval else None,
    )  # fmt: skip


def worst(alerts: Sequence[Alert]) -> str | None:
    """The loudest severity among alerts."""
    return max((a.severity for a in alerts), key=list(Severity).index, default=None)


def newest_score(ledger: LedgerReader, model: Model) -> Score | None:
    """The latest revision of the newest window that was scored."""
    return _newest(ledger, model, (WindowState.SCORED, WindowState.MATURED))


def _newest(ledger: LedgerReader, model: Model, states: tuple[WindowState, ...]) -> Score | None:
    """The latest revision of the newest window that is in one of these states."""
    windows = ledger.find(Window, model=model.id, states=states, newest_first=True, limit=1)
    return ledger.get(Score, f"{windows[0].id}/{windows[0].revision}") if windows else None


def _activity(model: Model, policy: Policy | None, going: Going) -> str:
    if going.trial is not None:
        return f"trial of {going.trial.candidate}"
    if going.guard is not None:
        return f"guard over {going.guard.version}"
    if going.run is not None:
        waits = going.run.state is RunState.AWAITING_APPROVAL
        return "training awaits approval" if waits else "training"
    if model.frozen:
        return "stopped"
    if model.champion:
        return "watching"
    is_watched = policy is not None and policy.trainer is None
    return "watching, trained elsewhere" if is_watched else "no champion yet"
