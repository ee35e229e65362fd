"""What is asked of the store beside rows: business metrics, and halves that wait for each other."""

from collections.abc import Set as AbstractSet
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

import msgspec
import pyarrow as pa

if TYPE_CHECKING:
    from controlplane.store.ports import Known


class Kpi(msgspec.Struct, frozen=True, kw_only=True):
    """A business metric: how many values it has, and the one of the latest time."""

    name: str
    values: int
    last_at: datetime
    last_value: float


class Kpis(Protocol):
    """The business metrics of a model."""

    def series(self, model: str, name: str, known: "Known", *, most: int) -> pa.Table:
        """The newest values of a span as `at, version, value, known_at`, ordered by (at,
        version); of each the latest known."""
        ...

    def all(self, model: str) -> list[Kpi]:
        """Every KPI, by name."""
        ...


class KpisWriter(Kpis, Protocol):
    """Appending; only inside a transaction."""

    def names(self, model: str) -> "AbstractSet[str]":
        """What a model's KPIs are called; remembered."""
        ...

    def append(self, model: str, rows: pa.Table) -> "tuple[int, int]":
        """Rows of `name, at, known_at, version, value`; how many were stored, and how many were
        not since they say what was told last of the same name, time and version. Another value
        is a correction, stored."""
        ...


class Side(StrEnum):
    """Which half of a prediction something is."""

    REQUEST = "request"
    RESPONSE = "response"
    JOINED = "joined"
    """Both: what stays of an event whose halves have found each other."""


class Half(msgspec.Struct, frozen=True, kw_only=True):
    """A request or a response as it came. Halves of one `event` belong together."""

    event: str
    side: Side
    id: str
    """By which the sender calls the event; rows are called after it."""
    known_at: datetime
    envelope: str
    """What was told beside the content, as JSON."""
    content: bytes


class HalvesWaiting(msgspec.Struct, frozen=True, kw_only=True):
    """How many halves of a model wait, since when, and how many were given up."""

    waiting: int = 0
    oldest: datetime | None = None
    forgotten: int = 0


class Halves(Protocol):
    """Requests and responses of a model that wait for each other."""

    def waiting(self, model: str) -> HalvesWaiting:
        """How many there are."""
        ...


class HalvesWriter(Halves, Protocol):
    """Changing; only inside a transaction."""

    def meet(self, model: str, half: Half) -> Half | None:
        """The other half, which waits no longer; None where there is none yet. Then `half` waits,
        unless it came before: see `is_known`."""
        ...

    def is_known(self, model: str, half: Half) -> bool:
        """Whether a half waits already, or its event's halves have found each other."""
        ...

    def close(self, model: str, half: Half) -> None:
        """Nothing can be made of a half: its event's halves wait no longer, as if they had met."""
        ...

    def forget(self, before: datetime) -> int:
        """Give up the halves that have waited since before then; how many."""
        ...
