"""Versions are asked how much they depend on each feature: by a fake, and by real processes."""

import json
import sys
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from threadpoolctl import threadpool_limits

from connectors.contract import ColumnSpec, TrainJob
from connectors.trainers.builtin import train
from connectors.trainers.command import CommandTrainer, builtin_trainer
from controlplane.domain.errors import NotFound, Refused, StorageError
from controlplane.domain.importances import Importance, job_of
from controlplane.domain.journal import Entry
from controlplane.domain.models import Model
from controlplane.domain.policy import Windows
from controlplane.domain.versions import Version
from controlplane.domain.windows import Score, Window
from controlplane.lifecycle import weighing
from controlplane.lifecycle.applying import Applying
from controlplane.lifecycle.weighing import Weigher
from controlplane.lifecycle.workshop import Workshop
from controlplane.monitor.causes import Causes, causes
from controlplane.store.duckdb_store import open_store
from controlplane.store.ports import Store
from tests.fakes import FakeTrainer, Plan, files_of
from tests.voyage import DAY, SERVED, WEEK, Voyage, a_file, waters

FILE = a_file(windows=Windows(every=2 * WEEK, lateness=timedelta(0)))
LIMIT = 60.0
"""Seconds within which a process must have ended; nothing measures them."""


@pytest.fixture
def store() -> Iterator[Store]:
    opened = open_store(None)
    yield opened
    opened.close()


def sailed(store: Store, root: Path) -> Voyage:
    """Two weeks were served by v1, which predicts half the wind, and scored with their labels."""
    voyage = Voyage(store, root, FakeTrainer(), FILE)
    voyage.launch()
    voyage.log(waters(SERVED, 15))
    voyage.sail(SERVED + 16 * DAY)
    return voyage


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Voyage, Version, Score]]:
    opened = open_store(None)
    voyage = sailed(opened, tmp_path_factory.mktemp("voyage"))
    [version], [*scores] = voyage.all(Version), voyage.all(Score)
    yield voyage, version, scores[-1]
    opened.close()


@pytest.fixture
def voyage(shared: tuple[Voyage, Version, Score]) -> Voyage:
    """The one voyage as it was before anybody asked anything."""
    voyage, version, score = shared

    def as_it_was(t) -> None:
        t.ledger.remove(Importance, model="boats")
        t.ledger.put(version)
        t.ledger.put(score)

    voyage.store.write(as_it_was).result()
    voyage.trainer.looks, voyage.trainer.cancelled = 0, []
    voyage.restart(voyage.store)
    for job in jobs(voyage):
        voyage.workshop.clear(job)
    return voyage


def first_window(store: Store) -> Window:
    with store.read() as view:
        return view.ledger.find(Window, model="boats")[0]


def found_of(store: Store, window: Window) -> Causes:
    with store.read() as view:
        score = view.ledger.get(Score, f"{window.id}/{window.revision}")
        return causes(view, view.ledger.get(Model, "boats"), window, score)


def weigher_of(voyage: Voyage) -> Weigher:
    return Weigher(voyage.store, voyage.workshop, voyage.clock)


def answered(voyage: Voyage, weigher: Weigher) -> Importance:
    """Turns until nothing is open any more."""
    until = time.monotonic() + LIMIT
    while True:
        weigher.turn()
        [found] = voyage.all(Importance)
        if found.state != "asked":
            return found
        assert time.monotonic() < until
        time.sleep(0.02)


def jobs(voyage: Voyage) -> list[Path]:
    return list((voyage.root / "jobs").glob("i_*"))


def test_a_version_is_asked_once_and_says_what_it_depends_on(voyage: Voyage) -> None:
    window, weigher = first_window(voyage.store), weigher_of(voyage)
    asked = weigher.ask(window.id, by="ada")
    assert (asked.state, asked.version) == ("asked", "v1")
    told = found_of(voyage.store, window)
    assert (told.importance_state, told.importance_rests_on) == ("asked", "logged")
    assert "v1 is being asked how much it depends on each column" in told.notes
    found = answered(voyage, weigher)
    assert (found.state, found.rests_on, found.metric) == ("made", "loss", "mae")
    assert (found.rows, found.repeats) == (336, 5)
    # Half the wind shuffled: its own standard deviation of 1 knot against the noise of 1.
    assert 0.3 < found.values["wind"] < 0.9
    assert 0.0 < found.errors["wind"] < 0.1
    assert found.values["sail"] == found.errors["sail"] == 0.0
    assert weigher.ask(window.id, by="bob") == found
    assert jobs(voyage) == []
    entries = [e for e in voyage.all(Entry) if e.kind == "importance_asked"]
    assert (entries[-1].subject, entries[-1].by) == (f"{window.id}/v1", "ada")


