"""The product's rule on many windows at once, and what other tools would say of the same counts."""

from collections.abc import Callable, Mapping, Sequence

import msgspec
import numpy as np

from detectors import jensen_shannon, judging, seasons
from detectors.counted import Column, reference_of
from detectors.finding import Kind
from detectors.laws import Calibration
from detectors.refmax import NO_GROUPS, window_scores
from detectors.scores import score

Statistic = Callable[[np.ndarray, np.ndarray], np.ndarray]
KS_95 = 1.358
"""Kolmogorov's 95 % point, over the root of the rows that both samples are worth together."""


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """A statistic of reference and window counts, and its limit; None: mean and three deviations."""

    statistic: Statistic
    limit: float | None = None
    coarse: bool = True


def by_budget(
    calibration: Calibration, columns: Sequence[Column], *, seed: int = 0,
    groups: Mapping[str, Sequence[int]] | None = None,
) -> np.ndarray:  # fmt: skip
    """Which windows alarm, in whichever column."""
    if calibration.season is not None and groups is not None:
        scores = score(seasons.within(calibration.season, columns, groups[calibration.season.name]))
    else:
        scores = window_scores(calibration, columns, seed, NO_GROUPS)
    return judging.failed(calibration, scores).any(axis=1)


def any_rule(rule: Rule, reference: Sequence[Column], columns: Sequence[Column]) -> np.ndarray:
    """Which windows alarm by another rule, in whichever numeric column."""
    found = np.zeros(len(columns[0].counts), dtype=bool)
    for before, now in zip(reference, columns, strict=True):
        if before.bins.kind is Kind.NUMERIC:
            limit = rule.limit
            if limit is None:
                usual = rule.statistic(*_counts(before, coarse=rule.coarse))
                limit = float(usual.mean() + 3.0 * usual.std())
            found |= rule.statistic(*_counts(now, coarse=rule.coarse)) > limit
    return found


def rules_of() -> tuple[Rule, ...]:
    """PSI > 0.2; KS p < .05; nannyml's mean and three deviations of JS and of KS."""
    return (
        Rule(statistic=_psi, limit=0.2),
        Rule(statistic=_ks_worth, limit=KS_95, coarse=False),
        Rule(statistic=jensen_shannon.distance),
        Rule(statistic=_ks, coarse=False),
    )


def _counts(column: Column, *, coarse: bool) -> tuple[np.ndarray, np.ndarray]:
    reference = reference_of(column).counts
    if not coarse or column.bins.exact:
        return reference, column.counts
    groups = column.bins.coarse
    return (
        np.add.reduceat(reference, groups, axis=1),
        np.add.reduceat(column.counts, groups, axis=1),
    )


def _psi(reference: np.ndarray, counts: np.ndarray) -> np.ndarray:
    p, q = (
        (c + 0.5) / (c.sum(axis=1, keepdims=True) + 0.5 * c.shape[1]) for c in (reference, counts)
    )
    return np.sum((q - p) * np.log(q / p), axis=1)


def _ks(reference: np.ndarray, counts: np.ndarray) -> np.ndarray:
    f, g = (np.cumsum(c, axis=1) / c.sum(axis=1, keepdims=True) for c in (reference, counts))
    return np.abs(f - g).max(axis=1)


def _ks_worth(reference: np.ndarray, counts: np.ndarray) -> np.ndarray:
    m, n = reference.sum(axis=1), counts.sum(axis=1)
    return _ks(reference, counts) * np.sqrt(n * m / (n + m))
