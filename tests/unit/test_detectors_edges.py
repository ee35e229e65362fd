"""What every awkward column gives: a figure or a reason, never a warning, never NaN."""

import math
from decimal import Decimal

import msgspec
import numpy as np
import pyarrow as pa
import pytest

from detectors import reading
from detectors.asked import ASKED
from detectors.binning import freeze, missing, tally
from detectors.chi_squared import chi_squared
from detectors.finding import Finding, Kind, Reason, Sample, Verdict
from detectors.jensen_shannon import jensen_shannon
from detectors.ks import ks
from detectors.new_levels import new_levels
from detectors.psi import psi
from detectors.range import value_range
from detectors.wasserstein import wasserstein
from tests.columns import booleans, chunked, levels, numeric

NUMBERS = (ks, psi, jensen_shannon, wasserstein, value_range,
           *(entry.function for entry in ASKED.values() if Kind.NUMERIC in entry.kinds))  # fmt: skip
LEVELS = (chi_squared, psi, jensen_shannon, new_levels,
          *(entry.function for entry in ASKED.values() if Kind.CATEGORICAL in entry.kinds))  # fmt: skip
SOME = np.random.default_rng(1).normal(size=200)
LARGEST = 1.7e308

AWKWARD_NUMBERS = {
    "empty": pa.array([], pa.float64()),
    "of no type": pa.nulls(40),
    "all null": pa.array([None] * 40, pa.float64()),
    "all NaN": pa.array([math.nan] * 40),
    "constant": pa.array([5.0] * 40),
    "a constant between whole numbers": pa.array([0.1] * 40),
    "one row": pa.array([1.0]),
    "two rows": pa.array([1.0, 2.0]),
    "infinite": pa.array([math.inf] * 20 + [-math.inf] * 20),
    "partly infinite": pa.array([math.inf, -math.inf, *SOME.tolist()]),
    "huge": pa.array([LARGEST, -LARGEST] * 50 + SOME.tolist()),
    "tiny": pa.array([5e-324, -5e-324, 0.0, -0.0] * 25),
    "the greatest double alone": pa.array([np.finfo(np.float64).max] * 40),
    "whole numbers": pa.array([1, 2, 3, None] * 20),
    "flags": pa.array([True, False, None] * 20),
    "decimals": pa.array([Decimal("1.25"), Decimal("-3.50"), None] * 20),
    "text": pa.array(["1", "2.5e1", " 7 ", "seven", None] * 20),
    "durations": pa.array([1, 2, 3] * 20, pa.duration("s")),
    "dictionary": pa.array([1.5, 2.5, None] * 20).dictionary_encode(),
    "halves": pa.array(np.arange(60, dtype=np.float16)),
    "unsigned": pa.array([2**64 - 1, 0] * 30, pa.uint64()),
}
AWKWARD_LEVELS = {
    "empty": pa.array([], pa.string()),
    "of no type": pa.nulls(40),
    "all null": pa.array([None] * 40, pa.string()),
    "one level": pa.array(["a"] * 40),
    "one row": pa.array(["a"]),
    "mixed case": pa.array(["a", "A", "a ", ""] * 20),
    "dictionary": pa.array(["a", "b", None] * 20).dictionary_encode(),
    "large text": pa.array(["a", "b"] * 20, pa.large_string()),
    "whole numbers": pa.array([1, 2, None] * 20),
    "doubles": pa.array([1.0, 2.5, math.nan, None] * 20),
    "flags": pa.array([True, False] * 20),
    "identifiers": pa.array([f"id{i}" for i in range(500)]),
}


def check(found: Finding) -> None:
    figures = [found.statistic, found.p_value, found.effect]
    assert all(x is None or math.isfinite(x) for x in figures)
    assert (found.verdict is Verdict.INCONCLUSIVE) == (found.reason is not None)
    assert msgspec.json.decode(msgspec.json.encode(found), type=Finding) == found
    if found.reason in {Reason.SHOWN}:
        assert found.statistic is not None


@pytest.mark.parametrize("detector", NUMBERS)
@pytest.mark.parametrize("name", list(AWKWARD_NUMBERS))
def test_awkward_numbers_on_either_side_give_a_figure_or_a_reason(detector, name) -> None:
    awkward, usual = numeric(AWKWARD_NUMBERS[name]), numeric(SOME)
    for pair in ((awkward, usual), (usual, awkward), (awkward, awkward)):
        check(detector(*pair))


@pytest.mark.parametrize("detector", LEVELS)
@pytest.mark.parametrize("name", list(AWKWARD_LEVELS))
def test_awkward_levels_on_either_side_give_a_figure_or_a_reason(detector, name) -> None:
    awkward, usual = levels(AWKWARD_LEVELS[name]), levels(list("abc" * 30))
    for pair in ((awkward, usual), (usual, awkward), (awkward, awkward)):
        check(detector(*pair))


@pytest.mark.parametrize("detector", [ks, psi, jensen_shannon])
def test_the_same_sample_twice_is_at_distance_nought(detector) -> None:
    for name in ("constant", "whole numbers", "partly infinite", "huge"):
        sample = numeric(AWKWARD_NUMBERS[name])
        assert detector(sample, sample).statistic == 0.0


def test_fewer_than_thirty_values_are_shown_and_never_judged() -> None:
    found = ks(numeric(SOME), numeric(SOME[:29] + 9.0))
    assert (found.verdict, found.reason, found.rows) == ("inconclusive", Reason.INSUFFICIENT, 29)
    assert found.statistic is not None
    assert ks(numeric(SOME), numeric(SOME[:1])).statistic is None


