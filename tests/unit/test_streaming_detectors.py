"""Sequential detectors: against their papers' definitions, value by value, and their edges."""

import math
from statistics import NormalDist

import msgspec
import numpy as np
import pytest

from detectors.streaming import adwin
from detectors.streaming.catalogue import CATALOGUE, begin, expected, feed
from detectors.streaming.state import Parameter, State


def errors(seed: int, *rates: float, each: int = 1000) -> np.ndarray:
    generator = np.random.default_rng(seed)
    level = np.repeat(rates, each)
    return (generator.random(level.size) < level).astype(np.float64)


def alarms(detector: str, values: np.ndarray, **params) -> list[int]:
    return feed(begin(detector, params), values)[1].alarms.tolist()


def stepd_by_hand(values: np.ndarray, size: int = 30) -> tuple[list[int], list[int]]:
    found, warned, begun = [], [], 0
    for now in range(values.size):
        seen = values[begun : now + 1]
        if seen.size < 2 * size:
            continue
        older, recent = seen[:-size], seen[-size:]
        pooled = seen.mean()
        apart = recent.mean() - older.mean()
        correction = 0.5 * (1 / older.size + 1 / size)
        error = math.sqrt(pooled * (1 - pooled) * (1 / older.size + 1 / size))
        if apart <= correction or error == 0.0:
            continue
        p = 2 * (1 - NormalDist().cdf((apart - correction) / error))
        if p < 0.003:
            found.append(now)
            begun = now + 1
        elif p < 0.05:
            warned.append(now)
    return found, warned


def ecdd_by_hand(values: np.ndarray, weight: float = 0.2) -> tuple[list[int], list[int]]:
    found, warned, n, rate, mean = [], [], 0, 0.0, 0.0
    for now, value in enumerate(values.tolist()):
        n += 1
        rate += (value - rate) / n
        mean = (1 - weight) * mean + weight * value
        spread = math.sqrt(
            rate * (1 - rate) * weight / (2 - weight) * (1 - (1 - weight) ** (2 * n))
        )
        limit = 3.97 - 6.56 * rate + 48.73 * rate**3 - 330.13 * rate**5 + 848.18 * rate**7
        if n <= 30:
            continue
        if mean > rate + limit * spread:
            found.append(now)
            n, rate, mean = 0, 0.0, 0.0
        elif mean > rate + 0.5 * limit * spread:
            warned.append(now)
    return found, warned


def e_by_hand(values: np.ndarray, bound: float, level: float, *, cusum: bool) -> list[int]:
    bets = [min(bet, 0.9 / bound) for bet in (0.1, 0.2, 0.4, 0.8, 1.6, 3.2)]
    found, levels = [], [0.0] * len(bets)
    for now, value in enumerate(values.tolist()):
        levels = [
            (max(m, 1.0) if cusum else m + 1.0) * (1.0 + bet * (value - bound))
            for m, bet in zip(levels, bets, strict=True)
        ]
        if sum(levels) / len(levels) >= level:
            found.append(now)
            levels = [0.0] * len(bets)
    return found


@pytest.mark.parametrize("seed", range(3))
def test_stepd_is_the_test_of_two_proportions(seed) -> None:
    values = errors(seed, 0.1, 0.4, 0.05, 0.6)
    _, heard = feed(begin("stepd"), values)
    found, warned = stepd_by_hand(values)
    assert len(found) >= 2
    assert heard.alarms.tolist() == found
    assert heard.warnings.tolist() == warned


@pytest.mark.parametrize("seed", range(3))
def test_ecdd_is_the_weighted_mean_against_its_limits(seed) -> None:
    values = errors(seed, 0.1, 0.4, 0.05, 0.3)
    _, heard = feed(begin("ecdd"), values)
    found, warned = ecdd_by_hand(values)
    assert len(found) >= 2
    assert heard.alarms.tolist() == found
    assert heard.warnings.tolist() == warned


def test_ecdd_alarms_about_once_in_400_values_where_nothing_changed() -> None:
    values = errors(3, 0.2, each=100_000)
    assert 350 < values.size / len(alarms("ecdd", values)) < 450


@pytest.mark.parametrize("detector", ["e_sr", "e_cusum"])
@pytest.mark.parametrize("bound", [0.05, 0.2, 0.6])
def test_e_detectors_are_their_recursions(detector, bound) -> None:
    generator = np.random.default_rng(9)
    values = np.clip(generator.normal(np.repeat([bound, bound + 0.2], 1500), 0.3), 0.0, 1.0)
    found = e_by_hand(values, bound, 800.0, cusum=detector == "e_cusum")
    assert found
    assert alarms(detector, values, bound=bound, run_length=800.0) == found


