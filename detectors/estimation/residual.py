"""How far a window's loss lies from what was usual, by cohorts of rows: label days or windows.

Two series are judged: the estimated loss of cohorts (their inputs have moved to where the model
does worse), and what was realised beyond it (labels no longer depend on inputs as they did).
"""

import math
from typing import Final

import msgspec
import numpy as np

from detectors import tails
from detectors.finding import Basis, Finding, Reason, Verdict
from detectors.reading import Floats

ESTIMATE: Final = "estimate"
RESIDUAL: Final = "residual"
FEWEST_COHORTS: Final = 8
CALIBRATED_FROM: Final = 30
FLOOR: Final = 0.05
"""The least change that matters, as a share of the reference's loss."""
LEAST_ROWS: Final = 5
"""A cohort with fewer rows says nothing."""


class Usual(msgspec.Struct, frozen=True, kw_only=True):
    """A series of cohort means as it was on labelled rows that the model was not trained on.

    `worth` is how many independent cohorts one is: below 1 where neighbours are alike. `loss` is
    the reference's realised loss, by which changes are measured.
    """

    mean: float
    sd: float
    cohorts: int
    worth: float
    loss: float
    rows: int


def usual(series: Floats, *, loss: float, rows: int) -> Usual:
    """The law of a series of cohort means in order of time, shape (cohorts,).

    Neighbours' correlation makes fewer of them: (1 - r) / (1 + r) of each, with r that of lag 1
    where it is above zero (Bayley and Hammersley 1946).
    """
    if series.size < FEWEST_COHORTS:
        return Usual(mean=0.0, sd=0.0, cohorts=series.size, worth=1.0, loss=loss, rows=rows)
    apart = series - series.mean()
    spread = float(apart @ apart)
    lag = float(apart[1:] @ apart[:-1]) / spread if spread > 0.0 else 0.0
    held = min(max(lag, 0.0), 0.9)
    return Usual(
        mean=float(series.mean()), sd=float(series.std(ddof=1)), cohorts=series.size,
        worth=(1.0 - held) / (1.0 + held), loss=loss, rows=rows,
    )  # fmt: skip


def cohort_means(values: Floats, cohort: "np.ndarray[tuple[int], np.dtype[np.int64]]") -> Floats:
    """The means of rows by cohort, in the order of their numbers; those of five rows and more."""
    known = np.isfinite(values)
    names, place = np.unique(cohort[known], return_inverse=True)
    rows = np.bincount(place, minlength=names.size)
    means = np.bincount(place, values[known], names.size) / np.maximum(rows, 1)
    found: Floats = means[rows >= LEAST_ROWS]
    return found


def judged(detector: str, known: Usual, series: Floats, *, alpha: float, rows: int) -> Finding:
    """One window's cohorts against the usual law, both ways.

    The statistic is Student's t of the difference of means, the threshold its two-sided quantile
    at `alpha`, the part of the false-alarm budget that one window has; the effect is the change as
    a share of the reference's loss, above zero where it is worse. Failed where the statistic
    passes the threshold and the effect a twentieth. Fewer than 8 cohorts of the reference judge
    nothing; fewer than 30 are provisional.

    >>> generator = np.random.default_rng(5)
    >>> known = usual(generator.normal(0.0, 1.0, 40), loss=10.0, rows=4000)
    >>> found = judged("residual", known, generator.normal(3.0, 1.0, 7), alpha=0.001, rows=700)
    >>> str(found.verdict), round(found.effect, 2)
    ('failed', 0.32)
    """
    blank = Finding(
        column="*", detector=detector, rows=rows, rows_reference=known.rows,
        verdict=Verdict.INCONCLUSIVE, reason=str(Reason.UNCALIBRATED),
    )  # fmt: skip
    if known.cohorts < FEWEST_COHORTS:
        return blank
    if not series.size:
        return msgspec.structs.replace(blank, reason=str(Reason.INSUFFICIENT))
    if known.sd <= 0.0 or known.loss <= 0.0:
        return msgspec.structs.replace(blank, reason=str(Reason.DEGENERATE))
    apart = float(series.mean()) - known.mean
    worth = np.array([max(series.size * known.worth, 1.0), max(known.cohorts * known.worth, 2.0)])
    statistic = apart / (known.sd * math.sqrt(float((1.0 / worth).sum())))
    df = max(float(worth[1]) - 1.0, 2.0)
    height = tails.t_quantile(1.0 - min(alpha, 0.5) / 2.0, df)
    effect = apart / known.loss
    failed = abs(statistic) > height and abs(effect) >= FLOOR
    return msgspec.structs.replace(
        blank, statistic=statistic, p_value=min(1.0, 2.0 * tails.t_sf(abs(statistic), df)),
        threshold=height, effect=effect, reason=None,
        verdict=Verdict.FAILED if failed else Verdict.PASSED,
        basis=Basis.CALIBRATED if known.cohorts >= CALIBRATED_FROM else Basis.PROVISIONAL,
    )  # fmt: skip
