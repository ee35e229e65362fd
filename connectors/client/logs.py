"""What both kinds of client log with: calls that take microseconds, wait for nothing, raise nothing."""

import atexit
import logging
import os
import sys
import weakref
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from pathlib import Path
from time import time_ns
from typing import Any, Final, ParamSpec, TypeVar, overload

import httpx

from connectors.client import place, wire
from connectors.client.buffer import THREAD, Buffer
from connectors.client.calls import Rows
from connectors.client.decorating import Decorating, Given, Logged, Logger, Reading, logged
from connectors.client.delivering import deliver
from connectors.client.http import Connection
from connectors.client.outgoing import Outgoing
from connectors.client.pace import Pace, Stats
from connectors.client.packing import packed
from connectors.client.problems import ServerSaid
from connectors.client.rows import Columns, Label, Parcel, Prediction
from connectors.client.spool import Spool
from connectors.client.tally import Tally

P = ParamSpec("P")
R = TypeVar("R")

AT_EXIT_SECONDS: Final = 5.0
_UNAUTHENTICATED: Final = 401
_EVERY_ONE: "Final[weakref.WeakSet[Logs]]" = weakref.WeakSet()


class Logs:
    """One model's predictions and labels on their way to a Leeboard server.

    What became of the rows is in `stats`. Closed at exit. Safe over a fork: the child has a
    thread, a connection and a part of the spool of its own.
    """

    def __init__(  # noqa: PLR0913 - all but the first three by name
        self, server: str | None, model: str, token: str | None = None, *,
        columns: Columns = Columns(),  # noqa: B008 - frozen
        pace: Pace = Pace(),  # noqa: B008 - frozen
        spool: str | Path | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:  # fmt: skip
        self.model = model
        self._server, self._token, self._pace = place.server_named(server), token, pace
        self._connect: Callable[[], Connection] = partial(
            Connection, self._server, token, pace.timeout, transport=transport
        )
        self._connection: Connection | None = None
        tally = Tally()
        disk = None
        if spool is not None:
            disk = Spool(Path(spool), self._server, model, pace.spool_bytes)
        pack = partial(packed, names=columns, most_bytes=pace.most_bytes)
        outgoing = Outgoing(pack, partial(deliver, self._send), pace, disk, tally)
        self._buffer = Buffer(outgoing, pace, tally, self._end_with_the_child)
        logging.getLogger("httpx").addFilter(_is_of_the_app)
        _EVERY_ONE.add(self)

    @property
    def stats(self) -> Stats:
        """What became of the rows so far."""
        return self._buffer.stats()

    def log_prediction(  # noqa: PLR0913 - what a prediction has
        self,
        id: str,  # noqa: A002 - its name on the wire
        features: Mapping[str, Any],
        prediction: object,
        *,
        score: float | None = None,
        scores: Mapping[str, float] | None = None,
        at: datetime | None = None,
        version: str | None = None,
        role: str = "live",
    ) -> None:
        """Log a prediction: now, unless `at` says otherwise. Costs a microsecond or two.

        `score` is the positive class's of a binary model, `scores` a class to its score. Without
        a version it is the champion's of that time. `role` is `live`, `shadow` or `canary`.
        """
        try:
            self._buffer.add(self._buffer.predictions, Prediction(
                id, time_ns() if at is None else _given(at), dict(features), prediction, score,
                None if scores is None else dict(scores), version, role,
            ))  # fmt: skip
        except Exception as error:  # noqa: BLE001 - never into the app; it is counted and said
            self._buffer.tally.refuse(error)

    def log_label(self, id: str, label: object, at: datetime | None = None) -> None:  # noqa: A002
        """Log what turned out true of a prediction: now, unless `at` says otherwise."""
        try:
            row = Label(id, label, time_ns() if at is None else _given(at))
            self._buffer.add(self._buffer.labels, row)
        except Exception as error:  # noqa: BLE001 - never into the app; it is counted and said
            self._buffer.tally.refuse(error)

    @overload
    def logged(self, function: Callable[P, R], /) -> Logged[P, R]: ...
    @overload
    def logged(
        self, *, features: Given = None, id: Given = None,
        answer: Callable[[Any], Any] | None = None,
        version: str | Callable[[], str | None] | None = None,
    ) -> Decorating: ...  # fmt: skip
    def logged(
        self, function: Callable[..., Any] | None = None, *,
        features: Given = None, id: Given = None,  # noqa: A002
        answer: Callable[[Any], Any] | None = None,
        version: str | Callable[[], str | None] | None = None,
    ) -> Any:  # fmt: skip
        """Make a predict function log what it predicts: `@leeboard.logged`, sync or async.

        `features` names the argument that holds them, the first unless told: a mapping (or a
        dataclass, a Pydantic model …) for one row, a list or a table for several. `id` names the
        argument with the row's id, or the ids; without it there are new ones, and
        `predict.with_ids(…)` gives the answer and them. Both may be a function of the arguments.
        `answer` makes of the result what is logged: a prediction, or a mapping with `prediction`,
        `score`, `scores` and `version`; as many of those as rows. `version` is the one that
        predicts, or a function that says which does at the time.

        The function's results and errors stay as they are; errors of logging are counted.
        """

        def decorate(function: Callable[..., Any]) -> Logged[..., Any]:
            return logged(function, Logger(self, Reading(function, features, id), answer, version))

        return decorate if function is None else decorate(function)

    def count_unlogged(self, why: str | Exception) -> None:
        """Count a row that its app could not even log, and say why; for middleware and the like."""
        self._buffer.tally.refuse(why)

    def flush_at_end(self) -> None:
        """Send what was logged, for at most five seconds, and stay open; for middleware that hears
        of its app's end. Some servers end their process by a signal right after it, which takes
        Python's exit handlers, and with them what this has in memory."""
        self._buffer.flush(AT_EXIT_SECONDS)

    def _end(self, timeout: float) -> None:
        """Send what is waiting, for at most `timeout` seconds, and give the sockets back."""
        self._buffer.close(timeout)
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        _EVERY_ONE.discard(self)

    def _connected(self) -> Connection:
        if self._connection is None:
            self._connection = self._connect()
        return self._connection

    def _send(self, parcel: Parcel) -> wire.Receipt:
        rows = Rows(feed=parcel.feed, body=parcel.body, key=parcel.key)
        try:
            return self._connected().send(self.model, rows)
        except ServerSaid as error:
            if error.status == _UNAUTHENTICATED:
                self._connection = None  # the next one reads the token anew, which may be another
            raise

    def _end_with_the_child(self) -> None:
        """A child of multiprocessing ends without Python's exit handlers, but with its own."""
        if (util := sys.modules.get("multiprocessing.util")) is not None:
            util.Finalize(self, partial(_end_one, weakref.ref(self)), exitpriority=0)

    def _forget(self) -> None:
        """Begin anew, as a forked child must: the sockets and the rows are its parent's."""
        self._connection = None
        self._buffer.forget()


def _given(at: object) -> object:
    """An app's own time; a number of its own is none, since nobody knows of what."""
    return None if type(at) is int else at


def _is_of_the_app(record: logging.LogRecord) -> bool:
    """httpx says every request at the level INFO; ours are of no interest in an app's log."""
    return record.threadName != THREAD


def _end_one(found: "weakref.ref[Logs]") -> None:
    if (logs := found()) is not None:
        logs._end(AT_EXIT_SECONDS)  # noqa: SLF001 - this module's own class


def _after_fork() -> None:
    for each in list(_EVERY_ONE):
        each._forget()  # noqa: SLF001 - this module's own class


def _at_exit() -> None:
    for each in list(_EVERY_ONE):
        each._end(AT_EXIT_SECONDS)  # noqa: SLF001 - this module's own class


atexit.register(_at_exit)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
