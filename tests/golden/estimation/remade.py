"""Rows remade from a seed, with NumPy alone, so that a peer's environment can remake them too.

Probabilities have five decimals: NannyML 0.13.1 rounds its cumulated counts to as many, and so
nothing is lost by it.
"""

import numpy as np


def binary_rows(seed):
    """Distinct scores, calibrated probabilities, predictions and labels of 2000 rows.

    The lowest score is a negative's: NannyML leaves the first rank out of its sum.
    """
    generator = np.random.default_rng(seed)
    score = np.unique(generator.beta(0.8, 1.6, 4000))
    score = generator.permutation(score)[:2000]
    p = np.round(np.clip(score**1.4 + 0.05, 1e-4, 1 - 1e-4), 5)
    truth = generator.random(score.size) < p
    truth[score.argmin()] = False
    return score, p, score > 0.42, truth


def regression_rows(seed):
    """Labels, none of them 0 or below, and predictions of 1500 rows."""
    generator = np.random.default_rng(seed + 100)
    label = generator.gamma(2.0, 10.0, 1500) + 1.0
    return label, label + generator.normal(0.0, 1.0, 1500) * (1.0 + label / 20.0)


def several_rows(seed):
    """Scores and probabilities of three classes, predictions and labels of 1500 rows."""
    generator = np.random.default_rng(seed + 200)
    score = generator.dirichlet([1.2, 0.9, 0.7], 1500)
    flat = np.round(0.8 * score + 0.2 / 3.0, 5)
    flat[:, 2] = np.round(1.0 - flat[:, 0] - flat[:, 1], 5)
    truth = (generator.random(1500)[:, None] > np.cumsum(flat, axis=1)).sum(axis=1)
    return score, flat, score.argmax(axis=1), np.minimum(truth, 2)
