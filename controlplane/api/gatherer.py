"""Small requests that wait together: a thread takes all that have come and has them stored as one.

The next are read while the ones before are being committed, so the busier the server, the more
share a transaction; alone, a request waits for nothing but its own commit.
"""

import asyncio
import threading
from collections import deque
from functools import partial
from typing import Final

from controlplane.domain.batches import Receipt
from controlplane.domain.errors import LeeboardError, Overloaded
from controlplane.ingest.gathering import Arrival
from controlplane.ingest.media import ARROW, media_type_of
from controlplane.ingest.receive_many import Outcome, receive_many
from controlplane.store.ports import Store

MOST_TOGETHER: Final = 2_000
"""Requests that are stored as one."""
MOST_BYTES: Final = 8 * 2**20
"""Bytes of them, of Arrow streams twice as many. More than 122,880 rows at once DuckDB writes into the
file as they are, in groups of that size and a rest, and all of these anew at the next checkpoint."""
UNDER_WAY: Final = 2
"""Groups that are decoded or committed at a time: one of each."""
IDLE: Final = 10.0
"""Seconds without a request after which the thread ends; the next request starts another."""
MOST_WAITING: Final = 20_000
"""Requests; more are turned away until there are fewer."""

Waiting = tuple[Arrival, "asyncio.Future[Outcome | None]"]


class Gatherer:
    """The queue of small requests and the thread that empties it."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._changed = threading.Condition()
        self._waiting: deque[Waiting] = deque()
        self._under_way = 0
        self._thread: threading.Thread | None = None

    async def stored(self, arrival: Arrival) -> Receipt | None:
        """What became of a request once its rows are on disk; None where it has to be treated
        alone, and nothing of it was stored. Raises what is wrong with it, and Overloaded where
        too many wait."""
        future: asyncio.Future[Outcome | None] = asyncio.get_running_loop().create_future()
        with self._changed:
            if len(self._waiting) >= MOST_WAITING:
                message = (
                    f"{len(self._waiting)} requests wait already; nothing of this one was "
                    "stored, send it again in a moment"
                )
                raise Overloaded(message)
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._work, name="leeboard-gatherer", daemon=True
                )
                self._thread.start()
            self._waiting.append((arrival, future))
            self._changed.notify()
        outcome = await future
        if isinstance(outcome, LeeboardError):
            raise outcome
        return outcome

    def _work(self) -> None:
        while taken := self._taken():
            alike: dict[tuple[object, ...], list[Waiting]] = {}
            for one in taken:
                kind = (one[0].model, one[0].feed, one[0].may_backdate)
                alike.setdefault(kind, []).append(one)
            for some in alike.values():
                self._store_some(some)

    def _taken(self) -> list[Waiting]:
        """What waits, in the order in which it came, once there is room for it; nothing where
        nothing comes for long, and the thread ends."""
        with self._changed:
            while not (self._waiting and self._under_way < UNDER_WAY):
                if not self._changed.wait(IDLE) and not self._waiting:
                    self._thread = None
                    return []
            taken: list[Waiting] = []
            size = 0
            while self._waiting and len(taken) < MOST_TOGETHER and size < MOST_BYTES:
                taken.append(self._waiting.popleft())
                size += _weight(taken[-1][0])
            return taken

    def _store_some(self, some: list[Waiting]) -> None:
        results = _Results(some)
        with self._changed:
            self._under_way += 1
        arrivals = [arrival for arrival, _ in some]
        receive_many(self._store, arrivals, results.take, done=partial(self._ended, results))

    def _ended(self, results: "_Results") -> None:
        with self._changed:
            self._under_way -= 1
            self._changed.notify()
        results.tell()


def _weight(arrival: Arrival) -> int:
    is_table = media_type_of(arrival.content_type).kind == ARROW
    return len(arrival.body) // (2 if is_table else 1)


class _Results:
    """Outcomes, gathered in any thread and told in the loop all at once."""

    def __init__(self, some: list[Waiting]) -> None:
        self._futures = {id(arrival): future for arrival, future in some}
        self._outcomes: dict[int, Outcome | None] = {}
        self._loop = some[0][1].get_loop()

    def take(self, arrival: Arrival, outcome: Outcome | None) -> None:
        """What became of a request."""
        self._outcomes[id(arrival)] = outcome

    def tell(self) -> None:
        """Let those who wait go on."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._tell)

    def _tell(self) -> None:
        for name, future in self._futures.items():
            if not future.done():
                future.set_result(self._outcomes.get(name))
