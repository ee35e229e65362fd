"""The laws computed here agree with SciPy's, where those are right to that many places."""

from fractions import Fraction

import numpy as np
import pytest
from scipy import special, stats

from detectors import binomial_law, kolmogorov_law, tails


@pytest.mark.parametrize("n", [1, 2, 3, 10, 100, 140, 141, 500, 5_000, 100_000, 100_001, 500_000])
def test_the_law_of_the_kolmogorov_distance_is_scipys_to_twelve_places(n) -> None:
    # SciPy's own sum takes seconds where there are many values.
    squares = np.linspace(0.01, 12.0, 40) if n <= 5_000 else np.array([0.05, 0.3, 1.0, 2.1, 2.5])
    spread = np.sqrt(squares / n)
    ends = np.array([0.5, 0.7, 1.0, 1.3, 2.0, 3.5]) / n
    middle = [0.3, 0.5, 0.8] if n <= 5_000 else []
    for x in [*spread[spread < 1.0], *ends[ends < 1.0], *middle, 0.0, 1.0]:
        expected = float(stats.kstwo.sf(x, n))
        assert kolmogorov_law.sf(float(x), n) == pytest.approx(expected, abs=1e-12)


def test_small_tails_of_it_keep_their_digits() -> None:
    for n, x in ((1_000, 0.3), (5_000, 0.12), (20_000, 0.06)):
        expected = float(stats.kstwo.sf(x, n))
        assert expected < 1e-30
        assert kolmogorov_law.sf(x, n) == pytest.approx(expected, rel=1e-9)
    assert kolmogorov_law.sf(0.1, 10**6) == 0.0


@pytest.mark.parametrize("df", [1, 2, 3, 4, 9, 10, 63, 100, 199, 1000, 1001, 2.5])
def test_the_chi_squared_tail_is_scipys(df) -> None:
    for x in [0.0, 1e-9, 1e-3, *np.linspace(0.01, 4 * df + 50, 60), 1e5, 1e300, np.inf]:
        expected = float(special.chdtrc(df, x))
        assert tails.chi2_sf(float(x), df) == pytest.approx(expected, abs=1e-12)


def exact(hits: int, n: int, p: float) -> float:
    """The upper tail in fractions: one less the terms below."""
    p, below = Fraction(p), Fraction(0)
    term = (1 - p) ** n
    for k in range(hits):
        below += term
        term = term * (n - k) / (k + 1) * p / (1 - p)
    return float(1 - below)


@pytest.mark.parametrize(
    ("hits", "n", "p"),
    [(3, 40, 0.1), (1, 300, 1e-4), (30, 300, 0.05), (200, 300, 0.7), (40, 40, 0.9)],
)
def test_the_binomial_tail_is_the_sum_in_fractions(hits, n, p) -> None:
    assert binomial_law.sf(hits, n, p) == pytest.approx(exact(hits, n, p), rel=1e-12, abs=1e-15)


def test_the_binomial_tail_is_scipys_on_two_hundred_draws() -> None:
    generator = np.random.default_rng(2)
    for _ in range(200):
        n, p = int(10 ** generator.uniform(0, 4)), float(10 ** generator.uniform(-4, -0.01))
        hits = int(generator.binomial(n, p)) + int(generator.integers(0, 4))
        expected = float(special.betainc(hits, n - hits + 1, p)) if 0 < hits <= n else None
        if expected is not None:
            assert binomial_law.sf(hits, n, p) == pytest.approx(expected, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize(
    ("hits", "n", "p", "expected"),
    [
        (0, 10, 0.3, 1.0),
        (11, 10, 0.3, 0.0),
        (1, 10, 0.0, 0.0),
        (10, 10, 1.0, 1.0),
        (-1, 5, 0.5, 1.0),
    ],
)
def test_the_ends_of_the_binomial_tail(hits, n, p, expected) -> None:
    assert binomial_law.sf(hits, n, p) == expected
