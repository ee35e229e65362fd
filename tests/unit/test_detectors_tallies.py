"""Windows added, taken out again, and made a reference, by their counts alone."""

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.binning import freeze, tally
from detectors.bins import LARGEST
from detectors.tallies import as_reference, merge, moments, subtract
from tests.columns import levels, numeric


def test_merging_is_adding_one_by_one() -> None:
    generator = np.random.default_rng(1)
    bins = freeze(numeric(generator.normal(size=500)))
    windows = [tally(bins, numeric(generator.normal(size=n))) for n in (40, 1, 0, 300)]
    whole, one_by_one = merge(windows), windows[0] + windows[1] + windows[2] + windows[3]
    assert whole.counts == one_by_one.counts
    assert whole.sums == pytest.approx(one_by_one.sums, rel=1e-12)
    assert whole.powers == pytest.approx(one_by_one.powers, rel=1e-12)
    assert (whole.rows, whole.minimum) == (341, one_by_one.minimum)


def test_nothing_to_merge_and_other_bins_are_refused() -> None:
    one = tally(freeze(numeric(np.arange(100.0))), numeric([1.0]))
    other = tally(freeze(numeric([1.0] * 100)), numeric([1.0]))
    with pytest.raises(ValueError, match="no tallies to merge"):
        merge([])
    with pytest.raises(ValueError, match="made on different bins"):
        merge([one, one, other])
    with pytest.raises(ValueError, match="not made on the bins of x"):
        as_reference(freeze(numeric([1.0] * 100)), [one])


def test_a_window_taken_out_leaves_the_others() -> None:
    generator = np.random.default_rng(2)
    bins = freeze(numeric(generator.normal(size=500)))
    hours = [tally(bins, numeric(generator.normal(size=60))) for _ in range(24)]
    rest = subtract(merge(hours), hours[7])
    others = merge([hour for place, hour in enumerate(hours) if place != 7])
    assert (rest.counts, rest.rows) == (others.counts, others.rows)
    assert rest.sums == pytest.approx(others.sums, abs=1e-9)
    assert rest.powers == pytest.approx(others.powers, abs=1e-9)


def test_what_is_no_part_is_not_taken_out() -> None:
    bins = freeze(levels(list("aab") * 20))
    with pytest.raises(ValueError, match="is no part of"):
        subtract(tally(bins, levels(list("aa"))), tally(bins, levels(list("b"))))


@pytest.mark.parametrize("shift", [0.0, 3.0, 1e6])
def test_a_reference_made_of_windows_has_the_moments_of_their_rows(shift: float) -> None:
    generator = np.random.default_rng(3)
    bins = freeze(numeric(generator.normal(size=500)))
    values = generator.exponential(size=900) + shift
    found = as_reference(bins, [tally(bins, numeric(part)) for part in np.split(values, 9)])
    assert found.edges == bins.edges
    assert found.counts == tally(bins, numeric(values)).counts
    assert (found.rows, found.missing) == (900, 0)
    assert found.mean == pytest.approx(values.mean(), rel=1e-12)
    assert found.std == pytest.approx(values.std(), rel=1e-3 if shift > 10 else 1e-9)
    assert (found.minimum, found.maximum) == (values.min(), values.max())
    if shift < 10:
        centred = values - values.mean()
        kurtosis = np.mean(centred**4) / np.mean(centred**2) ** 2
        assert found.kurtosis == pytest.approx(kurtosis, rel=1e-6)


def test_windows_of_another_make_leave_the_moments_as_frozen() -> None:
    bins = freeze(numeric(np.arange(100.0)))
    old = msgspec.structs.replace(tally(bins, numeric([5.0] * 40)), powers=())
    found = as_reference(bins, [old, tally(bins, numeric([9.0]))])
    assert (found.mean, found.std, found.kurtosis) == (bins.mean, bins.std, bins.kurtosis)
    assert found.counts != bins.counts


def test_moments_that_overflow_are_not_known() -> None:
    bins = freeze(numeric([-1e300, 1e300] * 50))
    found = moments(bins, tally(bins, numeric([LARGEST / 8] * 2)))
    assert found == (pytest.approx(LARGEST / 8), None, None)


def test_levels_of_windows_are_counted_anew_and_the_unseen_ones_stay_unseen() -> None:
    bins = freeze(levels(list("ab") * 50 + ["r"]))
    found = as_reference(bins, [tally(bins, levels(list("aaabx"))), tally(bins, levels(["r"]))])
    assert dict(zip(found.levels, found.counts, strict=False)) == {"a": 3, "b": 1}
    assert found.counts[-2:] == (1, 1)
    assert found.rare == ("r",)
    assert tally(found, levels(["x"])).unseen == 1


@given(
    st.lists(st.floats(-1e6, 1e6, allow_nan=False), min_size=64, max_size=120),
    st.lists(st.integers(0, 4), min_size=120, max_size=120),
    st.integers(0, 4),
)
@settings(deadline=None, max_examples=60)
def test_any_partition_makes_the_same_reference_and_any_part_can_be_taken_out(
    values: list[float], owners: list[int], out: int
) -> None:
    bins = freeze(numeric(values))
    parts = [[v for v, o in zip(values, owners, strict=False) if o == k] for k in range(5)]
    tallies = [tally(bins, numeric(part)) for part in parts]
    again = as_reference(bins, tallies)
    assert (again.counts, again.minimum, again.maximum) == (bins.counts, bins.minimum, bins.maximum)
    assert again.mean == pytest.approx(bins.mean, rel=1e-12, abs=1e-6)
    assert again.std == pytest.approx(bins.std, rel=1e-9, abs=1e-6)
    backwards = merge(tallies[::-1])
    assert backwards.counts == merge(tallies).counts
    rest = [v for v, o in zip(values, owners, strict=False) if o != out]
    assert subtract(backwards, tallies[out]).counts == tally(bins, numeric(rest)).counts
