"""The false-alarm budget as thresholds: what alarms, what does not, and why."""

import math

import msgspec
import numpy as np
import pytest
from scipy import stats

from detectors import calibration as law
from detectors import laws, thresholds
from detectors.binning import freeze, tally
from detectors.finding import Basis, Finding, Reason, Verdict
from detectors.refmax import Calibration, Options, calibrate, judge
from tests.columns import booleans, frozen, levels, normals, numeric

ALPHA = 0.01


def calibrated(windows, **options):
    bins, tallies = frozen(windows)
    return bins, calibrate(
        bins, tallies, [True] * len(tallies), family="drift", alpha=ALPHA,
        options=Options(**options),
    )  # fmt: skip


def judged(windows, window, **options) -> dict[tuple[str, str], Finding]:
    return against(*calibrated(windows, **options), window)


def against(bins, calibration, window) -> dict[tuple[str, str], Finding]:
    found = judge(calibration, bins, [tally(b, s) for b, s in zip(bins, window, strict=True)])
    return {(finding.column, finding.detector): finding for finding in found}


@pytest.fixture(scope="module")
def usual():
    generator = np.random.default_rng(1)
    return [normals(generator, 300, 4) for _ in range(60)]


def test_a_moved_column_fails_and_the_others_pass(usual) -> None:
    found = judged(usual, normals(np.random.default_rng(2), 300, 4, shift=0.6))
    area = found["x0", "a1"]
    assert (area.verdict, area.basis, area.reason) == (Verdict.FAILED, Basis.CALIBRATED, None)
    assert area.statistic > area.threshold
    assert area.effect == pytest.approx(0.55, abs=0.1)
    assert area.p_value < 0.001
    assert (area.rows, area.rows_reference) == (300, 18_000)
    assert {f.verdict for key, f in found.items() if key[0] != "x0"} == {Verdict.PASSED}


def test_a_wider_column_fails_by_its_shape(usual) -> None:
    window = normals(np.random.default_rng(3), 300, 4)
    window[1] = numeric(np.random.default_rng(4).normal(0.0, 1.8, 300), "x1")
    assert judged(usual, window)["x1", "jensen_shannon"].verdict is Verdict.FAILED


def test_a_change_too_small_to_matter_passes_however_certain() -> None:
    generator = np.random.default_rng(5)
    windows = [normals(generator, 8000, 1) for _ in range(40)]
    small = normals(generator, 8000, 1, shift=0.08)
    silent = judged(windows, small)["x0", "a1"]
    assert silent.statistic > silent.threshold
    assert (silent.verdict, silent.effect < 0.1) == (Verdict.PASSED, True)
    assert judged(windows, small, minimum_effect="none")["x0", "a1"].verdict is Verdict.FAILED


@pytest.fixture(scope="module")
def small():
    generator = np.random.default_rng(40)
    return calibrated([normals(generator, 48, 2) for _ in range(60)])


def test_in_small_windows_a_standard_deviation_passes_even_a_rare_threshold(small) -> None:
    bins, calibration = small
    rare = msgspec.structs.replace(calibration, threshold=calibration.threshold + 1.0)
    generator = np.random.default_rng(41)
    found = [against(bins, rare, normals(generator, 48, 2, shift=1.0)) for _ in range(20)]
    assert sum(one["x0", "a1"].verdict is Verdict.FAILED for one in found) >= 18


def test_small_windows_without_change_keep_the_budget(small) -> None:
    generator = np.random.default_rng(42)
    found = [against(*small, normals(generator, 48, 2)) for _ in range(200)]
    assert sum(Verdict.FAILED in {f.verdict for f in one.values()} for one in found) <= 6


def test_distances_are_straightened_by_a_power_where_enough_windows_say_how(usual) -> None:
    """Of fewer by their logarithm, which leaves more in reserve."""
    for windows, power in ((29, 0.0), (30, 2 / 3), (60, 2 / 3)):
        _, found = calibrated(usual[:windows])
        assert {fitted.power for fitted in found.scales} == {power}
    assert laws.straightened(np.array([8.0, 0.0]), np.array(2 / 3)) == pytest.approx([4.0, 0.0])


def test_medium_and_large_effects_are_two_and_four_times_the_small_floor(usual) -> None:
    scales = {
        effect: calibrated(usual, minimum_effect=effect)[1].scales[0].floor
        for effect in ("none", "small", "medium", "large")
    }
    assert scales == {"none": 0.0, "small": 0.1, "medium": 0.2, "large": 0.4}
    with pytest.raises(ValueError, match="minimum_effect is 'tiny'"):
        calibrated(usual, minimum_effect="tiny")


