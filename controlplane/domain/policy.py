"""The model file as checked, frozen values; every field has its value, defaults included."""

from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from controlplane.domain.schema import Column, Task


class Label(msgspec.Struct, frozen=True, kw_only=True):
    """Where the truth is found and how late it comes."""

    column: str
    positive: str | None = None
    delay: timedelta = timedelta(days=1)
    selective: bool = False


class Segment(msgspec.Struct, frozen=True, kw_only=True):
    """A part of the rows: the levels of a column, or the rows for which `where` holds."""

    name: str
    column: str | None = None
    where: str | None = None


class Windows(msgspec.Struct, frozen=True, kw_only=True):
    """How rows are cut: every so long, or every so many rows; all None until data decide.

    `span` makes windows that slide: each covers `span` and a new one begins `every` so long.
    """

    every: timedelta | None = None
    span: timedelta | None = None
    rows: int | None = None
    lateness: timedelta | None = None


class Reference(msgspec.Struct, frozen=True, kw_only=True):
    """What a window is compared with; which fields count depends on the kind.

    training: the champion's training rows. fixed: the rows of `[start, end)`, event time in UTC.
    trailing: the span `trailing` before the window. season: the same place in the `periods`
    seasons of length `season` before it.
    """

    kind: str = "training"
    start: datetime | None = None
    end: datetime | None = None
    trailing: timedelta | None = None
    season: timedelta | None = None
    periods: int = 1


class FalseAlarms(msgspec.Struct, frozen=True):
    """The budget: so many expected false alarms in such a period, for the whole model."""

    count: float = 1.0
    period: timedelta = timedelta(days=90)


class Drift(msgspec.Struct, frozen=True, kw_only=True):
    """Which columns are compared, None for all; `minimum_effect` is small, medium, large, none.

    `thresholds` are set by hand, by detector, and judged beside the budget's own.
    `detectors` are computed for the reader beside those that always are.
    """

    columns: tuple[str, ...] | None = None
    minimum_effect: str = "small"
    thresholds: dict[str, float] = {}
    detectors: tuple[str, ...] = ()


class Quality(msgspec.Struct, frozen=True):
    """Missing, range, new level, volume, schema, label feed."""


class Performance(msgspec.Struct, frozen=True, kw_only=True):
    """The metric that is followed, e.g. `mae` or `log_loss`."""

    metric: str
    estimate: bool = True


class Stream(msgspec.Struct, frozen=True, kw_only=True):
    """A detector that reads values one after another.

    `detector` is a name of `detectors.streaming`, or `auto`: e-SR on errors, whose mean on the
    reference is known, ADWIN on anything else. `on` is `error`, `score`, `prediction` or a
    feature; `params` are the detector's parameters that the file names, by name.
    """

    detector: str = "auto"
    on: str = "error"
    params: tuple[tuple[str, float | int | bool | str], ...] = ()


class Monitors(msgspec.Struct, frozen=True, kw_only=True):
    """What is watched; None means switched off."""

    drift: Drift | None
    quality: Quality | None
    performance: Performance | None
    stream: Stream | None
    kpis: dict[str, str] = {}
    """KPI name to the direction that is good, `up` or `down`."""


class TriggerKind(StrEnum):
    """What may ask for a retraining."""

    WORSE_BY = "worse_by"
    WORSE_THAN = "worse_than"
    DRIFT = "drift"
    STREAM = "stream"
    SCHEDULE = "schedule"
    NEW_LABELS = "new_labels"
    AGE = "age"
    MESSAGE = "trigger"


class Trigger(msgspec.Struct, frozen=True, kw_only=True):
    """One line of `retrain.when`; which fields count depends on the kind.

    worse_by: `amount` is a share of the reference loss (0.2). worse_than: `amount` in the
    metric's units. drift: `amount` is the share of columns, `windows` how many in a row.
    schedule: `text` is a cron line. new_labels: `amount` rows. age: `age`. trigger: `text`.
    """

    kind: TriggerKind
    amount: float = 0.0
    windows: int = 1
    text: str = ""
    age: timedelta | None = None


class AtMost(msgspec.Struct, frozen=True):
    """So many in such a period."""

    count: int = 4
    period: timedelta = timedelta(days=90)


class Retrain(msgspec.Struct, frozen=True, kw_only=True):
    """When training is asked for, how often at most, on which rows."""

    when: tuple[Trigger, ...]
    cooldown: timedelta | None = None
    """None: two windows, at least 7 days."""
    at_most: AtMost = AtMost()
    last: timedelta | None = None
    """The span of the training rows; None: as long as the first training span."""
    approval: bool = False


class Margin(msgspec.Struct, frozen=True):
    """A loss difference: a share of the champion's loss, or an absolute figure."""

    share: float | None = 0.05
    absolute: float | None = None

    def of(self, loss: float) -> float:
        """The margin in the loss's own units, given the champion's loss."""
        return self.absolute if self.absolute is not None else (self.share or 0.0) * loss


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """How a candidate is tried against the champion."""

    mode: str = "replay"
    metric: str
    gain: float = 0.0
    margin: Margin = Margin()
    hold_out: timedelta = timedelta(days=14)
    confidence: float = 0.95
    stop_age: timedelta = timedelta(days=28)
    stop_rows: int | None = None
    unit: str = "days"


class Promote(msgspec.Struct, frozen=True, kw_only=True):
    """Which verdict promotes: `better` or `not_worse`."""

    when: str = "better"
    approval: bool = False


class Guard(msgspec.Struct, frozen=True, kw_only=True):
    """How long, and against what margin, a promotion is watched."""

    period: timedelta = timedelta(days=14)
    margin: Margin = Margin()
    then: str = "rollback"


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """To which receiver alerts go, from which severity on."""

    to: str
    severity: str = "warning"
    group_by: tuple[str, ...] = ("model",)


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """A model file, parsed and checked."""

    model: str
    task: Task
    label: Label
    trainer: str | None = "builtin"
    features: tuple[Column, ...] | None = None
    """None: inferred from the first reference or rows."""
    prediction: str = "prediction"
    scores: dict[str, str] | str = "score"
    """Class to score column where multiclass; the one score column otherwise.

    Empty: no scores are logged, as of a regression, or of many classes whose columns no one named.
    """
    segments: tuple[Segment, ...] = ()
    time_zone: str = "UTC"
    windows: Windows = Windows()
    reference: Reference = Reference()
    false_alarms: FalseAlarms = FalseAlarms()
    monitors: Monitors
    retrain: Retrain
    trial: Trial
    promote: Promote = Promote()
    guard: Guard = Guard()
    alerts: tuple[Route, ...] = ()
    dry_run: bool = False
