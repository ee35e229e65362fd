"""One training process."""

from datetime import datetime
from typing import ClassVar

from typing_extensions import override

from controlplane.domain.records import Record
from controlplane.domain.states import RunState


class Run(Record, frozen=True, kw_only=True):
    """`id` derives from the decision that asked for it; `requested_at` is model time."""

    TABLE: ClassVar[str] = "runs"

    state: RunState = RunState.REQUESTED
    decision: str
    generation: int
    triggers: tuple[str, ...] = ()
    requested_at: datetime
    finished_at: datetime | None = None
    """Model time at which its end was taken note of."""
    trainer: str
    seed: int
    rows: int = 0
    data_from: datetime | None = None
    data_to: datetime | None = None
    data_sha256: str | None = None
    version: str | None = None
    reason: str | None = None
    """Why it did not succeed."""
    seconds: float | None = None
    attempt: int = 1

    @property
    @override
    def filed_at(self) -> datetime:
        """Runs are listed by when they were asked for."""
        return self.requested_at
