"""How much a version's predictions in a window depend on each feature, asked of the version."""

from datetime import datetime
from typing import ClassVar

from typing_extensions import override

from controlplane.domain.names import digest
from controlplane.domain.records import Record
from controlplane.domain.states import ImportanceState

LOSS = "loss"
ANSWERS = "answers"


class Importance(Record, frozen=True, kw_only=True):
    """What became of asking; `id` is `{window}/{version}`, so that a version is asked once.

    `rests_on` says what `values` are: with labels (`loss`) by how much the mean of `metric` rises
    when a feature is shuffled among the rows, without (`answers`) how far the answers move, a share
    of their variance. `errors` are the standard errors. Features that are not named were not
    asked about: of very many, only those that moved most are.
    """

    TABLE: ClassVar[str] = "importances"

    window: str
    version: str
    state: ImportanceState = ImportanceState.ASKED
    revision: int
    """Of the window, when it was asked; what was found without labels is asked again with them."""
    asked_at: datetime
    made_at: datetime | None = None
    rests_on: str | None = None
    metric: str | None = None
    values: dict[str, float] = {}
    errors: dict[str, float] = {}
    rows: int = 0
    repeats: int = 0
    reason: str | None = None
    """Why there is none, where it failed."""

    @property
    @override
    def filed_at(self) -> datetime:
        """In the order of asking: so they are answered."""
        return self.asked_at


def importance_id(window: str, version: str) -> str:
    """Whose importance it is: of a version in a window."""
    return f"{window}/{version}"


def job_of(importance: Importance) -> str:
    """The name of the directory in which a version is asked."""
    return digest("i", importance.id, importance.asked_at)