def test_e_sr_keeps_its_run_length_at_the_bound_and_hears_a_rise() -> None:
    streams = [errors(seed, 0.1, each=20_000) for seed in range(20)]
    count = sum(len(alarms("e_sr", s, bound=0.1, run_length=2000.0)) for s in streams)
    assert 20 * 20_000 / count >= 2000
    delays = [
        alarms("e_sr", errors(seed, 0.09, 0.2), bound=0.1, run_length=2000.0)[0] - 1000
        for seed in range(100, 121)
    ]
    assert 40 < np.median([delay for delay in delays if delay >= 0]) < 120


def test_a_window_of_adwin_is_named_numbers() -> None:
    state, _ = feed(begin("adwin"), errors(1, 0.3, each=100))
    kept = state.state
    assert kept["width"] == 100.0
    assert kept["total"] == errors(1, 0.3, each=100).sum()
    assert sum(row["used"] * 2**n for n, row in enumerate(kept["rows"])) == 100
    assert sum(sum(row["totals"]) for row in kept["rows"]) == kept["total"]


def test_a_river_that_keeps_its_state_otherwise_is_told(monkeypatch) -> None:
    state, _ = feed(begin("adwin"), errors(1, 0.3, each=100))
    monkeypatch.setattr(adwin, "remembered", lambda _bytes: {**state.state, "rows": []})
    with pytest.raises(ValueError, match="form that is not known here"):
        feed(state, errors(2, 0.3, each=10))


@pytest.mark.parametrize("detector", list(CATALOGUE))
def test_a_state_is_plain_json_and_begins_afresh_after_an_alarm(detector) -> None:
    values = errors(4, 0.05, 0.9, each=3000)
    values = 1.0 - values if CATALOGUE[detector].reads == "answers" else values
    params = {"bound": 0.1} if detector.startswith("e_") else {}
    if detector == "kswin":
        values = np.random.default_rng(4).normal(np.repeat([0.0, 4.0], 300))
    found = alarms(detector, values, **params)
    assert found
    state, heard = feed(begin(detector, params), values[: found[0] + 1], last_event_id="e7")
    assert heard.alarms.tolist() == found[:1]
    assert state.state == {}
    assert (state.n_seen, state.last_event_id) == (found[0] + 1, "e7")
    middle, _ = feed(state, values[:50])
    assert middle.last_event_id == "e7"
    text = msgspec.json.encode(middle)
    assert msgspec.json.decode(text, type=State) == middle
    assert len(text) < 20_000


@pytest.mark.parametrize("detector", list(CATALOGUE))
def test_an_empty_batch_and_one_of_unknown_values_change_nothing(detector) -> None:
    state = begin(detector)
    for nothing in (np.empty(0), np.array([np.nan, np.nan])):
        after, heard = feed(state, nothing)
        assert after == state
        assert heard.alarms.size == heard.warnings.size == 0


@pytest.mark.parametrize("detector", list(CATALOGUE))
@pytest.mark.parametrize("constant", [0.0, 1.0])
def test_a_constant_stream_never_changes(detector, constant) -> None:
    params = {"bound": 1.0} if detector.startswith("e_") else {}
    assert alarms(detector, np.full(700, constant), **params) == []


@pytest.mark.parametrize(
    ("detector", "values", "says"),
    [
        ("ddm", [0.0, 0.5], "ddm reads 0 and 1"),
        ("fhddm", [2.0], "fhddm reads 0 and 1"),
        ("e_sr", [0.0, 1.5], r"numbers in \[0, 1\]; it was given 0 to 1.5"),
        ("page_hinkley", [math.inf], "not finite"),
    ],
)
def test_values_that_a_detector_does_not_read_are_refused(detector, values, says) -> None:
    with pytest.raises(ValueError, match=says):
        feed(begin(detector), np.array(values))


@pytest.mark.parametrize(
    ("detector", "params", "says"),
    [
        ("drift", {}, "expected one of e_sr, e_cusum, adwin"),
        ("adwin", {"delat": 0.1}, "delat is not a parameter of adwin; expected one of delta"),
        ("adwin", {"delta": 1.5}, "delta of adwin is 1.5; expected a number from"),
        ("ddm", {"warm_start": 2.5}, "expected a whole number from 1"),
        ("page_hinkley", {"mode": "sideways"}, "expected up or down or both"),
        ("hddm_a", {"two_sided_test": 1}, "expected true or false"),
        ("kswin", {"window_size": 40}, "stat_size to be at most half of window_size"),
        ("eddm", {"beta": 0.97}, "beta to be at most alpha"),
    ],
)
def test_what_a_detector_may_not_be_is_refused_in_words(detector, params, says) -> None:
    with pytest.raises(ValueError, match=says):
        begin(detector, params)


def test_a_state_of_another_version_is_refused() -> None:
    state = msgspec.structs.replace(begin("ddm"), version=0)
    with pytest.raises(ValueError, match="version 0, expected 1; begin it afresh"):
        feed(state, np.zeros(3))


def test_what_a_parameter_may_be_is_said_in_words() -> None:
    assert expected(Parameter(default=False)) == "true or false"