def test_the_causes_rest_on_what_the_version_said(voyage: Voyage) -> None:
    window, weigher = first_window(voyage.store), weigher_of(voyage)
    before = found_of(voyage.store, window)
    assert (before.importance_state, before.importance_rests_on) == (None, "logged")
    assert "`leeboard causes WINDOW --importance` asks v1 itself" in before.notes
    weigher.ask(window.id, by="ada")
    answered(voyage, weigher)
    told = found_of(voyage.store, window)
    assert (told.importance_state, told.importance_rests_on) == ("made", "loss")
    assert (
        "importance is by how much mae changes when a column's values are shuffled among 336 rows, "
        "5 times, and v1 is asked again; it orders the columns and tests nothing"
    ) in told.notes


def test_asked_anew_it_says_the_same(voyage: Voyage) -> None:
    found = []
    for _ in range(2):
        voyage.store.write(lambda t: t.ledger.remove(Importance, model="boats")).result()
        weigher = weigher_of(voyage)
        weigher.ask(first_window(voyage.store).id, by="ada")
        found.append(answered(voyage, weigher).values)
    assert found[0] == found[1]


def test_without_labels_it_rests_on_the_answers_and_is_asked_again_once_there_are_some(
    store: Store, tmp_path: Path
) -> None:
    voyage = Voyage(store, tmp_path, FakeTrainer(), FILE)
    voyage.launch()
    rows = waters(SERVED, 15)
    served = rows.drop_columns(["label"]).append_column(
        "prediction", pa.array(rows["wind"].to_numpy() / 2.0)
    )
    served = served.append_column("version", pa.array(["v1"] * rows.num_rows))
    store.write(lambda t: t.events.append_predictions("boats", served)).result()
    voyage.sail(SERVED + 2 * WEEK)
    window, weigher = first_window(store), weigher_of(voyage)
    assert window.revision == 0
    weigher.ask(window.id, by="ada")
    found = answered(voyage, weigher)
    assert (found.rests_on, found.metric) == ("answers", None)
    assert found.values["wind"] == pytest.approx(1.0, abs=0.1)
    assert found.values["sail"] == 0.0
    assert found_of(store, window).importance_rests_on == "answers"
    labels = pa.table({"id": rows["id"], "label": rows["label"], "at": rows["at"],
                       "known_at": [SERVED + 2 * WEEK + timedelta(hours=1)] * rows.num_rows})  # fmt: skip
    store.write(lambda t: t.events.append_labels("boats", labels)).result()
    voyage.sail(SERVED + 16 * DAY)
    assert weigher.ask(window.id, by="ada").state == "asked"
    assert answered(voyage, weigher).rests_on == "loss"


def test_what_a_version_cannot_say_is_told_and_the_logged_predictions_are_taken(
    voyage: Voyage,
) -> None:
    [version] = voyage.all(Version)
    window, weigher = first_window(voyage.store), weigher_of(voyage)
    for scores, why in (
        ("nothing", "no readable Parquet"), ("exits_badly", "exited with 3"),
        ("other_rows", "rows of other ids"),
    ):  # fmt: skip
        folder = files_of(voyage.root / scores / "output" / "model", Plan(scores=scores))
        broken = msgspec.structs.replace(version, sha256=voyage.workshop.shelve(folder))
        voyage.store.write(lambda t, v=broken: t.ledger.put(v)).result()
        assert weigher.ask(window.id, by="ada").state == "asked"
        found = answered(voyage, weigher)
        assert found.state == "failed"
        assert why in found.reason
        told = found_of(voyage.store, window)
        assert (told.importance_state, told.importance_rests_on) == ("failed", "logged")
        assert any(note.startswith("v1 was asked") and why in note for note in told.notes)
        assert jobs(voyage) == []


