"""Columns cut into parts, and what the order of rows shows."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.comparison.course import BLOCKS, counts_up, course
from detectors.comparison.held import held
from detectors.comparison.parted import held_parts, parts_of
from detectors.finding import Kind, Sample

CODES = st.lists(st.integers(-1, 3), min_size=1, max_size=40)


def told(side):
    """What is held of a side, in a form that compares."""
    if hasattr(side, "values"):
        return side.column, side.values.tolist(), side.rows
    if hasattr(side, "counts"):
        counts = dict(zip(side.names.to_pylist(), side.counts.tolist(), strict=True))
        return side.column, counts, side.missing
    return side


@given(codes=CODES)
def test_every_row_of_a_part_is_in_it_in_the_order_of_the_file(codes) -> None:
    found = parts_of(np.array(codes), 4)

    for part, (low, high) in enumerate(found.bounds()):
        assert found.order[low:high].tolist() == [
            at for at, code in enumerate(codes) if code == part
        ]
    assert found.rows == [codes.count(part) for part in range(4)]


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        (Kind.NUMERIC, pa.chunked_array([[1.5, None, 3.0], [float("nan"), -1.0, float("inf")]])),
        (Kind.NUMERIC, pa.chunked_array([["1", "x", "3", "4", None, "5"]])),
        (Kind.CATEGORICAL, pa.chunked_array([["a", "b", None], ["b", "", "a"]])),
        (Kind.CATEGORICAL, pa.chunked_array([pa.array(["a", None, "c"]).dictionary_encode(),
                                             pa.array(["c", "d", "a"]).dictionary_encode()])),
        (Kind.BOOLEAN, pa.chunked_array([[True, False, None, True, True, False]])),
        (Kind.DATETIME, pa.chunked_array([pa.array([1, 2, None, 4, 5, 6], pa.timestamp("s"))])),
    ],
    ids=["doubles", "written", "texts", "coded", "booleans", "dates"],
)  # fmt: skip
def test_a_part_is_held_as_its_rows_alone_would_be(kind, values) -> None:
    codes = np.array([1, 0, 1, -1, 0, 1])
    whole = Sample("x", kind, values)

    for part, found in enumerate(held_parts(whole, parts_of(codes, 3))):
        rows = values.take(pa.array(np.flatnonzero(codes == part)))
        assert told(found) == told(held(Sample("x", kind, rows)))


def test_the_course_is_the_mean_of_each_block_of_rows() -> None:
    values = np.random.default_rng(4).normal(size=5_003)
    values[7], values[8] = np.nan, np.inf
    starts = np.linspace(0, values.size, BLOCKS, endpoint=False).astype(int)
    expected = [part[np.isfinite(part)].mean() for part in np.split(values, starts[1:])]

    assert course(values) == pytest.approx(expected)


def test_a_block_without_a_number_and_a_short_column_have_no_mean() -> None:
    assert course(np.r_[np.ones(30), np.full(30, np.nan)]) == (1.0, None)
    assert course(np.ones(59)) == ()


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (np.arange(1_000.0) * 7 + 3, True), (np.arange(29.0), False),
        (np.arange(1_000.0)[::-1], False), (np.r_[np.arange(500.0), 499.0, np.arange(500.0, 900.0)], False),
        (np.r_[np.arange(500.0), np.nan], False), (np.arange(100.0) + 0.5, False),
        (np.r_[np.arange(100.0), np.inf], True),
    ],
    ids=["rises", "few", "falls", "twice", "missing", "fractions", "infinite"],
)  # fmt: skip
def test_whole_numbers_that_only_rise_count_up(values, expected) -> None:
    assert counts_up(values) is expected
