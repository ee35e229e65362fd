"""KSWIN: the newest values of a sliding window against as many drawn from its older ones."""

import warnings
from collections.abc import Iterator, Mapping
from functools import cache
from math import ceil, log
from typing import Any, Final

import numpy as np

from detectors.streaming.state import (
    Indices,
    Memory,
    Outcome,
    Parameter,
    Params,
    Values,
    first,
)

PARAMETERS: Final[Mapping[str, Parameter]] = {
    "alpha": Parameter(0.005, 1e-300, 0.5),
    "window_size": Parameter(100, 4, 100_000),
    "stat_size": Parameter(30, 2, 50_000),
    "seed": Parameter(0, 0, 2**31),
}
_LEAST_DISTANCE: Final = 0.1
_BITS: Final = 32


def step(params: Params, memory: Memory, values: Values) -> Outcome:
    """Read a run of values of any scale.

    Alarms when the Kolmogorov–Smirnov test between the newest `stat_size` values and as many drawn
    without replacement from the rest of the window has p at most `alpha` and a distance above 0.1
    (Raab, Heusinger and Schleif 2020). The draws are those of Python's generator with the same
    seed, begun again after each alarm.
    """
    size, newest = int(params["window_size"]), int(params["stat_size"])
    whole = np.concatenate((memory.get("window", []), values))
    after: Memory = {**memory, "window": whole[max(whole.size - size + 1, 0) :].tolist()}
    tests = whole.size - size + 1
    if tests <= 0:
        return Outcome(after)
    generator = _generator(params, memory)
    picks = np.array(list(_picks(generator, size - newest, newest, tests)))
    windows = np.lib.stride_tricks.sliding_window_view(whole, size)
    drawn = np.take_along_axis(windows, picks, axis=1)
    apart = distances(drawn, windows[:, size - newest :])
    after["generator"] = _words_of(generator)
    at = first(apart >= _least_apart(newest, float(params["alpha"])))
    return Outcome(after, None if at is None else at + values.size - tests)


def distances(one: Values, other: Values) -> Indices:
    """The Kolmogorov–Smirnov distances of rows with rows, in units of one over their length."""
    pooled = np.concatenate((one, other), axis=1)
    order = np.argsort(pooled, axis=1, kind="stable")
    ordered = np.take_along_axis(pooled, order, axis=1)
    ahead = np.cumsum(np.where(order < one.shape[1], 1, -1), axis=1)
    # Equal values count together: the distance is told at the last of them.
    ahead[:, :-1][ordered[:, 1:] == ordered[:, :-1]] = 0
    found: Indices = np.abs(ahead).max(axis=1)
    return found


@cache
def _least_apart(size: int, alpha: float) -> int:
    """The least distance, in units of one over `size`, with p at most alpha; size + 1: none."""
    # Here, because loading scipy.stats takes a second that other detectors need not pay.
    from scipy.stats import ks_2samp  # noqa: PLC0415

    steps = np.arange(float(size))
    for apart in range(1, size + 1):
        with warnings.catch_warnings():
            # Where the exact p is out of reach, SciPy says so and takes the asymptotic one.
            warnings.simplefilter("ignore", RuntimeWarning)
            distance, p = ks_2samp(steps, steps + apart - 0.5, method="auto")
        if p <= alpha and distance > _LEAST_DISTANCE:
            return apart
    return size + 1


def _generator(params: Params, memory: Memory) -> np.random.MT19937:
    """The generator where it stood; Python's `Random(seed)` and NumPy's are one algorithm."""
    found = np.random.MT19937()
    state: Any = np.random.RandomState([int(params["seed"])]).get_state(legacy=False)
    if (kept := memory.get("generator")) is not None:
        state["state"] = {"key": np.array(kept[:-1], dtype=np.uint32), "pos": kept[-1]}
    found.state = {"bit_generator": "MT19937", "state": state["state"]}
    return found


def _words_of(generator: np.random.MT19937) -> list[int]:
    state: Any = generator.state["state"]
    return [*state["key"].tolist(), int(state["pos"])]


def _picks(generator: np.random.MT19937, n: int, k: int, times: int) -> Iterator[list[int]]:
    """`times` draws of k places out of n without replacement, as Python's `sample` makes them.

    One after another, since how many random words a draw takes depends on the words.
    """
    before = generator.state
    pool_is_cheaper = n <= 21 + (4 ** ceil(log(k * 3, 4)) if k > 5 else 0)  # noqa: PLR2004 - Python's
    draw = _from_pool if pool_is_cheaper else _from_set
    source = _Words(generator)
    for _ in range(times):
        yield draw(source, n, k)
    generator.state = before
    generator.random_raw(source.taken)


class _Words:
    """Random words of 32 bits, and how many were taken."""

    def __init__(self, generator: np.random.MT19937) -> None:
        self._generator, self.taken = generator, 0
        self._ready: Iterator[int] = iter(())

    def below(self, n: int) -> int:
        """A whole number in [0, n), without preference."""
        shift = _BITS - n.bit_length()
        while True:
            found = self._next() >> shift
            if found < n:
                return found

    def _next(self) -> int:
        self.taken += 1
        for word in self._ready:
            return word
        self._ready = iter(self._generator.random_raw(4096).tolist())
        return next(self._ready)


def _from_pool(words: _Words, n: int, k: int) -> list[int]:
    pool, found = list(range(n)), []
    for left in range(n, n - k, -1):
        place = words.below(left)
        found.append(pool[place])
        pool[place] = pool[left - 1]
    return found


def _from_set(words: _Words, n: int, k: int) -> list[int]:
    found: dict[int, None] = {}
    while len(found) < k:
        found[words.below(n)] = None
    return list(found)
