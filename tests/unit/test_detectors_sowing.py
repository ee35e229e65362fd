"""Drifts sown into rows: they have the kind and the size that was asked for, and nothing else moves."""

import numpy as np
import pyarrow as pa
import pytest

from detectors.finding import Kind
from detectors.sowing import NEW_LEVEL, Drift, Sowing, flipped, is_sowable, sow, usual

ROWS = 4000


def _table(seed: int = 5) -> pa.Table:
    generator = np.random.default_rng(seed)
    text = generator.choice(["a", "b", "c"], ROWS, p=[0.6, 0.3, 0.1])
    return pa.table(
        {
            "x": pa.array(generator.normal(10.0, 2.0, ROWS)),
            "n": pa.array(generator.poisson(4.0, ROWS), pa.int64()),
            "c": pa.array(text).dictionary_encode(),
            "f": pa.array(generator.random(ROWS) < 0.3),
            "g": pa.array(generator.normal(0.0, 1.0, ROWS), pa.float32()),
        }
    )


KINDS = {"x": Kind.NUMERIC, "n": Kind.NUMERIC, "c": Kind.CATEGORICAL, "f": Kind.BOOLEAN, "g": Kind.NUMERIC}  # fmt: skip


def _sown(
    kind: Sowing, column: str, size: float = 0.0, **more: object
) -> tuple[pa.Table, pa.Table]:
    table = _table()
    part = float(more.pop("part", 1.0))
    drift = Drift(kind=kind, column=column, size=size, **more)
    like = usual(table[column], KINDS[column])
    return table, sow(table, drift, like, np.random.default_rng(8), part=part)


@pytest.mark.parametrize("column", ["x", "n", "g"])
def test_a_shift_moves_the_mean_by_so_many_standard_deviations(column: str) -> None:
    before, after = (t[column].to_numpy() for t in _sown(Sowing.SHIFT, column, 0.5))
    assert (after.mean() - before.mean()) / before.std() == pytest.approx(0.5, abs=0.02)
    assert after.std() == pytest.approx(before.std(), rel=0.05)


def test_whole_numbers_stay_whole_numbers() -> None:
    before, after = _sown(Sowing.SHIFT, "n", 0.1)
    assert after.schema == before.schema


@pytest.mark.parametrize("kind", [pa.int8(), pa.uint8(), pa.int64(), pa.uint64()], ids=str)
def test_whole_numbers_stop_at_the_greatest_that_their_type_holds(kind: pa.DataType) -> None:
    table = pa.table({"n": pa.array([100, 120, 126], kind)})
    like = usual(pa.chunked_array([[0.0, 1e30]]), Kind.NUMERIC)
    found = sow(
        table, Drift(kind=Sowing.SHIFT, column="n", size=1.0), like, np.random.default_rng(1)
    )
    assert found["n"].type == kind
    assert min(found["n"].to_pylist()) > 126


def test_only_the_column_that_was_named_changes() -> None:
    before, after = _sown(Sowing.SHIFT, "x", 1.0)
    assert after.drop_columns("x").equals(before.drop_columns("x"))


def test_a_scale_spreads_about_the_median() -> None:
    before, after = (t["x"].to_numpy() for t in _sown(Sowing.SCALE, "x", 1.5))
    assert after.std() == pytest.approx(1.5 * before.std())
    assert np.median(after) == pytest.approx(np.median(before))


def test_levels_shift_to_the_second_commonest() -> None:
    before, after = (t["c"].to_pylist() for t in _sown(Sowing.SHIFT, "c", 0.2))
    grown = after.count("b") - before.count("b")
    assert grown / ROWS == pytest.approx(0.2 * 0.7, abs=0.02)


def test_a_boolean_shift_moves_the_share_of_true() -> None:
    before, after = _sown(Sowing.SHIFT, "f", 0.5)
    assert after["f"].type == pa.bool_()
    assert np.mean(after["f"].to_pylist()) > np.mean(before["f"].to_pylist()) + 0.3


def test_a_new_level_has_its_share_and_no_reference_holds_it() -> None:
    before, after = _sown(Sowing.NEW_LEVEL, "c", 0.05)
    assert NEW_LEVEL not in before["c"].to_pylist()
    assert after["c"].to_pylist().count(NEW_LEVEL) / ROWS == pytest.approx(0.05, abs=0.01)


@pytest.mark.parametrize("column", ["x", "n", "c", "f", "g"])
def test_missing_takes_values_of_every_type_away(column: str) -> None:
    _, after = _sown(Sowing.MISSING, column, 0.3)
    assert after[column].null_count / ROWS == pytest.approx(0.3, abs=0.03)


def test_swapped_columns_hold_each_others_values() -> None:
    before, after = _sown(Sowing.SWAPPED, "x", other="g")
    assert after["x"].equals(before["g"])
    assert after["g"].equals(before["x"])


def test_a_ramp_has_come_as_far_as_its_part() -> None:
    before, after = (t["x"].to_numpy() for t in _sown(Sowing.RAMP, "x", 1.0, part=0.25))
    assert (after.mean() - before.mean()) / before.std() == pytest.approx(0.25, abs=0.01)


