"""One budget of false alarms, shared out: so much for each family, so much for each window.

Budgets are expected counts, and expected counts add up whatever depends on what; so shares are
a plain ledger, and a window's tail level is its family's part of the period's alarms.
"""

from collections.abc import Collection, Mapping
from datetime import timedelta
from enum import StrEnum
from typing import Final

import msgspec

from controlplane.domain.policy import FalseAlarms, Monitors


class Family(StrEnum):
    """Monitors that share a threshold, and with it a part of the budget."""

    FEATURE_DRIFT = "feature_drift"
    PREDICTION_DRIFT = "prediction_drift"
    QUALITY = "quality"
    LABEL_FREE = "label_free"
    PERFORMANCE = "performance"
    """Realised performance and guards."""


SHARES: Final[Mapping[Family, float]] = {
    Family.FEATURE_DRIFT: 0.40,
    Family.PREDICTION_DRIFT: 0.15,
    Family.QUALITY: 0.15,
    Family.LABEL_FREE: 0.10,
    Family.PERFORMANCE: 0.20,
}
SAFETY: Final = 0.5
"""Thresholds come from few windows and scatter; designing for half keeps a model within budget."""
LARGEST: Final = 0.25
"""No tail level is above this, however long the windows are."""


class Budget(msgspec.Struct, frozen=True, kw_only=True):
    """What an operator allows, as every monitor gets it.

    `count` false alarms in `period`, in which there are `windows` windows. `shares` adds up to 1
    over the families in use; `alphas` is the tail level of one window, in (0, 1).
    """

    count: float
    period: timedelta
    windows: float
    safety: float
    shares: dict[str, float]
    alphas: dict[str, float]

    def alpha(self, family: Family) -> float:
        """The tail level of one window for a family; KeyError where it is not in use."""
        return self.alphas[family]


def families_of(monitors: Monitors) -> frozenset[Family]:
    """The families that a model file switches on; a guard always watches."""
    used = {Family.PERFORMANCE}
    if monitors.drift is not None:
        used |= {Family.FEATURE_DRIFT, Family.PREDICTION_DRIFT}
    if monitors.quality is not None:
        used.add(Family.QUALITY)
    if monitors.performance is not None and monitors.performance.estimate:
        used.add(Family.LABEL_FREE)
    return frozenset(used)


def shares_of(used: Collection[Family]) -> dict[str, float]:
    """The shares of the families in use, those of the others given to them pro rata.

    >>> shares_of([Family.QUALITY, Family.PREDICTION_DRIFT])
    {'prediction_drift': 0.5, 'quality': 0.5}
    """
    whole = sum(SHARES[family] for family in used)
    return {str(family): share / whole for family, share in SHARES.items() if family in used}


def budget_of(allowed: FalseAlarms, every: timedelta, used: Collection[Family]) -> Budget:
    """The budget shared out over families and over the windows of a period."""
    windows = max(allowed.period / every, 1.0)
    shares = shares_of(used)
    each = allowed.count * SAFETY / windows
    return Budget(
        count=allowed.count, period=allowed.period, windows=windows, safety=SAFETY, shares=shares,
        alphas={family: min(share * each, LARGEST) for family, share in shares.items()},
    )  # fmt: skip


def guard_threshold(allowed: FalseAlarms, used: Collection[Family], rows_a_day: float) -> float:
    """The level at which a guard breaches: the rows of a period over the guard's part of the count.

    A stream of rows that is no worse than the margin reaches it once in so many rows or less
    often (the average run length of an e-Shiryaev-Roberts detector is at least its threshold),
    so no safety factor is taken off. At least 20: a breach is never a matter of a few rows.
    """
    rows = rows_a_day * (allowed.period / timedelta(days=1))
    part = shares_of({*used, Family.PERFORMANCE})[Family.PERFORMANCE] * allowed.count
    return max(rows / part, 20.0)


def ledger_lines(budget: Budget) -> list[str]:
    """The budget for a person, a line a family.

    >>> from datetime import timedelta
    >>> b = budget_of(FalseAlarms(), timedelta(days=9), [Family.QUALITY])
    >>> ledger_lines(b)[1]
    'quality: 100 % = 1 false alarms per 90 days, 0.05 a window'
    """
    days = budget.period / timedelta(days=1)
    head = (
        f"{budget.count:g} false alarms per {days:g} days over {budget.windows:.3g} windows, "
        f"designed for {budget.safety:g} of it"
    )
    return [
        head,
        *(
            f"{family}: {share:.3g} % = {share * budget.count / 100:.3g} false alarms per "
            f"{days:g} days, {budget.alphas[family]:.3g} a window"
            for family, share in ((f, s * 100) for f, s in budget.shares.items())
        ),
    ]