def test_fewer_than_eight_windows_calibrate_nothing_and_say_how_many_are_missing(usual) -> None:
    bins, calibration = calibrated(usual[:5])
    assert (calibration.threshold, calibration.basis, calibration.needs) == (None, None, 3)
    found = judge(calibration, bins, [tally(b, s) for b, s in zip(bins, usual[9], strict=True)])
    assert {(f.verdict, f.reason) for f in found} == {(Verdict.INCONCLUSIVE, Reason.UNCALIBRATED)}
    bins, none = calibrated(usual[:1])[0], calibrate([], [], [], family="drift", alpha=ALPHA)
    assert (none.threshold, none.scales, none.needs) == (None, (), 0)
    empty = calibrate(bins, [], [], family="drift", alpha=ALPHA)
    assert (empty.threshold, empty.needs) == (None, 8)
    assert judge(empty, bins, [tally(b, s) for b, s in zip(bins, usual[9], strict=True)])


@pytest.mark.parametrize(
    ("windows", "tail", "basis"),
    [(8, "t", "provisional"), (13, "t", "provisional"), (14, "gumbel or t", "provisional"),
     (29, "gumbel or t", "provisional"), (30, "gumbel", "calibrated")],
)  # fmt: skip
def test_the_number_of_windows_chooses_the_tail_and_the_basis(usual, windows, tail, basis) -> None:
    _, calibration = calibrated(usual[:windows])
    assert (calibration.tail, calibration.basis) == (tail, basis)
    assert (calibration.windows, calibration.needs, calibration.mode) == (windows, 0, "pooled")


def test_the_gumbel_height_is_that_of_its_l_moments() -> None:
    maxima = np.sort(np.random.default_rng(6).gumbel(2.0, 0.5, 60))
    b0, b1 = maxima.mean(), sum(i * m for i, m in enumerate(maxima)) / (60 * 59)
    beta = (2 * b1 - b0) / math.log(2)
    xi = b0 - 0.5772156649 * beta
    found = thresholds.threshold(maxima, 0.002, scores=10)
    assert found.height == pytest.approx(xi - beta * math.log(-math.log(1 - 0.002)))
    assert found.height == pytest.approx(stats.gumbel_r.ppf(1 - 0.002, xi, beta))


def test_the_t_height_is_students_quantile_over_the_scores() -> None:
    maxima = np.linspace(1.0, 2.0, 10)
    found = thresholds.threshold(maxima, 0.02, scores=8)
    assert found.height == pytest.approx(stats.t.ppf(1 - 0.02 / 8, 8))
    greater = thresholds.threshold(np.linspace(1.0, 9.0, 20), 0.02, scores=8)
    assert greater.height > stats.t.ppf(1 - 0.02 / 8, 18)


def test_the_peaks_are_exponential_over_a_high_order_statistic() -> None:
    maxima = np.random.default_rng(7).gumbel(2.0, 0.5, 720)
    ordered = np.sort(maxima)[::-1]
    base, excess = ordered[71], (ordered[:71] - ordered[71]).mean()
    found = thresholds.threshold(maxima, 0.0007, scores=40)
    assert found.tail == "peaks"
    assert found.height == pytest.approx(base + excess * math.log(0.1 / 0.0007))
    common = thresholds.threshold(maxima, 0.2, scores=40)
    assert common.height == pytest.approx(np.quantile(maxima, 0.8))


def test_the_conformal_height_is_an_order_statistic_and_warns_of_a_tail_too_short() -> None:
    maxima = np.append(np.random.default_rng(8).normal(2.0, 0.05, 199), 9.0)
    found = thresholds.threshold(maxima, 0.005, scores=40)
    assert (found.conformal, found.trustworthy) == (9.0, False)
    assert thresholds.threshold(maxima, 0.001, scores=40).conformal is None


def test_the_height_is_never_below_that_of_one_normal_score() -> None:
    found = thresholds.threshold(np.full(40, -3.0), 0.01, scores=1)
    assert found.height == pytest.approx(stats.norm.ppf(0.99))


