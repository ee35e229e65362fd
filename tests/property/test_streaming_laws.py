"""Sequential detectors alarm where river's do, however a stream is cut and stored between."""

from itertools import pairwise
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from river import drift

from detectors.streaming.catalogue import CATALOGUE, begin, feed
from detectors.streaming.state import State

RIVER: dict[str, Any] = {
    "adwin": drift.ADWIN,
    "page_hinkley": drift.PageHinkley,
    "kswin": drift.KSWIN,
    "ddm": drift.binary.DDM,
    "eddm": drift.binary.EDDM,
    "hddm_a": drift.binary.HDDMA,
    "hddm_w": drift.binary.HDDMW,
    "fhddm": drift.binary.FHDDM,
}
SETTINGS: dict[str, list[dict[str, Any]]] = {
    "adwin": [{}, {"delta": 0.3, "clock": 1, "max_buckets": 3}],
    "page_hinkley": [{}, {"threshold": 3.0}, {"mode": "up", "threshold": 5.0, "alpha": 1.0},
                     {"mode": "down", "threshold": 5.0, "min_instances": 5, "delta": 0.1}],
    "kswin": [{"seed": 0}, {"seed": 7, "window_size": 40, "stat_size": 4, "alpha": 0.05},
              {"seed": 2**31, "alpha": 0.05, "window_size": 2100, "stat_size": 20}],
    "ddm": [{}, {"warm_start": 10, "drift_threshold": 1.5, "warning_threshold": 1.0}],
    "eddm": [{}, {"warm_start": 5, "alpha": 0.99, "beta": 0.95}],
    "hddm_a": [{}, {"two_sided_test": True}, {"drift_confidence": 0.05, "warning_confidence": 0.2}],
    "hddm_w": [{}, {"two_sided_test": True, "lambda_val": 0.2},
               {"drift_confidence": 0.05, "warning_confidence": 0.2}],
    "fhddm": [{}, {"sliding_window_size": 20, "confidence_level": 0.01, "short_window_size": 5}],
}  # fmt: skip
CASES = [
    pytest.param(name, params, id=f"{name}-{n}")
    for name, each in SETTINGS.items()
    for n, params in enumerate(each)
]
LENGTH = {"kswin": 200}


def stream(detector: str, seed: int) -> np.ndarray:
    """Values that the detector reads, whose level changes now and then."""
    generator = np.random.default_rng(seed)
    length = LENGTH.get(detector, 1500)
    level = np.repeat(generator.random(5), length // 5)
    reads = CATALOGUE[detector].reads
    if reads == "numbers" and seed % 2:
        return generator.normal(3.0 * level, 1.0)
    if reads == "shares" and seed % 2:
        return generator.random(level.size) * level
    return (generator.random(level.size) < level).astype(np.float64)


def rivers(detector: str, params: dict[str, Any], values: np.ndarray) -> tuple[list, list]:
    """Where river's own object alarms and warns, one value after another."""
    object_ = RIVER[detector](**params)
    alarms, warnings = [], []
    for place, value in enumerate(values.tolist()):
        object_.update(value)
        if object_.drift_detected:
            alarms.append(place)
        if getattr(object_, "warning_detected", False):
            warnings.append(place)
    return alarms, warnings


def cut(detector: str, params: dict[str, Any], values: np.ndarray, cuts: list[int]):
    """Where ours does, batch by batch, the state stored as JSON between them."""
    state, alarms, warnings = begin(detector, params), [], []
    edges = [0, *sorted(place % (values.size + 1) for place in cuts), values.size]
    for first, last in pairwise(edges):
        state, heard = feed(state, values[first:last])
        alarms += (first + heard.alarms).tolist()
        warnings += (first + heard.warnings).tolist()
        state = msgspec.json.decode(msgspec.json.encode(state), type=State)
    assert state.n_seen == values.size
    return alarms, warnings


@pytest.mark.parametrize(("detector", "params"), CASES)
@settings(max_examples=4)
@given(seed=st.integers(0, 10**6), cuts=st.lists(st.integers(0, 10**4), max_size=6))
def test_alarms_and_warnings_are_rivers_item_by_item(detector, params, seed, cuts) -> None:
    values = stream(detector, seed)
    given_ = dict(params)
    if given_.get("short_window_size") == 0:
        del given_["short_window_size"]
    if given_.get("window_size", 0) > values.size:
        values = np.tile(values, 8)
    assert cut(detector, params, values, cuts) == rivers(detector, given_, values)


@pytest.mark.parametrize("detector", [name for name in RIVER if name not in {"adwin", "kswin"}])
@settings(max_examples=10)
@given(
    bits=st.lists(st.sampled_from([0, 1]), min_size=1, max_size=12),
    times=st.integers(1, 40),
    cuts=st.lists(st.integers(0, 800), max_size=3),
)
def test_streams_that_repeat_themselves_alarm_where_rivers_do(detector, bits, times, cuts) -> None:
    values = np.array(bits * times, dtype=np.float64)
    assert cut(detector, {}, values, cuts)[0] == rivers(detector, {}, values)[0]


@pytest.mark.parametrize("detector", ["e_sr", "e_cusum", "stepd", "ecdd"])
@settings(max_examples=5)
@given(seed=st.integers(0, 10**6), cuts=st.lists(st.integers(0, 10**4), max_size=6))
def test_cutting_a_stream_changes_nothing(detector, seed, cuts) -> None:
    values = stream(detector, seed)
    params = {"bound": 0.3, "run_length": 500.0} if detector.startswith("e_") else {}
    assert cut(detector, params, values, cuts) == cut(detector, params, values, [])


@pytest.mark.parametrize("detector", list(CATALOGUE))
@settings(max_examples=3)
@given(seed=st.integers(0, 10**6))
def test_values_that_are_not_known_change_nothing(detector, seed) -> None:
    values = stream(detector, seed)
    holes = np.full(2 * values.size, np.nan)
    holes[1::2] = values
    known, told = feed(begin(detector), values)
    state, heard = feed(begin(detector), holes)
    assert state == known
    assert heard.alarms.tolist() == (2 * told.alarms + 1).tolist()
    assert heard.warnings.tolist() == (2 * told.warnings + 1).tolist()
