"""From records to the shapes of the wire: fields change places, nothing is decided."""

from collections.abc import Iterable
from datetime import datetime

import msgspec

from controlplane.api import wire
from controlplane.domain.alerts import Alert, Delivery
from controlplane.domain.decisions import Decision
from controlplane.domain.guards import Guard
from controlplane.domain.journal import Entry
from controlplane.domain.runs import Run
from controlplane.domain.tokens import Token
from controlplane.domain.trials import Trial
from controlplane.domain.versions import Version


def artifact_path(sha256: str) -> str:
    """Where a version's tar is fetched."""
    return f"/v1/artifacts/{sha256}"


def version(record: Version) -> wire.Version:
    """A version with its lineage."""
    scale = record.scale
    return wire.Version(
        version=record.version, model=record.model, state=record.state, made_at=record.made_at,
        origin=record.origin, made=record.made, run=record.run, parent=record.parent,
        sha256=record.sha256, artifact=artifact_path(record.sha256), trainer=record.trainer,
        trained_from=record.trained_from, trained_to=record.trained_to,
        rows_trained=record.rows_trained, data_sha256=record.data_sha256, code=record.code,
        parameters=record.parameters, environment=record.environment, metrics=record.metrics,
        reference_loss=None if scale is None else scale.reference_loss,
        promoted_at=record.promoted_at, ended_at=record.ended_at,
    )  # fmt: skip


def run(record: Run) -> wire.Run:
    """A training run."""
    return wire.Run(
        id=record.id, model=record.model, state=record.state, decision=record.decision,
        triggers=list(record.triggers), requested_at=record.requested_at,
        finished_at=record.finished_at, trainer=record.trainer, rows=record.rows,
        data_from=record.data_from, data_to=record.data_to, version=record.version,
        reason=record.reason, seconds=record.seconds,
    )  # fmt: skip


def trial(record: Trial) -> wire.Trial:
    """A trial, as far as it has come."""
    now = record.progress
    return wire.Trial(
        id=record.id, model=record.model, state=record.state,
        verdict=None if record.state == "running" else record.state.value,
        champion=record.champion, candidate=record.candidate, made=record.made,
        metric=record.metric, unit=record.unit, opened_at=record.opened_at, ended_at=record.ended_at,
        start=record.start, rows=now.rows if now else 0, blocks=now.blocks if now else 0,
        stop_blocks=record.stop_blocks, difference=now.difference if now else None,
        low=now.low if now else None, high=now.high if now else None,
        loss_champion=now.loss_champion if now else None,
        loss_candidate=now.loss_candidate if now else None,
        series=[msgspec.convert(p, wire.Progress, from_attributes=True) for p in record.series],
        decision=record.decision, says=record.says,
    )  # fmt: skip


def guard(record: Guard) -> wire.Guard:
    """The watch over a promotion; its level is the mean of the bets."""
    levels = record.levels
    return wire.Guard(
        id=record.id, state=record.state, version=record.version, previous=record.previous,
        started_at=record.started_at, until=record.until, rows=record.rows,
        level=sum(levels) / len(levels) if levels else 0.0, threshold=record.threshold,
        mean_difference=record.mean_difference, margin=record.margin, ended_at=record.ended_at,
    )  # fmt: skip


def decision(record: Decision) -> wire.Decision:
    """A decision with its evidence."""
    return wire.Decision(
        id=record.id, model=record.model, kind=record.kind, subject=record.subject,
        generation=record.generation, model_time=record.model_time,
        recorded_at=record.recorded_at, state=record.state, says=record.says,
        verdict=record.verdict, condition=record.condition, window=record.window,
        triggers=list(record.triggers), by=record.by, made=record.made, outcome=record.outcome,
        evidence=list(record.evidence),
    )  # fmt: skip


def alert(record: Alert) -> wire.Alert:
    """An alert."""
    return wire.Alert(
        id=record.id, model=record.model, condition=record.condition, subject=record.subject,
        severity=record.severity, state=record.state, summary=record.summary,
        decision=record.decision, window=record.window, fired_at=record.fired_at,
        resolved_at=record.resolved_at, resolved_because=record.resolved_because,
        acknowledged_by=record.acknowledged_by, acknowledged_at=record.acknowledged_at,
        verdict=record.verdict, note=record.note,
    )  # fmt: skip


def delivery(record: Delivery) -> wire.Delivery:
    """A message in the outbox; its body and its receiver's address stay here."""
    return wire.Delivery(
        id=record.id, state=record.state, receiver=record.receiver, alert=record.alert,
        type=record.type, attempts=record.attempts, queued_at=record.queued_at,
        due_at=record.due_at, delivered_at=record.delivered_at, last_error=record.last_error,
    )  # fmt: skip


def entry(record: Entry) -> wire.JournalEntry:
    """A line of the journal."""
    return wire.JournalEntry(
        id=record.id, at=record.at, model=record.model, kind=record.kind,
        subject=record.subject, by=record.by,
        facts=msgspec.json.decode(record.text, type=dict[str, object]), hash=record.hash,
    )  # fmt: skip


def token(record: Token, now: datetime) -> wire.Token:
    """A token as it stands at a time; its hash stays here."""
    return wire.Token(
        name=record.id, scopes=list(record.scopes), state=record.state_at(now),
        models=None if record.models is None else list(record.models),
        made_at=record.made_at, made_by=record.made_by, expires_at=record.expires_at,
        revoked_at=record.revoked_at, revoked_by=record.revoked_by, used_on=record.used_on,
    )  # fmt: skip


def latest(times: Iterable[datetime | None]) -> datetime | None:
    """The greatest of the times that are known."""
    return max((time for time in times if time is not None), default=None)
