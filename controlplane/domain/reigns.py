"""Who was champion when: a line for every move, so that any past instant can be asked about."""

from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar

from typing_extensions import override

from controlplane.domain.records import Record


class Reign(Record, frozen=True, kw_only=True):
    """A version's time as champion, `[since, until)` in model time; `id` is `{model}/{move}`."""

    TABLE: ClassVar[str] = "reigns"

    version: str
    move: int
    since: datetime
    until: datetime | None = None
    decision: str

    @property
    @override
    def filed_at(self) -> datetime:
        """Reigns are listed in their order."""
        return self.since


def champion_at(reigns: Sequence[Reign], moment: datetime) -> str | None:
    """The version that was champion at a moment; None before the first."""
    return next(
        (r.version for r in reigns if r.since <= moment and (r.until is None or moment < r.until)),
        None,
    )
