"""Profiles side by side: the figures of the rows, or bounds that hold them."""

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors import catalogue
from detectors.comparison.profiles import BARS, SaltsDiffer, compare_profiles
from detectors.comparison.result import ComparedColumn
from detectors.finding import Kind, Sample, Verdict
from detectors.new_levels import new_levels
from detectors.profile import merging
from detectors.profile.building import column
from detectors.profile.comparing import findings
from detectors.profile.form import ColumnProfile, Profile
from detectors.range import value_range
from tests.columns import booleans, levels, numeric

SHOWN = {
    kind: {f.__name__: f for f in catalogue.shown_of(kind)} for kind in (Kind.NUMERIC, Kind.CATEGORICAL)
}  # fmt: skip
OF_ROWS = {**SHOWN[Kind.NUMERIC], **SHOWN[Kind.CATEGORICAL], "new_levels": new_levels,
           "range": value_range}  # fmt: skip


def by_detector(reference: ColumnProfile, current: ColumnProfile) -> dict:
    return {finding.detector: finding for finding in findings(reference, current)}


def profiles(reference: Sample, current: Sample, *, like: bool) -> tuple:
    first = column(reference)
    return first, column(current, first.bins if like else None)


@pytest.mark.parametrize("like", [True, False], ids=["like", "own"])
def test_what_is_exact_is_what_the_rows_give(like: bool) -> None:
    draws = np.random.default_rng(1)
    pairs = [
        (levels(draws.choice(list("abcd"), 900)), levels(draws.choice(list("bcdex"), 700))),
        (booleans(draws.random(500) < 0.4), booleans(draws.random(400) < 0.6)),
        (numeric(draws.integers(0, 9, 800)), numeric(draws.integers(2, 12, 600))),
        (numeric(draws.normal(size=900)), numeric(draws.normal(0.3, 1.2, size=900))),
    ]
    for reference, current in pairs:
        for name, found in by_detector(*profiles(reference, current, like=like)).items():
            if name == "missing":
                continue
            rows = OF_ROWS[name](reference, current)
            assert found.interval is None, name
            assert found.statistic == pytest.approx(rows.statistic, rel=1e-9, abs=1e-12), name
            assert found.effect == pytest.approx(rows.effect, rel=1e-9, abs=1e-12), name
            assert (found.p_value is None) == (rows.p_value is None), name
            assert found.p_value is None or found.p_value == pytest.approx(rows.p_value), name
            assert (found.rows, found.verdict) == (rows.rows, rows.verdict), name


@given(
    st.integers(0, 2**32 - 1), st.floats(-0.5, 0.5), st.floats(0.7, 1.5), st.booleans(),
    st.sampled_from(["normal", "heavy", "tied", "infinite"]),
)  # fmt: skip
@settings(deadline=None, max_examples=25)
def test_what_is_bounded_holds_the_figure_of_the_rows(seed, shift, scale, like, shape) -> None:
    draws = np.random.default_rng(seed)
    first, second = draws.normal(size=5000), draws.normal(shift, scale, 4000)
    if shape == "heavy":
        first, second = np.exp(2 * first), np.exp(2 * second)
    if shape == "tied":
        first, second = np.round(first, 3), np.round(second, 3)
    if shape == "infinite":
        first[:9], second[:70], second[70:80] = -np.inf, np.inf, -np.inf
    reference, current = numeric(first), numeric(second)
    found = by_detector(*profiles(reference, current, like=like))
    for name in ("ks", "wasserstein", "jensen_shannon", "psi", "range"):
        exact = OF_ROWS[name](reference, current).statistic
        if found[name].interval is None:
            assert like or name == "range" or found[name].statistic == pytest.approx(exact)
            assert found[name].statistic == pytest.approx(exact, rel=1e-9)
            continue
        low, high = found[name].interval.low, found[name].interval.high
        assert low - 1e-9 <= exact <= high + 1e-9 * max(1.0, high), name
        assert low - 1e-12 <= found[name].statistic <= high + 1e-12
        assert found[name].interval.level == 1.0
    assert found["ks"].interval.high - found["ks"].interval.low <= 2 * 2 / 512 + 1e-9


