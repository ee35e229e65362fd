"""Windows of another size than usual, other seasons and fewer known windows: judged alike."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors import seasons, tail_arrays, thinning
from detectors.binning import tally
from detectors.counted import columns_of
from detectors.detectable import shifted
from detectors.finding import Basis, Reason, Verdict
from detectors.judging import failed
from detectors.refmax import (
    NO_GROUPS,
    Options,
    calibrate,
    calibrate_rates,
    judge,
    window_scores,
)
from tests.columns import booleans, frozen, levels, normals, numeric

ALPHA = 1 / 60
NOTHING = pa.nulls(200, pa.float64())
COUNTS = st.lists(st.integers(0, 400), min_size=2, max_size=9)


def calibrated(windows, **options):
    bins, tallies = frozen(windows)
    inside = [True] * len(tallies)
    found = calibrate(
        bins, tallies, inside, family="drift", alpha=ALPHA, options=Options(**options)
    )
    return bins, found


@pytest.fixture(scope="module")
def usual():
    generator = np.random.default_rng(1)
    return calibrated([normals(generator, 400, 3) for _ in range(60)])


@given(counts=COUNTS, size=st.integers(0, 3000), seed=st.integers(0, 2**32 - 1))
def test_thinning_draws_rows_that_are_there_and_as_many_as_asked(counts, size, seed) -> None:
    whole = np.array([counts])
    found = thinning.thin(whole, np.array([size]), np.random.default_rng(seed))
    assert (found >= 0).all()
    assert (found <= whole).all()
    assert found.sum() == min(size, whole.sum())
    again = thinning.thin(whole, np.array([size]), np.random.default_rng(seed))
    assert (found == again).all()


def test_thinning_is_multivariate_hypergeometric() -> None:
    whole = np.tile([30, 50, 20], (20_000, 1))
    found = thinning.thin(whole, np.full(20_000, 40), np.random.default_rng(3))
    p, spread = np.array([0.3, 0.5, 0.2]), (100 - 40) / 99
    assert found.mean(axis=0) == pytest.approx(40 * p, abs=0.1)
    assert found.var(axis=0) == pytest.approx(40 * p * (1 - p) * spread, rel=0.05)
    assert np.cov(found.T)[0, 1] == pytest.approx(-40 * p[0] * p[1] * spread, rel=0.08)


def test_more_rows_than_the_generator_takes_are_drawn_too() -> None:
    whole = np.array([[3 * 10**9, 10**9]])
    found = thinning.thin(whole, np.array([1000]), np.random.default_rng(4))
    assert found.sum() == 1000
    assert found[0, 0] == pytest.approx(750, abs=60)


def test_a_window_is_of_the_greatest_size_that_it_fills() -> None:
    rows = np.array([400, 267, 266, 200, 100, 31, 3000])
    assert thinning.sizes_of(400.0, 30) == [266, 177, 118, 79, 52, 35]
    assert thinning.bucket_of(rows, 400.0, 30).tolist() == [0, 0, 1, 2, 4, 6, 0]


@pytest.mark.parametrize("rows", [40, 120, 2000, 8000])
def test_no_window_alarms_for_its_size_and_none_hides_a_shift_behind_it(usual, rows) -> None:
    bins, calibration = usual
    generator = np.random.default_rng(rows)
    fails = {}
    for shift in (0.0, 1.3):
        windows = [
            [tally(b, s) for b, s in zip(bins, normals(generator, rows, 3, shift), strict=True)]
            for _ in range(30)
        ]
        columns = columns_of(bins, windows, [False] * 30)
        fails[shift] = failed(calibration, window_scores(calibration, columns, 5, NO_GROUPS))
    assert fails[0.0].any(axis=1).mean() <= 0.1
    assert fails[1.3].any(axis=1).mean() >= 0.9


def test_a_window_is_drawn_from_by_its_own_seed_alone(usual) -> None:
    bins, calibration = usual
    window = [
        tally(b, s) for b, s in zip(bins, normals(np.random.default_rng(6), 3000, 3), strict=True)
    ]
    first, again, other = (judge(calibration, bins, window, seed=seed) for seed in (1, 1, 2))
    assert first == again
    assert [f.statistic for f in first] != [f.statistic for f in other]
    assert {f.rows for f in first} == {3000}


def test_of_calibration_windows_a_few_small_ones_raise_no_threshold(usual) -> None:
    generator = np.random.default_rng(7)
    sizes = [400] * 50 + [60] * 10
    _, calibration = calibrated([normals(generator, rows, 3) for rows in sizes])
    assert calibration.windows == 60
    assert calibration.scales[0].windows == 50
    assert calibration.threshold == pytest.approx(usual[1].threshold, abs=1.2)


def hourly(days: int, generator: np.random.Generator):
    hours = np.arange(24 * days) % 24
    means = 0.6 * np.sin(hours / 24 * 2 * np.pi)
    return hours, [[numeric(generator.normal(m, 1.0, 60))] for m in means]


def test_where_the_hour_explains_enough_windows_are_compared_with_their_hour_alone() -> None:
    generator = np.random.default_rng(8)
    hours, windows = hourly(15, generator)
    bins, pooled = calibrated(windows)
    _, matched = calibrated(windows, groupings={"hour": tuple(hours.tolist())})
    assert (pooled.mode, matched.mode, matched.season.name) == ("pooled", "matched", "hour")
    night = [tally(bins[0], numeric(generator.normal(0.6, 1.0, 60)))]
    [as_at_six, *_] = judge(matched, bins, night, groups={"hour": 6})
    [as_at_noon, *_] = judge(matched, bins, night, groups={"hour": 18})
    assert as_at_six.verdict is Verdict.PASSED
    assert as_at_noon.verdict is Verdict.FAILED
    assert judge(pooled, bins, night)[0].verdict is Verdict.PASSED
    assert {f.reason for f in judge(matched, bins, night, groups={"hour": 99})} == {
        Reason.UNCALIBRATED
    }


def test_without_fourteen_windows_a_group_or_without_an_effect_all_are_pooled() -> None:
    generator = np.random.default_rng(9)
    hours, windows = hourly(13, generator)
    assert calibrated(windows, groupings={"hour": tuple(hours.tolist())})[1].mode == "pooled"
    flat = generator.normal(size=(24 * 15, 2))
    labels = (np.arange(24 * 15) % 24).tolist()
    assert seasons.chosen({"hour": labels}, flat, np.ones(360, dtype=bool)) is None


def test_a_finer_season_must_explain_more_than_a_coarser_one() -> None:
    generator = np.random.default_rng(10)
    at = np.arange(24 * 80)
    hour, weekend = at % 24, (at // 24 % 7 >= 5).astype(int)
    groupings = {"hour": hour.tolist(), "fine": (hour + 24 * weekend).tolist()}
    noise = generator.normal(size=(at.size, 1))
    sine = np.sin(hour / 24 * 2 * np.pi)[:, None]
    everywhere = np.ones(at.size, dtype=bool)
    assert seasons.chosen(groupings, noise + 2 * sine, everywhere) == "hour"
    assert (
        seasons.chosen(groupings, noise + 2 * sine * (1 - weekend[:, None]), everywhere) == "fine"
    )


def test_a_season_is_seen_in_the_windows_in_which_a_column_is_known() -> None:
    generator = np.random.default_rng(12)
    labels = np.arange(24 * 15) % 24
    sine = np.sin(labels / 24 * 2 * np.pi)[:, None]
    means = generator.normal(size=(360, 3)) + 2 * sine
    everywhere = np.ones(360, dtype=bool)
    means[7, 0] = np.nan  # a single window
    means[:200, 1] = np.nan  # a column that began late
    means[labels == 3, 2] = np.nan  # one that an hour never holds says nothing of it
    groupings = {"hour": labels.tolist()}
    assert seasons.chosen(groupings, means, everywhere) == "hour"
    for column in (0, 1):
        assert seasons.chosen(groupings, means[:, [column]], everywhere) == "hour"
    assert seasons.chosen(groupings, means[:, [2]], everywhere) is None
    assert seasons.chosen(groupings, np.full((360, 1), np.nan), everywhere) is None


def test_a_rate_that_is_not_known_in_one_window_keeps_its_rhythm() -> None:
    generator = np.random.default_rng(13)
    labels = np.arange(6 * 20) % 6
    usual = 0.3 + 0.1 * np.sin(labels / 6 * 2 * np.pi)
    shares = (generator.binomial(400, usual) / 400)[:, None]
    whole = calibrate_rates(
        ["missing:x"], shares, family="q", alpha=0.01,
        options=Options(groupings={"hour": labels.tolist()}),
    )  # fmt: skip
    shares[4] = np.nan
    found = calibrate_rates(
        ["missing:x"], shares, family="q", alpha=0.01,
        options=Options(groupings={"hour": labels.tolist()}),
    )  # fmt: skip
    assert (found.mode, found.windows) == ("matched", 119)
    assert found.scales[0].rhythm is not None
    assert found.scales[0].rhythm.rates == pytest.approx(whole.scales[0].rhythm.rates, abs=0.01)
    assert found.threshold == pytest.approx(whole.threshold, rel=0.1)


def test_a_column_of_fewer_windows_is_brought_to_the_tail_of_the_others() -> None:
    z = tail_arrays.t_matched(np.array([6.0]), np.array([7.0]), 58.0)
    assert tail_arrays.t_sf(z, 58.0) == pytest.approx(tail_arrays.t_sf(np.array([6.0]), 7.0))
    generator = np.random.default_rng(11)
    windows = []
    for at in range(60):
        values = generator.normal(size=200) if at < 9 else NOTHING
        windows.append([*normals(generator, 200, 1), numeric(values, "new")])
    bins, calibration = calibrated(windows)
    assert {s.column: s.windows for s in calibration.scales} == {"x0": 60, "new": 9}
    moved = [
        tally(bins[0], windows[0][0]),
        tally(bins[1], numeric(generator.normal(0.3, 1, 200), "new")),
    ]
    found = {(f.column, f.detector): f for f in judge(calibration, bins, moved)}["new", "a1"]
    alone = tail_arrays.t_sf(np.array([found.statistic]), 59.0)[0]
    assert found.p_value == pytest.approx(alone, rel=1e-6)


def test_the_least_shift_that_a_window_shows_is_smaller_where_there_are_more_rows() -> None:
    generator = np.random.default_rng(12)
    shifts = {}
    for rows in (100, 1600):
        _, calibration = calibrated([normals(generator, rows, 2) for _ in range(40)])
        shifts[rows] = [one.shift for one in calibration.detectable]
    assert shifts[1600] == [0.25, 0.25]
    assert min(shifts[100]) >= 0.5


def test_counts_are_shifted_as_the_rows_would_be() -> None:
    generator = np.random.default_rng(13)
    values = generator.normal(size=20_000)
    bins, tallies = frozen([[numeric(values)]])
    moved = tally(bins[0], numeric(values + 0.5 * bins[0].std))
    [column] = columns_of(bins, tallies, [False])
    found = shifted(column, 0.5)
    assert found.drawn.sum() == pytest.approx(20_000)
    assert np.abs(np.cumsum(found.drawn[0]) - np.cumsum(moved.counts)).max() < 200
    assert found.drawn_sums.sum() == pytest.approx(sum(moved.sums), rel=0.01)


@pytest.mark.parametrize("kind", ["levels", "booleans", "constant"])
def test_columns_that_are_no_numbers_are_shifted_by_share(kind) -> None:
    generator = np.random.default_rng(14)
    sample = {
        "levels": lambda: levels(generator.choice(list("abcde"), 300, p=[0.6, 0.1, 0.1, 0.1, 0.1])),
        "booleans": lambda: booleans(generator.random(300) < 0.3),
        "constant": lambda: booleans([True] * 300),
    }[kind]
    bins, tallies = frozen([[sample()] for _ in range(20)])
    [column] = columns_of(bins, tallies, [True] * 20)
    found = shifted(column, 0.5)
    assert found.counts.sum(axis=1) == pytest.approx(column.counts.sum(axis=1))
    moved = np.abs(found.counts - column.counts).sum() / 2 / column.counts.sum()
    top = max(bins[0].counts) / sum(bins[0].counts)
    assert moved == pytest.approx(0.5 * np.sqrt(top * (1 - top)), abs=1e-9)


def test_a_threshold_from_blocks_of_a_short_reference_is_optimistic() -> None:
    generator = np.random.default_rng(16)
    _, found = calibrated([normals(generator, 100, 1) for _ in range(40)], pseudo=True)
    assert found.basis is Basis.OPTIMISTIC


@pytest.mark.parametrize("unit", [1e-300, 1.0, 1e307])
def test_a_season_is_found_in_whatever_unit_a_column_is(unit) -> None:
    hours = np.arange(24 * 20) % 24
    noise = np.random.default_rng(1).normal(size=(480, 2))
    moved = (noise + np.sin(hours / 24 * 2 * np.pi)[:, None]) * unit
    inside = np.ones(480, dtype=bool)
    assert seasons.chosen({"hour": hours.tolist()}, moved, inside) == "hour"
    assert seasons.chosen({"hour": hours.tolist()}, noise * unit, inside) is None