def test_a_constant_reference_has_no_scale_but_still_a_distance() -> None:
    constant, moved = numeric([3.0] * 50), numeric([3.0] * 25 + [4.0] * 25)
    assert wasserstein(constant, moved).reason == Reason.DEGENERATE
    assert wasserstein(constant, moved).statistic is None
    assert ks(constant, moved).statistic == 0.5
    assert jensen_shannon(constant, moved).statistic == pytest.approx(0.5579, abs=1e-4)
    assert freeze(numeric([0.1] * 50)).counts == (0, 50, 0)


def test_a_column_empty_in_the_reference_is_not_applicable() -> None:
    empty = numeric(AWKWARD_NUMBERS["all null"])
    assert psi(empty, numeric(SOME)).reason == Reason.NOT_APPLICABLE
    bins = freeze(empty)
    assert (bins.reason, bins.counts) == (Reason.NOT_APPLICABLE, ())
    assert tally(bins, numeric([1.0, None])) == msgspec.structs.replace(
        tally(bins, numeric([])), rows=2, missing=1
    )


def test_infinities_lie_in_the_outer_bins_and_outside_the_moments() -> None:
    bins = freeze(numeric([math.inf, -math.inf, *SOME.tolist()]))
    plain = freeze(numeric(SOME))
    assert (bins.mean, bins.std, bins.edges) == (plain.mean, plain.std, plain.edges)
    assert bins.counts[0] == plain.counts[0] + 1
    assert bins.counts[-1] == plain.counts[-1] + 1
    found = tally(plain, numeric([math.inf, math.inf, -math.inf, 0.0, math.nan, None]))
    assert (found.posinf, found.neginf, found.missing, found.outside) == (2, 1, 2, 3)
    assert (found.minimum, found.maximum) == (0.0, 0.0)


def test_a_date_is_never_compared_as_it_is() -> None:
    dates = Sample("d", Kind.DATETIME, chunked(pa.array([0, None, 2], pa.timestamp("us"))))
    bins = freeze(dates)
    assert (bins.reason, bins.rows, bins.missing) == (Reason.NOT_APPLICABLE, 3, 1)
    assert tally(bins, dates).missing == 1
    assert missing(dates) == 1


def test_booleans_come_as_flags_numbers_or_text_in_any_case() -> None:
    bins = freeze(booleans([True, False, False, None]))
    assert (bins.levels, bins.counts, bins.missing) == (("false", "true"), (2, 1, 0, 0), 1)
    for written in ([1, 0, 0, None], ["TRUE", " false", "0", None], [1.0, 0.0, math.nan, 0.0]):
        assert tally(bins, booleans(written)).counts == (2, 1, 0, 0)
    assert tally(bins, booleans(["maybe"])).unseen == 1


def test_text_that_is_no_number_counts_as_missing() -> None:
    found = reading.numbers(chunked(["1", "-2.5e-3", " +4. ", "nan", "1_0", "0x1", "", None]))
    assert found[:3].tolist() == [1.0, -0.0025, 4.0]
    assert np.isnan(found[3:]).all()
    assert missing(numeric(["1", "x", None])) == 2


def test_levels_keep_their_case_and_whole_doubles_lose_their_point() -> None:
    assert reading.texts(levels(["a", "A", "", None])).to_pylist() == ["a", "A", "", None]
    assert reading.texts(levels([1.0, 2.5, math.nan])).to_pylist() == ["1", "2.5", None]
    assert missing(levels(["a", None])) == 1


def test_a_dictionary_with_another_order_in_every_chunk_counts_right() -> None:
    values = pa.chunked_array(
        [pa.array(list("ab")).dictionary_encode(), pa.array(list("cb")).dictionary_encode()]
    )
    names, counts, lost = reading.levels(Sample("c", Kind.CATEGORICAL, values))
    assert dict(zip(names.to_pylist(), counts.tolist(), strict=True)) == {"a": 1, "b": 2, "c": 1}
    assert lost == 0


def test_what_cannot_be_levels_is_refused_by_name() -> None:
    nested = Sample("tags", Kind.CATEGORICAL, chunked(pa.array([["a"], []])))
    with pytest.raises(ValueError, match="column tags holds list"):
        freeze(nested)


def test_of_forty_thousand_levels_those_that_are_new_are_seen() -> None:
    names = np.char.add("k", np.arange(40_000).astype(str))
    bins = freeze(levels(np.concatenate([names, names])))
    found = tally(bins, levels(["k1", "k39999", "new", "newer"]))
    assert (found.counts, found.unseen) == ((2, 2), 2)


def test_a_hundred_thousand_levels_are_counted_in_a_moment_and_kept_short() -> None:
    names = np.char.add("k", np.arange(100_000).astype(str))
    wide = levels(np.concatenate([names, names, names]))
    bins = freeze(wide)
    assert (bins.distinct, bins.levels, bins.rare, bins.reason) == (100_000, (), None, None)
    assert len(msgspec.json.encode(bins)) < 1000
    assert tally(bins, levels(["k1", "new"])).counts == (2, 0)
    once = freeze(levels(names))
    assert (once.reason, once.once) == (Reason.NOT_APPLICABLE, 100_000)
    assert new_levels(levels(names), levels(["k1"] * 40)).reason == Reason.NOT_APPLICABLE
