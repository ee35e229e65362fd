"""A wake: model time stepped through the instants at which something is due, in their order.

At each instant the monitors score what has closed, then the lifecycle reconciles until nothing
is left to say. What is decided therefore does not depend on how often anybody wakes. A replayed
model stands still while a process works for it; a live one goes on.
"""

import threading
import time
from collections import defaultdict
from datetime import datetime, timedelta
from typing import Final

import msgspec
import structlog

from controlplane.clock import Clock
from controlplane.domain.errors import Conflict, NotFound
from controlplane.domain.models import Model, Timing
from controlplane.lifecycle.reconcile import Reconciler, reconcile
from controlplane.monitor.due import next_due
from controlplane.monitor.score import score_due
from controlplane.store.ports import Store, Transaction

POLL_SECONDS: Final = 0.02
"""How often a replay looks whether the process that it waits for has ended."""

IDLE: Final = timedelta(seconds=60)
"""How long a model is left alone at most; commits wake it earlier."""
BUSY: Final = timedelta(seconds=1)
"""How soon a live model is looked at again while a process works for it."""

log = structlog.get_logger()


class Stopping(Exception):
    """The server stops; what is under way is taken up by the next one."""


class Waker:
    """Wakes models, never one model twice at once; `stop` lets nobody wait any longer."""

    def __init__(self, store: Store, parts: Reconciler, clock: Clock) -> None:
        self._store = store
        self._parts = parts
        self._clock = clock
        self._locks: defaultdict[str, threading.RLock] = defaultdict(threading.RLock)
        self._is_stopping = threading.Event()

    def stop(self) -> None:
        """Break off waiting for processes; they are detached and go on."""
        self._is_stopping.set()

    def wake(self, model: str) -> timedelta:
        """Settle everything that is due by the model's time; how long nothing will be due."""
        with self._locks[model]:
            record = self._record(model)
            is_live = record.timing is Timing.LIVE
            until = self._clock.now() if is_live else record.announced
            if until is None:
                return IDLE
            reached: datetime | None = None
            done = False
            while (instant := self._next(model, until)) is not None:
                self._begun(model, instant)
                score_due(self._store, model, instant)
                done = self._settle(record, instant)
                reached = instant
            if not is_live:
                if reached != until:
                    self._reached(model, until)
                return IDLE
            if reached != until:
                done = self._settle(record, until)
            return self._idle(model, until) if done else BUSY

    def settle_now(self, model: str) -> None:
        """Act at once on what an operator asked for, at the model's present time."""
        with self._locks[model]:
            record = self._record(model)
            live = record.timing is Timing.LIVE
            now = self._clock.now() if live else record.stepped or record.announced
            if now is not None:
                self._settle(record, now)

    def announce(self, model: str, known_at: datetime, *, final: bool) -> datetime:
        """Tell a replayed model its time, and settle everything that is due by then."""

        def work(t: Transaction) -> None:
            record = t.ledger.get(Model, model)
            if record is None:
                message = f"there is no model called {model!r}"
                raise NotFound(message)
            if record.timing is not Timing.REPLAY:
                message = f"{model} is live: its time is the server's clock; only a replay is told"
                raise Conflict(message)
            if record.announced is not None and known_at < record.announced:
                message = f"{model} was told {record.announced.isoformat()} already; time goes on"
                raise Conflict(message)
            told = msgspec.structs.replace(record, announced=known_at, final=record.final or final)
            if told != record:
                t.ledger.put(told)

        self._store.write(work).result()
        self.wake(model)
        return self._record(model).stepped or known_at

    def _settle(self, record: Model, instant: datetime) -> bool:
        """Reconcile at an instant; a replay waits for what works outside. False: it still works."""
        done = False
        while not (done := reconcile(self._parts, record.model, instant)):
            if record.timing is Timing.LIVE:
                break
            self._wait_for_news()
        self._reached(record.model, instant)
        return done

    def _wait_for_news(self) -> None:
        """Until a process has ended; to look for that is cheap, to reconcile is not."""
        while not self._is_stopping.wait(POLL_SECONDS):
            if self._parts.workshop.has_news():
                return
        raise Stopping

    def _next(self, model: str, until: datetime) -> datetime | None:
        """What was broken off comes first: it is settled as if nothing had happened."""
        record = self._record(model)
        begun, stepped = record.settling, record.stepped
        if begun is not None and (stepped is None or begun > stepped):
            return begun
        return next_due(self._store, model, until)

    def _idle(self, model: str, now: datetime) -> timedelta:
        due = next_due(self._store, model, now + IDLE)
        return IDLE if due is None else min(max(due - now, BUSY), IDLE)

    def _begun(self, model: str, instant: datetime) -> None:
        """Before anything is scored at an instant: a kill in its midst must not lose the rest."""

        def work(t: Transaction) -> None:
            record = t.ledger.get(Model, model)
            if record is not None and record.settling != instant:
                t.ledger.put(msgspec.structs.replace(record, settling=instant))

        self._store.write(work, quiet=True).result()

    def _reached(self, model: str, instant: datetime) -> None:
        """Everything due by the instant is done: note it, so that a restart goes on from there."""

        def work(t: Transaction) -> None:
            record = t.ledger.get(Model, model)
            if record is not None and (record.stepped is None or record.stepped < instant):
                t.ledger.put(msgspec.structs.replace(record, stepped=instant))

        self._store.write(work, quiet=True).result()

    def _record(self, model: str) -> Model:
        with self._store.read() as view:
            record = view.ledger.get(Model, model)
        if record is None:
            message = f"there is no model called {model!r}"
            raise NotFound(message)
        return record


def timed_wake(waker: Waker, model: str) -> timedelta:
    """A wake as the scheduler calls it; how long to leave the model alone afterwards."""
    began = time.perf_counter()
    try:
        idle = waker.wake(model)
    except Stopping:
        log.info("wake_broken_off", model=model)
        return IDLE
    except NotFound:
        log.info("model_gone", model=model)
        return IDLE
    log.debug("woke", model=model, seconds=time.perf_counter() - began)
    return idle
