"""Runs and scorings that go wrong: each ends with its reason, and the champion is untouched."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pyarrow.parquet as pq
import pytest

from connectors.contract import Ended, TrainJob
from controlplane.domain.alerts import Alert
from controlplane.domain.decisions import DecisionKind
from controlplane.domain.errors import Conflict
from controlplane.domain.guards import Guard
from controlplane.domain.policy import AtMost, Retrain
from controlplane.domain.runs import Run
from controlplane.domain.states import GuardState, RunState, TrialState
from controlplane.domain.trials import Trial
from controlplane.domain.versions import Version
from controlplane.lifecycle.attending import Attending, Registration
from controlplane.store.duckdb_store import open_store
from controlplane.store.ports import Store
from controlplane.wake import Stopping
from tests.fakes import FakeTrainer, Plan, files_of
from tests.voyage import DAY, SERVED, WEEK, WORSE, Voyage, a_file, waters


@pytest.fixture
def store() -> Iterator[Store]:
    opened = open_store(None)
    yield opened
    opened.close()


def stormy(store: Store, root: Path, second: Plan, **changes: object) -> Voyage:
    """v1 serves and is wrong by three knots; whoever trains next follows the second plan."""
    voyage = Voyage(store, root, FakeTrainer(Plan(off=0.0), second), a_file(**changes))
    voyage.launch()
    voyage.log(waters(SERVED, 28, rise=3.0))
    return voyage


LEFT_NOTHING = "it exited 0 and left no files in output/model/; expected the trained model there"
ENDS = {
    "exits_badly": (Plan(ended=Ended(code=3, reason="exited with 3")), "failed", "exited with 3"),
    "leaves_nothing": (Plan(leaves=False), "failed", LEFT_NOTHING),
    "takes_too_long": (
        Plan(ended=Ended(code=None, reason="took 30m", timed_out=True)), "timed_out", "took 30m",
    ),
    "vanishes": (
        Plan(ended=Ended(code=None, reason="vanished: gone")), "vanished", "vanished: gone",
    ),
}  # fmt: skip


@pytest.mark.parametrize("how", list(ENDS))
def test_a_run_that_ends_badly_says_why_and_the_champion_stays(
    store: Store, tmp_path: Path, how: str
) -> None:
    plan, state, reason = ENDS[how]
    voyage = stormy(store, tmp_path, plan)
    voyage.sail(SERVED + 8 * DAY)
    run = voyage.all(Run)[-1]
    assert (run.state, run.reason, run.version) == (state, reason, None)
    assert run.finished_at == SERVED + 8 * DAY
    assert [v.version for v in voyage.all(Version)] == ["v1"]
    assert voyage.model.champion == "v1"


SCORINGS = {
    "nothing": "the scoring wrote no readable Parquet",
    "no_prediction": "the scoring's output has the columns id; it lacks prediction",
    "words": "the scoring's output is not of the kinds expected",
    "other_rows": "or rows of other ids",
    "exits_badly": "the version does not score rows: exited with 3",
    "twice": "or rows of other ids",
    "infinite": "or with one that is no number",
}


@pytest.mark.parametrize("how", list(SCORINGS))
def test_a_first_version_that_does_not_score_is_a_failed_run(
    store: Store, tmp_path: Path, how: str
) -> None:
    voyage = Voyage(store, tmp_path, FakeTrainer(Plan(scores=how)))
    voyage.launch()
    runs = voyage.all(Run)
    assert [run.state for run in runs] == [RunState.FAILED] * 3
    assert SCORINGS[how] in runs[0].reason
    assert voyage.model.champion is None
    assert voyage.all(Version) == []


@pytest.mark.parametrize("how", [how for how in SCORINGS if how != "exits_badly"])
def test_a_candidate_that_does_not_score_loses_its_trial_by_an_error(
    store: Store, tmp_path: Path, how: str
) -> None:
    voyage = stormy(store, tmp_path, Plan(off=3.0, scores=how))
    voyage.sail(SERVED + 9 * DAY)
    [trial] = voyage.all(Trial)
    assert trial.state is TrialState.ERROR
    assert SCORINGS[how] in trial.says
    assert [(v.version, v.state) for v in voyage.all(Version)] == [
        ("v1", "champion"), ("v2", "rejected"),
    ]  # fmt: skip


def test_a_fit_for_the_reference_loss_that_leaves_nothing_is_a_failed_run(
    store: Store, tmp_path: Path
) -> None:
    class Forgetful(FakeTrainer):
        def start(self, job, directory: Path) -> None:
            super().start(job, directory)
            if isinstance(job, TrainJob) and directory.name.endswith("-measure"):
                (Path(job.output) / "model" / "model.json").unlink()

    voyage = Voyage(store, tmp_path, Forgetful())
    voyage.launch()
    assert voyage.all(Run)[0].reason == "the fit that the reference loss rests on left no files"


def test_a_model_that_cannot_be_kept_is_a_failed_run(store: Store, tmp_path: Path) -> None:
    class Linking(FakeTrainer):
        def start(self, job, directory: Path) -> None:
            super().start(job, directory)
            if isinstance(job, TrainJob):
                (Path(job.output) / "model" / "data").symlink_to("/etc")

    voyage = Voyage(store, tmp_path, Linking())
    voyage.launch()
    [run, *_] = voyage.all(Run)
    assert run.state is RunState.FAILED
    assert "is a link or a special file" in run.reason


def test_a_trainer_that_is_no_longer_named_is_a_failed_run_and_watching_goes_on(
    store: Store, tmp_path: Path
) -> None:
    voyage = stormy(store, tmp_path, Plan())
    voyage.apply(a_file(trainer="forest"))
    voyage.sail(SERVED + 9 * DAY)
    run = voyage.all(Run)[-1]
    assert (run.state, run.reason) == (
        "failed", "no trainer is called 'forest'; leeboard.yaml and the product name: builtin",
    )  # fmt: skip
    assert voyage.model.stepped == SERVED + 9 * DAY


def test_a_champion_whose_files_are_gone_fails_the_run_that_needs_them(
    store: Store, tmp_path: Path
) -> None:
    voyage = stormy(store, tmp_path, Plan())
    [v1] = voyage.all(Version)
    voyage.workshop.artifact(v1.sha256).unlink()
    voyage.sail(SERVED + 8 * DAY)
    run = voyage.all(Run)[-1]
    assert run.state is RunState.FAILED
    assert "is missing or does not have the hash it is kept by" in run.reason


def test_three_failures_stop_retraining_until_an_operator_says_go(
    store: Store, tmp_path: Path
) -> None:
    bad = Plan(ended=Ended(code=1, reason="exited with 1"))
    voyage = stormy(
        store, tmp_path, bad, retrain=Retrain(when=(WORSE,), cooldown=WEEK, at_most=AtMost(9))
    )
    voyage.sail(SERVED + 28 * DAY)
    assert [run.state for run in voyage.all(Run)] == ["succeeded", "failed", "failed", "failed"]
    [stop] = voyage.decisions(DecisionKind.STOP)
    assert len(stop.evidence) == 3
    assert voyage.model.retraining_stopped == stop.says
    [alert] = [a for a in voyage.all(Alert) if a.condition == "runs_failing"]
    assert (alert.severity, alert.state) == ("critical", "firing")

    voyage.log(waters(SERVED + 28 * DAY, 28, rise=3.0))
    voyage.sail(SERVED + 43 * DAY)
    assert len(voyage.all(Run)) == 4, "held"
    voyage.by_hand.resume("boats", by="ada")
    assert voyage.model.retraining_stopped is None
    [alert] = [a for a in voyage.all(Alert) if a.condition == "runs_failing"]
    assert (alert.state, alert.resolved_because) == ("resolved", "ada says go")
    voyage.sail(SERVED + 56 * DAY)
    assert len(voyage.decisions(DecisionKind.STOP)) == 1, "two more failures are not three"
    assert [run.state for run in voyage.all(Run)[4:]] == ["failed", "failed"]


def test_three_failed_first_runs_at_one_instant_count_anew_after_a_go(
    store: Store, tmp_path: Path
) -> None:
    voyage = Voyage(store, tmp_path, FakeTrainer(Plan(leaves=False)))
    voyage.launch()
    assert len(voyage.all(Run)) == 3
    voyage.by_hand.resume("boats", by="ada")
    assert len(voyage.all(Run)) == 6
    assert len(voyage.decisions(DecisionKind.STOP)) == 2
    assert {run.requested_at for run in voyage.all(Run)} == {SERVED}


def test_a_cancelled_run_stays_cancelled_whatever_its_process_says(
    store: Store, tmp_path: Path
) -> None:
    voyage = stormy(store, tmp_path, Plan(ended=Ended(code=None, reason="killed by 15")))
    voyage.trainer.looks = 3
    attending = Attending(store, voyage.workshop, voyage.clock)

    class Cancelling(FakeTrainer):
        """Its run is cancelled in the very moment in which the loop asks how it ended."""

        def ended(self, directory: Path) -> Ended | None:
            attending.cancel_run(directory.name, by="ada")
            return Ended(code=None, reason="killed by 15")

    voyage.trainer = Cancelling(Plan())
    voyage.restart(store)
    attending = Attending(store, voyage.workshop, voyage.clock)
    voyage.sail(SERVED + 8 * DAY)
    run = voyage.all(Run)[-1]
    assert (run.state, run.reason) == ("cancelled", "cancelled by ada")
    assert [d.name for d in voyage.trainer.cancelled] == [run.id, f"{run.id}-measure"]
    with pytest.raises(Conflict, match="is cancelled; cancelled is not possible from there"):
        attending.cancel_run(run.id, by="ada")


def test_a_version_registered_while_a_run_works_keeps_its_number(
    store: Store, tmp_path: Path
) -> None:
    voyage = stormy(store, tmp_path, Plan(off=3.0))
    outside = files_of(tmp_path / "x" / "output" / "model", Plan(off=1.0))

    class Meanwhile(FakeTrainer):
        """A version is registered between the loop's look at the model and the run's end."""

        def ended(self, directory: Path) -> Ended | None:
            if isinstance(self.jobs[directory], TrainJob) and len(voyage.all(Version)) == 1:
                attending.register("boats", Registration(files=outside), by="ada")
            return super().ended(directory)

    voyage.trainer = Meanwhile(Plan(off=3.0))
    voyage.restart(store)
    attending = Attending(store, voyage.workshop, voyage.clock)
    voyage.sail(SERVED + 8 * DAY)
    origins = {v.version: v.origin for v in voyage.all(Version)}
    assert origins == {"v1": "run", "v2": "registered", "v3": "run"}
    assert voyage.all(Run)[-1].version == "v3"
    assert voyage.model.versions == 3


def test_rows_that_came_while_a_process_worked_are_scored_too(store: Store, tmp_path: Path) -> None:
    """Live, time goes on: what a process was given at its start is not all that is due at its end."""
    voyage = stormy(store, tmp_path, Plan(off=3.0))
    voyage.sail(SERVED + 8 * DAY)
    [trial] = voyage.all(Trial)
    assert (trial.state, len(trial.blocks)) == ("running", 7)
    voyage.trainer.looks = 10_000
    voyage.waker.stop()
    with pytest.raises(Stopping):
        voyage.sail(SERVED + 10 * DAY)
    voyage.trainer.looks = 0
    voyage.restart(store)
    voyage.told(settling=SERVED + 12 * DAY)
    voyage.sail(SERVED + 12 * DAY)
    [trial] = voyage.all(Trial)
    assert [block.rows for block in trial.blocks] == [24] * 11


# Trials and guards that have nothing to go by


def test_a_trial_without_labels_ends_inconclusive_at_its_stop(store: Store, tmp_path: Path) -> None:
    voyage = Voyage(store, tmp_path, FakeTrainer(Plan(off=0.0), Plan(off=3.0)))
    voyage.launch()
    folder = files_of(tmp_path / "x" / "output" / "model", Plan(off=1.0))
    attending = Attending(store, voyage.workshop, voyage.clock)
    attending.register("boats", Registration(files=folder), by="ada")
    voyage.by_hand.open_trial("boats", "v2", by="ada", made=False)
    voyage.sail(SERVED + 28 * DAY)
    assert voyage.all(Trial)[0].state is TrialState.RUNNING
    voyage.sail(SERVED + 29 * DAY)
    [trial] = voyage.all(Trial)
    assert (trial.state, trial.says) == (
        TrialState.INCONCLUSIVE, "28 days decided nothing about v2, 0 of them with labelled rows",
    )  # fmt: skip
    assert trial.ended_at == SERVED + 29 * DAY


def test_a_guard_that_saw_no_labelled_row_passes_nothing(store: Store, tmp_path: Path) -> None:
    voyage = Voyage(store, tmp_path, FakeTrainer(Plan(off=0.0), Plan(off=3.0)))
    voyage.launch()
    voyage.log(waters(SERVED, 15, rise=3.0))
    voyage.sail(SERVED + 15 * DAY)
    assert voyage.model.champion == "v2"
    voyage.sail(SERVED + 40 * DAY)
    [guard] = voyage.all(Guard)
    assert (guard.rows, guard.state) == (0, GuardState.INCONCLUSIVE)
    assert guard.ended_at == SERVED + 30 * DAY


# What a run is given


def test_a_run_sees_nothing_of_the_hold_out_and_its_rows_are_told(
    store: Store, tmp_path: Path
) -> None:
    voyage = stormy(store, tmp_path, Plan(off=3.0))
    voyage.sail(SERVED + 8 * DAY)
    run = voyage.all(Run)[-1]
    assert (run.data_from, run.data_to) == (SERVED - 28 * DAY, SERVED - 7 * DAY)
    data = pq.read_table(voyage.workshop.directory(run.id) / "data.parquet")
    validation = pq.read_table(voyage.workshop.directory(run.id) / "validation.parquet")
    assert run.rows == 14 * 24
    assert (data.num_rows, validation.num_rows) == (269, 67)
    assert max(validation["at"].to_pylist()) < SERVED - 7 * DAY
    assert max(data["at"].to_pylist()) < min(validation["at"].to_pylist())
    version = voyage.all(Version)[-1]
    assert (version.parent, version.run, version.data_sha256) == ("v1", run.id, run.data_sha256)
    assert version.rows_trained == 336
    job = voyage.trainer.jobs[voyage.workshop.directory(run.id)]
    assert msgspec.structs.asdict(job.champion)["version"] == "v1"
