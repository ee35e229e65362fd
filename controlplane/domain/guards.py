"""The watch over a promotion: passed, breached or inconclusive."""

from datetime import datetime
from typing import ClassVar

from typing_extensions import override

from controlplane.domain.records import Record
from controlplane.domain.states import GuardState


class Guard(Record, frozen=True, kw_only=True):
    """The new champion's losses against the version before, row by row, in event-time order.

    `levels` is the state of the e-Shiryaev–Roberts mixture, one figure a bet; it alarms when
    their mean reaches `threshold`.
    """

    TABLE: ClassVar[str] = "guards"

    state: GuardState = GuardState.WATCHING
    decision: str
    generation: int
    version: str
    previous: str | None
    """None: there is no version to go back to."""
    started_at: datetime
    start: datetime
    """Event time from which rows count."""
    until: datetime
    """Event time: it ends when the labels of the day before are closed."""
    metric: str
    """Whose loss is compared, as the file said when the guard began."""
    margin: float
    """In the loss's own units."""
    loss_cap: float
    threshold: float
    levels: tuple[float, ...] = ()
    crossed: bool = False
    """The mixture has alarmed; the guard breaches once the days bear it out."""
    days: tuple[float, ...] = ()
    """Of each closed label day with rows the mean difference, rows held within the loss cap."""
    rows: int = 0
    judged_to: datetime | None = None
    """Event time up to which closed label days have been read."""
    mean_difference: float | None = None
    """Mean loss of the new version less that of the one before."""
    ended_at: datetime | None = None
    paired: bool = True

    @property
    @override
    def filed_at(self) -> datetime:
        """Guards are listed by when they began."""
        return self.started_at
