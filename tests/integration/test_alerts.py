"""Alerts of the loop: fired once, acknowledged, ended by what they told of; and silent guards."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from controlplane.domain.alerts import Alert
from controlplane.domain.decisions import DecisionKind
from controlplane.domain.errors import NotFound
from controlplane.domain.guards import Guard
from controlplane.domain.states import GuardState
from controlplane.domain.versions import Version
from controlplane.lifecycle.attending import Attending
from controlplane.store.duckdb_store import open_store
from controlplane.store.ports import Store
from tests.fakes import FakeTrainer, Plan
from tests.voyage import DAY, SERVED, Voyage, a_file, waters


@pytest.fixture
def store() -> Iterator[Store]:
    opened = open_store(None)
    yield opened
    opened.close()


def test_an_alert_fires_once_and_ends_with_what_it_told_of(store: Store, tmp_path: Path) -> None:
    voyage = Voyage(store, tmp_path, FakeTrainer())
    voyage.launch()
    voyage.apply(a_file(trainer=None, estimate=True))  # what is left over is a condition, too
    voyage.log(waters(SERVED, 14, rise=3.0))
    voyage.log(waters(SERVED + 14 * DAY, 28))
    voyage.sail(SERVED + 15 * DAY)
    [alert] = voyage.all(Alert)
    assert (alert.condition, alert.severity, alert.state) == ("performance", "warning", "firing")
    assert alert.fired_at == SERVED + 8 * DAY
    [told] = voyage.decisions(DecisionKind.ALERT)
    assert alert.decision == told.id

    attending = Attending(store, voyage.workshop, voyage.clock)
    attending.acknowledge(alert.id, by="ada")
    with pytest.raises(NotFound, match="there is no alert a_9"):
        attending.acknowledge("a_9", by="ada")
    voyage.sail(SERVED + 43 * DAY)
    assert sorted(one.condition for one in voyage.all(Alert)) == ["concept", "performance"]
    [ended] = [one for one in voyage.all(Alert) if one.condition == "performance"]
    assert ended.state == "resolved"
    assert ended.resolved_at >= SERVED + 22 * DAY
    assert "v1's reference loss" in ended.resolved_because
    assert (ended.acknowledged_by, ended.acknowledged_at) == ("ada", SERVED)


def test_an_alert_of_the_same_condition_is_another_the_next_time(
    store: Store, tmp_path: Path
) -> None:
    voyage = Voyage(store, tmp_path, FakeTrainer())
    voyage.launch()
    voyage.apply(a_file(trainer=None))
    for week, rise in enumerate((3.0, 0.0, 0.0, 0.0, 0.0, 3.0)):
        voyage.log(waters(SERVED + 7 * week * DAY, 7, rise=rise))
    voyage.sail(SERVED + 43 * DAY)
    first, second = voyage.all(Alert)
    assert (first.fired_at, first.state) == (SERVED + 8 * DAY, "resolved")
    assert (second.fired_at, second.state) == (SERVED + 43 * DAY, "firing")
    assert first.fingerprint == second.fingerprint
    assert first.id != second.id


def test_what_comes_again_within_three_windows_is_the_same_episode(
    store: Store, tmp_path: Path
) -> None:
    voyage = Voyage(store, tmp_path, FakeTrainer())
    voyage.launch()
    voyage.apply(a_file(trainer=None))
    for week, rise in enumerate((3.0, 0.0, 0.0, 3.0, 0.0, 0.0)):
        voyage.log(waters(SERVED + 7 * week * DAY, 7, rise=rise))
    voyage.sail(SERVED + 43 * DAY)
    [alert] = voyage.all(Alert)
    assert (alert.fired_at, alert.state) == (SERVED + 8 * DAY, "firing")
    assert len(alert.quiet) == 2


def test_a_guard_whose_version_before_can_no_longer_score_is_inconclusive(
    store: Store, tmp_path: Path
) -> None:
    voyage = Voyage(store, tmp_path, FakeTrainer(Plan(off=0.0), Plan(off=3.0)))
    voyage.launch()
    voyage.log(waters(SERVED, 15, rise=3.0))
    voyage.sail(SERVED + 15 * DAY)
    assert voyage.model.champion == "v2"
    [v1, _] = voyage.all(Version)
    voyage.workshop.artifact(v1.sha256).unlink()
    voyage.log(waters(SERVED + 15 * DAY, 5, rise=3.0), version="v2")
    voyage.sail(SERVED + 18 * DAY)
    [guard] = voyage.all(Guard)
    assert (guard.state, guard.ended_at) == (GuardState.INCONCLUSIVE, SERVED + 17 * DAY)
    assert voyage.model.champion == "v2"
