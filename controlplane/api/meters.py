"""What Prometheus reads: requests and rows as they come, the store's figures when it asks.

Names begin with `leeboard_`, durations are seconds, sizes bytes; labels hold names of models and
routes, and never an id.
"""

import platform
from collections.abc import Iterator
from datetime import datetime
from typing import Final

import duckdb
from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector
from prometheus_client import generate_latest as as_text
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
)
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics.exposition import CONTENT_TYPE_LATEST as OPENMETRICS
from prometheus_client.openmetrics.exposition import generate_latest as as_openmetrics
from prometheus_client.registry import Collector
from typing_extensions import override

from controlplane import __version__
from controlplane.api.fleet import last_at, policy_of, watermark
from controlplane.api.parts import Parts
from controlplane.domain.alerts import Alert, Severity
from controlplane.domain.batches import Receipt, Replayed
from controlplane.domain.errors import AllRejected
from controlplane.domain.models import Model, Timing
from controlplane.domain.runs import Run
from controlplane.domain.states import AlertState, RunState, TrialState
from controlplane.domain.trials import Trial
from controlplane.store.figures import StoreFigures, Tallied
from controlplane.store.ports import Snapshot

TEXT: Final = "text/plain; version=0.0.4"
"""Litestar adds the charset."""
METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"})


class Meters:
    """The server's own registry; several servers in one process do not disturb each other."""

    def __init__(self, parts: Parts) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "leeboard_http_requests", "Requests answered.", ("method", "route", "status"),
            registry=self._registry,
        )  # fmt: skip
        self._seconds = Histogram(
            "leeboard_http_request_duration_seconds", "Time to answer.", ("method", "route"),
            registry=self._registry,
        )  # fmt: skip
        self._rows = Counter(
            "leeboard_rows_received", "Rows that came, by what became of them.",
            ("model", "feed", "outcome"), registry=self._registry,
        )  # fmt: skip
        ProcessCollector(registry=self._registry)
        self._registry.register(_Asked(parts))

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one answer; `route` is the path with its names left open."""
        method = method if method in METHODS else "other"
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(method, route).observe(seconds)

    def received(self, model: str, feed: str, outcome: Receipt | Exception) -> None:
        """Count the rows of a request by what became of them; of one that is answered again,
        none."""
        counts: dict[str, int] = {}
        if isinstance(outcome, Receipt) and not isinstance(outcome, Replayed):
            counts = {
                "accepted": outcome.accepted, "duplicate": outcome.duplicates,
                "rejected": outcome.rejected,
            }  # fmt: skip
        elif isinstance(outcome, AllRejected) and not outcome.is_replayed:
            counts = {"rejected": outcome.total}
        for name, rows in counts.items():
            if rows:
                self._rows.labels(model, feed, name).inc(rows)

    def exposition(self, accept: str) -> tuple[bytes, str]:
        """The figures and their content type: OpenMetrics where that is asked for, else text."""
        if "application/openmetrics-text" in accept:
            return as_openmetrics(self._registry), OPENMETRICS  # type: ignore[no-untyped-call]
        return as_text(self._registry), TEXT


class _Asked(Collector):
    """The figures that are known elsewhere already, read when they are asked for."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def describe(self) -> Iterator[Metric]:
        """Nothing: so that registering it does not read the store."""
        return iter(())

    @override
    def collect(self) -> Iterator[Metric]:
        """One moment's figures."""
        versions = {
            "version": __version__, "python": platform.python_version(),
            "duckdb": duckdb.__version__,
        }  # fmt: skip
        yield InfoMetricFamily("leeboard_build", "What the server is made of.", versions)
        store = self._parts.store
        yield from _of_store(store.figures)
        yield _durations("leeboard_wake", "Time of a model's wake.", self._parts.wakes.read())
        with store.read() as snapshot:
            yield from _of_models(snapshot, self._parts.clock.now())


def _of_store(figures: StoreFigures) -> Iterator[Metric]:
    told = {
        "queue_entries": ("Writes that wait.", figures.queue_entries),
        "queue_bytes": ("Bytes of the writes that wait.", figures.queue_bytes),
        "wal_bytes": ("Bytes of the write-ahead log.", figures.wal_bytes),
    }  # fmt: skip
    for name, (says, value) in told.items():
        yield GaugeMetricFamily(f"leeboard_store_{name}", says, value)
    yield _durations("leeboard_store_commit", "Time of a commit and its work.", figures.commits)
    yield _durations("leeboard_store_checkpoint", "Time of a checkpoint.", figures.checkpoints)


def _durations(name: str, says: str, tallied: Tallied) -> Metric:
    """A histogram of seconds."""
    buckets = [(str(b), float(c)) for b, c in zip(tallied.bounds, tallied.counts, strict=True)]
    return HistogramMetricFamily(
        f"{name}_duration_seconds", says, buckets=[*buckets, ("+Inf", float(tallied.count))],
        sum_value=tallied.total,
    )  # fmt: skip


def _of_models(snapshot: Snapshot, now: datetime) -> Iterator[Metric]:
    rows = GaugeMetricFamily("leeboard_rows_stored", "Rows in store.", labels=["model", "feed"])
    moves = CounterMetricFamily("leeboard_champion_moves", "Champion's moves.", labels=["model"])
    last = GaugeMetricFamily(
        "leeboard_last_event_timestamp_seconds", "Greatest event time seen.", labels=["model"]
    )
    lag = GaugeMetricFamily(
        "leeboard_watermark_lag_seconds", "How far a live model's watermark is behind the clock.",
        labels=["model"],
    )  # fmt: skip
    alerts = GaugeMetricFamily(
        "leeboard_alerts_firing", "Open alerts.", labels=["model", "severity"]
    )
    busy = GaugeMetricFamily(
        "leeboard_running", "Runs and trials under way.", labels=["model", "what"]
    )
    halves = GaugeMetricFamily(
        "leeboard_halves", "Requests and responses whose other half waits or never came.",
        labels=["model", "what"],
    )  # fmt: skip
    firing = snapshot.ledger.find(Alert, states=(AlertState.FIRING,))
    for model in snapshot.ledger.find(Model):
        counts = snapshot.events.counts(model.id)
        rows.add_metric([model.id, "predictions"], counts.predictions)
        rows.add_metric([model.id, "labels"], counts.labels)
        rows.add_metric([model.id, "rejected"], counts.rejected)
        apart = snapshot.events.halves.waiting(model.id)
        halves.add_metric([model.id, "waiting"], apart.waiting)
        halves.add_metric([model.id, "given_up"], apart.forgotten)
        moves.add_metric([model.id], model.moves)
        if counts.last_at is not None:
            last.add_metric([model.id], counts.last_at.timestamp())
        generation = policy_of(snapshot.ledger, model)
        seen = last_at(snapshot, model, counts, now)
        mark = watermark(model, None if generation is None else generation.policy, seen)
        if mark is not None and model.timing is Timing.LIVE:
            lag.add_metric([model.id], (now - mark).total_seconds())
        for severity in Severity:
            open_ones = sum(a.model == model.id and a.severity is severity for a in firing)
            alerts.add_metric([model.id, severity.value], open_ones)
        runs = snapshot.ledger.count(Run, model=model.id, states=(RunState.RUNNING,))
        trials = snapshot.ledger.count(Trial, model=model.id, states=(TrialState.RUNNING,))
        busy.add_metric([model.id, "runs"], runs)
        busy.add_metric([model.id, "trials"], trials)
    yield from (rows, halves, moves, last, lag, alerts, busy)
