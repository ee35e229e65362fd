"""Sixty columns: the budget is kept where the usual p-value alarms in nearly every window."""

import msgspec
import numpy as np
import pytest
from scipy.special import ndtr
from scipy.stats import kstwo

from detectors.bins import Bins
from detectors.calibration import fit
from detectors.counted import Column, column
from detectors.finding import Kind
from detectors.judging import failed
from detectors.scores import score

COLUMNS, ROWS, REFERENCE, PERIOD, MODELS = 60, 1000, 60, 30, 3
BUDGET, SAFETY = 1.0, 0.5
EDGES = np.linspace(-2.4, 2.4, 31)


def windows(means: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Counts of normal rows around the means, shape (windows, columns, bins)."""
    below = ndtr(EDGES - means[..., None])
    shares = np.diff(below, prepend=0.0, append=1.0, axis=-1)
    return generator.multinomial(ROWS, shares)


def steady(generator: np.random.Generator, count: int) -> np.ndarray:
    return np.zeros((count, COLUMNS))


def wandering(generator: np.random.Generator, count: int) -> np.ndarray:
    """Means that wander by a tenth of a deviation from day to day, and over the week."""
    found = np.zeros((count, COLUMNS))
    for day in range(1, count):
        common, own = generator.normal(size=1), generator.normal(size=COLUMNS)
        found[day] = 0.5 * found[day - 1] + 0.1 * np.sqrt(0.375) * (common + own)
    found[:, ::2] += 0.1 * np.sin(np.arange(count) / 7 * 2 * np.pi)[:, None]
    return found


def columns_of(reference: np.ndarray, counts: np.ndarray, *, inside: bool) -> list[Column]:
    centres = np.concatenate([[-2.6], (EDGES[1:] + EDGES[:-1]) / 2, [2.6]])
    whole = reference.sum(axis=0)
    blank = Bins(
        column="", kind=Kind.NUMERIC, rows=int(whole[0].sum()), missing=0,
        edges=tuple(EDGES.tolist()), coarse=tuple(range(0, 32, 3)), mean=0.0, std=1.0,
        kurtosis=3.0, minimum=-4.0, maximum=4.0,
    )  # fmt: skip
    return [
        column(
            msgspec.structs.replace(
                blank, column=f"x{at}", counts=tuple(whole[at].tolist()),
                sums=tuple((whole[at] * centres).tolist()),
            ),
            counts[:, at], counts[:, at] * centres, np.full(len(counts), inside),
        )
        for at in range(COLUMNS)
    ]  # fmt: skip


def unlikely(reference: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Where the Kolmogorov–Smirnov distance is beyond its quantile at .05, window by column."""
    whole = reference.sum(axis=0)
    f, g = (np.cumsum(c, axis=-1) / c.sum(axis=-1, keepdims=True) for c in (whole, counts))
    m, n = REFERENCE * ROWS, ROWS
    return np.abs(f - g).max(axis=-1) > kstwo.isf(0.05, round(m * n / (m + n)))


@pytest.mark.parametrize("stream", [steady, wandering])
def test_a_period_without_change_keeps_the_budget_where_p_values_alarm_daily(stream) -> None:
    by_budget, by_p_value = [], []
    for seed in range(MODELS):
        generator = np.random.default_rng(seed)
        counts = windows(stream(generator, REFERENCE + PERIOD), generator)
        before, after = counts[:REFERENCE], counts[REFERENCE:]
        usual = score(columns_of(before, before, inside=True))
        calibration = fit(usual, family="drift", alpha=BUDGET * SAFETY / PERIOD)
        scores = score(columns_of(before, after, inside=False))
        by_budget.append(int(failed(calibration, scores).any(axis=1).sum()))
        by_p_value.append(int(unlikely(before, after).any(axis=1).sum()))
    error = np.sqrt(max(np.mean(by_budget), 0.25) / MODELS)
    assert np.mean(by_budget) <= BUDGET + 2 * error
    assert np.mean(by_p_value) > 20, "the comparison has lost its teeth"
