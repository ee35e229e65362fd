"""Why a window is as it is."""

from datetime import datetime

import msgspec


class MovedColumn(msgspec.Struct, frozen=True, kw_only=True):
    """How far a column moved in a window.

    `z` is the greatest of its standardised scores, null where it is not calibrated; `p_value` is
    Holm's over all columns and `stands_out` says that it is at most 0.1. `share` is the column's
    part of what all columns moved, in [0, 1]; `importance` is in [0, 1] of the most important
    column's, and `weight` z above zero times it: an order, not a test. Null: not known.
    """

    column: str
    z: float | None
    p_value: float | None
    effect: float | None
    detector: str
    share: float
    stands_out: bool
    importance: float | None
    weight: float | None


class WorseSlice(msgspec.Struct, frozen=True, kw_only=True):
    """Rows of a window in which the loss rose more than in all others.

    `within` is what that gives to the change of the mean loss, `mix` what the slice's greater or
    smaller share gives, both in the units of the loss; `effect` is in standard deviations of the
    losses, `p_value` adjusted over all slices that were looked at.
    """

    slice: str
    rows: int
    rows_reference: int
    loss: float
    loss_reference: float | None
    within: float
    mix: float
    effect: float
    p_value: float


class Credit(msgspec.Struct, frozen=True, kw_only=True):
    """The change of the mean loss, shared out between other inputs and other answers to them.

    The two add up to `change`; both are null where inputs differ too much to be weighted alike,
    and `reason` says so. `effective` is the share of rows that the weighted ones are worth.
    """

    change: float
    inputs: float | None
    answers: float | None
    effective: float
    reason: str | None


class Reliance(msgspec.Struct, frozen=True, kw_only=True):
    """How much a version depends on a feature, and the standard error of that over the rows."""

    column: str
    value: float
    error: float


class Importance(msgspec.Struct, frozen=True, kw_only=True):
    """How much a version depends on each feature in a window, as the version itself was asked.

    `state` is `asked`, `made` or `failed`, for `reason`. `rests_on` says what the values are: `loss`,
    by how much the mean of `metric` rises over `rows` labelled rows when the feature is shuffled
    among them, the mean of `repeats` shuffles; `answers`, how far the answers move, as a share of
    their variance, as no label is known. The greatest come first.
    """

    window: str
    model: str
    version: str
    state: str
    asked_at: datetime
    made_at: datetime | None
    rests_on: str | None
    metric: str | None
    rows: int
    repeats: int
    columns: list[Reliance]
    reason: str | None


class Causes(msgspec.Struct, frozen=True, kw_only=True):
    """Why a window is as it is: what moved, where the loss rose, whether inputs or answers did it.

    `loss` is the mean of the task's loss `metric` over labelled rows, `loss_reference` that of
    `rows_reference` rows of before; with `expected`, of the loss that the scores foretell of
    themselves, as no label is known. Null where it cannot be compared; `notes` say why.
    `importance_rests_on` is `loss` or `answers` where the version itself was asked, `logged` where
    the importance of `moved` is read off the logged predictions, null where it is not known;
    `importance_state` is `asked`, `made` or `failed`, null where the version was never asked.
    """

    window: str
    model: str
    start: datetime
    end: datetime
    version: str | None
    metric: str
    expected: bool
    rows: int
    rows_reference: int
    loss: float | None
    loss_reference: float | None
    moved: list[MovedColumn]
    slices: list[WorseSlice]
    credit: Credit | None
    notes: list[str]
    importance_rests_on: str | None
    importance_state: str | None
