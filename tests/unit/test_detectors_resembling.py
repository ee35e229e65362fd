"""As how many windows count those that resemble the ones before them."""

from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors import resembling
from tests.series import wandering

worth = partial(resembling.worth, chance=2.326)
"""All count unless chance would give as high an autocorrelation once in a hundred times."""


def slowly(scores):
    """The same figure from the definition, lag by lag, of scores that are known to wander."""
    n = scores.shape[1]
    apart = scores - scores.mean(axis=1, keepdims=True)
    lags = [
        np.mean([(a[k:] * a[: n - k]).sum() / (a * a).sum() for a in apart]) for k in range(n // 2)
    ]
    kept = 0
    for first in range(0, n // 4 * 2, 2):
        if lags[first] + lags[first + 1] <= 0.0:
            break
        kept = first + 2
    inflation = 1.0
    for _ in range(500):  # put back what centring takes, until it no longer changes
        inflation = 1.0 + 2.0 * sum(
            lags[k] * (1.0 - inflation / n) + (1.0 - k / n) * inflation / n for k in range(1, kept)
        )
    return n / inflation


@pytest.mark.parametrize("memory", [0.5, 0.8])
def test_the_number_is_that_of_the_definition(memory) -> None:
    scores = wandering(np.random.default_rng(61), 20, 80, memory)
    assert worth(scores) == pytest.approx(slowly(scores), rel=1e-9)


@pytest.mark.parametrize("memory", [0.3, 0.6, 0.8])
def test_many_scores_over_many_windows_come_to_the_ratio_of_the_law(memory) -> None:
    """Of an autoregression the autocorrelations add up to (1 + memory) / (1 - memory)."""
    scores = wandering(np.random.default_rng(67), 100, 1_000, memory)
    expected = 1_000 * (1.0 - memory) / (1.0 + memory)
    assert worth(scores) == pytest.approx(expected, rel=0.1)


@pytest.mark.parametrize("scores", [1, 2, 40])
@pytest.mark.parametrize("windows", [30, 60, 240])
def test_windows_that_know_nothing_of_each_other_hardly_ever_count_as_fewer(
    scores, windows
) -> None:
    generator = np.random.default_rng(71)
    found = [worth(generator.normal(size=(scores, windows))) for _ in range(150)]
    assert np.mean(np.array(found) < windows) <= 0.03


def test_copies_of_one_score_are_no_more_evidence_than_one() -> None:
    generator, fewer = np.random.default_rng(73), 0
    for _ in range(200):
        one = generator.normal(size=(1, 60))
        fewer += worth(np.repeat(one, 300, axis=0)) < 60
    assert fewer / 200 <= 0.03


@given(
    st.integers(1, 5), st.integers(1, 40), st.integers(0, 2**32 - 1), st.floats(0.0, 0.99),
    st.floats(0.0, 0.5),
)  # fmt: skip
def test_it_is_between_one_and_all_whatever_is_missing(scores, windows, seed, memory, lost) -> None:
    generator = np.random.default_rng(seed)
    held = wandering(generator, scores, windows, memory)
    held[generator.random(held.shape) < lost] = np.nan
    found = worth(held)
    assert 1.0 <= found <= windows
    assert worth(3.0 * held - 2.0) == pytest.approx(found)


def test_scores_that_never_move_and_no_scores_count_as_they_are() -> None:
    assert worth(np.ones((3, 20))) == 20.0
    assert worth(np.full((3, 20), np.nan)) == 20.0
    assert worth(np.empty((0, 20))) == 20.0
    assert worth(np.arange(7.0)[None]) == 7.0
