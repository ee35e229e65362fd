"""What a rehearsal found."""

import msgspec


class Drifted(msgspec.Struct, frozen=True, kw_only=True):
    """One drift that was sown, and what the monitors found of it."""

    kind: str
    column: str
    other: str | None = None
    size: float = 0.0
    unit: str = ""
    windows: int = 0
    found: int = 0
    power: float = 0.0
    low: float | None = None
    high: float | None = None
    delay: float | None = None
    by: list[str] = []


class Quiet(msgspec.Struct, frozen=True, kw_only=True):
    """What the monitors say of windows in which nothing was sown."""

    windows: int = 0
    alarmed: int = 0
    expected: float = 0.0
    spans: int = 0
    worse: int = 0


class RehearsedStream(msgspec.Struct, frozen=True, kw_only=True):
    """What the stream of the model file made of the rows that it reads."""

    detector: str
    on: str
    windows: int = 0
    alarmed: int = 0
    expected: float = 0.0
    refused: str | None = None
    drifts: list[Drifted] = []


class Rehearsal(msgspec.Struct, frozen=True, kw_only=True):
    """The report card of a model's monitors over some of its columns."""

    model: str
    version: str = ""
    reference: str = ""
    windows: int = 0
    rows: float = 0.0
    windows_a_period: float = 0.0
    false_alarms: float = 0.0
    drifts: list[Drifted] = []
    stream: RehearsedStream | None = None
    quiet: Quiet | None = None
    notes: list[str] = []
