"""What Prometheus reads: requests as they come, and the store's figures when it asks."""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from typing_extensions import override

from controlplane import __version__
from controlplane.domain.alerts import Alert, Severity
from controlplane.domain.models import Model
from controlplane.domain.runs import Run
from controlplane.domain.states import AlertState, RunState, TrialState
from controlplane.domain.trials import Trial
from controlplane.store.ports import Snapshot, Store


class Meters:
    """The server's own registry; several servers in one process do not disturb each other."""

    def __init__(self, store: Store) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "leeboard_http_requests", "Requests answered.", ("method", "route", "status"),
            registry=self._registry,
        )  # fmt: skip
        self._seconds = Histogram(
            "leeboard_http_request_duration_seconds", "Time to answer.", ("method", "route"),
            registry=self._registry,
        )  # fmt: skip
        self._registry.register(_Stored(store))

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one answer; `route` is the path with its names left open."""
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(method, route).observe(seconds)

    def text(self) -> bytes:
        """The exposition, text format 0.0.4."""
        return generate_latest(self._registry)


class _Stored(Collector):
    """The figures that are in the store already, read when they are asked for."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def describe(self) -> Iterator[Metric]:
        """Nothing: so that registering it does not read the store."""
        return iter(())

    @override
    def collect(self) -> Iterator[Metric]:
        """One snapshot's figures."""
        info = GaugeMetricFamily("leeboard_info", "Which Leeboard this is.", labels=["version"])
        info.add_metric([__version__], 1.0)
        yield info
        with self._store.read() as snapshot:
            yield from _of_models(snapshot)


def _of_models(snapshot: Snapshot) -> Iterator[Metric]:
    rows = CounterMetricFamily("leeboard_rows", "Rows stored.", labels=["model", "feed"])
    moves = CounterMetricFamily("leeboard_champion_moves", "Champion's moves.", labels=["model"])
    last = GaugeMetricFamily(
        "leeboard_last_event_timestamp_seconds", "Greatest event time seen.", labels=["model"]
    )
    alerts = GaugeMetricFamily(
        "leeboard_alerts_firing", "Open alerts.", labels=["model", "severity"]
    )
    busy = GaugeMetricFamily(
        "leeboard_running", "Runs and trials under way.", labels=["model", "what"]
    )
    firing = snapshot.ledger.find(Alert, states=(AlertState.FIRING,))
    for model in snapshot.ledger.find(Model):
        counts = snapshot.events.counts(model.id)
        rows.add_metric([model.id, "predictions"], counts.predictions)
        rows.add_metric([model.id, "labels"], counts.labels)
        rows.add_metric([model.id, "rejected"], counts.rejected)
        moves.add_metric([model.id], model.moves)
        if counts.last_at is not None:
            last.add_metric([model.id], counts.last_at.timestamp())
        for severity in Severity:
            open_ones = sum(a.model == model.id and a.severity is severity for a in firing)
            alerts.add_metric([model.id, severity.value], open_ones)
        runs = snapshot.ledger.count(Run, model=model.id, states=(RunState.RUNNING,))
        trials = snapshot.ledger.count(Trial, model=model.id, states=(TrialState.RUNNING,))
        busy.add_metric([model.id, "runs"], runs)
        busy.add_metric([model.id, "trials"], trials)
    yield from (rows, moves, last, alerts, busy)
