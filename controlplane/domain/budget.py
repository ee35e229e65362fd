"""One budget of false alarms, shared out: so much for each family, so much for each window.

Budgets are expected counts, and expected counts add up whatever depends on what; so shares are
a plain ledger, and a window's tail level is its family's part of the period's alarms.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from enum import StrEnum
from typing import Final

import msgspec

from controlplane.domain.policy import FalseAlarms, Monitors
from detectors.finding import Basis
from detectors.laws import Calibration


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


def family_of(on: str) -> Family:
    """Whose part of the budget the alarms of a stream on this are taken out of."""
    if on == "error":
        return Family.PERFORMANCE
    return Family.PREDICTION_DRIFT if on in {"score", "prediction"} else Family.FEATURE_DRIFT


def families_of(monitors: Monitors) -> frozenset[Family]:
    """The families that a model file switches on, a stream's among them; a guard always watches."""
    used = {Family.PERFORMANCE}
    if monitors.stream is not None:
        used.add(family_of(monitors.stream.on))
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


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the ledger: what a family or one detector of it may cost.

    `alarms` are false alarms expected a period: designed, or measured on past rows.
    """

    family: Family
    detector: str
    share: float
    alarms: float
    is_measured: bool = False
    says: str = ""


def lines_of(budget: Budget, measured: Sequence[Line] = ()) -> tuple[Line, ...]:
    """The ledger, a line a family, those that were measured on past rows in their place.

    A measured detector takes its alarms out of what its family is designed for.
    """
    found: list[Line] = []
    for name, share in budget.shares.items():
        family = Family(name)
        own = [line for line in measured if line.family is family]
        left = share * budget.count * budget.safety - sum(line.alarms for line in own)
        designed = Line(family=family, detector="*", share=share, alarms=max(left, 0.0))
        found += [designed, *own]
    return tuple(found)


def in_words(family: Family, found: Calibration | None) -> str:
    """How a family's threshold came about, in a sentence."""
    if family is Family.PERFORMANCE:
        return "judged by intervals, trials and guards that are valid at any time"
    if found is None:
        return "no threshold: there is nothing yet that it could be calibrated on"
    if found.threshold is None:
        return (
            f"no threshold yet: {found.windows} windows can calibrate it, {found.needs} more are "
            "needed; until then only hard limits alarm"
        )
    compared = f"of the same {found.season.name}" if found.season else "of the whole reference"
    optimistic = found.basis is Basis.OPTIMISTIC
    windows = (
        f"400 windows drawn from the blocks of {found.windows}"
        if optimistic
        else f"{found.windows} windows"
    )
    said = (
        f"in each of {windows} the score that stands out most was taken, compared "
        f"with the rows {compared}; {TAILS[found.tail or 't']} puts the height that such a maximum "
        f"passes with {found.alpha:.2g} at {found.threshold:.3g} standard deviations"
    )
    said += _resembling(found)
    if found.basis is Basis.PROVISIONAL:
        said += "; provisional, since with fewer than 30 the budget may not be kept"
    if optimistic:
        said += (
            f"; optimistic, since blocks of few windows cannot know how windows differ: it only "
            f"informs, and {found.needs} more windows are needed to judge"
        )
    if not found.trustworthy and found.conformal is not None:
        said += (
            f"; by order alone it would be {found.conformal:.3g}: expect more alarms than allowed"
        )
    return said


def _resembling(found: Calibration) -> str:
    """What is made of windows that resemble the ones before them; empty where none do."""
    counted = [one.counted for one in found.scales if one.memory and one.reason is None]
    if found.worth is not None and found.worth < found.windows:
        return (
            "; these windows resemble the ones before them and count as "
            f"{found.worth} that do not: its law is that of so many, and what they show is taken "
            "as so much wider"
        )
    if not counted:
        return ""
    judged = sum(one.reason is None for one in found.scales)
    least, most = min(counted), max(counted)
    return (
        f"; in {len(counted)} of {judged} scores windows resemble the ones before them and count as "
        f"{least if least == most else f'{least} to {most}'} that do not, so more is asked of these"
    )


TAILS: Final[Mapping[str, str]] = {
    "peaks": "an exponential law of the greatest tenth",
    "gumbel": "Gumbel's law",
    "gumbel or t": "the more careful of Gumbel's and Student's laws",
    "t": "Student's law over all scores",
}
"""The ways in which a height is found."""
