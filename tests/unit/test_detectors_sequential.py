"""Bounds at every moment, and detectors that read one difference after another."""

import math

import numpy as np
import pytest

from detectors import e_shiryaev_roberts, sequences

V_OPT = 1000
GOLDEN_ONE_SIDED = {1: 27.1708, 10: 28.0913, 100: 36.3431, 1000: 87.4708, 10000: 298.4998}
GOLDEN_TWO_SIDED = {1: 27.6035, 10: 28.7273, 100: 38.5505, 1000: 95.9817, 10000: 324.1723}


@pytest.mark.parametrize(("n", "bound"), list(GOLDEN_TWO_SIDED.items()))
def test_the_two_sided_radius_is_the_normal_mixture_bound_of_confseq(n, bound) -> None:
    found = n * sequences.two_sided_radius(1.0, n, alpha=0.05, tightest_at=V_OPT)
    assert found == pytest.approx(bound, abs=1e-4)


@pytest.mark.parametrize(("n", "bound"), list(GOLDEN_ONE_SIDED.items()))
def test_the_one_sided_radius_lies_at_most_two_percent_above_the_exact_bound(n, bound) -> None:
    found = n * sequences.radius(1.0, n, alpha=0.05, tightest_at=V_OPT)
    assert 1.0 <= found / bound < 1.02


def test_bounds_lie_on_either_side_of_the_mean_and_scale_with_the_deviation() -> None:
    low = sequences.lower_bound(0.3, 2.0, 50, alpha=0.05, tightest_at=28)
    high = sequences.upper_bound(0.3, 2.0, 50, alpha=0.05, tightest_at=28)
    assert low + high == pytest.approx(0.6)
    assert 0.3 - low == pytest.approx(2.0 * sequences.radius(1.0, 50, alpha=0.05, tightest_at=28))
    assert sequences.lower_bound(0.3, 0.0, 50, alpha=0.05, tightest_at=28) == 0.3


def test_nothing_is_known_before_the_first_unit() -> None:
    assert sequences.lower_bound(0.0, 1.0, 0, alpha=0.05, tightest_at=28) == -math.inf
    assert sequences.two_sided_radius(1.0, 0, alpha=0.05, tightest_at=28) == math.inf


@pytest.mark.parametrize(("alpha", "tightest_at"), [(0.0, 28), (0.6, 28), (0.05, 0)])
def test_an_impossible_level_or_count_is_refused(alpha, tightest_at) -> None:
    with pytest.raises(ValueError, match="error level"):
        sequences.radius(1.0, 10, alpha=alpha, tightest_at=tightest_at)


def test_looking_every_day_errs_no_more_often_than_agreed() -> None:
    generator = np.random.default_rng(21)
    wrong, streams, days = 0, 400, 60
    for _ in range(streams):
        values = generator.normal(size=days)
        wrong += any(
            sequences.lower_bound(
                values[:n].mean(), values[:n].std(ddof=1), n, alpha=0.05, tightest_at=28
            )
            > 0.0
            for n in range(14, days)
        )
    assert wrong / streams <= 0.05 + 2 * math.sqrt(0.05 * 0.95 / streams)


def test_looking_after_each_of_ten_thousand_units_errs_no_more_often_than_agreed() -> None:
    generator, streams, units = np.random.default_rng(22), 500, np.arange(1, 10_001)
    radii = np.array([sequences.radius(1.0, n, alpha=0.05, tightest_at=28) for n in units.tolist()])
    wrong = 0
    for _ in range(streams):
        values = generator.normal(size=units.size)
        means = np.cumsum(values) / units
        squares = np.cumsum(values**2) - units * means**2
        deviations = np.sqrt(squares[1:] / (units[1:] - 1))
        wrong += bool((means[1:] > deviations * radii[1:])[13:].any())
    assert 0.01 < wrong / streams <= 0.05 + 2 * math.sqrt(0.05 * 0.95 / streams)


def slowly(levels, differences, *, margin, threshold):
    """The recursion as it is written in the paper, one difference after another."""
    bets = [bet / (1.0 + margin) for bet in e_shiryaev_roberts.BETS]
    now = list(levels) or [0.0] * len(bets)
    for index, difference in enumerate(differences):
        held = min(max(difference, -1.0), 1.0)
        now = [(m + 1.0) * (1.0 + b * (held - margin)) for m, b in zip(now, bets, strict=True)]
        if sum(now) / len(now) >= threshold:
            return tuple(now), index
    return tuple(now), None


def test_the_blocks_of_the_detector_equal_its_recursion() -> None:
    generator = np.random.default_rng(23)
    for shift in (-0.4, 0.0, 0.05, 0.4):
        stream = np.clip(generator.normal(shift, 0.5, 2000), -1.5, 1.5)
        found = e_shiryaev_roberts.step((), stream, margin=0.01, threshold=500.0)
        expected = slowly((), stream, margin=0.01, threshold=500.0)
        assert found[1] == expected[1]
        assert found[0] == pytest.approx(expected[0], rel=1e-9)


def test_the_extremes_of_a_difference_neither_overflow_nor_stop_the_detector() -> None:
    levels, alarm = e_shiryaev_roberts.step((), -np.ones(5000), margin=0.0, threshold=1e6)
    assert alarm is None
    assert all(0.0 < level < 10.0 for level in levels)
    before = levels
    levels, alarm = e_shiryaev_roberts.step(before, np.ones(5000), margin=0.0, threshold=1e6)
    assert alarm == slowly(before, [1.0] * 99, margin=0.0, threshold=1e6)[1] == 24


def test_a_stream_in_batches_alarms_where_the_whole_stream_does() -> None:
    stream = np.random.default_rng(29).normal(0.06, 0.3, 3000)
    _, whole = e_shiryaev_roberts.step((), stream, margin=0.0, threshold=2000.0)
    levels, alarm, read = (), None, 0
    for batch in np.split(stream, 30):
        levels, alarm = e_shiryaev_roberts.step(levels, batch, margin=0.0, threshold=2000.0)
        if alarm is not None:
            break
        read += batch.size
    assert whole is not None
    assert alarm is not None
    assert read + alarm == whole


def test_an_empty_batch_changes_nothing_and_nan_is_refused() -> None:
    nothing = np.empty(0)
    assert e_shiryaev_roberts.step((1.0, 2.0, 3.0, 4.0), nothing, margin=0.1, threshold=9.0) == (
        (1.0, 2.0, 3.0, 4.0),
        None,
    )
    with pytest.raises(ValueError, match="1 of 2 differences are NaN"):
        e_shiryaev_roberts.step((), np.array([0.1, np.nan]), margin=0.0, threshold=9.0)


def test_the_mean_run_length_at_the_bound_is_at_least_the_threshold() -> None:
    generator = np.random.default_rng(31)
    lengths = []
    for _ in range(150):
        stream = np.where(generator.random(6000) < 0.5, 0.3, -0.3) + 0.02
        _, alarm = e_shiryaev_roberts.step((), stream, margin=0.02, threshold=500.0)
        lengths.append(6000 if alarm is None else alarm + 1)
    error = float(np.std(lengths) / np.sqrt(len(lengths)))
    assert np.mean(lengths) + 2 * error >= 500.0


def test_a_loss_that_rose_is_found_long_before_a_false_alarm() -> None:
    generator = np.random.default_rng(37)
    delays = [
        e_shiryaev_roberts.step((), generator.normal(0.1, 0.3, 4000), margin=0.02, threshold=2000.0)
        for _ in range(50)
    ]
    assert np.median([4000 if alarm is None else alarm for _, alarm in delays]) < 500
