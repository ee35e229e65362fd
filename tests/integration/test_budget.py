"""The budget as an operator sees it: thresholds told, alerts judged, thresholds made anew by hand."""

from collections.abc import Iterator
from datetime import timedelta

import msgspec
import pytest

from controlplane.api.budgets import budget_in
from controlplane.domain.alerts import AlarmVerdict, Alert, Severity
from controlplane.domain.errors import NotFound, Refused
from controlplane.domain.models import Model
from controlplane.domain.policy import Drift, Monitors, Performance, Windows
from controlplane.domain.policy import Reference as Asked
from controlplane.domain.references import Reference
from controlplane.domain.windows import Score, Window
from controlplane.lifecycle.attending import Attending
from controlplane.lifecycle.facts import facts_at
from controlplane.lifecycle.observe import file_in_force
from controlplane.store.duckdb_store import open_store
from controlplane.store.ports import Store
from detectors.finding import Basis, Verdict
from tests.fakes import FixedClock
from tests.watched import DAY, SERVED, WEEK, a_policy, labels, log, rows, scores, step, watch


@pytest.fixture
def store() -> Iterator[Store]:
    opened = open_store(None)
    yield opened
    opened.close()


@pytest.fixture
def attending(store: Store) -> Attending:
    return Attending(store, None, FixedClock(SERVED + 16 * DAY))


def scored(store: Store, drift: Drift | None = None) -> None:
    """A week of boats, scored; nothing is estimated, which the budget does not need."""
    policy = a_policy()
    monitors = msgspec.structs.replace(
        policy.monitors,
        drift=drift or Drift(),
        performance=Performance(metric="mae", estimate=False),
    )
    watch(store, msgspec.structs.replace(policy, monitors=monitors))
    served = rows(SERVED, 7 * 24, seed=3, version="v1")
    log(store, served, labels(served))
    step(store, SERVED + 8 * DAY)


def fired(store: Store, *numbers: int, window: str | None = None) -> None:
    def work(t) -> None:
        for number in numbers:
            t.ledger.put(Alert(
                id=f"a_{number}", model="boats", fingerprint=f"f{number}", condition="drift",
                severity=Severity.WARNING, summary="too many columns moved", window=window,
                fired_at=SERVED + timedelta(hours=number),
            ))  # fmt: skip

    store.write(work).result()


def told(store: Store):
    with store.read() as view:
        return budget_in(view, view.ledger.get(Model, "boats"), FixedClock(SERVED + 16 * DAY))


def windows(store: Store) -> list[Window]:
    with store.read() as view:
        return [w for w in view.ledger.find(Window, model="boats") if w.revision >= 0]


def test_thresholds_shares_and_what_is_seen_are_told_with_the_budget(store: Store) -> None:
    scored(store)
    found = told(store)
    assert (found.count, found.version) == (1.0, "v1")
    assert sum(family.share for family in found.families) == pytest.approx(1.0)
    assert found.predicted == pytest.approx(0.5)
    by_name = {family.family: family for family in found.families}
    drift = by_name["feature_drift"]
    assert (drift.windows, drift.basis) == (found.calibration_windows, Basis.PROVISIONAL)
    assert f"{drift.threshold:.3g} standard deviations; provisional" in drift.says
    assert "there is nothing yet" in by_name["prediction_drift"].says
    assert {c.column for c in found.columns if c.family == "feature_drift"} >= {"wind"}
    assert {c.unit for c in found.columns} >= {"sd", "relative"}
    assert all(line.alarms >= 0.0 and not line.is_measured for line in found.ledger)
    assert (found.audit.alerts, found.audit.is_broken) == (0, False)


def test_before_any_window_there_is_no_threshold_and_it_says_so(store: Store) -> None:
    watch(store, a_policy())
    found = told(store)
    assert (found.version, found.calibration_windows, found.columns) == ("v1", 0, [])
    assert {family.threshold for family in found.families} == {None}


@pytest.mark.parametrize(
    ("weeks", "needs", "says"),
    [
        (2, 3, "3 more windows, so from 2024-05-27 00:00 UTC on"),
        (1, 0, "made anew for every window from those before it, 10 for the newest"),
    ],
)
def test_of_a_reference_that_moves_the_budget_says_what_is_missing_and_until_when(
    store: Store, weeks: int, needs: int, says: str
) -> None:
    every = weeks * WEEK
    only = Monitors(drift=Drift(), quality=None, performance=None, stream=None)
    watch(store, a_policy(
        reference=Asked(kind="trailing", trailing=4 * WEEK), monitors=only,
        windows=Windows(every=every, lateness=timedelta(0)),
    ))  # fmt: skip
    log(store, rows(SERVED, weeks * 7 * 24, seed=3, version="v1"))
    step(store, SERVED + every)
    drift = told(store).families[0]
    assert (drift.family, drift.threshold, drift.needs) == ("feature_drift", None, needs)
    assert drift.judged_from == (SERVED + 4 * every if needs else None)
    assert says in drift.says


