"""What the ledger keeps: a record has a name, belongs to a model, has a state and a time."""

from datetime import UTC, datetime
from typing import ClassVar, Final

import msgspec

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """The root of everything in the ledger; `id` is unique within the record's table."""

    TABLE: ClassVar[str] = ""

    id: str
    model: str

    @property
    def filed_state(self) -> str:
        """The state by which it is found; empty where the record has none."""
        return str(getattr(self, "state", ""))

    @property
    def filed_at(self) -> datetime:
        """The time by which records of its kind are put in order."""
        return EPOCH