def test_a_version_that_takes_too_long_is_ended(
    voyage: Voyage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(weighing, "PATIENCE_SECONDS", -1.0)
    voyage.trainer.looks = 10**6
    weigher = weigher_of(voyage)
    weigher.ask(first_window(voyage.store).id, by="ada")
    found = answered(voyage, weigher)
    assert (found.state, len(voyage.trainer.cancelled)) == ("failed", 1)
    assert "did not answer within" in found.reason


class Odd:
    """A trainer that fails as nobody foresaw for some directories, and else as the one it stands
    before."""

    def __init__(self, trainer: FakeTrainer, fails: Callable[[Path], bool]) -> None:
        self._trainer, self._fails = trainer, fails
        self.failed = 0

    def start(self, job: object, directory: Path) -> None:
        if self._fails(directory):
            self.failed += 1
            raise OSError(28, "no space is left")
        self._trainer.start(job, directory)

    def __getattr__(self, name: str) -> object:
        return getattr(self._trainer, name)


def test_what_nobody_foresaw_is_tried_again_a_few_times_and_said(
    voyage: Voyage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(weighing, "PAUSES", (0.0, 0.0))
    odd = Odd(voyage.trainer, lambda directory: True)
    voyage.workshop = Workshop(voyage.root, {"builtin": odd})
    weigher = weigher_of(voyage)
    weigher.ask(first_window(voyage.store).id, by="ada")
    found = answered(voyage, weigher)
    assert (found.state, odd.failed) == ("failed", 3)
    assert found.reason == "it broke off 3 times, at last with OSError: [Errno 28] no space is left"
    assert jobs(voyage) == []
    assert weigher.ask(found.window, by="ada").state == "asked"


def test_a_question_that_broke_off_rests_and_holds_nobody_up(
    voyage: Voyage, monkeypatch: pytest.MonkeyPatch
) -> None:
    weigher = weigher_of(voyage)
    window = first_window(voyage.store)
    first = weigher.ask(window.id, by="ada")
    second = msgspec.structs.replace(
        first, id=f"{window.id}/again", asked_at=first.asked_at + timedelta(hours=1)
    )
    voyage.store.write(lambda t: t.ledger.put(second)).result()
    odd = Odd(voyage.trainer, lambda directory: directory.name == job_of(first))
    voyage.workshop = Workshop(voyage.root, {"builtin": odd})
    weigher = weigher_of(voyage)
    until = time.monotonic() + LIMIT
    while {one.id: one.state for one in voyage.all(Importance)}[second.id] != "made":
        weigher.turn()
        assert time.monotonic() < until
    weigher.turn()
    assert odd.failed == 1
    monkeypatch.setattr(time, "monotonic", lambda: until + weighing.PAUSES[0])
    weigher.turn()
    assert odd.failed == 2
    assert {one.id: one.state for one in voyage.all(Importance)}[first.id] == "asked"


def test_where_the_store_fails_the_question_stands(
    voyage: Voyage, monkeypatch: pytest.MonkeyPatch
) -> None:
    weigher = weigher_of(voyage)
    weigher.ask(first_window(voyage.store).id, by="ada")

    def full(*given: object) -> None:
        raise StorageError("the disk is full")

    monkeypatch.setattr(weighing, "start_scoring", full)
    for _ in range(9):
        with pytest.raises(StorageError):
            weigher.turn()
    monkeypatch.undo()
    assert answered(voyage, weigher).state == "made"


def test_a_server_that_is_started_anew_goes_on_with_it(voyage: Voyage) -> None:
    voyage.trainer.looks = 3
    first = weigher_of(voyage)
    first.ask(first_window(voyage.store).id, by="ada")
    first.turn()
    [job] = jobs(voyage)
    given = pq.read_table(job / "input.parquet")
    assert given.column_names == ["id", "at", "wind", "sail"]
    assert given.num_rows == 336 * (1 + 2 * 5)
    voyage.restart(voyage.store)
    assert answered(voyage, weigher_of(voyage)).state == "made"


def test_who_cannot_be_asked_is_said(voyage: Voyage) -> None:
    window, weigher = first_window(voyage.store), weigher_of(voyage)
    with pytest.raises(NotFound, match="no scored window 'w_none'"):
        weigher.ask("w_none", by="ada")
    with voyage.store.read() as view:
        score = view.ledger.get(Score, f"{window.id}/{window.revision}")
    for champion, why in ((None, "no version is known"), ("v9", "v9 is not registered here")):
        changed = msgspec.structs.replace(score, champion=champion)
        voyage.store.write(lambda t, score=changed: t.ledger.put(score)).result()
        with pytest.raises(Refused, match=why):
            weigher.ask(window.id, by="ada")


def test_a_purged_model_leaves_no_question_behind(store: Store, tmp_path: Path) -> None:
    voyage = sailed(store, tmp_path)
    weigher = weigher_of(voyage)
    weigher.ask(first_window(voyage.store).id, by="ada")
    Applying(voyage.store, voyage.clock, lambda text, name: None).purge("boats", by="ada")
    assert voyage.all(Importance) == []
    weigher.turn()


SCORER = """
import json, os, sys
import pyarrow as pa, pyarrow.compute as pc, pyarrow.parquet as pq
job = json.load(open(os.environ["LEEBOARD_JOB"]))
rows = pq.read_table(job["input"])
factor = json.load(open(job["model_directory"] + "/model.json"))["factor"]
order = pa.array(range(rows.num_rows - 1, -1, -1))
found = pa.table({"id": rows["id"], "prediction": pc.multiply(rows["wind"], factor)})
pq.write_table(found.take(order), job["output"])
"""


def by_a_command(voyage: Voyage) -> None:
    """v1 becomes a version of a trainer whose scoring is a program of the user's."""
    script, folder = voyage.root / "score.py", voyage.root / "mine" / "output" / "model"
    script.write_text(SCORER)
    folder.mkdir(parents=True)
    (folder / "model.json").write_text(json.dumps({"factor": 0.5}))
    command = (sys.executable, str(script))
    trainer = CommandTrainer(command, command, working_directory=voyage.root,
                             timeout=timedelta(seconds=LIMIT))  # fmt: skip
    replace(voyage, folder, {"mine": trainer}, "mine")


def by_the_builtin(voyage: Voyage) -> None:
    """v1 becomes a version that the builtin trainer made of the first three weeks."""
    rows = waters(SERVED - 3 * WEEK, 21)
    output = voyage.root / "built" / "output"
    output.mkdir(parents=True)
    for name in ("data", "validation"):
        pq.write_table(rows, voyage.root / f"{name}.parquet")
    job = TrainJob(
        model="boats", run="r_1", seed=1, task="regression", label="label",
        features=[ColumnSpec("wind", "numeric"), ColumnSpec("sail", "categorical")],
        parameters={"iterations": "20"}, data=str(voyage.root / "data.parquet"),
        validation=str(voyage.root / "validation.parquet"), output=str(output),
    )  # fmt: skip
    with threadpool_limits(1):
        train(job)
    replace(voyage, output / "model", {"builtin": builtin_trainer()}, "builtin")


def replace(voyage: Voyage, folder: Path, trainers: dict[str, CommandTrainer], name: str) -> None:
    voyage.workshop = Workshop(voyage.root, trainers)
    [version] = voyage.all(Version)
    made = msgspec.structs.replace(version, sha256=voyage.workshop.shelve(folder), trainer=name)
    voyage.store.write(lambda t: t.ledger.put(made)).result()


@pytest.mark.parametrize("become", [by_a_command, by_the_builtin], ids=["command", "builtin"])
def test_versions_are_asked_in_a_process_of_their_own(voyage: Voyage, become) -> None:
    become(voyage)
    weigher = weigher_of(voyage)
    weigher.ask(first_window(voyage.store).id, by="ada")
    found = answered(voyage, weigher)
    assert (found.state, found.reason) == ("made", None)
    assert 0.3 < found.values["wind"] < 0.9
    assert abs(found.values["sail"]) < 0.1
