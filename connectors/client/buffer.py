"""Rows on their way to the server: a bounded buffer, and one thread that sends it in batches."""

import logging
import secrets
import threading
from collections import Counter, deque
from time import monotonic
from typing import Final, Protocol
from uuid import uuid4

import msgspec

from connectors.client import wire
from connectors.client.calls import Rows
from connectors.client.problems import BadAnswer, ServerAway, ServerSaid
from connectors.client.rows import Row, encoded

FEEDS: Final = ("predictions", "labels")
"""In this order, so that a label never overtakes the prediction it belongs to."""

_LOG = logging.getLogger("leeboard")
_TRY_AGAIN: Final = frozenset({408, 425, 429})


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """How rows are kept and sent; times are in seconds."""

    capacity: int = 100_000
    """Rows kept while the server is away; what comes after that is dropped and counted."""
    batch_rows: int = 500
    every: float = 1.0
    timeout: float = 10.0
    """Of one request."""
    first_pause: float = 0.25
    """Before the second attempt; doubled at each further one, and jittered."""
    longest_pause: float = 30.0


class Stats(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the rows so far; counts of rows but for `retries`."""

    logged: int = 0
    waiting: int = 0
    """In memory, a batch under way included."""
    accepted: int = 0
    duplicates: int = 0
    rejected: int = 0
    """Refused by the server, one by one or with their batch."""
    dropped: dict[str, int] = {}
    """Never sent, by reason."""
    retries: int = 0
    last_error: str | None = None


class Send(Protocol):
    """Sends one batch; raises ServerAway, ServerSaid or BadAnswer."""

    def __call__(self, rows: Rows) -> wire.Receipt:
        """What became of the rows."""
        ...


class Buffer:
    """Takes rows in a microsecond, from any thread, and sends them from one of its own.

    `add` and `drop` never block on the network and never raise. After a fork the child must call
    `forget`: what was waiting is the parent's to send.
    """

    def __init__(self, send: Send, pace: Pace) -> None:
        self._send = send
        self._pace = pace
        self.forget()

    def forget(self) -> None:
        """Begin anew: empty, with no thread and new locks."""
        self._lock = threading.RLock()  # a signal's handler may log, too
        self._queues: dict[str, deque[Row]] = {feed: deque() for feed in FEEDS}
        self._wanted = threading.Event()
        self._idle = threading.Condition()
        self._thread: threading.Thread | None = None
        self._under_way = 0
        self._counts: Counter[str] = Counter()
        self._dropped: Counter[str] = Counter()
        self._last_error: str | None = None
        self._closed = False
        self._give_up_at: float | None = None

    def add(self, feed: str, row: Row) -> None:
        """Keep a row for sending; dropped and counted where the buffer is full or closed."""
        with self._lock:
            queue = self._queues[feed]
            if self._closed or self._waiting() >= self._pace.capacity:
                self.drop("closed" if self._closed else "full")
                return
            queue.append(row)
            self._counts["logged"] += 1
            if self._thread is None:
                self._start()
        if len(queue) >= self._pace.batch_rows and not self._wanted.is_set():
            self._wanted.set()

    def drop(self, reason: str, rows: int = 1) -> None:
        """Count rows that are not sent; each reason is logged once."""
        with self._lock:
            is_new = reason not in self._dropped
            self._dropped[reason] += rows
        if is_new:
            _LOG.warning("leeboard: rows are dropped: %s", reason)

    def blame(self, error: Exception, rows: int) -> None:
        """Count rows that an error took, by its kind; its text is kept as the last error."""
        self._last_error = f"{type(error).__name__}: {error}"
        self.drop(type(error).__name__, rows)

    def stats(self) -> Stats:
        """What became of the rows so far."""
        with self._lock:
            return Stats(
                logged=self._counts["logged"],
                waiting=self._waiting() + self._under_way,
                accepted=self._counts["accepted"],
                duplicates=self._counts["duplicates"],
                rejected=self._counts["rejected"],
                dropped=dict(self._dropped),
                retries=self._counts["retries"],
                last_error=self._last_error,
            )

    def flush(self, timeout: float) -> bool:
        """Wait until nothing is waiting; false where it took longer than `timeout` seconds."""
        if self._thread is None:
            return self._waiting() == 0
        until = monotonic() + timeout
        self._wanted.set()
        with self._idle:
            while self._waiting() + self._under_way > 0:
                left = until - monotonic()
                if left <= 0 or not self._thread.is_alive():
                    return False
                self._idle.wait(min(left, 0.1))
                self._wanted.set()
        return True

    def close(self, timeout: float) -> None:
        """Send what is waiting, for at most `timeout` seconds; the rest is dropped and counted."""
        self._give_up_at = monotonic() + timeout
        self._closed = True
        self.flush(timeout)
        self._wanted.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(max(0.0, self._give_up_at - monotonic()) + 0.1)
        with self._lock:
            left = self._waiting()
            for queue in self._queues.values():
                queue.clear()
        if left:
            self.drop("not sent before the end", left)

    def _waiting(self) -> int:
        return sum(len(queue) for queue in self._queues.values())

    def _start(self) -> None:
        self._thread = threading.Thread(target=self._work, name="leeboard", daemon=True)
        self._thread.start()

    def _work(self) -> None:
        while True:
            self._wanted.wait(0.0 if self._closed else self._pace.every)
            self._wanted.clear()
            try:
                self._send_waiting()
            except Exception as error:  # noqa: BLE001 - the app must live; it is kept and said
                self.blame(error, self._under_way)
            with self._idle:
                self._under_way = 0
                self._idle.notify_all()
            if self._closed and (self._waiting() == 0 or self._out_of_time()):
                return

    def _send_waiting(self) -> None:
        """One round over what was waiting at its begin: predictions first."""
        counts = {feed: len(self._queues[feed]) for feed in reversed(FEEDS)}
        for feed in FEEDS:
            left = counts[feed]
            while left > 0 and not self._out_of_time():
                batch = self._take(feed, min(left, self._pace.batch_rows))
                left = left - len(batch) if batch else 0
                self._deliver(feed, batch)
                self._under_way = 0

    def _take(self, feed: str, most: int) -> list[Row]:
        with self._lock:
            queue = self._queues[feed]
            self._under_way = min(most, len(queue))
            return [queue.popleft() for _ in range(self._under_way)]

    def _deliver(self, feed: str, batch: list[Row]) -> None:
        body, left_out = encoded(batch)
        if left_out:
            self.drop("cannot be written as JSON", left_out)
        rows = len(batch) - left_out
        if not rows:
            return
        request = Rows(feed=feed, body=body, key=uuid4().hex)
        pause = self._pace.first_pause
        while (failure := self._attempt(request, rows)) is not None:
            if pause == self._pace.first_pause:
                _LOG.warning("leeboard: rows wait to be sent again: %s", failure)
            if not self._pause(pause, getattr(failure, "after", None)):
                self.drop("not sent before the end", rows)
                return
            pause = min(2 * pause, self._pace.longest_pause)

    def _attempt(self, request: Rows, rows: int) -> Exception | None:
        """Send a batch; what went wrong where it may be sent again, None where it is dealt with."""
        try:
            self._count(self._send(request))
        except (ServerAway, ServerSaid, BadAnswer) as error:
            self._last_error = str(error)
            if _may_try_again(error):
                return error
            self._refused(rows, error)
        return None

    def _pause(self, pause: float, asked: float | None) -> bool:
        """Wait before the next attempt; false where there is no time for one."""
        jittered = pause * (0.5 + secrets.randbelow(1000) / 1000)
        wait = max(jittered, asked or 0.0)
        until = monotonic() + wait
        while (left := until - monotonic()) > 0:
            if self._out_of_time():
                return False
            threading.Event().wait(min(left, 0.1))
        self._counts["retries"] += 1
        return True

    def _out_of_time(self) -> bool:
        return self._give_up_at is not None and monotonic() >= self._give_up_at

    def _count(self, receipt: wire.Receipt) -> None:
        with self._lock:
            self._counts["accepted"] += receipt.accepted
            self._counts["duplicates"] += receipt.duplicates
            is_first = receipt.rejected > 0 and self._counts["rejected"] == 0
            self._counts["rejected"] += receipt.rejected
        if receipt.rejected:
            first = receipt.errors[0] if receipt.errors else None
            self._last_error = (
                f"{first.pointer}: {first.message}" if first else "rows were rejected"
            )
            if is_first:
                _LOG.warning("leeboard: rows were rejected: %s", self._last_error)

    def _refused(self, rows: int, error: Exception) -> None:
        with self._lock:
            is_first = self._counts["rejected"] == 0
            self._counts["rejected"] += rows
        if is_first:
            _LOG.warning("leeboard: rows were rejected: %s", error)


def _may_try_again(error: ServerAway | ServerSaid | BadAnswer) -> bool:
    """Whether the same batch may fare better later; a 4xx will not, but for a few."""
    if isinstance(error, ServerSaid):
        return error.status >= 500 or error.status in _TRY_AGAIN  # noqa: PLR2004 - HTTP's
    return True