def test_missing_values_stay_missing() -> None:
    table = pa.table({"x": [1.0, None, 3.0], "n": pa.array([1, None, 5])})
    for column in ("x", "n"):
        drift = Drift(kind=Sowing.SHIFT, column=column, size=1.0)
        found = sow(table, drift, usual(table[column], Kind.NUMERIC), np.random.default_rng(1))
        assert found[column].null_count == 1


def test_a_concept_flip_of_numbers_keeps_their_mean_and_breaks_what_they_follow() -> None:
    generator = np.random.default_rng(3)
    along = generator.normal(size=ROWS)
    labels = pa.chunked_array([along + generator.normal(size=ROWS)])
    found = flipped(labels, along, 1.0, spread=1.4).to_numpy()
    assert found.mean() == pytest.approx(labels.to_numpy().mean(), abs=0.05)
    assert np.corrcoef(found, along)[0, 1] > np.corrcoef(labels.to_numpy(), along)[0, 1] + 0.1


def test_a_concept_flip_of_classes_changes_the_share_asked_for_above_the_median_only() -> None:
    generator = np.random.default_rng(3)
    along = generator.normal(size=ROWS)
    labels = pa.chunked_array([generator.choice(["no", "yes"], ROWS)])
    found = flipped(labels, along, 0.5, spread=0.0)
    changed = np.array(found.to_pylist()) != np.array(labels.to_pylist())
    high = along > np.median(along)
    assert changed[high].mean() == pytest.approx(0.5, abs=0.01)
    assert not changed[~high].any()


def test_labels_of_one_class_have_no_other_to_flip_to() -> None:
    labels = pa.chunked_array([["no"] * 10])
    assert flipped(labels, np.arange(10.0), 1.0, spread=0.0).equals(labels)


def test_what_a_column_cannot_bear_is_said() -> None:
    constant = usual(pa.chunked_array([[2.0] * 50]), Kind.NUMERIC)
    assert not is_sowable(Drift(kind=Sowing.SCALE, column="x", size=2.0), constant)
    assert not is_sowable(Drift(kind=Sowing.SHIFT, column="x", size=2.0), constant)
    assert is_sowable(Drift(kind=Sowing.MISSING, column="x", size=0.1), constant)
    levels = usual(pa.chunked_array([["a", "b", "a"]]), Kind.CATEGORICAL)
    assert is_sowable(Drift(kind=Sowing.NEW_LEVEL, column="c", size=0.1), levels)
    assert not is_sowable(Drift(kind=Sowing.SCALE, column="c", size=0.1), levels)
    with pytest.raises(ValueError, match="labels"):
        sow(_table(), Drift(kind=Sowing.CONCEPT_FLIP, column="x"), constant, np.random.default_rng(1))  # fmt: skip


def _dates(unit: int) -> pa.Table:
    """Ages of ten hours or so, or of ten days; every tenth date is missing."""
    generator = np.random.default_rng(9)
    at = np.arange(ROWS, dtype=np.int64) * 3_600_000_000 + 20_000 * 86_400_000_000
    dates = (at - (generator.normal(10.0, 2.0, ROWS) * unit).astype(np.int64)) // unit * unit
    mask = np.arange(ROWS) % 10 == 0
    kind = pa.timestamp("us", "UTC")
    return pa.table({"at": pa.array(at, kind), "d": pa.array(dates, pa.int64(), mask=mask).cast(kind)})  # fmt: skip


@pytest.mark.parametrize("unit", [3_600_000_000, 86_400_000_000], ids=["hours", "days"])
def test_dates_move_into_the_past_and_spread_by_their_ages(unit: int) -> None:
    table = _dates(unit)
    like = usual(table["d"], Kind.DATETIME, at=table["at"])
    for kind, size in ((Sowing.SHIFT, 0.5), (Sowing.SCALE, 2.0)):
        drift = Drift(kind=kind, column="d", size=size)
        assert is_sowable(drift, like)
        sown = sow(table, drift, like, np.random.default_rng(3))
        assert sown["d"].type == table["d"].type
        assert sown["d"].null_count == table["d"].null_count == ROWS // 10
        after = usual(sown["d"], Kind.DATETIME, at=sown["at"])
        moved = (after.median - like.median) / like.std
        assert moved == pytest.approx(0.5 if kind is Sowing.SHIFT else 0.0, abs=0.1)
        assert after.std / like.std == pytest.approx(1.0 if kind is Sowing.SHIFT else 2.0, abs=0.1)
        if unit > 3_600_000_000:
            assert not (sown["d"].drop_null().cast(pa.int64()).to_numpy() % unit).any()


def test_dates_stay_between_the_first_and_the_last_day_that_there_is() -> None:
    table = _dates(3_600_000_000)
    like = usual(table["d"], Kind.DATETIME, at=table["at"])
    drift = Drift(kind=Sowing.SHIFT, column="d", size=1e9)
    years = {moment.year for moment in sow(table, drift, like, np.random.default_rng(3))["d"].drop_null().to_pylist()}  # fmt: skip
    assert years == {1}
    assert not is_sowable(drift, usual(table["d"], Kind.DATETIME))
