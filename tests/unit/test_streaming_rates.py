"""How often a detector alarms on a reference, and how it is made to do so less."""

import numpy as np
import pytest

from detectors.streaming.catalogue import CATALOGUE, begin, feed
from detectors.streaming.rates import correlation, drawn, measured, tuned, upper_limit


def reference(reads: str, size: int = 600) -> np.ndarray:
    draws = np.random.default_rng(5)
    if reads in {"errors", "answers"}:
        return (draws.random(size) < (0.2 if reads == "errors" else 0.8)).astype(np.float64)
    return np.clip(draws.normal(0.4, 0.15, size), 0.0, 1.0)


def test_the_correlation_of_neighbours_is_that_of_the_stream() -> None:
    noise = np.random.default_rng(1).normal(size=20_000)
    wave = np.zeros(noise.size)
    for n in range(1, noise.size):
        wave[n] = 0.7 * wave[n - 1] + noise[n]
    assert correlation(noise) == pytest.approx(0.0, abs=0.03)
    assert correlation(wave) == pytest.approx(0.7, abs=0.03)
    assert correlation(np.full(10, 3.0)) == correlation(np.array([1.0, 2.0])) == 0.0


def test_the_upper_limit_lies_above_the_mean_nineteen_times_of_twenty() -> None:
    draws = np.random.default_rng(2)
    above = [upper_limit(draws.random(200) * 0.6) >= 0.3 for _ in range(600)]
    assert np.mean(above) == pytest.approx(0.95, abs=0.03)


def test_a_stream_that_is_drawn_again_keeps_its_values_and_what_follows_what() -> None:
    wave = np.sin(np.arange(2000) / 40.0)
    again = drawn(wave, 7001, seed=3)
    assert again.size == 7001
    assert set(again.tolist()) <= set(wave.tolist())
    assert correlation(again) > 0.9
    assert (drawn(wave, 7001, seed=3) == again).all()
    assert (drawn(wave, 7001, seed=4) != again).any()


@pytest.mark.parametrize("detector", list(CATALOGUE))
def test_a_detector_is_held_to_its_share_or_refused(detector: str) -> None:
    values = reference(CATALOGUE[detector].reads)
    params = {"bound": 0.42, "run_length": 20.0} if detector.startswith("e_") else {}
    most = 40.0 if detector == "kswin" else 1000.0
    found = tuned(detector, params, values, share=0.3, per_period=most, seed=1)
    if found.params is None:
        assert found.rate.alarms > 0.3
        return
    assert found.rate.alarms <= 0.3
    again = measured(detector, found.params, values, per_period=most, seed=1)
    assert again == found.rate
    if found.before.alarms > 0.3:
        entry = CATALOGUE[detector]
        stricter = found.params[entry.strictness] > begin(detector, params).params[entry.strictness]
        assert stricter is entry.grows


def test_a_loose_detector_is_made_stricter_no_more_than_it_needs() -> None:
    values = reference("numbers", 3000)
    found = tuned("page_hinkley", {"threshold": 0.2}, values, share=2.0, per_period=1000.0, seed=1)
    assert found.before.alarms > 2.0 >= found.rate.alarms > 0.8
    assert 0.2 < found.params["threshold"] < 10.0


def test_a_rate_is_of_fifty_periods_where_that_is_not_too_much_work() -> None:
    values = reference("numbers")
    rate = measured("page_hinkley", {"threshold": 0.5}, values, per_period=1000.0, seed=1)
    assert rate.periods == 50.0
    _, heard = feed(begin("page_hinkley", {"threshold": 0.5}), drawn(values, 50_000, seed=1))
    assert rate.alarms == heard.alarms.size / 50.0 > 1.0
    slow = measured("kswin", {}, values, per_period=10_000.0, seed=1)
    assert slow.periods == 2.0