def test_a_windows_jackknife_score_comes_from_the_other_windows_alone() -> None:
    generator = np.random.default_rng(9)
    values = generator.normal(size=(20, 3))
    values[4, 1] = np.nan
    found = law.jackknife(values, np.zeros_like(values))
    others = np.delete(values[:, 0], 7)
    expected = (values[7, 0] - others.mean()) / (others.std(ddof=1) * math.sqrt(1 + 1 / 19))
    assert found[7, 0] == pytest.approx(expected)
    column = np.delete(values[:, 1], [4, 7])
    expected = (values[7, 1] - column.mean()) / (column.std(ddof=1) * math.sqrt(1 + 1 / 18))
    assert found[7, 1] == pytest.approx(expected)
    assert np.isnan(found[4, 1])


def test_a_window_inside_the_reference_is_compared_with_the_rest_of_it(usual) -> None:
    bins, tallies = frozen(usual)
    inside = calibrate(bins, tallies, [True] * 60, family="drift", alpha=ALPHA)
    outside = calibrate(bins, tallies, [False] * 60, family="drift", alpha=ALPHA)
    rest = [window[0].values for window in usual[1:]]
    reference = freeze(numeric(np.concatenate([v.to_numpy() for v in rest]), "x0"))
    assert inside.scales[0].rows_reference == 59 * 300 == reference.valid
    assert outside.scales[0].rows_reference == 60 * 300
    assert inside.scales[0].mean > outside.scales[0].mean


def test_a_score_that_stands_still_has_no_part_in_the_maximum() -> None:
    generator = np.random.default_rng(10)
    windows = [
        [*normals(generator, 100, 1), levels(["a", "b", "c", "d"] * 25), booleans([True] * 100)]
        for _ in range(40)
    ]
    _, calibration = calibrated(windows)
    still = {(s.column, s.detector): s.reason for s in calibration.scales}
    assert still["c", "jensen_shannon"] == still["b", "share"] == Reason.DEGENERATE
    assert still["x0", "a1"] is None
    found = judged(
        windows, [*normals(generator, 100, 1), levels(["a"] * 100), booleans([True] * 100)]
    )
    assert found["c", "jensen_shannon"].reason == Reason.DEGENERATE
    assert found["b", "share"].verdict is Verdict.PASSED


def test_a_rare_flag_does_not_alarm_in_every_window() -> None:
    generator = np.random.default_rng(11)
    windows = [[booleans(generator.random(500) < 0.02)] for _ in range(60)]
    usual = calibrated(windows)
    failures = sum(
        against(*usual, [booleans(generator.random(500) < 0.02)])["b", "share"].verdict
        is Verdict.FAILED
        for _ in range(200)
    )
    assert failures <= 5
    alarmed = against(*usual, [booleans(generator.random(500) < 0.12)])["b", "share"]
    assert alarmed.verdict is Verdict.FAILED
    assert alarmed.effect == pytest.approx(0.1, abs=0.03)


def test_a_share_that_never_moved_alarms_when_it_leaves_what_was_ever_seen() -> None:
    windows = [[booleans([False] * 200)] for _ in range(30)]
    few = judged(windows, [booleans([True] * 1 + [False] * 199)])["b", "share"]
    many = judged(windows, [booleans([True] * 20 + [False] * 180)])["b", "share"]
    assert (few.verdict, many.verdict) == (Verdict.PASSED, Verdict.FAILED)
    assert (many.basis, many.statistic, many.effect) == (Basis.PROVISIONAL, None, 0.1)
    assert many.p_value < 1e-6
    fallen = judged([[booleans([True] * 200)]] * 30, [booleans([True] * 150 + [False] * 50)])
    assert fallen["b", "share"].verdict is Verdict.FAILED
    assert fallen["b", "share"].effect == -0.25


def test_of_three_levels_the_one_that_changed_most_speaks() -> None:
    generator = np.random.default_rng(12)
    windows = [[levels(generator.choice(list("abc"), 300))] for _ in range(40)]
    window = [levels(generator.choice(list("abc"), 300, p=[0.6, 0.2, 0.2]))]
    found = judged(windows, window)
    assert set(found) == {("c", "share"), ("c", "unseen")}
    assert found["c", "share"].verdict is Verdict.FAILED
    assert found["c", "share"].effect == pytest.approx(0.27, abs=0.08)


def test_levels_never_seen_are_scored_against_what_new_windows_always_bring() -> None:
    generator = np.random.default_rng(13)

    def window(new: int):
        usual = generator.choice(list("abcdef"), 300 - new).tolist()
        return [levels(usual + [f"once{generator.integers(1 << 40)}" for _ in range(new)])]

    windows = [window(int(generator.poisson(6))) for _ in range(40)]
    bins, calibration = calibrated(windows)
    [unseen] = [s for s in calibration.scales if s.detector == "unseen"]
    assert unseen.effect == pytest.approx(0.02, abs=0.005)
    found = {n: judged(windows, window(n))["c", "unseen"] for n in (8, 40)}
    assert (found[8].verdict, found[40].verdict) == (Verdict.PASSED, Verdict.FAILED)
    assert bins[0].reason is None


