"""What every detector takes and gives: a sample of one column in, one finding out."""

from enum import StrEnum

import msgspec
import pyarrow as pa


class Kind(StrEnum):
    """What the values of a column are."""

    NUMERIC = "numeric"
    CATEGORICAL = "categorical"
    BOOLEAN = "boolean"
    DATETIME = "datetime"


class Verdict(StrEnum):
    """The answer of a finding or a window; *inconclusive* and *error* are never *passed*."""

    PASSED = "passed"
    FAILED = "failed"
    INCONCLUSIVE = "inconclusive"
    ERROR = "error"


class Basis(StrEnum):
    """What a threshold rests on."""

    CALIBRATED = "calibrated"
    PROVISIONAL = "provisional"
    OPTIMISTIC = "optimistic"
    FIXED = "fixed"
    HARD = "hard"


class Reason(StrEnum):
    """Why a finding is inconclusive."""

    INSUFFICIENT = "insufficient"
    NOT_APPLICABLE = "not_applicable"
    DEGENERATE = "degenerate"
    UNCALIBRATED = "uncalibrated"
    PARTIAL = "partial"
    """Of part of a window, which whole ones cannot calibrate."""
    OUT_OF_REACH = "out_of_reach"
    """Nothing that a window could hold would pass the threshold."""
    SHOWN = "shown"
    """Computed for the reader; no threshold was asked for, so it judges nothing."""


class Interval(msgspec.Struct, frozen=True):
    """Two bounds in the units of the figure they belong to, at the stated level in (0, 1)."""

    low: float
    high: float
    level: float = 0.9


class Sample(msgspec.Struct, frozen=True):
    """The values of one column over some rows: any Arrow array, nulls included."""

    column: str
    kind: Kind
    values: pa.ChunkedArray


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """What one detector says of one column (or of the whole window, column `*`) in one window.

    `effect` is in the units that the detector documents, after subtracting what chance alone
    gives; `threshold` is what `statistic` was compared with. None means not known.
    """

    column: str
    detector: str
    segment: str | None = None
    statistic: float | None = None
    p_value: float | None = None
    interval: Interval | None = None
    threshold: float | None = None
    effect: float | None = None
    rows: int = 0
    rows_reference: int = 0
    verdict: Verdict
    reason: str | None = None
    basis: Basis | None = None
