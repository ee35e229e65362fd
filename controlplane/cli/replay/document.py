"""What a replay found, as the one JSON document that `--json` prints."""

from datetime import datetime

import msgspec

from connectors.client import wire
from connectors.client.calls import Span
from connectors.client.http import Connection
from controlplane.cli.replay.history import History
from controlplane.cli.replay.rivals import AlwaysRetrained, Figure, measured, weighted
from controlplane.cli.replay.serving import Serving
from detectors.metrics.catalogue import METRICS


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """A measured window: the metric as served and as it would have been."""

    id: str
    start: datetime
    end: datetime
    rows: int
    champion: str | None
    served: Figure | None
    estimated: Figure | None = None
    never_retrained: float | None
    always_retrained: float | None
    verdict: str | None


class Alarm(msgspec.Struct, frozen=True, kw_only=True):
    """A condition that somebody was told of."""

    decision: str
    window: str | None
    condition: str | None


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """A training process."""

    id: str
    state: str
    decision: str
    triggers: list[str]
    version: str | None
    seconds: float | None


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """A candidate against the champion."""

    id: str
    candidate: str
    made: bool
    verdict: str | None
    rows: int
    difference: float | None
    low: float | None
    high: float | None


class Promotion(msgspec.Struct, frozen=True, kw_only=True):
    """A version that became champion: `first`, `promote`, or `promote` by hand."""

    decision: str
    version: str
    kind: str


class Rollback(msgspec.Struct, frozen=True, kw_only=True, rename={"origin": "from"}):
    """A promotion taken back."""

    decision: str
    origin: str
    to: str


