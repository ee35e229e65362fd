"""One trained artifact of a model, with its lineage."""

from datetime import datetime
from typing import ClassVar

from typing_extensions import override

from controlplane.domain.models import LossScale
from controlplane.domain.records import Record
from controlplane.domain.states import VersionState


class Version(Record, frozen=True, kw_only=True):
    """`id` is `{model}/{version}`; times are model time unless said.

    `trained_from` and `trained_to` bound, half-open, the event times of the rows it has seen;
    None where a version from outside does not say. `served` is true once it was champion.
    """

    TABLE: ClassVar[str] = "versions"

    version: str
    number: int
    state: VersionState = VersionState.CANDIDATE
    made_at: datetime
    origin: str = "run"
    """`run`: trained here; `registered`: from outside."""
    made: bool = False
    """True for what a demonstration made up."""
    run: str | None = None
    parent: str | None = None
    sha256: str
    trainer: str
    trained_from: datetime | None = None
    trained_to: datetime | None = None
    rows_trained: int = 0
    data_sha256: str | None = None
    code: str | None = None
    parameters: dict[str, str] = {}
    environment: dict[str, str] = {}
    metrics: dict[str, float] = {}
    scale: LossScale | None = None
    served: bool = False
    promoted_at: datetime | None = None
    ended_at: datetime | None = None

    @property
    @override
    def filed_at(self) -> datetime:
        """Versions are listed in the order in which they were made."""
        return self.made_at
