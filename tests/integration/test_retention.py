"""Rows go when they are older than they are to be kept, unless something needs them still."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pyarrow as pa
import pytest

from controlplane.domain.guards import Guard
from controlplane.domain.journal import Entry, first_break
from controlplane.domain.models import Generation, Model, Timing
from controlplane.domain.policy import Policy
from controlplane.domain.policy import Reference as Asked
from controlplane.domain.references import Reference
from controlplane.domain.runs import Run
from controlplane.domain.schema import Task
from controlplane.domain.states import RunState, WindowState
from controlplane.domain.trials import Trial
from controlplane.domain.windows import Window
from controlplane.lifecycle import upkeep as upkeeping
from controlplane.lifecycle.scoring import append_spared
from controlplane.lifecycle.upkeep import Upkeep
from controlplane.lifecycle.workshop import Workshop
from controlplane.policy.defaults import policy_of
from controlplane.policy.server_file import parse
from controlplane.settings import Retention, Settings
from controlplane.store.duckdb_store import open_store
from controlplane.store.keeping import Space
from controlplane.store.ports import Known, Store
from tests.stored import MODEL, NOON, SCHEMA, labels, predictions

DAY = timedelta(days=1)
DAYS = 100
NOW = NOON + DAYS * DAY
"""When the hundred days of rows are over."""


class At:
    """A clock that stands where it was put."""

    def __init__(self, moment: datetime = NOW) -> None:
        self.moment = moment

    def now(self) -> datetime:
        return self.moment


def a_policy(**changes: object) -> Policy:
    policy = policy_of(MODEL, Task.REGRESSION, "cnt")
    windows = msgspec.structs.replace(policy.windows, every=DAY)
    return msgspec.structs.replace(policy, **{"windows": windows, **changes})


def put(store: Store, *records: object) -> None:
    store.write(lambda t: [t.ledger.put(record) for record in records]).result()


def a_model(store: Store, policy: Policy | None = None, **changes: object) -> None:
    told = {"champion": "v1", "serving_from": NOON} | changes
    model = Model(id=MODEL, model=MODEL, generation=1, created_at=NOON, schema=SCHEMA, **told)
    generation = Generation(
        id=f"{MODEL}/1", model=MODEL, number=1, policy=policy or a_policy(), text="",
        applied_at=NOON, applied_by="t",
    )  # fmt: skip
    put(store, model, generation, a_window(DAYS - 1, WindowState.MATURED))


def a_window(day: int, state: WindowState, **rows: int) -> Window:
    start = NOON + day * DAY
    return Window(id=f"w{day}", model=MODEL, number=day, start=start, end=start + DAY,
                  rows_close=start + DAY, labels_close=start + 2 * DAY, state=state, **rows)  # fmt: skip


def a_reference(version: str, first: int, last: int) -> Reference:
    return Reference(
        id=f"{MODEL}/{version}", model=MODEL, version=version, start=NOON + first * DAY,
        end=NOON + last * DAY, known_at=NOON + last * DAY, rows=1, made_at=NOON,
    )  # fmt: skip


@pytest.fixture
def store() -> Iterator[Store]:
    """A row and a label a day, for a hundred days."""
    opened = open_store(None)
    hours = [24.0 * day for day in range(DAYS)]
    ids = [str(day) for day in range(DAYS)]
    opened.write(lambda t: (
        t.events.prepare(MODEL, SCHEMA),
        t.events.append_predictions(MODEL, predictions(ids, hours)),
        t.events.append_labels(MODEL, labels(ids, [1.0] * DAYS, hours)),
    )).result()  # fmt: skip
    yield opened
    opened.close()


def left(store: Store) -> list[int]:
    """The days whose row is there, each with its label."""
    with store.read() as view:
        days = [int(id) for id in view.events.rows(MODEL, [], Known())["id"].to_pylist()]  # noqa: A001
        labelled = view.events.labelled(MODEL, [], Known())["id"].to_pylist()
        assert view.events.counts(MODEL).labels == len(labelled)
    assert [int(id) for id in labelled] == days  # noqa: A001
    return days


def retained(store: Store, days: int = 30, now: datetime = NOW) -> list[int]:
    Upkeep(store, At(now), Retention(events=days * DAY)).retain()
    return left(store)


def test_what_is_older_goes_and_the_journal_says_so(store: Store) -> None:
    a_model(store)
    assert retained(store) == list(range(70, 100))
    with store.read() as view:
        entries = view.ledger.find(Entry)
    [entry] = entries
    assert (entry.kind, entry.by) == ("aged", "retention")
    assert '"rows":140' in entry.text
    assert first_break(entries) is None
    assert retained(store) == list(range(70, 100))
    with store.read() as view:
        assert view.ledger.count(Entry) == 1


def test_in_pieces(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upkeeping, "PIECE", 7)
    monkeypatch.setattr(upkeeping, "PAUSE", 0.0)
    a_model(store)
    assert retained(store) == list(range(70, 100))


def test_without_retention_everything_stays(store: Store) -> None:
    a_model(store)
    Upkeep(store, At(), Retention()).retain()
    assert left(store) == list(range(100))


def test_a_window_whose_labels_are_open_keeps_its_rows(store: Store) -> None:
    a_model(store)
    put(store, a_window(40, WindowState.SCORED))
    assert retained(store) == list(range(40, 100))


def test_rows_that_no_window_has_yet_stay(store: Store) -> None:
    a_model(store)
    store.write(lambda t: t.ledger.remove(Window, model=MODEL)).result()
    put(store, a_window(89, WindowState.MATURED))
    assert retained(store, days=1, now=NOW + 30 * DAY) == list(range(90, 100))


def test_a_trial_and_a_guard_keep_theirs(store: Store) -> None:
    a_model(store)
    trial = Trial(
        id="t1", model=MODEL, decision="d", generation=1, champion="v1", candidate="v2",
        opened_at=NOW, start=NOON + 50 * DAY, metric="mae", gain=0.0, margin_share=0.05,
        margin_absolute=None, confidence=0.95, stop_blocks=28,
    )  # fmt: skip
    put(store, trial)
    assert retained(store) == list(range(50, 100))
    guard = Guard(
        id="g1", model=MODEL, decision="d", generation=1, version="v1", previous="v0",
        started_at=NOW, start=NOON + 60 * DAY, until=NOW, metric="mae", margin=1.0, loss_cap=1.0,
        threshold=1.0,
    )  # fmt: skip
    put(store, guard, a_reference("v0", 52, 54), a_reference("v9", 56, 58))
    store.write(lambda t: t.ledger.remove(Trial, model=MODEL)).result()
    # the reference that it may go back to, and the whole windows before that; v9's is nobody's
    assert retained(store) == [51, 52, 53, *range(60, 100)]


def test_the_reference_in_force_stays_with_the_windows_that_set_its_thresholds(
    store: Store,
) -> None:
    """Sixty whole days: nineteen of the reference, which begins at noon, and those before it."""
    a_model(store)
    put(store, a_reference("v1", 45, 65), a_reference("v7", 0, 3))
    assert retained(store) == [*range(4, 65), *range(70, 100)]


def test_a_run_that_reads_keeps_everything(store: Store) -> None:
    a_model(store)
    run = Run(id="r1", model=MODEL, state=RunState.RUNNING, decision="d", generation=1,
              trainer="builtin", seed=1, requested_at=NOW)  # fmt: skip
    put(store, run)
    assert retained(store) == list(range(100))
    put(store, msgspec.structs.replace(run, state=RunState.SUCCEEDED))
    assert retained(store) == list(range(70, 100))


def test_a_reference_that_moves_keeps_what_it_reaches_back_to(store: Store) -> None:
    asked = Asked(kind="trailing", trailing=3 * DAY)
    a_model(store, a_policy(reference=asked))
    days = retained(store, days=1)
    assert days[0] % 3 == 0  # whole lengths go
    assert 99 - 60 - 6 - 3 <= days[0] <= 99 - 60 - 6


def test_counted_windows_keep_the_rows_they_need_and_their_numbers(store: Store) -> None:
    windows = msgspec.structs.replace(a_policy().windows, every=None, rows=10)
    a_model(store, a_policy(windows=windows), every_seconds=864_000.0)
    put(store, a_window(99, WindowState.MATURED, rows_first=60, rows_last=70),
        a_window(98, WindowState.SCORED, rows_first=50, rows_last=60))  # fmt: skip
    assert retained(store, days=1) == list(range(50, 100))
    with store.read() as view:
        assert view.events.row_numbers(MODEL, 49, 52)["id"].to_pylist() == [None, "50", "51"]


def test_a_replayed_model_ages_by_its_own_time(store: Store) -> None:
    a_model(store, timing=Timing.REPLAY, stepped=NOON + 80 * DAY)
    assert retained(store, now=NOW + 3650 * DAY) == list(range(50, 100))


def test_rejected_rows_age_by_the_wall_clock(store: Store) -> None:
    a_model(store)
    for day in (0, 20):
        store.write(lambda t, d=day: t.events.append_rejected(
            MODEL, "labels", NOON + d * DAY, [("no", "{}")])).result()  # fmt: skip
    Upkeep(store, At(), Retention(rejected=90 * DAY)).retain()
    with store.read() as view:
        assert view.events.counts(MODEL).rejected == 1


def metrics(store: Store) -> None:
    """A value a day."""
    at = pa.array([NOON + day * DAY for day in range(DAYS)], pa.timestamp("us", "UTC"))
    rows = pa.table({
        "name": ["revenue"] * DAYS, "at": at, "known_at": at, "version": pa.nulls(DAYS, pa.string()),
        "value": [float(day) for day in range(DAYS)],
    })  # fmt: skip
    store.write(lambda t: t.events.kpis.append(MODEL, rows)).result()


def values(store: Store) -> tuple[int, float]:
    """How many values are left, and the last."""
    with store.read() as view:
        [kpi] = view.events.kpis.all(MODEL)
    return kpi.values, kpi.last_value


def test_business_metrics_age_with_the_rows(store: Store) -> None:
    a_model(store)
    metrics(store)
    retained(store)
    assert values(store) == (30, 99.0)


def test_business_metrics_age_where_rows_are_needed_still(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeeping, "PIECE", 9)
    monkeypatch.setattr(upkeeping, "PAUSE", 0.0)
    a_model(store)
    metrics(store)
    put(store, a_window(0, WindowState.SCORED))
    assert retained(store) == list(range(100))
    assert values(store) == (30, 99.0)
    with store.read() as view:
        [entry] = view.ledger.find(Entry)
    assert '"rows":70' in entry.text


def test_business_metrics_of_a_model_without_rows_age(store: Store) -> None:
    a_model(store)
    store.write(lambda t: t.events.drop(MODEL)).result()
    metrics(store)
    Upkeep(store, At(), Retention(events=30 * DAY)).retain()
    assert values(store) == (30, 99.0)


def test_the_rows_that_ended_runs_were_given_go_a_day_later(store: Store, tmp_path: Path) -> None:
    a_model(store)
    run = Run(id="r1", model=MODEL, state=RunState.SUCCEEDED, decision="d", generation=1,
              trainer="builtin", seed=1, requested_at=NOW)  # fmt: skip
    put(store, run, msgspec.structs.replace(run, id="r2", state=RunState.RUNNING))
    workshop = Workshop(tmp_path, {})
    written = []
    for name in ("r1", "r1-measure", "r2"):
        for file in ("data.parquet", "log"):
            written.append(workshop.directory(name) / file)
            written[-1].write_text("rows")
    clock = At(datetime.fromtimestamp(written[0].stat().st_mtime, UTC) + DAY / 2)
    upkeep = Upkeep(store, clock, Retention(), workshop)
    upkeep.retain()
    assert all(path.exists() for path in written)
    clock.moment += DAY
    upkeep.retain()
    assert [path.relative_to(tmp_path / "jobs").as_posix() for path in written if path.exists()] == [
        "r1/log", "r1-measure/log", "r2/data.parquet", "r2/log",
    ]  # fmt: skip


def test_a_scoring_that_was_under_way_brings_no_erased_id_back(store: Store) -> None:
    a_model(store)
    rows = predictions(["3", "4"], [72.0, 96.0]).select(["id", "at", "prediction"])
    store.write(lambda t: t.upkeep.erase(MODEL, ["4"], at=NOW, by="t")).result()
    store.write(lambda t: append_spared(t, MODEL, "v2", rows)).result()
    with store.read() as view:
        assert view.events.scored(MODEL, "v2", Known())["id"].to_pylist() == ["3"]


def test_the_servers_file_says_how_long() -> None:
    text = b"retention: {events: 400d, rejected: 30d}\n"
    settings = parse(text, Settings(data=Path("d")), {}, source=Path("leeboard.yaml"))
    assert settings.retention == Retention(events=400 * DAY, rejected=30 * DAY)
    with pytest.raises(Exception, match="at least 1d"):
        parse(b"retention: {events: 3h}\n", Settings(data=Path("d")), {}, source=Path("l.yaml"))


# When the file is written anew by itself.


class Counting:
    """What stands for the file: so large, and compacted so often."""

    def __init__(self, space: Space) -> None:
        self.told = space
        self.compacted: list[datetime] = []

    def space(self) -> Space:
        return self.told

    def compact(self, at: datetime) -> tuple[int, int]:
        self.compacted.append(at)
        return 1, 1

    def stop(self) -> None:
        pass


class Stored:
    def __init__(self, space: Space) -> None:
        self.keeping = Counting(space)


def compacted(space: Space, *moments: datetime) -> list[datetime]:
    store, clock = Stored(space), At()
    upkeep = Upkeep(store, clock, Retention())  # type: ignore[arg-type]
    for moment in moments:
        clock.moment = moment
        upkeep.compact()
    return store.keeping.compacted


MIB, GIB = 2**20, 2**30


@pytest.mark.parametrize(
    ("space", "is_due"),
    [
        (Space(file=GIB, used=GIB), False),
        (Space(file=GIB, used=GIB // 3, free=GIB * 2 // 3), True),
        (Space(file=100 * MIB, used=MIB, free=99 * MIB), False),
        (Space(file=GIB, used=GIB, erasures_waiting=1), True),
        (Space(file=GIB, used=GIB, erasures_waiting=1, compacted_at=NOW - DAY / 48), False),
        (Space(file=GIB, used=4 * GIB, erasures_waiting=1, compacted_at=NOW - DAY / 16), False),
        (Space(file=GIB, used=GIB, erasures_waiting=1, compacted_at=NOW - DAY / 16), True),
    ],
    ids=["full", "half free", "small", "erased", "just now", "large", "a while ago"],
)
def test_the_file_is_written_anew_where_it_is_worth_it(space: Space, is_due: bool) -> None:
    assert bool(compacted(space, NOW)) is is_due


def test_a_failure_is_not_tried_again_at_once() -> None:
    space = Space(file=GIB, used=GIB, erasures_waiting=1)
    assert compacted(space, NOW, NOW + DAY / 48, NOW + DAY) == [NOW, NOW + DAY]
