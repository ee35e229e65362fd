"""Parcels in the order in which they go to the server, on disk where there is a spool.

One thread at a time uses it. It takes rows as long as it can put them on disk; without a disk, one
packing of rows at a time, so that what waits in memory waits where it is bounded.
"""

from collections import deque
from collections.abc import Callable, Sequence
from time import monotonic
from typing import Any

from connectors.client.delivering import Delivered, HeldError, pause_before
from connectors.client.pace import Pace
from connectors.client.packing import Packed
from connectors.client.rows import Parcel
from connectors.client.spool import Segment, Spool, TornSegment
from connectors.client.tally import Tally

_BYTES_A_BYTE = 4
"""About what a row takes in memory as Python's own objects, for a byte of its JSON."""
_AT_THE_END = "not sent before the end"


class Outgoing:
    """What is packed and not yet delivered."""

    def __init__(
        self, pack: Callable[[str, Sequence[Any]], Packed], deliver: Callable[[Parcel], Delivered],
        pace: Pace, spool: Spool | None, tally: Tally,
    ) -> None:  # fmt: skip
        self._pack = pack
        self._deliver = deliver
        self._pace = pace
        self._spool = spool
        self._tally = tally
        self.forget()

    def forget(self) -> None:
        """Begin anew, as a forked child must."""
        self._line: deque[Segment | Parcel] = deque()
        self.loose = 0
        """Rows in parcels that are in memory alone."""
        self.spooled = 0
        """Rows in parcels on disk."""
        self.put = 0
        self.dealt = 0
        """Parcels that came into the line, and that left it."""
        self.room = self._pace.capacity
        """Rows that may wait in memory."""
        self.has_given_up = False
        self._attempts = 0
        self._not_before = 0.0
        self._asked_until = 0.0
        self._look_at = 0.0
        self._is_closing = False
        self._is_sealed = False
        if self._spool is not None:
            self._spool.forget()

    @property
    def has_spool(self) -> bool:
        """Whether there is a disk to write to."""
        return self._spool is not None

    def takes_rows(self) -> bool:
        """Whether more rows are to be packed."""
        return not self.loose and not self._is_sealed

    def seconds_to_next(self) -> float:
        """Until something can be sent; infinite where nothing waits."""
        return max(0.0, self._not_before - monotonic()) if self._line else float("inf")

    def take_up(self) -> None:
        """Now and then: the parcels of processes that are gone."""
        if self._spool is None or monotonic() < self._look_at:
            return
        self._look_at = monotonic() + self._pace.look_around
        try:
            found = self._spool.take_up()
        except OSError as error:
            self._tally.trouble("the spool cannot be looked through", error)
            return
        self._line.extend(found)
        self.put += len(found)
        rows = sum(segment.rows for segment in found)
        self.spooled += rows
        self._tally.counts["taken_up"] += rows

    def pack(self, feed: str, rows: Sequence[Any]) -> None:
        """Put rows of a feed at the end of the line."""
        packed = self._pack(feed, rows)
        for reason, lost in packed.dropped.items():
            self._tally.drop(reason, lost)
        for parcel in packed.parcels:
            self._keep(parcel)
        if packed.parcels:
            size = sum(len(p.body) for p in packed.parcels) / sum(p.rows for p in packed.parcels)
            fit = self._pace.memory_bytes / (_BYTES_A_BYTE * size)
            self.room = max(1, min(self._pace.capacity, int(fit)))

    def send_next(self) -> None:
        """One attempt for the parcel at the head of the line."""
        item = self._line[0]
        parcel = item if isinstance(item, Parcel) else self._read(item)
        if parcel is None:
            return
        if self._attempts:
            self._tally.counts["retries"] += 1
        try:
            told = self._deliver(parcel)
        except HeldError as held:
            self._hold(held, item)
            return
        if self._is_sealed:  # it came back after the end: whoever has the parcel sends it again
            return
        self._attempts, self._not_before = 0, 0.0
        if isinstance(item, Segment):
            self._remove(item)
        self._pop()
        self._tally.deliver(told)

    def hurry(self) -> None:
        """The end is near: what waits to be tried again is tried now, unless the server said when."""
        self._is_closing = True
        self._not_before = self._asked_until

    def unload(self) -> None:
        """Put on disk what could not be put there before."""
        for item in [item for item in self._line if isinstance(item, Parcel)]:
            if self._written(item) is not None:
                self._line.remove(item)
                self.loose -= item.rows

    def seal(self) -> None:
        """The end: what is in memory alone is dropped, and the disk is let go."""
        self._is_sealed = True
        self.drop_at_the_end(self.loose)
        self.loose = 0
        if self._spool is not None:
            self._spool.close()

    def drop_at_the_end(self, rows: int) -> None:
        """Rows that were not even packed."""
        if rows:
            self._tally.drop(_AT_THE_END, rows)

    def _keep(self, parcel: Parcel) -> None:
        self.put += 1
        segment = self._written(parcel)
        if segment is None:
            self.loose += parcel.rows
        self._line.append(segment or parcel)

    def _written(self, parcel: Parcel) -> Segment | None:
        """A parcel on disk; None where it cannot be there."""
        if self._spool is None:
            return None
        try:
            segment = self._spool.put(parcel)
        except OSError as error:
            self._tally.trouble("the spool cannot be written, rows wait in memory", error)
            return None
        self.spooled += segment.rows
        return segment

    def _read(self, segment: Segment) -> Parcel | None:
        """A parcel from disk; where it cannot be read it is out of the line."""
        assert self._spool is not None
        try:
            return self._spool.read(segment)
        except (TornSegment, OSError) as error:
            self._tally.trouble("a file of the spool is set aside", error)
        self._tally.counts["set_aside"] += 1
        self._tally.drop("unreadable in the spool", segment.rows)
        try:
            self._spool.set_aside(segment)
        except OSError as error:
            self._tally.trouble("a file of the spool cannot be set aside", error)
        self._pop()
        return None

    def _remove(self, segment: Segment) -> None:
        assert self._spool is not None
        try:
            self._spool.remove(segment)
        except OSError as error:  # then it is sent again, under its key
            self._tally.trouble("a file of the spool cannot be removed", error)

    def _pop(self) -> None:
        item = self._line.popleft()
        self.dealt += 1
        if isinstance(item, Segment):
            self.spooled -= item.rows
        else:
            self.loose -= item.rows

    def _hold(self, held: HeldError, item: Segment | Parcel) -> None:
        self._tally.hold(str(held))
        self._attempts += 1
        pause = pause_before(
            self._attempts, self._pace.first_pause, self._pace.longest_pause, held.after
        )
        self._not_before = monotonic() + pause
        self._asked_until = monotonic() + (held.after or 0.0)
        if self._is_closing and (held.is_hopeless or isinstance(item, Segment)):
            self.has_given_up = True