def test_merged_hours_are_compared_as_their_day() -> None:
    draws = np.random.default_rng(3)
    reference = column(numeric(draws.normal(size=3000)))
    hours = [draws.normal(0.2, 1.0, 200) for _ in range(24)]
    merged = merging.column([column(numeric(hour), reference.bins) for hour in hours])
    day = column(numeric(np.concatenate(hours)), reference.bins)
    for name, found in by_detector(reference, merged).items():
        whole = by_detector(reference, day)[name]
        if found.interval is None:
            assert found.statistic == pytest.approx(whole.statistic, rel=1e-12), name
        else:
            assert found.interval.low <= whole.interval.high
            assert whole.interval.low <= found.interval.high


@pytest.mark.parametrize("like", [True, False], ids=["like", "own"])
def test_many_levels_are_compared_by_hashed_buckets(like: bool) -> None:
    draws = np.random.default_rng(4)
    reference = levels([f"k{k}" for k in draws.integers(0, 4000, 20_000)])
    current = levels([f"k{k}" for k in draws.integers(2000, 6000, 20_000)])
    first, second = profiles(reference, current, like=like)
    found = by_detector(first, second)
    assert found["psi"].reason == found["new_levels"].reason == "not_applicable"
    distance = found["jensen_shannon"]
    assert 0.0 < distance.interval.low == distance.statistic
    assert distance.interval.high == 1.0
    assert by_detector(first, first)["missing"].statistic == 0.0


def test_identifiers_dates_and_other_kinds_are_compared_by_what_is_missing_alone() -> None:
    names = levels([f"k{k}" for k in range(500)])
    found = by_detector(*profiles(names, names, like=True))
    assert {n: f.reason for n, f in found.items() if n != "missing"} == dict.fromkeys(
        ("jensen_shannon", "psi", "chi_squared", "new_levels"), "not_applicable"
    )
    numbers = column(numeric([1.0, 2.0] * 40, column="c"))
    assert list(by_detector(column(names), numbers)) == ["missing"]


def test_empty_and_constant_columns_say_why_there_is_no_figure() -> None:
    empty, some = numeric([None] * 40), numeric([1.0, 2.0] * 40)
    found = by_detector(*profiles(empty, some, like=True))
    assert found["ks"].reason == "insufficient"
    assert found["jensen_shannon"].reason == "not_applicable"
    constant = by_detector(*profiles(numeric([3.0] * 50), some, like=True))
    assert constant["wasserstein"].reason == "degenerate"
    assert constant["ks"].statistic == 1.0
    lost = by_detector(*profiles(some, numeric([1.0] * 30 + [None] * 30), like=True))
    assert lost["missing"].verdict is Verdict.FAILED


def table(*columns: ColumnProfile, salt: str = "") -> Profile:
    return Profile(rows=columns[0].rows, columns=columns, salt=salt)


def test_two_tables_are_compared_column_by_column() -> None:
    draws = np.random.default_rng(5)
    x, y = numeric(draws.normal(size=3000)), numeric(draws.normal(size=3000))
    c = column(levels(draws.choice(list("ab"), 3000)))
    gone, new = column(numeric([1.0] * 3000, "gone")), column(numeric([1.0] * 3000, "new"))
    reference, current = table(column(x), c, gone), table(column(y), c, new)
    found = compare_profiles(reference, current)
    assert [one.column for one in found] == ["x", "c", "gone", "new"]
    assert [one.note is None for one in found] == [False, True, False, False]
    assert "no such column" in found[2].note
    bars = found[0].histogram
    assert len(bars.edges) == BARS + 1
    assert sum(bars.reference) + bars.below.reference + bars.above.reference == 3000
    assert found[1].levels.names in {("a", "b"), ("b", "a")}
    assert found[0].reference.mean == pytest.approx(np.mean(x.values.to_numpy()))
    assert found[0].reference.quantiles[3] == pytest.approx(
        np.median(x.values.to_numpy()), abs=0.01
    )
    for one in found:
        assert msgspec.json.decode(msgspec.json.encode(one), type=ComparedColumn) == one


def test_a_column_that_was_always_empty_and_is_no_longer_failed_whatever_its_kind() -> None:
    empty = column(numeric([None] * 60, "c"))
    for now in (column(levels(list("ab") * 30)), column(numeric([1.0, 2.0] * 30, "c"))):
        [found] = compare_profiles(table(empty), table(now))
        assert found.verdict is Verdict.FAILED
        assert found.findings[-1].detector == "schema"


def test_hashed_names_are_not_compared_with_plain_ones() -> None:
    c = column(levels(list("ab") * 50))
    with pytest.raises(SaltsDiffer, match="--salt"):
        compare_profiles(table(c), table(c, salt="x"))
