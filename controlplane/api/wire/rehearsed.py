"""What a rehearsal found."""

import msgspec


class Drifted(msgspec.Struct, frozen=True, kw_only=True):
    """One drift that was sown, and what the monitors found of it.

    `size` is in `unit`; `power` is the share of `windows` that alarmed at once, within `low` and
    `high` at 90 %; `delay` the median number of windows until an alarm, null where most tries had
    none.
    """

    kind: str
    column: str
    other: str | None
    size: float
    unit: str
    windows: int
    found: int
    power: float
    low: float | None
    high: float | None
    delay: float | None
    by: list[str]


class Quiet(msgspec.Struct, frozen=True, kw_only=True):
    """What the monitors say of windows in which nothing was sown."""

    windows: int
    alarmed: int
    expected: float
    spans: int
    worse: int


class RehearsedStream(msgspec.Struct, frozen=True, kw_only=True):
    """What the stream of the model file made of the rows that it reads.

    With nothing sown it alarmed in `alarmed` of `windows`, of which the budget allows `expected`;
    the delay of `drifts` counts the windows of a drift that lasts. `refused` says why it is not
    read.
    """

    detector: str
    on: str
    windows: int
    alarmed: int
    expected: float
    refused: str | None
    drifts: list[Drifted]


class Rehearsal(msgspec.Struct, frozen=True, kw_only=True):
    """The report card of a model's monitors over some of its columns.

    `windows_a_period` windows lie in a period of the false-alarm budget, which allows
    `false_alarms` in it.
    """

    model: str
    version: str
    reference: str
    windows: int
    rows: float
    windows_a_period: float
    false_alarms: float
    drifts: list[Drifted]
    stream: RehearsedStream | None
    quiet: Quiet | None
    notes: list[str]
