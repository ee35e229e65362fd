"""How much windows resemble the ones before them, as how many they count, and what is made of it."""

import math

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from controlplane.domain.budget import Family, in_words
from detectors import remembering, thresholds
from detectors.binning import tally
from detectors.finding import Basis, Verdict
from detectors.laws import Calibration, Options
from detectors.refmax import calibrate, calibrate_rates, judge, judge_rates
from detectors.remembering import memories
from tests.columns import frozen, levels, normals, numeric
from tests.series import wandering


@pytest.mark.parametrize("memory", [0.8, 0.9, 0.95])
def test_many_series_over_many_windows_show_the_memory_that_they_have(memory) -> None:
    found = memories(wandering(np.random.default_rng(67), 60, 500, memory))
    assert np.mean(found > 0.0) >= 0.98
    assert np.median(found) == pytest.approx(memory, abs=0.05)


def test_what_resembles_the_window_before_by_a_half_is_left_to_the_half_of_the_budget() -> None:
    generator = np.random.default_rng(66)
    found = [
        np.median(memories(wandering(generator, 60, 500, memory)))
        for memory in (0.3, 0.5, 0.65, 0.7, 0.75)
    ]
    assert found[:2] == [0.0, pytest.approx(0.03, abs=0.03)]
    assert np.all(np.diff(found[1:]) > 0.05)
    assert found[2] == pytest.approx(0.65 / 2.0, abs=0.1)


def test_sixty_windows_show_a_long_memory_as_what_it_is_within_a_tenth() -> None:
    generator = np.random.default_rng(68)
    found = [np.median(memories(wandering(generator, 20, 60, 0.9))) for _ in range(30)]
    assert np.mean(found) == pytest.approx(0.9, abs=0.05)
    assert min(found) > 0.75


def test_noise_of_rows_beside_the_wander_does_not_hide_how_long_it_lasts() -> None:
    """A part of 0.8 that wanders adds up to 1 + 2 (0.8) 0.9 / 0.1 windows; the first
    autocorrelation alone, 0.72, would say 6."""
    generator = np.random.default_rng(69)
    held = wandering(generator, 60, 500, 0.9) * math.sqrt(0.8)
    found = np.median(memories(held + generator.normal(size=held.shape) * math.sqrt(0.2)))
    assert 10.0 < (1.0 + found) / (1.0 - found) < 18.0


@pytest.mark.parametrize("series", [1, 2, 40])
@pytest.mark.parametrize("windows", [20, 60, 240])
def test_windows_that_know_nothing_of_each_other_hardly_ever_seem_to_wander(
    series, windows
) -> None:
    generator = np.random.default_rng(71)
    found = [memories(generator.normal(size=(series, windows))).any() for _ in range(150)]
    assert np.mean(found) <= 0.04


def test_copies_of_one_series_are_no_more_evidence_than_one() -> None:
    generator = np.random.default_rng(73)
    found = [memories(np.repeat(generator.normal(size=(1, 60)), 50, axis=0)) for _ in range(200)]
    assert np.mean([one.any() for one in found]) <= 0.04


@pytest.mark.parametrize(
    "once", [np.linspace(-3.0, 3.0, 60), 4.0 * (np.arange(60) >= 17)], ids=["a trend", "a jump"]
)
def test_what_goes_on_or_happened_once_is_no_wander(once) -> None:
    generator = np.random.default_rng(77)
    found = [memories(generator.normal(size=(10, 60)) + once) for _ in range(30)]
    assert np.mean(np.array(found) > 0.0) <= 0.03
    mild = [memories(wandering(generator, 10, 60, 0.5) + once) for _ in range(10)]
    assert np.median(mild) < 0.8, "the line or the jump is no part of what wanders"
    long = [memories(wandering(generator, 10, 60, 0.9) + once) for _ in range(10)]
    assert np.median(long) > 0.8


