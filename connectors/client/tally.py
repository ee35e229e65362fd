"""What became of the rows, counted; what is worth knowing is said in the log, and not too often."""

import logging
import threading
from collections import Counter

from connectors.client.delivering import Delivered

_LOG = logging.getLogger("leeboard")


class Tally:
    """Counts from any thread. A reason for which rows are lost is logged when it first comes, and
    again whenever ten times as many rows are."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Begin anew, with a lock of its own, as a forked child must."""
        self._lock = threading.RLock()  # a signal's handler may log, too
        self.dropped: Counter[str] = Counter()
        self.counts: Counter[str] = Counter()
        self.last_error: str | None = None
        self._is_held = False

    def drop(self, reason: str, rows: int = 1) -> None:
        """Rows that are not sent."""
        with self._lock:
            before = self.dropped[reason]
            self.dropped[reason] = after = before + rows
        if _is_news(before, after):
            _LOG.warning("leeboard: rows are dropped: %s (%s so far)", reason, f"{after:,}")

    def refuse(self, why: str | Exception) -> None:
        """A row that was not even taken from the app."""
        with self._lock:
            self.counts["refused"] += 1
        if isinstance(why, Exception):
            self.blame(why, 1)
        else:
            self.drop(why)

    def blame(self, error: Exception, rows: int) -> None:
        """Rows that an error took, by its kind; its text is kept as the last error."""
        self.last_error = f"{type(error).__name__}: {error}"
        self.drop(type(error).__name__, rows)

    def deliver(self, told: Delivered) -> None:
        """What the server said of a parcel."""
        with self._lock:
            before = self.counts["rejected"]
            self.counts["accepted"] += told.accepted
            self.counts["duplicates"] += told.duplicates
            self.counts["rejected"] += told.rejected
            after = self.counts["rejected"]
        if told.error is not None:
            self.last_error = told.error
            if _is_news(before, after):
                _LOG.warning(
                    "leeboard: rows were rejected: %s (%s so far)", told.error, f"{after:,}"
                )
        self._is_held = False

    def hold(self, why: str) -> None:
        """A parcel that has to wait; said once, and again after something got through."""
        self.last_error = why
        if not self._is_held:
            _LOG.warning("leeboard: rows wait to be sent again: %s", why)
        self._is_held = True

    def trouble(self, what: str, error: Exception) -> None:
        """Something about the spool that rows can be kept without; said once a kind of error."""
        self.last_error = f"{what}: {error}"
        kind = f"{what}: {type(error).__name__}"
        with self._lock:
            self.counts[kind] += 1
            is_first = self.counts[kind] == 1
        if is_first:
            _LOG.warning("leeboard: %s: %s", what, error)


def _is_news(before: int, after: int) -> bool:
    """Whether a count is no longer of the same power of ten.

    >>> [_is_news(0, 1), _is_news(1, 9), _is_news(9, 25), _is_news(25, 99)]
    [True, False, True, False]
    """
    return before == 0 or len(str(after)) > len(str(before))
