"""Figures that two other packages give for the same data, for those who come from them.

Computed once with Evidently 0.7.23 (its stattests' functions, on pandas Series, threshold 0.05)
and with NannyML 0.13.1 (UnivariateDriftCalculator and DataReconstructionDriftCalculator, one chunk
of 600 rows) on the samples that are remade here by their seeds. Where ours differ, it is said why.
"""

import numpy as np
import pytest

from detectors import psi as stability
from detectors.anderson_darling import anderson_darling
from detectors.chi_squared import chi_squared
from detectors.cramer_von_mises import cramer_von_mises
from detectors.energy import energy
from detectors.jensen_shannon import jensen_shannon
from detectors.ks import KsParams, ks
from detectors.mann_whitney import mann_whitney
from detectors.moments import welch
from detectors.proportions import two_proportions
from detectors.psi import psi
from detectors.share_distances import hellinger, l_infinity
from detectors.tables import reconstruction
from detectors.tables.table import Table
from detectors.wasserstein import wasserstein
from tests.columns import booleans, levels, numeric


def normal(seed, shift, rows):
    return np.random.default_rng(seed).normal(shift, 1.0, rows)


def letters(seed, shares, rows):
    return np.random.default_rng(seed).choice(list("abcd"), rows, p=shares)


NUMBERS = numeric(normal(1, 0.0, 800)), numeric(normal(2, 0.3, 600))
LETTERS = (
    levels(letters(3, [0.4, 0.3, 0.2, 0.1], 800)),
    levels(letters(4, [0.3, 0.3, 0.2, 0.2], 600)),
)
FLAGS = (
    booleans(np.random.default_rng(5).random(800) < 0.3),
    booleans(np.random.default_rng(6).random(600) < 0.4),
)


def test_evidently_gives_the_same_figures_of_numbers() -> None:
    exact = KsParams(p_value="exact")
    assert ks(*NUMBERS, exact).p_value == pytest.approx(4.530552189486826e-06)
    assert wasserstein(*NUMBERS).statistic == pytest.approx(0.31469113818432726)
    assert energy(*NUMBERS).statistic == pytest.approx(0.22427462448289306)
    # With equal variances there.
    assert welch(*NUMBERS).p_value == pytest.approx(8.747266987024404e-09, rel=0.1)
    # One-sided there, and with a continuity correction.
    assert mann_whitney(*NUMBERS).p_value / 2 == pytest.approx(4.781591385052941e-08, rel=1e-3)
    assert cramer_von_mises(*NUMBERS).p_value == pytest.approx(3.733398012961686e-07, abs=1e-7)
    assert anderson_darling(*NUMBERS).p_value == 0.001


def test_evidently_gives_the_same_figures_of_levels_but_for_logarithms_and_smoothing() -> None:
    natural = jensen_shannon(*LETTERS).statistic * np.sqrt(np.log(2.0))
    assert natural == pytest.approx(0.15941436552804283)
    natural = jensen_shannon(*FLAGS).statistic * np.sqrt(np.log(2.0))
    assert natural == pytest.approx(0.058142508767503)
    assert psi(*LETTERS).statistic == pytest.approx(0.20969218455002925, rel=0.01)
    assert psi(*FLAGS).statistic == pytest.approx(0.027087345940487367, rel=0.01)
    assert two_proportions(*FLAGS).p_value == pytest.approx(0.002256431898859823)


def test_evidentlys_bins_of_numbers_move_with_every_window_and_ours_do_not() -> None:
    edges = np.quantile(NUMBERS[0].values.to_numpy(), np.arange(1, 10) / 10)
    counts = [np.bincount(edges.searchsorted(s.values.to_numpy(), "right")) for s in NUMBERS]
    assert psi(*NUMBERS).statistic == pytest.approx(stability.index(*counts))
    # Theirs, over equal widths of both sides together: 4.968 and, to base e, 0.833.
    assert psi(*NUMBERS).statistic < 0.2
    assert jensen_shannon(*NUMBERS).statistic < 0.2


def test_nannyml_gives_the_same_figures() -> None:
    assert ks(*NUMBERS).statistic == pytest.approx(0.137083, abs=1e-6)
    assert wasserstein(*NUMBERS).effect == pytest.approx(0.309408, abs=1e-6)
    assert chi_squared(*LETTERS).statistic == pytest.approx(70.366678, abs=1e-6)
    assert jensen_shannon(*LETTERS).statistic == pytest.approx(0.191476, abs=1e-6)
    assert l_infinity(*LETTERS).statistic == pytest.approx(0.145417, abs=1e-6)
    assert hellinger(*LETTERS).statistic == pytest.approx(0.160633, abs=1e-6)


def test_nannymls_reconstruction_error_is_our_mean_error() -> None:
    together = [[1.0, 0.8, 0.5], [0.8, 1.0, 0.6], [0.5, 0.6, 1.0]]
    then, now = (
        Table(tuple(numeric(column, name) for name, column in zip("abd", points.T, strict=True)))
        for points in (
            np.random.default_rng(7).multivariate_normal(np.zeros(3), together, 2000),
            np.random.default_rng(8).multivariate_normal(np.zeros(3), np.eye(3), 600),
        )
    )
    components = reconstruction.made_of(then)
    assert components.errors.mean == pytest.approx(0.734941, abs=1e-6)
    assert reconstruction.errors(components, now).mean() == pytest.approx(1.302534, abs=1e-6)
