"""What is done for the store now and then: rows that are old enough go, and the file is written
anew where that is worth it."""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

import structlog

from controlplane.clock import Clock
from controlplane.domain.errors import Conflict, LeeboardError
from controlplane.domain.models import Model
from controlplane.domain.runs import Run
from controlplane.domain.states import RUN, RunState
from controlplane.lifecycle.by_hand import model_time
from controlplane.lifecycle.observe import file_in_force
from controlplane.lifecycle.retaining import aged_rows
from controlplane.lifecycle.workshop import Workshop
from controlplane.settings import Retention
from controlplane.store.keeping import Space
from controlplane.store.ports import Store, Transaction

PIECE: Final = 20_000
"""Rows of a table that go in one transaction."""
PAUSE: Final = 0.05
"""Seconds between two of them, in which others commit."""
MOST_REJECTED: Final = 100_000
"""Rejected rows of a model."""
JOBS_KEPT: Final = timedelta(days=1)
"""So long the rows that a run was given stay in its folder after it ended."""
ENDED: Final = tuple(state for state in RunState if not any(at is state for at, _ in RUN))
"""States that no run leaves."""
LEAST_FREE: Final = 256 * 2**20
"""Bytes; a file with less free in it is not written anew for the space's sake."""
FREE_SHARE: Final = 0.5
"""Nor one of which a smaller part is free."""
REST_OF: Final = timedelta(minutes=25)
"""Between two times, for every GiB of the file: so that at most a hundredth of the time goes there."""
SHORTEST_REST: Final = timedelta(hours=1)
GIB: Final = 2**30

log = structlog.get_logger()


class Upkeep:
    """One at a time; `stop` ends what is under way, which goes on at the next start."""

    def __init__(
        self, store: Store, clock: Clock, retention: Retention, workshop: Workshop | None = None
    ) -> None:
        self._store = store
        self._clock = clock
        self._retention = retention
        self._workshop = workshop
        self._stopping = threading.Event()
        self._asked_at: datetime | None = None

    def stop(self) -> None:
        """Go no further."""
        self._stopping.set()
        self._store.keeping.stop()

    def retain(self) -> None:
        """Delete what is older than it is to be kept, model by model, a piece at a time."""
        with self._store.read() as view:
            models = view.ledger.find(Model)
        for model in models:
            if self._stopping.is_set():
                return
            try:
                self._forget_jobs(model)
                self._retain(model)
            except LeeboardError as error:
                log.warning("rows_not_aged", model=model.id, reason=str(error))

    def compact(self) -> None:
        """Write the file anew where ids were erased since, or much of it is free."""
        space, now = self._store.keeping.space(), self._clock.now()
        if not self._is_worth_it(space, now):
            return
        self._asked_at = now
        try:
            self._store.keeping.compact(now)
        except Conflict as error:
            log.info("compaction_waits", reason=str(error))

    def _is_worth_it(self, space: Space, now: datetime) -> bool:
        rest = max(SHORTEST_REST, REST_OF * (space.used / GIB))
        before = max(filter(None, (space.compacted_at, self._asked_at)), default=None)
        if before is not None and now - before < rest:
            return False
        much = space.free >= LEAST_FREE and space.free >= FREE_SHARE * space.file
        return bool(space.erasures_waiting) or much

    def _retain(self, model: Model) -> None:
        now = self._clock.now()
        before = now - self._retention.rejected
        self._store.write(
            lambda t: t.upkeep.age_rejected(model.id, before=before, keep=MOST_REJECTED),
            quiet=True,
        ).result()
        if self._retention.events is None:
            return
        older_than = model_time(model, now) - self._retention.events
        gone = self._in_pieces(lambda t: t.upkeep.age_kpis(model.id, before=older_than, most=PIECE))
        with self._store.read() as view:
            first_at = view.events.counts(model.id).first_at
        if first_at is not None:
            gone += self._in_pieces(lambda t: self._piece(t, model.id, older_than, first_at))
        if gone:
            self._store.write(lambda t: t.ledger.journal(
                model=model.id, at=now, kind="aged", subject=model.id, by="retention",
                facts={"rows": gone, "older_than": older_than.isoformat()},
            ), quiet=True).result()  # fmt: skip

    def _in_pieces(self, work: Callable[[Transaction], int]) -> int:
        """Delete until nothing is left to go, a transaction after the other; how many rows went."""
        gone = 0
        while not self._stopping.is_set():
            piece = self._store.write(work, quiet=True).result()
            gone += piece
            if not piece:
                break
            self._stopping.wait(PAUSE)
        return gone

    def _forget_jobs(self, model: Model) -> None:
        """The rows that ended runs were given are in the store, and are copies of it here."""
        if self._workshop is None:
            return
        with self._store.read() as view:
            runs = view.ledger.find(Run, model=model.id, states=ENDED)
        for run in runs:
            self._workshop.forget_rows(run.id, self._clock.now() - JOBS_KEPT)

    def _piece(self, t: Transaction, model: str, older_than: datetime, first_at: datetime) -> int:
        """A few rows of each table; what is needed is seen in the same transaction."""
        record, policy = file_in_force(t.ledger, model)
        aged = aged_rows(t.ledger, record, policy, older_than=older_than, first_at=first_at)
        return 0 if aged is None else t.upkeep.age(model, aged, most=PIECE)
