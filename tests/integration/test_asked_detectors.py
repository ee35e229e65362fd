"""Windows are scored with the detectors that a model file names, and with all columns together."""

from collections.abc import Iterator
from datetime import timedelta

import msgspec
import pytest

from controlplane.store.duckdb_store import open_store
from controlplane.store.ports import Store
from detectors.finding import Finding, Verdict
from tests.watched import SERVED, a_policy, labels, log, rows, scores, step, watch

DAYS = timedelta(days=9)


@pytest.fixture
def store() -> Iterator[Store]:
    opened = open_store(None)
    yield opened
    opened.close()


def first_findings(store: Store, *detectors: str, **facts: float) -> dict[tuple[str, str], Finding]:
    policy = a_policy()
    drift = msgspec.structs.replace(policy.monitors.drift, detectors=detectors)
    watch(store, a_policy(monitors=msgspec.structs.replace(policy.monitors, drift=drift)))
    served = rows(SERVED, 8 * 24, seed=3, version="v1", **facts)
    log(store, served, labels(served))
    step(store, SERVED + DAYS)
    return {(f.detector, f.column): f for f in scores(store)[0].findings}


def test_named_detectors_are_shown_beside_the_usual_ones_and_change_no_verdict(
    store: Store,
) -> None:
    found = first_findings(store, "mann_whitney", "linear_mmd")
    numbers = {column for name, column in found if name == "ks"}
    assert "wind" in numbers
    assert {column for name, column in found if name == "mann_whitney"} == numbers
    together = {name for name, column in found if column == "*"}
    assert {"mmd", "reconstruction", "linear_mmd", "freshness", "duplicates"} <= together
    for name, column in found:
        if name in {"mann_whitney", "mmd", "reconstruction", "freshness", "duplicates"}:
            assert found[name, column].reason == "shown", name
    assert 0.0 <= found["freshness", "*"].effect <= 2 * 3600.0
    assert found["duplicates", "*"].effect == 0.0


def test_a_detector_that_is_not_there_is_an_error_and_the_window_is_scored(store: Store) -> None:
    found = first_findings(store, "no_such_detector")
    error = found["no_such_detector", "*"]
    assert error.verdict is Verdict.ERROR
    assert "is not installed; install its package beside the server" in error.reason
    assert found["mmd", "*"].statistic is not None