class Deliveries(msgspec.Struct, frozen=True, kw_only=True):
    """Messages: sent by the server, and verified by the receiver that got them."""

    sent: int
    verified: int


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """The metric over all measured windows, weighed by rows, and what it cost."""

    served: float | None
    never_retrained: float | None
    always_retrained: float | None
    retrainings: int
    retrainings_always: int


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that a replay found."""

    model: str
    rows: int
    metric: str
    direction: str
    windows: list[Window]
    alarms: list[Alarm]
    runs: list[Run]
    trials: list[Trial]
    promotions: list[Promotion]
    rollbacks: list[Rollback]
    deliveries: Deliveries
    summary: Summary
    seconds: float


class Sources(msgspec.Struct, frozen=True, kw_only=True):
    """Where the figures come from."""

    connection: Connection
    model: str
    history: History
    serving: Serving
    always: AlwaysRetrained
    metric: str
    counted: bool
    """Whether windows are of so many rows each, which may share their times."""
    measured_to: datetime | None = None


def document(sources: Sources, deliveries: Deliveries, seconds: float) -> Document:
    """Gather the document from the server's records and the rivals' predictions."""
    ask, model = sources.connection, sources.model
    oldest = Span(limit=1000, order="oldest")
    found = list(ask.every(lambda s: ask.windows(model, s), oldest))
    windows, beyond = _windows(sources, found), after_the_end(found, sources.history)
    decisions = list(ask.every(lambda s: ask.decisions(s, model=model), oldest))
    runs = list(ask.every(lambda s: ask.runs(model, s), oldest))
    trials = list(ask.every(lambda s: ask.trials(model, s), oldest))
    return Document(
        model=model,
        rows=sources.history.rows.num_rows,
        metric=sources.metric,
        direction=str(METRICS[sources.metric].direction),
        windows=windows,
        alarms=[_alarm(d) for d in decisions if is_alarm(d, beyond)],
        runs=[_run(run) for run in runs],
        trials=[_trial(trial) for trial in trials],
        promotions=[_promotion(d) for d in decisions if _is_move(d, "first", "promote")],
        rollbacks=[_rollback(d) for d in decisions if _is_move(d, "roll_back")],
        deliveries=deliveries,
        summary=_summary(windows, runs, sources.always),
        seconds=seconds,
    )


def after_the_end(windows: list[wire.Window], history: History) -> frozenset[str]:
    """The windows that begin after the last row, while the last labels still come."""
    last = history.rows["at"][-1].as_py()
    return frozenset(window.id for window in windows if window.start > last)


def is_alarm(decision: wire.Decision, beyond: frozenset[str]) -> bool:
    """Whether an alert tells of the history, and not that nothing comes after its end."""
    return decision.kind == "alert" and decision.window not in beyond


def _windows(sources: Sources, found: list[wire.Window]) -> list[Window]:
    """The measured windows, with the rivals on the very same rows."""
    history, start = sources.history, sources.history.split
    last = history.rows["at"][-1].as_py()
    served = history.rows.slice(history.row_at(start))
    _, first = sources.serving.predictions_of("v1")
    always = sources.always.predictions(first, served)
    result = []
    first_row = 0
    for window in found:
        if not start <= window.start <= last:
            continue
        if sources.measured_to is not None and window.end > sources.measured_to:
            continue
        if sources.counted:
            offset, count = first_row, window.rows
            first_row += count
        else:
            offset = history.row_at(window.start) - history.row_at(start)
            count = history.row_at(window.end) - history.row_at(window.start)
        part = served.slice(offset, count)
        never = measured(history, sources.metric, part, first.slice(offset, part.num_rows))
        rival = measured(history, sources.metric, part, always.slice(offset, part.num_rows))
        result.append(
            Window(
                id=window.id,
                start=window.start,
                end=window.end,
                rows=window.rows,
                champion=window.champion,
                served=_figure(window.realised),
                estimated=_expected(window.estimated),
                never_retrained=never.value,
                always_retrained=rival.value,
                verdict=window.verdict,
            )
        )
    return result


def _figure(found: wire.Figure | None) -> Figure | None:
    if found is None:
        return None
    return Figure(value=found.value, low=found.low, high=found.high, rows=found.rows)


def _expected(found: wire.Estimate | None) -> Figure | None:
    """What was expected of a window before its labels; None where that is hidden."""
    if found is None or found.value is None:
        return None
    low, high = (found.interval.low, found.interval.high) if found.interval else (None, None)
    return Figure(value=found.value, low=low, high=high, rows=found.rows)


def _summary(windows: list[Window], runs: list[wire.Run], always: AlwaysRetrained) -> Summary:
    weights = [window.served.rows if window.served else 0 for window in windows]
    served = [window.served.value if window.served else None for window in windows]
    return Summary(
        served=weighted(list(zip(served, weights, strict=True))),
        never_retrained=weighted(
            [(w.never_retrained, n) for w, n in zip(windows, weights, strict=True)]
        ),
        always_retrained=weighted(
            [(w.always_retrained, n) for w, n in zip(windows, weights, strict=True)]
        ),
        retrainings=sum(run.state == "succeeded" and "first" not in run.triggers for run in runs),
        retrainings_always=always.trainings,
    )


def _alarm(decision: wire.Decision) -> Alarm:
    return Alarm(decision=decision.id, window=decision.window, condition=decision.condition)


def _run(run: wire.Run) -> Run:
    return Run(
        id=run.id, state=run.state, decision=run.decision, triggers=run.triggers,
        version=run.version, seconds=run.seconds,
    )  # fmt: skip


def _trial(trial: wire.Trial) -> Trial:
    return Trial(
        id=trial.id, candidate=trial.candidate, made=trial.made, verdict=trial.verdict,
        rows=trial.rows, difference=trial.difference, low=trial.low, high=trial.high,
    )  # fmt: skip


def _is_move(decision: wire.Decision, *kinds: str) -> bool:
    return decision.kind in kinds and decision.state == "performed"


def _promotion(decision: wire.Decision) -> Promotion:
    kind = decision.kind if decision.by == "policy" else "by_hand"
    return Promotion(decision=decision.id, version=decision.subject, kind=kind)


def _rollback(decision: wire.Decision) -> Rollback:
    target = next((e.id for e in decision.evidence if e.kind == "target"), "")
    return Rollback(decision=decision.id, origin=decision.subject, to=target)
