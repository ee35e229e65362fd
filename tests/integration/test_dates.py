"""A feature that holds dates, judged by its age, its hour and its weekday, on the store."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest

from controlplane.domain.importances import Importance
from controlplane.domain.models import Model
from controlplane.domain.policy import Drift, Monitors, Quality, Windows
from controlplane.domain.policy import Reference as Asked
from controlplane.domain.references import Reference
from controlplane.domain.schema import Column, Schema, Task
from controlplane.domain.windows import Score, Window
from controlplane.monitor.causes import causes
from controlplane.monitor.rehearsal.card import rehearse
from controlplane.monitor.yardstick import stored_in
from controlplane.store.duckdb_store import open_store
from controlplane.store.ports import Store
from detectors.finding import Finding, Kind, Verdict
from detectors.sowing import Sowing
from tests import watched
from tests.watched import DAY, SERVED, TRAINED, WEEK, a_model, a_policy, log, scores, step, watch

SCHEMA = Schema(
    task=Task.REGRESSION,
    features=(Column("wind", Kind.NUMERIC), Column("booked_at", Kind.DATETIME)),
)
PLAIN = Windows(every=WEEK, lateness=timedelta(0))
AGE, HOUR, WEEKDAY = "booked_at (age)", "booked_at (hour)", "booked_at (weekday)"
MICROS = pa.timestamp("us", "UTC")

Dates = Callable[[pa.ChunkedArray, np.random.Generator], pa.Array]


def booked(days: float, *, whole: bool = False) -> Dates:
    """Dates some days before their rows, exponentially; to the second, or whole days."""

    def dates(at: pa.ChunkedArray, generator: np.random.Generator) -> pa.Array:
        ages = generator.exponential(days * 86_400.0, len(at))
        seconds = (at.cast(pa.int64()).to_numpy() / 1e6 - ages).astype(np.int64)
        seconds = seconds // 86_400 * 86_400 if whole else seconds
        return pa.array(seconds * 1_000_000, MICROS)

    return dates


USUAL = booked(3.0)


def nothing(at: pa.ChunkedArray, generator: np.random.Generator) -> pa.Array:
    return pa.nulls(len(at), MICROS)


def far_off(at: pa.ChunkedArray, generator: np.random.Generator) -> pa.Array:
    """One in ten stands for `never`: the last day that there is, or the first."""
    usual = booked(3.0)(at, generator).to_numpy(zero_copy_only=False)
    never = np.where(generator.random(len(at)) < 0.5, "9999-12-31", "0001-01-01")
    chosen = generator.random(len(at)) < 0.1
    return pa.array(np.where(chosen, never.astype("datetime64[us]"), usual), pa.timestamp("us")).cast(MICROS)  # fmt: skip


def rows(start: datetime, days: int, dates: Dates, *, seed: int = 1) -> pa.Table:
    plain = watched.rows(start, days * 24, seed=seed, version="v1").drop_columns(["sail"])
    return plain.append_column("booked_at", dates(plain["at"], np.random.default_rng(seed + 50)))


@pytest.fixture
def store() -> Iterator[Store]:
    opened = open_store(None)
    yield opened
    opened.close()


def scored(
    store: Store, weeks: Sequence[Dates], *, usual: Dates = USUAL, drift: Drift | None = None,
    days: int | None = None, **policy: object,
) -> list[Score]:  # fmt: skip
    """The first revisions of weeks of served rows, each with dates of its own."""
    monitors = Monitors(drift=drift or Drift(), quality=Quality(), performance=None, stream=None)
    watch(store, a_policy(monitors=monitors, **{"windows": PLAIN, **policy}),
          a_model(schema=SCHEMA), history=rows(TRAINED, 70, usual, seed=7))  # fmt: skip
    log(store, *(
        rows(SERVED + n * WEEK, 7, dates, seed=20 + n) for n, dates in enumerate(weeks)
    ))  # fmt: skip
    step(store, SERVED + (days or 7 * len(weeks)) * DAY)
    return [score for score in scores(store) if score.revision == 0]


def failed(score: Score) -> set[tuple[str, str]]:
    return {(f.column, f.detector) for f in score.findings if f.verdict is Verdict.FAILED}


def of(score: Score, column: str) -> dict[str, Finding]:
    return {f.detector: f for f in score.findings if f.column == column}


def test_dates_that_fall_behind_alarm_by_their_age_and_others_do_not(store: Store) -> None:
    same, again, late = scored(store, [booked(3.0), booked(3.0), booked(9.0)])
    assert not failed(same)
    assert not failed(again)
    assert failed(late) == {(AGE, "a1"), (AGE, "jensen_shannon")}
    assert (late.columns_failed, late.columns_judged, late.columns_unjudged) == (1, 2, 0)
    assert of(late, AGE)["a1"].effect > 1.0
    assert {"jensen_shannon", "unseen"} <= of(same, HOUR).keys() & of(same, WEEKDAY).keys()


def test_what_a_date_lacks_is_said_of_the_date_alone(store: Store) -> None:
    _, gone = scored(store, [booked(3.0), nothing])
    assert failed(gone) == {("booked_at", "missing")}
    assert of(gone, "booked_at").keys() == {"missing"}
    assert "missing" not in {**of(gone, AGE), **of(gone, HOUR), **of(gone, WEEKDAY)}
    assert of(gone, AGE)["a1"].reason == "insufficient"


def test_dates_that_were_never_there_are_a_change_of_the_schema_once_they_come(
    store: Store,
) -> None:
    still, come = scored(store, [nothing, booked(3.0)], usual=nothing)
    assert not failed(still)
    assert failed(come) == {("booked_at", "schema"), ("booked_at", "missing")}
    assert not of(come, AGE)


def test_far_off_dates_are_counted_as_others_are(store: Store) -> None:
    same, odd = scored(store, [booked(3.0), far_off])
    assert not failed(same)
    assert (AGE, "range") in failed(odd)
    assert of(odd, AGE)["range"].statistic == pytest.approx(0.1, abs=0.06)


def test_a_reference_with_far_off_dates_still_judges_the_others(store: Store) -> None:
    same, late = scored(store, [far_off, booked(9.0)], usual=far_off)
    assert not failed(same)
    assert (AGE, "a1") in failed(late)


def test_whole_days_have_no_hour_and_keep_their_weekday_whatever_the_zone(store: Store) -> None:
    [found] = scored(store, [booked(3.0, whole=True)], usual=booked(3.0, whole=True),
                     time_zone="America/New_York")  # fmt: skip
    assert of(found, AGE)
    assert of(found, WEEKDAY)
    assert not of(found, HOUR)
    with store.read() as view:
        kept = stored_in(view.ledger.get(Reference, "boats/v1"))
    [days] = [frozen for frozen in kept.bins if frozen.column == WEEKDAY]
    history = rows(TRAINED, 70, booked(3.0, whole=True), seed=7)
    mondays = sum(moment.weekday() == 0 for moment in history["booked_at"].to_pylist())
    assert days.counts[days.levels.index("Monday")] == mondays


def test_hours_are_those_of_the_model_files_time_zone(store: Store) -> None:
    def at_noon(at: pa.ChunkedArray, generator: np.random.Generator) -> pa.Array:
        there = booked(3.0, whole=True)(at, generator).cast(pa.int64()).to_numpy()
        return pa.array(there + 12 * 3_600_000_000, MICROS)

    scored(store, [at_noon], usual=at_noon, time_zone="Asia/Tokyo")
    with store.read() as view:
        kept = stored_in(view.ledger.get(Reference, "boats/v1"))
    assert [frozen.levels for frozen in kept.bins if frozen.column == HOUR] == [("21",)]


@pytest.mark.parametrize("reference", [None, Asked(kind="trailing", trailing=28 * DAY)])
def test_windows_that_slide_add_up_what_is_derived_of_their_panes(
    store: Store, reference: Asked | None
) -> None:
    asked = {} if reference is None else {"reference": reference}
    sliding = Windows(every=DAY, span=2 * DAY, lateness=timedelta(0))
    found = scored(store, [booked(3.0), booked(30.0)], days=9, windows=sliding, **asked)
    early, last = found[-4], found[-1]
    assert (early.end, last.start) == (SERVED + 6 * DAY, SERVED + WEEK)
    assert not any(column.startswith("booked_at") for column, _ in failed(early))
    assert of(early, AGE)["a1"].effect < 0.5
    assert of(last, AGE)["a1"].effect > 1.0
    assert (AGE, "a1") in failed(last)
    assert of(last, AGE)["ks"].rows == last.rows == 48
    assert of(last, HOUR)["jensen_shannon"].rows == 48
    assert of(last, "booked_at")["missing"].rows == 48


def test_only_the_columns_that_are_asked_for_are_judged_by_their_dates(store: Store) -> None:
    [found] = scored(store, [booked(9.0)], drift=Drift(columns=("wind",)))
    assert not failed(found)
    assert "a1" not in of(found, AGE)
    assert "ks" in of(found, AGE)


def test_a_threshold_by_hand_is_held_against_what_is_derived(store: Store) -> None:
    drift = Drift(columns=("booked_at",), thresholds={"ks": 0.2})
    [found] = scored(store, [booked(9.0)], drift=drift)
    by_hand = [f for f in found.findings if f.basis == "fixed" and f.detector == "ks"]
    assert [(f.column, str(f.verdict)) for f in by_hand] == [(AGE, "failed")]


def test_a_rehearsal_moves_dates_into_the_past_and_finds_it_by_their_age(store: Store) -> None:
    scored(store, [booked(3.0)])
    card = rehearse(store, "boats", SERVED + 2 * WEEK, asked=["booked_at"], quiet=False, windows=4)
    shifts = {s.drift.size: s for s in card.sown if s.drift.kind is Sowing.SHIFT}
    assert shifts[1.0].power == 1.0
    assert shifts[0.1].power < 1.0
    assert shifts[1.0].unit == "standard deviations of its age"
    assert {s.drift.kind for s in card.sown} == {
        Sowing.SHIFT, Sowing.SCALE, Sowing.RAMP, Sowing.MISSING,
    }  # fmt: skip


def test_causes_name_what_is_derived_and_a_version_that_was_asked_speaks_of_the_date(
    store: Store,
) -> None:
    monitors = a_policy().monitors
    watch(store, a_policy(windows=Windows(every=2 * WEEK, lateness=timedelta(0)), monitors=monitors),
          a_model(schema=SCHEMA), history=rows(TRAINED, 70, USUAL, seed=7))  # fmt: skip
    served = [
        rows(SERVED + n * WEEK, 7, booked(3.0 if n < 2 else 9.0), seed=20 + n) for n in range(4)
    ]
    for table in served:
        old = np.array(
            [
                (a - b) > 6 * DAY
                for a, b in zip(
                    table["at"].to_pylist(), table["booked_at"].to_pylist(), strict=True
                )
            ]
        )
        told = watched.labels(table, off=0.5)
        log(
            store,
            table,
            told.set_column(
                1,
                "label",
                pa.array(
                    told["label"].to_numpy()
                    + 8.0 * (old & (table["at"][0].as_py() >= SERVED + 2 * WEEK))
                ),
            ),
        )
    step(store, SERVED + 4 * WEEK + 3 * DAY)
    with store.read() as view:
        window = next(
            w for w in view.ledger.find(Window, model="boats") if w.start == SERVED + 2 * WEEK
        )
        score = view.ledger.get(Score, f"{window.id}/{window.revision}")
    said = Importance(
        id=f"{window.id}/v1", model="boats", window=window.id, version="v1", revision=1,
        asked_at=SERVED, state="made", rests_on="loss", metric="mae", rows=300,
        repeats=1, values={"wind": 0.1, "booked_at": 0.4},
    )  # fmt: skip
    store.write(lambda t: t.ledger.put(said)).result()
    with store.read() as view:
        found = causes(view, view.ledger.get(Model, "boats"), window, score)
    moved = {row.column: row for row in found.moved}
    assert found.moved[0].column == AGE
    assert (moved[AGE].importance, moved[HOUR].importance, moved["wind"].importance) == (
        1.0,
        1.0,
        0.25,
    )
    assert any("among 300 rows, once" in note for note in found.notes)
    assert found.slices
    assert all(cause.name.startswith(f"{AGE}=") for cause in found.slices)