def test_a_season_is_no_wander_once_its_groups_are_known() -> None:
    days = np.arange(126) % 14
    shifts = np.random.default_rng(79).normal(size=(10, 126)) + 6.0 * (days >= 7)
    assert memories(shifts).all()
    assert not memories(shifts, {"shift": days.tolist()}).any()
    wander = wandering(np.random.default_rng(83), 10, 126, 0.9) + 6.0 * (days >= 7)
    assert np.median(memories(wander, {"shift": days.tolist()})) > 0.7


def test_groups_that_came_too_seldom_to_be_a_season_take_nothing_out() -> None:
    wander = wandering(np.random.default_rng(89), 10, 60, 0.9)
    thirds = (np.arange(60) // 20).tolist()
    assert memories(wander, {"third": thirds}).tolist() == memories(wander).tolist()


def test_those_that_wander_are_told_from_those_that_do_not() -> None:
    generator, wrong = np.random.default_rng(91), []
    for _ in range(10):
        apart = generator.normal(size=(20, 100))
        found = memories(np.vstack([apart, wandering(generator, 20, 100, 0.85)]))
        wrong.append(np.mean(found[:20] > 0.0))
        assert np.median(found[20:]) > 0.7
    assert np.mean(wrong) <= 0.06
    both = np.vstack([wandering(generator, 20, 300, 0.7), wandering(generator, 20, 300, 0.95)])
    each = memories(both)
    assert np.median(each[:20]) + 0.2 < np.median(each[20:])


@given(
    st.integers(1, 5), st.integers(1, 60), st.integers(0, 2**32 - 1), st.floats(0.0, 0.99),
    st.floats(0.0, 0.5),
)  # fmt: skip
def test_it_is_between_none_and_a_walk_whatever_is_missing(
    series, windows, seed, memory, lost
) -> None:
    generator = np.random.default_rng(seed)
    held = wandering(generator, series, windows, memory)
    held[generator.random(held.shape) < lost] = np.nan
    found = memories(held)
    assert found.shape == (series,)
    assert ((found >= 0.0) & (found <= remembering.MOST)).all()
    assert memories(2.0 * held - 2.0) == pytest.approx(found, abs=0.011)


def test_series_that_never_move_and_no_series_resemble_nothing() -> None:
    for held in (np.ones((3, 40)), np.full((3, 40), np.nan), np.empty((0, 40)), np.empty((2, 0))):
        assert not memories(held).any()
    assert not memories(np.arange(19.0)[None]).any()


def autoregression(memory: float, windows: int) -> np.ndarray:
    at = np.arange(windows)
    return memory ** np.abs(np.subtract.outer(at, at))


@pytest.mark.parametrize("memory", [0.0, 0.5, 0.9])
def test_the_figures_are_those_of_an_autoregression(memory) -> None:
    """Variances from its covariances: of a mean, of windows about it, and of one far from all."""
    n = 60
    held, of_mean = autoregression(memory, n), autoregression(memory, n).mean()
    shown = np.trace(held - held.mean(axis=0)) / (n - 1)
    others = (n / (n - 1)) ** 2 * (1.0 - of_mean)
    one, windows = np.array(memory), np.array(float(n))
    assert float(remembering.wider(one, windows)) == pytest.approx(1.0 / math.sqrt(shown))
    assert float(remembering.farther(one, windows)) == pytest.approx(
        math.sqrt((1.0 + of_mean) / others), rel=1e-3
    )
    assert float(remembering.counted_mean(one, windows)) == pytest.approx(
        n * (1.0 - memory) / (1.0 + memory)
    )


def test_a_spread_is_known_as_well_as_from_so_many_windows() -> None:
    """The variance of a variance, beside that of independent windows."""
    held = np.square(wandering(np.random.default_rng(97), 4_000, 200, 0.7)).mean(axis=1)
    assert remembering.counted_spread(0.7, 200) == pytest.approx(2.0 / held.var(), rel=0.1)
    assert remembering.counted_spread(0.0, 9) == 9
    assert remembering.counted_spread(0.97, 60) == 8
    assert remembering.counted_spread(0.97, 5) == 5


@pytest.mark.parametrize(
    ("worth", "tail"), [(200, "peaks"), (60, "gumbel"), (20, "gumbel or t"), (10, "t")]
)
def test_the_number_that_windows_count_as_chooses_the_law(worth, tail) -> None:
    maxima = np.random.default_rng(99).gumbel(2.0, 0.5, 240)
    found = thresholds.threshold(maxima, 0.01, scores=40, worth=worth)
    assert found.tail == tail
    if tail == "t":
        assert found.height == pytest.approx(stats.t.ppf(1.0 - 0.01 / 40, worth - 2))
    if tail == "gumbel or t":
        gumbel = thresholds.threshold(maxima, 0.01, scores=40, worth=60).height
        assert found.height == max(gumbel, stats.t.ppf(1.0 - 0.01 / 40, worth - 2))


def test_rates_that_wander_are_judged_by_as_few_windows_as_they_count_as() -> None:
    generator = np.random.default_rng(101)
    wander = wandering(generator, 1, 60, 0.9)[0] * 0.04
    shares = np.clip(0.3 + wander + generator.normal(0.0, 0.002, 60), 0.0, 1.0)[:, None]
    found = calibrate_rates(["missing:x"], shares, family="quality", alpha=0.01)
    [fitted] = found.scales
    assert found.windows == 60
    assert fitted.memory > 0.7
    assert found.worth == fitted.counted < 30
    assert found.freedom == found.worth - 2
    assert found.basis is Basis.PROVISIONAL
    [finding] = judge_rates(found, np.array([0.9]), 1_000)
    assert (finding.verdict, finding.basis) == (Verdict.FAILED, Basis.PROVISIONAL)
    said = in_words(Family.QUALITY, found)
    assert f"resemble the ones before them and count as {found.worth} that do not" in said
    assert "provisional" in said

    apart = calibrate_rates(
        ["missing:x"], generator.permutation(shares), family="quality", alpha=0.01
    )
    assert (apart.worth, apart.basis, apart.scales[0].memory) == (60, Basis.CALIBRATED, 0.0)
    assert "resemble" not in in_words(Family.QUALITY, apart)
    assert fitted.sd > 1.05 * apart.scales[0].sd
    assert fitted.mean == pytest.approx(apart.scales[0].mean)
    assert found.detectable[0].shift > 1.1 * apart.detectable[0].shift


def windows_of(generator, columns, windows, memory, rows=200):
    """Windows of normal columns whose means wander by half a deviation."""
    means = 0.5 * wandering(generator, columns, windows, memory)
    return [
        [numeric(generator.normal(mean, 1.0, rows), f"x{at}") for at, mean in enumerate(window)]
        for window in means.T.tolist()
    ]


def calibrated(windows, **more):
    bins, tallies = frozen(windows)
    return bins, calibrate(
        bins, tallies, [True] * len(windows), family="drift", alpha=0.01, options=Options(**more)
    )


def test_columns_whose_days_wander_are_asked_for_more_and_others_for_no_more() -> None:
    generator = np.random.default_rng(103)
    for memory, basis in ((0.0, Basis.CALIBRATED), (0.95, Basis.PROVISIONAL)):
        windows = windows_of(generator, 3, 60, memory, rows=60)
        order = generator.permutation(60)
        _, found = calibrated(windows)
        _, mixed = calibrated([windows[at] for at in order.tolist()])
        assert found.basis is basis
        assert mixed.basis is Basis.CALIBRATED
        if memory == 0.0:
            # Where windows know nothing of each other, their order is nothing to the threshold.
            assert found.threshold == pytest.approx(mixed.threshold)
            assert {scale.memory for scale in found.scales} == {0.0}
        else:
            assert found.threshold > mixed.threshold
            assert all(
                one.mean > 1.1 * other.mean
                for one, other in zip(found.scales, mixed.scales, strict=True)
            )
    again = msgspec.json.decode(msgspec.json.encode(found), type=Calibration)
    assert again == found


@settings(max_examples=15)
@given(st.integers(0, 2**32 - 1), st.integers(20, 40))
def test_independent_windows_have_the_threshold_that_they_have_in_any_order(seed, count) -> None:
    generator = np.random.default_rng(seed)
    shares = generator.binomial(400, 0.3, (count, 3)) / 400
    first = calibrate_rates(["missing:a", "missing:b", "missing:c"], shares, family="q", alpha=0.01)
    mixed = calibrate_rates(
        ["missing:a", "missing:b", "missing:c"], generator.permutation(shares), family="q",
        alpha=0.01,
    )  # fmt: skip
    if not any(one.memory for one in (*first.scales, *mixed.scales)):
        assert first.threshold == pytest.approx(mixed.threshold)
        assert first.worth == count


def test_one_column_that_wanders_among_many_is_provisional_alone() -> None:
    generator = np.random.default_rng(104)
    windows = [
        [*own, *wander]
        for own, wander in zip(
            [normals(generator, 200, 5) for _ in range(60)],
            [[numeric(column.values, "w")] for [column] in windows_of(generator, 1, 60, 0.85)],
            strict=True,
        )
    ]
    bins, found = calibrated(windows)
    assert (found.worth, found.basis) == (60, Basis.CALIBRATED)
    memory = {scale.column: scale.memory for scale in found.scales}
    assert memory.pop("w") > 0.6
    assert set(memory.values()) == {0.0}
    said = in_words(Family.FEATURE_DRIFT, found)
    assert "in 2 of 12 scores windows resemble the ones before them and count as" in said
    window = [tally(b, s) for b, s in zip(bins, windows[0], strict=True)]
    bases = {(one.column, one.detector): one.basis for one in judge(found, bins, window)}
    assert bases.pop(("w", "jensen_shannon")) is Basis.PROVISIONAL
    assert bases.pop(("w", "a1")) is None  # wherever the column went, it would not be told
    assert set(bases.values()) == {Basis.CALIBRATED}


def test_levels_whose_shares_wander_are_seen_to() -> None:
    generator = np.random.default_rng(105)
    shares = np.clip(0.25 + 0.08 * wandering(generator, 1, 60, 0.9)[0], 0.02, 0.9)
    windows = [
        [levels(generator.choice(list("abcde"), 300, p=[share, *[(1 - share) / 4] * 4]))]
        for share in shares
    ]
    memory = {scale.detector: scale.memory for scale in calibrated(windows)[1].scales}
    assert memory["jensen_shannon"] > 0.4


def test_windows_that_wander_for_weeks_alarm_far_less_often_than_if_taken_as_apart() -> None:
    """The same windows in another order show no memory, and calibrate as if they had none."""
    generator, found = np.random.default_rng(106), []
    names = [f"missing:x{at}" for at in range(8)]
    for _ in range(4):
        shares = 0.3 + 0.03 * wandering(generator, 8, 120, 0.9).T
        rates = []
        for order in (np.arange(60), generator.permutation(60)):
            known = calibrate_rates(names, shares[order], family="quality", alpha=0.5 / 30)
            rates.append(sum(
                any(f.verdict is Verdict.FAILED for f in judge_rates(known, window, 1_000))
                for window in shares[60:]
            ))  # fmt: skip
        found.append(rates)
    remembered, forgotten = np.array(found).sum(axis=0)
    assert forgotten > 25
    assert remembered <= forgotten / 3


def test_what_was_stored_before_memories_were_is_judged_as_it_was() -> None:
    bins, found = calibrated([normals(np.random.default_rng(at), 100, 2) for at in range(40)])
    stored = msgspec.json.decode(msgspec.json.encode(found))
    for scale in stored["scales"]:
        del scale["memory"]
    before = msgspec.convert(stored, Calibration)
    window = normals(np.random.default_rng(41), 100, 2, shift=1.0)
    tallies = [tally(b, s) for b, s in zip(bins, window, strict=True)]
    assert judge(before, bins, tallies) == judge(found, bins, tallies)


def test_windows_drawn_from_blocks_are_optimistic_whatever_they_resemble() -> None:
    generator = np.random.default_rng(107)
    windows = [normals(generator, 100, 1, shift=float(at)) for at in np.linspace(-1.0, 1.0, 40)]
    _, found = calibrated(windows, pseudo=True)
    assert (found.basis, found.worth) == (Basis.OPTIMISTIC, found.windows)
    assert {scale.memory for scale in found.scales} == {0.0}