def test_columns_that_are_not_compared_say_so(usual) -> None:
    windows = [[*window, numeric([None] * 300, "empty")] for window in usual]
    found = judged(windows, [*usual[0], numeric([1.0] * 300, "empty")])
    nothing = found["empty", "jensen_shannon"]
    assert (nothing.verdict, nothing.reason) == (Verdict.INCONCLUSIVE, Reason.NOT_APPLICABLE)


def test_a_column_with_too_few_values_in_a_window_is_insufficient_and_never_calibrates(
    usual,
) -> None:
    thin = [numeric([1.0] * 29, f"x{j}") for j in range(4)]
    found = judged(usual, thin)
    assert {f.reason for f in found.values()} == {Reason.INSUFFICIENT}
    _, with_thin = calibrated([*usual, thin])
    assert with_thin.windows == 60


def test_a_smaller_window_is_judged_by_its_own_noise(usual) -> None:
    generator = np.random.default_rng(14)
    fitted = calibrated(usual)
    failures = sum(
        finding.verdict is Verdict.FAILED
        for _ in range(200)
        for finding in against(*fitted, normals(generator, 60, 4)).values()
    )
    assert failures <= 5
    moved = against(*fitted, normals(generator, 60, 4, shift=1.2))
    assert moved["x0", "a1"].verdict is Verdict.FAILED


def test_a_smaller_window_of_flags_has_the_binomial_noise_of_its_size() -> None:
    generator = np.random.default_rng(15)
    windows = [[booleans(generator.random(2000) < 0.3)] for _ in range(40)]
    fitted = calibrated(windows)
    zs = [
        against(*fitted, [booleans(generator.random(100) < 0.3)])["b", "share"].statistic
        for _ in range(300)
    ]
    assert np.mean(zs) == pytest.approx(math.sqrt(2 / math.pi), abs=0.12)


def test_a_heavy_tailed_column_has_its_effect_in_ranks() -> None:
    generator = np.random.default_rng(16)
    windows = [[numeric(generator.lognormal(0.0, 2.0, 300))] for _ in range(40)]
    bins, calibration = calibrated(windows)
    assert bins[0].kurtosis > 20.0
    assert calibration.scales[0].floor == 0.03
    found = judged(windows, [numeric(generator.lognormal(1.0, 2.0, 300))])["x", "a1"]
    assert found.verdict is Verdict.FAILED
    assert found.effect < 0.5


def test_whole_numbers_like_years_do_not_lose_their_names() -> None:
    generator = np.random.default_rng(17)
    windows = [[numeric(generator.choice([1_000_000, 1_000_001], 200))] for _ in range(20)]
    _, calibration = calibrated(windows)
    assert [s.part for s in calibration.scales] == ["1000000.0", "1000001.0"]


def test_a_calibration_survives_json_to_the_bit(usual) -> None:
    _, calibration = calibrated([[*w, booleans([True, False] * 150)] for w in usual])
    assert msgspec.json.decode(msgspec.json.encode(calibration), type=Calibration) == calibration


def test_huge_values_are_judged_without_overflow() -> None:
    generator = np.random.default_rng(18)
    windows = [[numeric(generator.choice([-1.7e308, 0.0, 1.7e308, 1.0], 100) * generator.random(100))]
               for _ in range(20)]  # fmt: skip
    found = judged(windows, [numeric(generator.normal(size=100))])
    for finding in found.values():
        assert msgspec.json.decode(msgspec.json.encode(finding), type=Finding) == finding


def test_bins_and_tallies_must_be_of_the_same_columns(usual) -> None:
    bins, calibration = calibrated(usual)
    with pytest.raises(ValueError, match="4 columns have bins and 0 a tally"):
        judge(calibration, bins, [])


def test_a_column_that_was_never_calibrated_is_uncalibrated(usual) -> None:
    bins, calibration = calibrated(usual)
    other = freeze(numeric(np.arange(100.0), "new"))
    found = judge(calibration, [other], [tally(other, numeric(np.arange(50.0), "new"))])
    assert {f.reason for f in found} == {Reason.UNCALIBRATED}
    assert len(bins) == 4
