"""The rows of many requests into the store as one: checked together, in one transaction.

What comes out for each is what it would have been had it come alone. Where that cannot be told
from the whole (a row that is not good, an id that came before), the request is left to be treated
alone.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from datetime import datetime
from functools import partial

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from controlplane.domain.batches import KeyedBatch, Receipt
from controlplane.domain.errors import LeeboardError, NotFound
from controlplane.domain.models import Model
from controlplane.ingest.checking import Checked
from controlplane.ingest.erasing import without_erased
from controlplane.ingest.gathering import Arrival, counted, gathered
from controlplane.ingest.grouping import Group, group_of, requests_of
from controlplane.ingest.keyed import answer_before
from controlplane.ingest.storing import (
    SETTLING,
    Request,
    settled,
    watermark,
)
from controlplane.store.ports import Received, Store, Transaction

Outcome = Receipt | LeeboardError
"""What became of a request: its receipt, or what is said in its place."""
Answer = Callable[[Arrival, Outcome | None], None]
"""Called once for each request, in any thread; None where it has to be treated alone."""


class _ApartError(Exception):
    """What was seen in the transaction cannot be told of each request: they are treated alone."""


def receive_many(
    store: Store, arrivals: Sequence[Arrival], answer: Answer, *, done: Callable[[], None]
) -> None:
    """Store the rows of requests for one model and feed; `done` when all were answered.

    Returns as soon as the rows are queued to be written; answers come after the commit.
    """
    left = _Countdown(done)
    answer = _each_once(arrivals, answer)
    try:
        parts = gathered(arrivals)
        requests = store.ask(partial(requests_of, arrivals=arrivals, parts=parts))
        groups = [
            group
            for some, (request, model) in zip(parts, requests, strict=True)
            if (group := group_of(some, arrivals, request, model)) is not None
        ]
        taken = {id(arrival) for group in groups for arrival in group.arrivals}
        for group in groups:
            _queue(store, group, answer, left)
        for arrival in arrivals:
            if id(arrival) not in taken:
                answer(arrival, None)
    except LeeboardError as error:
        for arrival in arrivals:
            answer(arrival, error)
    except Exception:  # noqa: BLE001 - each is tried alone, which says what is wrong with it
        for arrival in arrivals:
            answer(arrival, None)
    finally:
        left.end()


def _queue(store: Store, group: Group, answer: Answer, left: "_Countdown") -> None:
    """Have a group written; its requests are told after the commit, or that there is no room."""
    try:
        future = store.write(partial(_stored, group=group), size=group.request.batch.size)
    except LeeboardError as error:
        for arrival in group.arrivals:
            answer(arrival, error)
    else:
        left.begin()
        future.add_done_callback(partial(_answered, group=group, answer=answer, left=left))


class _Countdown:
    """Calls `done` when as much has ended as began; `begin` is called by one thread alone."""

    def __init__(self, done: Callable[[], None]) -> None:
        self._done = done
        self._left = [None]

    def begin(self) -> None:
        """One more."""
        self._left.append(None)

    def end(self) -> None:
        """One less; popping is safe between threads."""
        self._left.pop()
        if not self._left:
            self._done()


def _each_once(arrivals: Sequence[Arrival], answer: Answer) -> Answer:
    """An answer for each request that has none yet."""
    open_ones = {id(arrival) for arrival in arrivals}

    def once(arrival: Arrival, outcome: Outcome | None) -> None:
        if id(arrival) in open_ones:
            open_ones.discard(id(arrival))
            answer(arrival, outcome)

    return once


def _stored(t: Transaction, *, group: Group) -> list[Outcome]:
    """One transaction: the keys, the schema if these are the first rows, the rows."""
    request = group.request
    model = t.ledger.get(Model, request.model)
    if model is None:
        message = f"the model {request.model!r} was deleted meanwhile"
        raise NotFound(message)
    schema = settled(request, model)
    if schema != group.checked.schema:
        raise _ApartError
    outcomes = _before(t, group)
    fresh = np.array([outcome is None for outcome in outcomes], np.bool_)
    if not fresh.any():
        return [outcome for outcome in outcomes if outcome is not None]
    lengths = np.diff(group.bounds)
    checked = group.checked
    if not fresh.all():
        checked = checked.only(np.repeat(fresh, lengths))
    if without_erased(t, request.model, checked)[1]:
        raise _ApartError
    if model.schema is None and request.terms.feed in SETTLING:
        t.ledger.put(msgspec.structs.replace(model, schema=schema))
    t.events.prepare(request.model, schema)
    receipts = iter(_appended(t, request, checked, lengths[fresh]))
    unknown = group.unknown
    done = [
        msgspec.structs.replace(next(receipts), unknown_columns=unknown[k]) if outcome is None
        else outcome
        for k, outcome in enumerate(outcomes)
    ]  # fmt: skip
    _remember(t, group, fresh, done)
    return done


def _before(t: Transaction, group: Group) -> list[Outcome | None]:
    """What each request's key was answered before; None where it has none that is known."""
    found: list[Outcome | None] = [None] * len(group.keys)
    names = [key.id for key in group.keys if key is not None]
    if not names:
        return found
    known = t.ledger.get_all(KeyedBatch, names)
    for k, key in enumerate(group.keys):
        if key is not None and key.id in known:
            try:
                found[k] = answer_before(known[key.id], key, group.request.terms.known_at)
            except LeeboardError as error:
                found[k] = error
    if any(isinstance(outcome, Receipt) and outcome.rejected for outcome in found):
        raise _ApartError
    return found


