"""The loop over a model's life: what a promotion and a way back bring with them."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import msgspec
import pyarrow as pa
import pytest

from controlplane.domain.alerts import Alert
from controlplane.domain.batches import KeyedBatch, Receipt, batch_id
from controlplane.domain.decisions import Decision, DecisionKind
from controlplane.domain.guards import Guard
from controlplane.domain.journal import Entry, first_break
from controlplane.domain.models import Model
from controlplane.domain.policy import Guard as GuardPolicy
from controlplane.domain.policy import Retrain
from controlplane.domain.references import Reference
from controlplane.domain.reigns import Reign, champion_at
from controlplane.domain.runs import Run
from controlplane.domain.states import DecisionState, GuardState, TrialState
from controlplane.domain.trials import Trial
from controlplane.domain.versions import Version
from controlplane.lifecycle.applying import KINDS, Applying
from controlplane.lifecycle.moving import Move, promote, roll_back
from controlplane.lifecycle.paired import Pair, paired_losses
from controlplane.store.duckdb_store import open_store
from controlplane.store.ports import Known, Store
from tests.builders import a_model, a_version, an_alert
from tests.fakes import FakeTrainer, Plan
from tests.voyage import DAY, HOUR, SCHEMA, SERVED, WEEK, WORSE, Voyage, a_file, waters


@pytest.fixture
def store() -> Iterator[Store]:
    opened = open_store(None)
    yield opened
    opened.close()


def stormy(store: Store, root: Path, days: int = 30, calm: int = 0, **changes: object) -> Voyage:
    """The truth rises when v1 begins to serve; v2 is right, until it falls again."""
    voyage = Voyage(store, root, FakeTrainer(Plan(off=0.0), Plan(off=3.0)), a_file(**changes))
    voyage.launch()
    voyage.log(waters(SERVED, days, rise=3.0))
    if calm:
        voyage.log(waters(SERVED + days * DAY, calm))
    return voyage


def test_the_first_version_serves_without_trial_or_guard(store: Store, tmp_path: Path) -> None:
    voyage = stormy(store, tmp_path)
    assert voyage.log_of() == [("0", "retrain", "first:0"), ("0", "first", "v1")]
    [v1] = voyage.all(Version)
    assert (v1.state, v1.served, v1.promoted_at) == ("champion", True, SERVED)
    assert v1.scale.rows == 96, "the last fifth of 481 rows with labels"
    assert 0.7 < v1.scale.reference_loss < 0.9
    assert voyage.all(Guard) == []
    assert voyage.all(Trial) == []
    assert (voyage.model.serving_from, voyage.model.origin) == (SERVED, SERVED)
    [reference] = voyage.all(Reference)
    assert (reference.version, reference.rows) == ("v1", 482)


def test_a_promotion_brings_a_guard_a_reference_a_reign_and_an_end_of_alerts(
    store: Store, tmp_path: Path
) -> None:
    voyage = stormy(store, tmp_path)
    voyage.sail(SERVED + 15 * DAY)
    promoted = SERVED + 15 * DAY
    assert [(t.state, len(t.blocks)) for t in voyage.all(Trial)] == [(TrialState.BETTER, 14)]
    v1, v2 = voyage.all(Version)
    assert (v1.state, v1.ended_at) == ("retired", promoted)
    assert (v2.state, v2.served, v2.promoted_at) == ("champion", True, promoted)
    assert v2.scale.rows == 14 * 24, "its reference loss comes from its trial's rows"
    [guard] = voyage.all(Guard)
    assert (guard.version, guard.previous, guard.started_at) == ("v2", "v1", promoted)
    assert guard.until == promoted + 14 * DAY
    assert guard.margin == pytest.approx(0.05 * v2.scale.reference_loss)
    assert guard.loss_cap == v2.scale.loss_cap
    assert [(r.version, r.made_at) for r in voyage.all(Reference)] == [
        ("v1", SERVED), ("v2", promoted),
    ]  # fmt: skip
    reigns = voyage.all(Reign)
    assert [(r.version, r.since, r.until) for r in reigns] == [
        ("v1", SERVED, promoted), ("v2", promoted, None),
    ]  # fmt: skip
    assert champion_at(reigns, promoted - HOUR) == "v1"
    assert champion_at(reigns, promoted) == "v2"
    [alert] = voyage.all(Alert)
    assert (alert.condition, alert.state, alert.resolved_because, alert.resolved_at) == (
        "performance", "resolved", "v2 was promoted", promoted,
    )  # fmt: skip


def test_a_guard_passes_when_its_time_is_up_and_the_version_before_was_no_better(
    store: Store, tmp_path: Path
) -> None:
    voyage = stormy(store, tmp_path, days=35)
    voyage.sail(SERVED + 29 * DAY)
    assert voyage.all(Guard)[0].state is GuardState.WATCHING
    voyage.sail(SERVED + 30 * DAY)
    [guard] = voyage.all(Guard)
    assert (guard.state, guard.rows, guard.ended_at) == ("passed", 14 * 24, SERVED + 30 * DAY)
    assert guard.judged_to == guard.until == SERVED + 29 * DAY
    assert guard.mean_difference == pytest.approx(-2.2, abs=0.2)
    assert voyage.model.champion == "v2"


def test_a_breach_brings_the_version_before_back_with_its_reference(
    store: Store, tmp_path: Path
) -> None:
    voyage = stormy(store, tmp_path, days=17, calm=10)
    references = {}
    for day in (15, 21):
        voyage.sail(SERVED + day * DAY)
        references[day] = voyage.all(Reference)
    v1, v2 = voyage.all(Version)
    assert (v1.state, v1.ended_at, v2.state) == ("champion", None, "rolled_back")
    assert references[15] == references[21], "it kept its own"
    assert voyage.model.moves == 3
    assert [(a.condition, a.severity, str(a.state)) for a in voyage.all(Alert)] == [
        ("performance", "warning", "resolved"), ("rollback", "critical", "firing"),
    ]  # fmt: skip


def test_a_version_that_was_taken_back_is_never_tried_again_by_itself(
    store: Store, tmp_path: Path
) -> None:
    voyage = stormy(store, tmp_path, days=17, calm=40)
    voyage.sail(SERVED + 50 * DAY)
    tried = [d.subject for d in voyage.decisions(DecisionKind.TRIAL)]
    assert tried.count("v2") == 1
    states = {v.version: v.state for v in voyage.all(Version)}
    assert states["v2"] == "rolled_back"


def test_in_how_many_steps_time_is_announced_changes_nothing(store: Store, tmp_path: Path) -> None:
    at_once = stormy(store, tmp_path / "a", days=17, calm=7)
    at_once.sail(SERVED + 21 * DAY)
    other = open_store(None)
    in_steps = stormy(other, tmp_path / "b", days=17, calm=7)
    moment = SERVED
    while moment < SERVED + 21 * DAY:
        moment += 7 * HOUR
        in_steps.sail(moment)
    in_steps.sail(SERVED + 21 * DAY)
    mine, theirs = at_once.state(), in_steps.state()
    mine["Model"], theirs["Model"] = mine["Model"].champion, theirs["Model"].champion
    assert mine == theirs
    other.close()


def test_everything_that_was_decided_and_done_stands_in_a_chain_that_holds(
    store: Store, tmp_path: Path
) -> None:
    voyage = stormy(store, tmp_path, days=17, calm=7)
    voyage.sail(SERVED + 21 * DAY)
    with store.read() as view:
        entries = view.ledger.find(Entry)
    assert first_break(entries) is None
    told = {(e.kind, e.subject) for e in entries}
    for decision in voyage.decisions():
        assert {("decided", decision.id), (str(decision.state), decision.id)} <= told
    assert {("trained", "v1"), ("trained", "v2")} <= told


def test_a_change_of_the_file_leaves_a_guard_its_own_metric(store: Store, tmp_path: Path) -> None:
    voyage = stormy(store, tmp_path, days=35)
    voyage.sail(SERVED + 15 * DAY)
    policy = a_file()
    squared = msgspec.structs.replace(
        policy, trial=msgspec.structs.replace(policy.trial, metric="rmse"),
        guard=GuardPolicy(period=20 * DAY),
    )  # fmt: skip
    voyage.apply(squared)
    voyage.sail(SERVED + 30 * DAY)
    [guard] = voyage.all(Guard)
    assert (guard.state, guard.rows) == ("passed", 14 * 24)
    assert guard.mean_difference == pytest.approx(-2.2, abs=0.2), "absolute errors, not squares"


def test_at_most_so_many_runs_are_asked_for_and_the_hold_is_told_once(
    store: Store, tmp_path: Path
) -> None:
    voyage = Voyage(store, tmp_path, FakeTrainer(Plan(off=0.0), Plan(off=0.0)),
                    a_file(retrain=Retrain(when=(WORSE,), cooldown=21 * DAY)))  # fmt: skip
    voyage.launch()
    voyage.log(waters(SERVED, 40, rise=3.0))
    voyage.sail(SERVED + 36 * DAY)
    assert [(when, kind) for when, kind, _ in voyage.log_of()[2:]] == [
        ("8", "hold"), ("8", "alert"), ("22", "retrain"), ("22", "trial"), ("22", "reject"),
        ("29", "hold"),
    ]  # fmt: skip


def test_frozen_models_go_on_monitoring_and_decide_what_waits(store: Store, tmp_path: Path) -> None:
    voyage = stormy(store, tmp_path)
    Applying(store, voyage.clock, lambda text, name: a_file()).stop("boats", by="ada")
    voyage.sail(SERVED + 16 * DAY)
    assert [(str(d.kind), d.subject, str(d.state)) for d in voyage.decisions()[2:]] == [
        ("hold", "frozen:stopped by ada", "performed"),
        ("alert", "performance", "performed"),
    ]
    voyage.by_hand.resume("boats", by="ada")
    voyage.sail(SERVED + 23 * DAY)
    assert voyage.model.champion == "v2"


def test_a_promotion_that_is_frozen_waits_once_and_is_performed_by_a_go(
    store: Store, tmp_path: Path
) -> None:
    voyage = stormy(store, tmp_path)
    voyage.sail(SERVED + 10 * DAY)
    Applying(store, voyage.clock, lambda text, name: a_file()).stop("boats", by="ada")
    voyage.sail(SERVED + 20 * DAY)
    [waiting] = voyage.decisions(DecisionKind.PROMOTE)
    assert (waiting.state, voyage.model.champion) == (DecisionState.RECORDED, "v1")
    voyage.by_hand.resume("boats", by="ada")
    assert voyage.model.champion == "v2"


# Moving the champion


def moving(store: Store, **changes: object) -> Move:
    """v1 serves; v2 is a candidate."""
    records = (a_model(), a_version("v1", state="champion"), a_version("v2"),
               Reign(id="boats/1", model="boats", version="v1", move=1, since=SERVED,
                     decision="d_1"), an_alert())  # fmt: skip
    store.write(lambda t: [t.ledger.put(record) for record in records]).result()
    move = Move(decision="d_2", generation=1, model="boats", expected="v1", target="v2",
                at=SERVED + WEEK, reason="it is better", guard_threshold=100.0)  # fmt: skip
    return msgspec.structs.replace(move, **changes)


REFUSALS = {
    "another_serves": ({"expected": "v0"}, "the champion is v1, not v0 as when this was decided"),
    "none_served": ({"expected": None}, "the champion is v1, not None as when this was decided"),
    "nothing_changes": ({"target": "v1"}, "v1 is champion already; nothing would change"),
    "unknown": ({"target": "v9"}, "boats has no version v9"),
    "never_served": ({}, "boats/v2 is candidate; restored is not possible from there"),
}


@pytest.mark.parametrize("why", list(REFUSALS))
def test_a_move_that_contradicts_the_facts_is_refused_whole(store: Store, why: str) -> None:
    changes, says = REFUSALS[why]
    move = moving(store, **changes)
    before = all_of(store)
    work = (
        (lambda t: roll_back(t, move))
        if why == "never_served"
        else (lambda t: promote(t, move, a_file()))
    )
    with pytest.raises(Exception, match=says):
        store.write(work).result()
    assert all_of(store) == before


def all_of(store: Store) -> list[object]:
    with store.read() as view:
        kinds = (Model, Version, Reign, Guard, Reference, Alert)
        return [view.ledger.find(kind) for kind in kinds]


def test_a_move_changes_everything_together(store: Store) -> None:
    move = moving(store)
    store.write(lambda t: promote(t, move, a_file())).result()
    [model], versions, reigns, [guard], _, [alert] = all_of(store)
    assert (model.champion, model.moves) == ("v2", 2)
    assert [str(v.state) for v in versions] == ["retired", "champion"]
    assert [r.until for r in reigns] == [SERVED + WEEK, None]
    assert (guard.threshold, guard.margin, guard.loss_cap) == (100.0, 0.05, 4.0)
    assert alert.state == "resolved"


# Pairs of losses


def known(start: datetime, days: int, by: datetime) -> Known:
    return Known(start=start, end=start + days * DAY, by=by)


def test_pairs_are_rows_with_a_label_and_both_predictions_in_the_order_of_at_and_id(
    store: Store,
) -> None:
    hours = [SERVED + n * HOUR for n in (2, 0, 1, 0)]
    instants = pa.array(hours, pa.timestamp("us", "UTC"))
    ids = ["d", "b", "c", "a"]
    rows = pa.table({
        "id": ids, "at": instants, "known_at": instants, "version": ["v1"] * 4,
        "role": ["live"] * 4, "prediction": [4.0, 2.0, 3.0, 1.0], "wind": [1.0] * 4,
        "sail": ["jib"] * 4,
    })  # fmt: skip
    labels = pa.table({"id": ids, "label": [0.0] * 4, "known_at": instants, "at": instants})
    ours = pa.table({"id": ["a", "b", "d"], "at": instants.take(pa.array([3, 1, 0])),
                     "prediction": [10.0, 20.0, 40.0]})  # fmt: skip

    def work(t) -> None:
        t.events.prepare("boats", SCHEMA)
        t.events.append_predictions("boats", rows)
        t.events.append_labels("boats", labels)
        t.events.append_scored("boats", "v2", ours)

    store.write(work).result()
    pair = Pair(model="boats", schema=SCHEMA, metric="mae", first="v1", second="v2")
    with store.read() as view:
        found = paired_losses(view.events, pair, known(SERVED, 1, SERVED + DAY))
        early = paired_losses(view.events, pair, known(SERVED, 1, SERVED + HOUR))
    assert found.first.tolist() == [1.0, 2.0, 4.0]
    assert found.second.tolist() == [10.0, 20.0, 40.0]
    assert early.first.tolist() == [1.0, 2.0]
    between = found.between(SERVED, SERVED + HOUR)
    assert between.second.tolist() == [10.0, 20.0]


# A purge


def test_a_purge_leaves_nothing_of_a_model_but_its_journal(store: Store, tmp_path: Path) -> None:
    voyage = stormy(store, tmp_path, days=17, calm=7)
    voyage.sail(SERVED + 21 * DAY)
    key = KeyedBatch(id=batch_id("boats", "labels", "k"), model="boats", body_sha256="0",
                     receipt=Receipt(accepted=1), answered_at=SERVED)  # fmt: skip
    store.write(lambda t: t.ledger.put(key)).result()
    Applying(store, voyage.clock, lambda text, name: a_file()).purge("boats", by="ada")
    with store.read() as view:
        left = {kind.__name__ for kind in (*KINDS, KeyedBatch, Run, Decision)
                if view.ledger.count(kind, model="boats")}  # fmt: skip
        assert left == set()
        assert view.events.counts("boats").predictions == 0
        entries = view.ledger.find(Entry)
    assert first_break(entries) is None
    assert entries[-1].kind == "purged"
