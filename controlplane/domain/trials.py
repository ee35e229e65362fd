"""Champion and candidate on the same rows: better, not better, worse or inconclusive."""

from datetime import datetime
from typing import ClassVar, Final

import msgspec
from typing_extensions import override

from controlplane.domain.policy import Margin
from controlplane.domain.records import Record
from controlplane.domain.states import TrialEvent, TrialState

FEWEST_BLOCKS: Final = 14
"""Days before which the asymptotic bounds are not looked at (the burn-in is part of their definition)."""
FULL_WEEK: Final = 7
"""Days before which nothing is proved, whatever is compared: every weekday once."""


class Block(msgspec.Struct, frozen=True, kw_only=True):
    """The paired mean losses of one closed label day.

    `variance` is that of its rows' differences, where the trial compares rows.
    """

    start: datetime
    end: datetime
    rows: int
    loss_champion: float
    loss_candidate: float
    variance: float | None = None


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """The confidence sequence after a number of blocks: the champion's loss less the candidate's.

    `low` and `high` are one-sided bounds, each valid at the trial's confidence whenever one
    looks; None before enough blocks are in. `unit` is what they are made of, days or rows;
    `worth` as how many days the blocks count, which resemble each other where it is less than
    `blocks`; `design_effect` how much more days differ than their rows explain, where rows are
    compared.
    """

    blocks: int
    rows: int
    at: datetime
    difference: float | None
    low: float | None
    high: float | None
    loss_champion: float | None
    loss_candidate: float | None
    unit: str = "days"
    worth: int | None = None
    design_effect: float | None = None


class Trial(Record, frozen=True, kw_only=True):
    """A candidate against the champion on logged rows; times are model time.

    `start` is the event time from which rows count: after both versions' training ended. `unit`,
    fixed at the opening, is what is compared: the means of days, or rows, whose losses are held
    within `greatest`; `risen` and `fallen` are then the wealth of the bets on either side.
    """

    TABLE: ClassVar[str] = "trials"

    state: TrialState = TrialState.RUNNING
    decision: str
    generation: int
    champion: str
    candidate: str
    made: bool = False
    by_hand: bool = False
    opened_at: datetime
    start: datetime
    ended_at: datetime | None = None
    metric: str
    gain: float
    margin_share: float | None
    margin_absolute: float | None
    confidence: float
    stop_blocks: int
    stop_rows: int | None = None
    unit: str = "days"
    greatest: float | None = None
    risen: tuple[float, ...] = ()
    fallen: tuple[float, ...] = ()
    blocks: tuple[Block, ...] = ()
    series: tuple[Progress, ...] = ()
    says: str = ""

    @property
    @override
    def filed_at(self) -> datetime:
        """Trials are listed by when they were opened."""
        return self.opened_at

    @property
    def progress(self) -> Progress | None:
        """Where it stands."""
        return self.series[-1] if self.series else None


def judge(trial: Trial, closed: int) -> tuple[TrialEvent, str] | None:
    """What the blocks so far prove, with a sentence; None: go on with new days.

    `closed` is how many label days closed since the trial's start, those without a labelled row
    among them: a trial whose labels do not come ends at its stop like any other.

    With g the champion's loss less the candidate's: better when the lower bound of g passes
    `gain`; worse when its upper bound is below minus the margin; not better when its upper bound
    is at or below `gain`; inconclusive at the stop.
    """
    progress = trial.progress
    if progress is not None and (proved := _proved(trial, progress)) is not None:
        return proved
    days, rows = (progress.blocks, progress.rows) if progress else (0, 0)
    if closed >= trial.stop_blocks or (trial.stop_rows is not None and rows >= trial.stop_rows):
        empty = f", {days} of them with labelled rows" if days < closed else ""
        why = _what_counts(trial, progress) if progress is not None else ""
        says = f"{closed} days decided nothing about {trial.candidate}{empty}{why}"
        return TrialEvent.STOPPED, says
    return None


def _proved(trial: Trial, progress: Progress) -> tuple[TrialEvent, str] | None:
    low, high = progress.low, progress.high
    if low is not None and high is not None:
        margin = Margin(share=trial.margin_share, absolute=trial.margin_absolute).of(
            progress.loss_champion or 0.0
        )
        over = f"{progress.blocks} days"
        if progress.unit == "rows":
            over = f"{progress.rows} rows of {over}"
        facts = f"gain {progress.difference:.4g} [{low:.4g}, {high:.4g}] over {over}"
        facts += _what_counts(trial, progress)
        if low > trial.gain:
            return TrialEvent.PROVED_BETTER, f"{trial.candidate} is better: {facts}"
        if high < -margin:
            return TrialEvent.PROVED_WORSE, f"{trial.candidate} is worse: {facts}"
        if high <= trial.gain:
            return TrialEvent.PROVED_NOT_BETTER, f"{trial.candidate} is not better: {facts}"
    return None


def _what_counts(trial: Trial, progress: Progress) -> str:
    """Why days count for less than their number, or in place of rows; nothing where they do not."""
    if progress.worth is not None and progress.worth < progress.blocks:
        return f"; the days resemble each other and count as {progress.worth}"
    if trial.unit == "rows" and progress.unit == "days" and progress.design_effect is not None:
        return (
            f"; days differ {progress.design_effect:.2g} times as much as their rows explain, so "
            "days were compared and not rows"
        )
    return ""
