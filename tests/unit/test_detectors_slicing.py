"""Rows cut by levels and by ranges: every row in one part, the reference's parts of equal size."""

import numpy as np
import pyarrow as pa

from detectors import slicing
from detectors.binning import freeze
from detectors.bins import Bins
from detectors.finding import Kind, Sample
from tests.columns import chunked


def test_the_most_frequent_levels_have_a_part_each_and_the_rest_one() -> None:
    values = chunked(["a"] * 50 + ["b"] * 30 + ["c"] * 20 + [None] * 5)
    cut = slicing.scale(freeze(Sample("x", Kind.CATEGORICAL, values)), levels=2)
    assert cut.parts == ("a", "b", "(others)", "(missing)")
    now = chunked(["b", "c", "new", None, "a"])
    assert slicing.codes(cut, now).tolist() == [1, 2, 2, 3, 0]


def test_numbers_are_cut_into_parts_of_about_equal_size() -> None:
    values = np.random.default_rng(1).exponential(size=5000)
    cut = slicing.scale(freeze(Sample("wait", Kind.NUMERIC, chunked(values))), parts=4)
    counts = np.bincount(slicing.codes(cut, chunked([*values, None])))
    assert len(cut.names) == 4
    assert counts[:4].min() > 1100
    assert counts[4:].tolist() == [0, 1]
    assert cut.names[0].startswith("below ")
    assert cut.names[-1].endswith(" or above")


def test_few_whole_numbers_have_a_part_each_and_an_edge_belongs_above() -> None:
    values = chunked([1.0, 2.0, 3.0] * 40)
    cut = slicing.scale(freeze(Sample("month", Kind.NUMERIC, values)))
    assert cut.names == ("1", "2", "3")
    assert slicing.codes(cut, chunked([0.0, 1.0, 2.0, 2.5, 3.0, 9.0])).tolist() == [
        0,
        0,
        1,
        1,
        2,
        2,
    ]


def test_what_has_no_bins_is_not_cut_and_one_value_makes_one_part() -> None:
    assert slicing.scale(freeze(Sample("x", Kind.NUMERIC, chunked(pa.nulls(40))))) is None
    same = slicing.scale(freeze(Sample("x", Kind.NUMERIC, chunked([7.5] * 100))))
    assert slicing.codes(same, chunked([7.5, 1.0])).max() == 0


def test_numbers_that_all_share_a_bin_make_one_part() -> None:
    bins = Bins(column="x", kind=Kind.NUMERIC, rows=9, missing=0, counts=(9,))
    cut = slicing.scale(bins)
    assert cut.parts == ("(all)", "(others)", "(missing)")
    assert slicing.codes(cut, chunked([1.0, None])).tolist() == [0, 2]
