"""Rows on their way to the server: bounded queues, and one thread that sends what is in them."""

import sys
import threading
from collections import deque
from collections.abc import Callable
from time import monotonic
from typing import Any, Final

from connectors.client.outgoing import Outgoing
from connectors.client.pace import Pace, Stats
from connectors.client.rows import FEEDS, Label, Prediction
from connectors.client.tally import Tally

THREAD: Final = "leeboard"
"""What the thread that sends is called."""
_NEVER: Final = sys.maxsize
_LOOK: Final = 0.1
"""Seconds after which who waits looks again, whatever it was told."""


class Buffer:
    """Takes rows in a microsecond, from any thread, and sends them from one of its own.

    `add` never blocks and never raises. After a fork the child must call `forget`: what was
    waiting is the parent's to send.
    """

    def __init__(
        self, outgoing: Outgoing, pace: Pace, tally: Tally, at_start: Callable[[], None]
    ) -> None:
        self.tally = tally
        self._at_start = at_start
        self._outgoing = outgoing
        self._pace = pace
        self.forget()

    def forget(self) -> None:
        """Begin anew: empty, with no thread and new locks."""
        self.predictions: deque[Prediction] = deque()
        self.labels: deque[Label] = deque()
        self._starting = threading.RLock()  # a signal's handler may log, too
        self._packing = threading.Lock()
        self._wanted = threading.Event()
        self._idle = threading.Condition()
        self._thread: threading.Thread | None = None
        self._wake_at = self._pace.batch_rows
        self._taken = 0
        self._in_hand = 0
        self._owed: dict[str, int] = {}
        """Rows of the round under way that are not packed yet, by feed."""
        self._rounds = 0
        self._rounds_done = 0
        self._next_round = 0.0
        self._is_closed = False
        self._give_up_at: float | None = None
        self._outgoing.forget()
        self.tally.forget()

    def add(self, queue: deque[Any], row: Prediction | Label) -> None:
        """Keep a row for sending; dropped and counted where the buffer is full or closed."""
        if self._is_closed or len(self.predictions) + len(self.labels) >= self._outgoing.room:
            self.tally.refuse("closed" if self._is_closed else "full")
            return
        queue.append(row)
        if len(queue) >= self._wake_at:
            self._wake()
        if self._thread is None:
            self._start()

    def stats(self) -> Stats:
        """What became of the rows so far."""
        counts, waiting = self.tally.counts, self._unpacked()
        return Stats(
            logged=self._taken + counts["refused"] + len(self.predictions) + len(self.labels),
            taken_up=counts["taken_up"],
            waiting=waiting + self._outgoing.loose,
            spooled=self._outgoing.spooled,
            accepted=counts["accepted"],
            duplicates=counts["duplicates"],
            rejected=counts["rejected"],
            dropped=dict(self.tally.dropped),
            retries=counts["retries"],
            set_aside=counts["set_aside"],
            last_error=self.tally.last_error,
        )

    def flush(self, timeout: float) -> bool:
        """Wait until all that was logged before is dealt with; false where it took longer.

        Where there is a spool, that includes what processes that are gone have left in it.
        """
        if not self._is_closed and self._thread is None:
            if not self._unpacked() and not self._outgoing.has_spool:
                return True
            self._start()
        until = monotonic() + timeout
        rounds = self._rounds + 1
        if not self._wait(lambda: self._rounds_done >= rounds, until):
            return self._is_closed and not self._left()
        goal = self._outgoing.put
        return self._wait(lambda: self._outgoing.dealt >= goal, until)

    def close(self, timeout: float) -> None:
        """Send what is waiting, for at most `timeout` seconds; the rest goes to the spool, or is
        dropped and counted."""
        with self._starting:
            was_closed, self._is_closed = self._is_closed, True
        if was_closed:
            return
        self._give_up_at = monotonic() + timeout
        self._outgoing.hurry()
        self._wanted.set()
        if self._thread is None and self._unpacked():
            self._work()  # no thread could be started
        elif self._thread not in {None, threading.current_thread()}:
            assert self._thread is not None
            self._thread.join(timeout + _LOOK)
        if self._packing.acquire(timeout=timeout + _LOOK):  # else the disk hangs, and so it stays
            try:
                self._seal()
            finally:
                self._packing.release()

    def _seal(self) -> None:
        """Pack what is left where it can be kept, and end."""
        self._outgoing.unload()
        while self._outgoing.has_spool and self._unpacked() and self._outgoing.takes_rows():
            self._pack_round()
        left = self._unpacked()
        self.predictions.clear()
        self.labels.clear()
        self._taken += left
        self._outgoing.drop_at_the_end(left)
        self._outgoing.seal()

    def _unpacked(self) -> int:
        return len(self.predictions) + len(self.labels) + self._in_hand

    def _left(self) -> int:
        return self._unpacked() + self._outgoing.loose + self._outgoing.spooled

    def _wake(self) -> None:
        self._wake_at = _NEVER  # the thread says when it wants to be told again
        self._wanted.set()

    def _start(self) -> None:
        with self._starting:
            if self._thread is not None or self._is_closed:
                return
            thread = threading.Thread(target=self._work, name=THREAD, daemon=True)
            try:
                thread.start()
            except RuntimeError as error:  # no more threads, or at the interpreter's end
                self.tally.trouble("no thread to send rows with, they wait", error)
                return
            self._thread = thread
        self._at_start()

    def _wait(self, is_true: Callable[[], bool], until: float) -> bool:
        with self._idle:
            while not is_true():
                left = until - monotonic()
                if left <= 0 or self._thread is None or not self._thread.is_alive():
                    return is_true()
                self._wanted.set()
                self._idle.wait(min(left, _LOOK))
        return True

    def _work(self) -> None:
        while not self._is_over():
            self._rest()
            try:
                self._step()
            except Exception as error:  # noqa: BLE001 - the app must live; it is said
                self.tally.trouble("something unexpected", error)
                self._wanted.wait(_LOOK)
            with self._idle:
                self._idle.notify_all()

    def _is_over(self) -> bool:
        if not self._is_closed:
            return False
        return not self._left() or self._outgoing.has_given_up or self._is_late()

    def _is_late(self) -> bool:
        return self._give_up_at is not None and monotonic() >= self._give_up_at

    def _rest(self) -> None:
        """Wait until there is something to do."""
        takes = self._outgoing.takes_rows()
        self._wake_at = self._pace.batch_rows if takes else _NEVER
        seconds = self._outgoing.seconds_to_next()
        if not self._is_closed:
            seconds = 0.0 if takes and self._has_batch() else min(seconds, self._pace.every)
        elif takes and self._unpacked():
            return
        if seconds > 0:
            self._wanted.wait(min(seconds, _LOOK) if self._is_closed else seconds)
        self._wanted.clear()

    def _has_batch(self) -> bool:
        return max(len(self.predictions), len(self.labels)) >= self._pace.batch_rows

    def _step(self) -> None:
        with self._packing:
            self._outgoing.take_up()
            self._pack_round()
        while self._outgoing.seconds_to_next() <= 0 and not self._is_late():
            self._outgoing.send_next()
            with self._packing:
                if self._owed or self._has_batch() or monotonic() >= self._next_round:
                    self._pack_round()

    def _pack_round(self) -> None:
        """Pack what was waiting when the round began, as far as it is taken: predictions first.

        Labels are counted before the predictions: what one is logged after is in its round.
        """
        if not self._owed:
            labels = len(self.labels)
            self._owed = {FEEDS[0]: len(self.predictions), FEEDS[1]: labels}
            self._rounds += 1
            self._next_round = monotonic() + self._pace.every
        while self._owed and self._outgoing.takes_rows():
            feed, rows = next(iter(self._owed.items()))
            if rows:
                self._pack(feed, min(rows, self._pace.most_rows))
            self._owed[feed] = rows - min(rows, self._pace.most_rows)
            if not self._owed[feed]:
                del self._owed[feed]
        if not self._owed:
            self._rounds_done = self._rounds

    def _pack(self, feed: str, most: int) -> None:
        queue: deque[Any] = self.predictions if feed == FEEDS[0] else self.labels
        self._in_hand = most
        rows = [queue.popleft() for _ in range(most)]
        self._taken += most
        try:
            self._outgoing.pack(feed, rows)
        except Exception as error:  # noqa: BLE001 - as in _work
            self.tally.blame(error, most)
        self._in_hand = 0