def _remember(
    t: Transaction, group: Group, fresh: NDArray[np.bool_], outcomes: Sequence[Outcome]
) -> None:
    now = group.request.terms.known_at
    t.ledger.put_all([
        key.answered(outcome, now)
        for key, outcome, is_fresh in zip(group.keys, outcomes, fresh, strict=True)
        if is_fresh and key is not None and isinstance(outcome, Receipt)
    ])  # fmt: skip


def _appended(
    t: Transaction, request: Request, checked: Checked, lengths: NDArray[np.int64]
) -> list[Receipt]:
    """The rows stored; a receipt a request of so many rows."""
    bounds = np.concatenate(([0], np.cumsum(lengths)))
    before = None
    if checked.rows is not None:
        before = watermark(t, request)
        received = t.events.append_predictions(request.model, checked.rows, watermark=before)
    else:
        assert checked.labels is not None
        received = t.events.append_labels(request.model, checked.labels)
    reused = _sums(received.again, bounds)
    duplicates = _sums(received.known, bounds)
    late = _sums(_late(checked.rows, before, received), bounds)
    mark = watermark(t, request)
    return [
        Receipt(
            accepted=int(lengths[k] - duplicates[k]), duplicates=int(duplicates[k]),
            reused_ids=int(reused[k]), late=int(late[k]), watermark=mark,
        )
        for k in range(len(lengths))
    ]  # fmt: skip


def _late(
    rows: pa.Table | None, before: datetime | None, received: Received
) -> NDArray[np.bool_] | None:
    """Which rows came late; None where none did."""
    if rows is None or before is None or not received.late:
        return None
    early: NDArray[np.bool_] = pc.less(rows["at"], pa.scalar(before, rows["at"].type)).to_numpy()
    return early if received.known is None else early & ~received.known


def _sums(marks: NDArray[np.bool_] | None, bounds: NDArray[np.int64]) -> NDArray[np.int64]:
    """How many of each request's rows are marked; shape (requests,)."""
    return np.zeros(len(bounds) - 1, np.int64) if marks is None else counted(marks, bounds)


def _answered(
    future: "Future[list[Outcome]]", *, group: Group, answer: Answer, left: _Countdown
) -> None:
    """The commit is over: tell every request."""
    error = future.exception()
    outcomes: Sequence[Outcome | None]
    if error is None:
        outcomes = future.result()
    elif isinstance(error, LeeboardError):
        outcomes = [error] * len(group.arrivals)
    else:
        outcomes = [None] * len(group.arrivals)
    try:
        for arrival, outcome in zip(group.arrivals, outcomes, strict=True):
            answer(arrival, outcome)
    finally:
        left.end()