def test_a_few_long_windows_inform_by_their_blocks_and_judge_nothing(store: Store) -> None:
    only = Monitors(drift=Drift(), quality=None, performance=None, stream=None)
    watch(store, a_policy(monitors=only, windows=Windows(every=2 * WEEK)))
    log(store, rows(SERVED, 14 * 24, seed=3, version="v1", shift=8.0))
    step(store, SERVED + 3 * WEEK)
    score = scores(store)[0]
    [found] = [f for f in score.findings if (f.detector, f.column) == ("a1", "wind")]
    assert (found.verdict, found.reason) == (Verdict.INCONCLUSIVE, "shown")
    assert found.statistic > found.threshold
    assert any("drift of the columns only informs: blocks of 5 windows" in n for n in score.notes)
    drift = told(store).families[0]
    assert (drift.basis, drift.windows, drift.needs) == (Basis.OPTIMISTIC, 5, 3)
    assert "in each of 400 windows drawn from the blocks of 5" in drift.says


def test_verdicts_are_kept_and_too_many_false_alarms_break_the_budget(store, attending) -> None:
    scored(store)
    fired(store, 1, 2, 3, 4, 5)
    attending.acknowledge("a_1", by="ann", verdict=AlarmVerdict.TRUE_ALARM, note="a storm")
    attending.acknowledge("a_2", by="ann", verdict=AlarmVerdict.FALSE_ALARM)
    again = attending.acknowledge("a_1", by="bob")
    assert (again.verdict, again.note, again.acknowledged_by) == ("true_alarm", "a storm", "bob")
    audit = told(store).audit
    assert (audit.true_alarms, audit.false_alarms, audit.unjudged) == (1, 1, 3)
    assert not audit.is_broken
    assert not held(store)
    for number in (3, 4, 5):
        attending.acknowledge(f"a_{number}", by="ann", verdict=AlarmVerdict.FALSE_ALARM)
    assert told(store).audit.is_broken
    [condition] = held(store)
    assert "4 of 5 alerts" in condition.says
    assert "recalibrate" in condition.says


def held(store: Store):
    with store.read() as view:
        record, policy = file_in_force(view.ledger, "boats")
        found = facts_at(view, record, policy, SERVED + 16 * DAY)
    return [c for c in found.conditions if c.name == "budget" and c.holds]


def test_windows_of_false_alarms_calibrate_the_thresholds_that_are_made_anew(
    store, attending
) -> None:
    scored(store)
    before = told(store)
    window = windows(store)[0]
    fired(store, 1, window=window.id)
    with pytest.raises(Refused, match="no alert on one was judged a false alarm"):
        attending.recalibrate("boats", [], by="ann")
    attending.acknowledge("a_1", by="ann", verdict=AlarmVerdict.FALSE_ALARM)
    kept = attending.recalibrate("boats", [], by="ann")
    assert kept.confirmed == ((window.start, window.end),)
    with pytest.raises(Refused, match="no window to add"):
        attending.recalibrate("boats", [window.id], by="ann")
    with pytest.raises(NotFound, match="has no window 'w_x'"):
        attending.recalibrate("boats", ["w_x"], by="ann")
    served = rows(SERVED + WEEK, 7 * 24, seed=4, version="v1")
    log(store, served, labels(served))
    step(store, SERVED + 2 * WEEK + DAY)
    after = told(store)
    assert after.calibration_windows == before.calibration_windows + 1
    assert (after.confirmed_windows, after.recalibrated_at) == (1, SERVED + 8 * DAY)
    with store.read() as view:
        assert view.ledger.get(Reference, "boats/v1").confirmed == kept.confirmed


def test_a_threshold_by_hand_fails_columns_on_a_fixed_basis_outside_the_budget(
    store: Store,
) -> None:
    scored(store, Drift(thresholds={"psi": 1e-6, "wasserstein": 99.0}))
    score: Score = scores(store)[0]
    fixed = {(f.detector, f.verdict) for f in score.findings if f.basis is Basis.FIXED}
    assert fixed == {("psi", Verdict.FAILED), ("wasserstein", Verdict.PASSED)}
    assert score.columns_failed == 2
    assert told(store).fixed == {"psi": 1e-6, "wasserstein": 99.0}
