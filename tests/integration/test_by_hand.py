"""What operators ask for: done by the loop, or refused with a reason and nothing changed."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from controlplane.domain.decisions import DecisionKind
from controlplane.domain.errors import Conflict, NotFound, Refused
from controlplane.domain.guards import Guard
from controlplane.domain.policy import Promote, Retrain
from controlplane.domain.references import Reference
from controlplane.domain.reigns import Reign
from controlplane.domain.runs import Run
from controlplane.domain.states import DecisionState, GuardState, RunState, TrialState, VersionState
from controlplane.domain.trials import Trial
from controlplane.domain.versions import Version
from controlplane.lifecycle.applying import Applying
from controlplane.lifecycle.attending import Attending, Registration
from controlplane.store.duckdb_store import open_store
from controlplane.wake import Stopping
from tests.fakes import FakeTrainer, Plan, files_of
from tests.voyage import DAY, SERVED, WORSE, Voyage, a_file, waters

ADA = {"by": "ada"}


@pytest.fixture
def voyage(tmp_path: Path) -> Iterator[Voyage]:
    """v1 serves; three weeks of rows are in, which it predicts well."""
    store = open_store(None)
    made = Voyage(store, tmp_path, FakeTrainer(Plan(off=0.0), Plan(off=3.0)))
    made.launch()
    made.log(waters(SERVED, 21))
    yield made
    store.close()


def registered(voyage: Voyage, off: float, **changes: object) -> Version:
    attending = Attending(voyage.store, voyage.workshop, voyage.clock)
    folder = files_of(voyage.root / f"off{off}" / "output" / "model", Plan(off=off, **changes))
    return attending.register("boats", Registration(files=folder), **ADA)


def versions(voyage: Voyage) -> dict[str, str]:
    return {v.version: str(v.state) for v in voyage.all(Version)}


def nothing_changed(voyage: Voyage, error: type[Exception], match: str, call) -> None:
    before = voyage.state()
    with pytest.raises(error, match=match):
        call()
    assert voyage.state() == before


def on_trial(voyage: Voyage, off: float = -3.0) -> Trial:
    """A worse version, registered and on trial from the next day on."""
    registered(voyage, off)
    return voyage.by_hand.open_trial("boats", "v2", made=False, **ADA)


def test_a_version_that_was_compared_with_nothing_is_not_promoted(voyage: Voyage) -> None:
    registered(voyage, 0.5)
    nothing_changed(
        voyage, Refused, "v2 was never compared with v1, so no guard could watch it",
        lambda: voyage.by_hand.promote("boats", "v2", reason="it is newer", **ADA),
    )  # fmt: skip


def test_the_champion_is_not_promoted_and_unknown_versions_are_named(voyage: Voyage) -> None:
    nothing_changed(voyage, Refused, "v1 is champion already; nothing would change",
                    lambda: voyage.by_hand.promote("boats", "v1", reason="again", **ADA))  # fmt: skip
    nothing_changed(voyage, NotFound, "boats has no version 'v9'; there are: v1",
                    lambda: voyage.by_hand.promote("boats", "v9", reason="typo", **ADA))  # fmt: skip


def test_without_a_version_before_there_is_no_way_back(voyage: Voyage) -> None:
    nothing_changed(voyage, Refused, "no version of boats served before v1",
                    lambda: voyage.by_hand.rollback("boats", reason="nerves", **ADA))  # fmt: skip


def test_a_trial_by_hand_of_a_worse_version_keeps_the_champion(voyage: Voyage) -> None:
    trial = on_trial(voyage)
    assert trial.by_hand
    assert trial.start == SERVED, "a version that does not say what it saw is new to what follows"
    voyage.sail(SERVED + 21 * DAY)
    [ended] = voyage.all(Trial)
    assert (ended.state, len(ended.blocks)) == (TrialState.WORSE, 14)
    assert versions(voyage) == {"v1": "champion", "v2": "rejected"}
    assert voyage.model.champion == "v1"


def test_after_a_lost_trial_it_may_be_tried_again_by_hand(voyage: Voyage) -> None:
    on_trial(voyage)
    voyage.sail(SERVED + 16 * DAY)
    again = voyage.by_hand.open_trial("boats", "v2", made=True, **ADA)
    assert again.made
    assert [t.state for t in voyage.all(Trial)] == [TrialState.WORSE, TrialState.WORSE]
    assert versions(voyage) == {"v1": "champion", "v2": "rejected"}


def promoted(voyage: Voyage) -> None:
    """v2 lost its trial and was promoted all the same."""
    on_trial(voyage)
    voyage.sail(SERVED + 16 * DAY)
    decision = voyage.by_hand.promote("boats", "v2", reason="I know better", **ADA)
    assert (decision.state, decision.by, decision.replaces) == ("performed", "ada", "v1")


def test_a_promotion_by_hand_is_guarded_and_taken_back_when_it_is_worse(voyage: Voyage) -> None:
    promoted(voyage)
    assert versions(voyage) == {"v1": "retired", "v2": "champion"}
    [guard] = voyage.all(Guard)
    assert (guard.version, guard.previous, guard.state) == ("v2", "v1", "watching")
    voyage.sail(SERVED + 21 * DAY)
    assert [g.state for g in voyage.all(Guard)] == [GuardState.BREACHED]
    assert voyage.model.champion == "v1"
    assert versions(voyage) == {"v1": "champion", "v2": "rolled_back"}
    assert [(r.version, r.until) for r in voyage.all(Reign)] == [
        ("v1", SERVED + 16 * DAY), ("v2", SERVED + 19 * DAY), ("v1", None),
    ]  # fmt: skip
    assert [r.version for r in voyage.all(Reference)] == ["v1"], "v2 does not say what it saw"


def test_while_a_guard_watches_nothing_else_begins_but_the_way_back_is_open(voyage: Voyage) -> None:
    promoted(voyage)
    registered(voyage, 0.5)
    match = "the promotion of v2 is guarded until 2024-05-01 00:00"
    hand = voyage.by_hand
    nothing_changed(
        voyage, Conflict, match, lambda: hand.open_trial("boats", "v3", made=False, **ADA)
    )
    nothing_changed(voyage, Conflict, match, lambda: hand.start_run("boats", reason="now", **ADA))
    nothing_changed(voyage, Conflict, match, lambda: hand.promote("boats", "v1", reason="x", **ADA))
    hand.rollback("boats", reason="complaints", **ADA)
    assert [g.state for g in voyage.all(Guard)] == [GuardState.INCONCLUSIVE]
    assert voyage.model.champion == "v1"


def test_while_a_version_is_on_trial_nothing_else_begins(voyage: Voyage) -> None:
    on_trial(voyage)
    registered(voyage, 0.5)
    match = "v2 of boats is on trial; one at a time"
    hand = voyage.by_hand
    nothing_changed(
        voyage, Conflict, match, lambda: hand.open_trial("boats", "v3", made=False, **ADA)
    )
    nothing_changed(voyage, Conflict, match, lambda: hand.start_run("boats", reason="now", **ADA))
    nothing_changed(voyage, Conflict, match, lambda: hand.promote("boats", "v2", reason="x", **ADA))
    nothing_changed(voyage, Refused, "v2 is on_trial; a trial needs a version that is neither",
                    lambda: hand.open_trial("boats", "v2", made=False, **ADA))  # fmt: skip


def test_a_version_whose_files_were_changed_is_not_served(voyage: Voyage) -> None:
    on_trial(voyage)
    voyage.sail(SERVED + 16 * DAY)
    [v2] = [v for v in voyage.all(Version) if v.version == "v2"]
    voyage.workshop.artifact(v2.sha256).write_bytes(b"something else")
    nothing_changed(
        voyage, Refused, r"v2 does not load and score here.*artifact .* does not have the hash",
        lambda: voyage.by_hand.promote("boats", "v2", reason="I know better", **ADA),
    )  # fmt: skip
    assert voyage.model.champion == "v1"


def test_a_breach_without_a_proven_way_back_is_told_and_changes_nothing(voyage: Voyage) -> None:
    promoted(voyage)
    [v1] = [v for v in voyage.all(Version) if v.version == "v1"]
    voyage.workshop.artifact(v1.sha256).unlink()
    voyage.sail(SERVED + 21 * DAY)
    assert voyage.model.champion == "v2"
    [back] = voyage.decisions(DecisionKind.ROLL_BACK)
    assert back.state is DecisionState.FAILED
    [alert] = [a for a in voyage.decisions(DecisionKind.ALERT) if a.severity == "critical"]
    assert alert.condition == "no_way_back"
    assert alert.says.startswith("v2 breached its guard and stays champion: v1 is not proved")


def test_a_run_by_hand_is_one_at_a_time(voyage: Voyage) -> None:
    voyage.trainer.looks = 10_000
    voyage.waker.stop()
    hand = voyage.by_hand
    with pytest.raises(Stopping):
        hand.start_run("boats", reason="now", **ADA)
    [_, run] = voyage.all(Run)
    assert (run.state, run.triggers) == (RunState.RUNNING, ("by_hand",))
    nothing_changed(voyage, Conflict, "is running; one at a time",
                    lambda: hand.start_run("boats", reason="again", **ADA))  # fmt: skip


def test_stopped_models_refuse_what_is_asked_and_go_on_watching(voyage: Voyage) -> None:
    applying = Applying(voyage.store, voyage.clock, lambda text, name: a_file())
    applying.stop("boats", by="ada")
    match = "all actions of boats are switched off: stopped by ada; `leeboard runs resume boats`"
    hand = voyage.by_hand
    registered(voyage, 0.5)
    nothing_changed(
        voyage, Refused, match, lambda: hand.open_trial("boats", "v2", made=False, **ADA)
    )
    nothing_changed(voyage, Refused, match, lambda: hand.start_run("boats", reason="now", **ADA))
    voyage.apply(a_file(retrain=Retrain(when=(WORSE,), cooldown=3 * DAY)))
    assert voyage.model.frozen == "stopped by ada", "a new file is no go"
    assert hand.resume("boats", **ADA).frozen is None
    assert hand.open_trial("boats", "v2", made=False, **ADA).candidate == "v2"
    nothing_changed(voyage, Refused, "nothing of boats is stopped",
                    lambda: hand.resume("boats", **ADA))  # fmt: skip


# Approval


def in_storm(tmp_path: Path, **changes: object) -> Voyage:
    """v1 serves and is wrong by three knots from the first day on; v2 would be right."""
    voyage = Voyage(open_store(None), tmp_path, FakeTrainer(Plan(off=0.0), Plan(off=3.0)),
                    a_file(**changes))  # fmt: skip
    voyage.launch()
    voyage.log(waters(SERVED, 30, rise=3.0))
    return voyage


def test_an_approval_is_asked_for_once_and_given_late_it_promotes(tmp_path: Path) -> None:
    voyage = in_storm(tmp_path, promote=Promote(approval=True))
    voyage.sail(SERVED + 25 * DAY)
    [promote] = voyage.decisions(DecisionKind.PROMOTE)
    assert promote.state is DecisionState.AWAITING_APPROVAL
    assert voyage.model.champion == "v1"
    approved = voyage.by_hand.approve(promote.id, **ADA)
    assert (approved.state, voyage.model.champion) == (DecisionState.PERFORMED, "v2")
    nothing_changed(voyage, Conflict, "is performed; approved is not possible from there",
                    lambda: voyage.by_hand.approve(promote.id, **ADA))  # fmt: skip
    voyage.store.close()


def test_a_refused_promotion_turns_the_candidate_away(tmp_path: Path) -> None:
    voyage = in_storm(tmp_path, promote=Promote(approval=True))
    voyage.sail(SERVED + 16 * DAY)
    [promote] = voyage.decisions(DecisionKind.PROMOTE)
    rejected = voyage.by_hand.reject(promote.id, **ADA)
    assert (rejected.state, rejected.outcome) == (DecisionState.REJECTED, "rejected by ada")
    assert versions(voyage) == {"v1": "champion", "v2": "rejected"}
    voyage.store.close()


def test_labels_that_exist_only_where_the_model_said_yes_ask_an_operator(tmp_path: Path) -> None:
    policy = a_file()
    label = msgspec.structs.replace(policy.label, selective=True)
    voyage = in_storm(tmp_path, label=label)
    voyage.sail(SERVED + 20 * DAY)
    [promote] = voyage.decisions(DecisionKind.PROMOTE)
    assert promote.state is DecisionState.AWAITING_APPROVAL
    assert "reward agreeing with it" in promote.says
    voyage.store.close()


def test_a_run_waits_for_approval_and_nothing_else_is_asked_for(tmp_path: Path) -> None:
    voyage = in_storm(tmp_path, retrain=Retrain(when=(WORSE,), cooldown=DAY, approval=True))
    voyage.sail(SERVED + 23 * DAY)
    _, retrain = voyage.decisions(DecisionKind.RETRAIN)
    assert retrain.state is DecisionState.AWAITING_APPROVAL
    [hold] = voyage.decisions(DecisionKind.HOLD)
    assert hold.subject == retrain.id
    assert len(voyage.all(Run)) == 1
    nothing_changed(voyage, Conflict, f"decision {retrain.id} waits for approval",
                    lambda: voyage.by_hand.start_run("boats", reason="now", **ADA))  # fmt: skip
    voyage.by_hand.approve(retrain.id, **ADA)
    assert [r.state for r in voyage.all(Run)] == [RunState.SUCCEEDED, RunState.SUCCEEDED]
    assert versions(voyage)["v2"] in {VersionState.ON_TRIAL, VersionState.CHAMPION}
    voyage.store.close()


def test_a_dry_run_records_each_decision_once_and_performs_none(tmp_path: Path) -> None:
    voyage = in_storm(tmp_path)
    voyage.apply(a_file(dry_run=True))
    voyage.sail(SERVED + 14 * DAY)
    assert [(str(d.kind), d.dry, str(d.state)) for d in voyage.decisions()[2:]] == [
        ("retrain", True, "recorded"), ("alert", True, "performed"),
    ]  # fmt: skip
    assert len(voyage.all(Run)) == 1
    voyage.store.close()
