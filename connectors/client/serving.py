"""For serving apps: log predictions and labels without waiting, and load what is to be served."""

import atexit
import os
import weakref
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final, Self

import httpx
import msgspec

from connectors.artifacts import sha256_of, unpack
from connectors.client import bulk, wire
from connectors.client.buffer import Buffer, Pace, Stats
from connectors.client.calls import Rows
from connectors.client.http import Connection
from connectors.client.problems import BadAnswer
from connectors.client.rows import Row, fault

if TYPE_CHECKING:
    import pyarrow as pa

_EVERY_ONE: "Final[weakref.WeakSet[Leeboard]]" = weakref.WeakSet()
_AT_EXIT_SECONDS: Final = 5.0


def _utc_now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - the serving app's clock is the event time


class Columns(msgspec.Struct, frozen=True, kw_only=True):
    """What the model file calls the columns of the prediction and of its scores."""

    prediction: str = "prediction"
    score: str = "score"
    scores: dict[str, str] = {}
    """A class to its column; a class that is not named has `score_<class>`."""


class Leeboard:
    """One model of a Leeboard server, seen from the app that serves it.

    `log_prediction` and `log_label` return in microseconds, never wait for the server and never
    raise; what became of the rows is in `stats`. Closed at exit, or by `close`, or as a context
    manager. Safe over a fork: the child has a thread and a connection of its own.

    `token` needs the scope `ingest`, and `read` for `champion` and `fetch_artifact`.
    """

    def __init__(
        self,
        server: str | None,
        model: str,
        token: str | None = None,
        *,
        columns: Columns = Columns(),  # noqa: B008 - frozen
        pace: Pace = Pace(),  # noqa: B008 - frozen
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self.model = model
        self._columns = columns
        self._connect = partial(Connection, server, token, pace.timeout, transport=transport)
        self._connection: Connection | None = None
        self._champion: wire.Champion | None = None
        self._tag: str | None = None
        self._buffer = Buffer(self._send, pace)
        _EVERY_ONE.add(self)

    def __enter__(self) -> Self:
        """Itself; leaving sends what is waiting and closes it."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()

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
        """Log a prediction: now, unless `at` says otherwise.

        `score` is the positive class's of a binary model, `scores` a class to its score. Without
        a version it is the champion's of that time. `role` is `live`, `shadow` or `canary`.
        """
        try:
            if (wrong := fault(id, at, features)) is not None:
                self._buffer.drop(wrong)
                return
            names = self._columns
            own = {"id": id, "at": at or _utc_now(), names.prediction: prediction, "role": role}
            if version is not None:
                own["version"] = version
            if score is not None:
                own[names.score] = score
            for label, value in (scores or {}).items():
                own[names.scores.get(label, f"score_{label}")] = value
            self._buffer.add("predictions", Row(own, dict(features)))
        except Exception as error:  # noqa: BLE001 - never into the app; it is counted and said
            self._buffer.blame(error, 1)

    def log_label(self, id: str, label: object, at: datetime | None = None) -> None:  # noqa: A002
        """Log what turned out true of a prediction: now, unless `at` says otherwise."""
        try:
            if (wrong := fault(id, at, {})) is not None:
                self._buffer.drop(wrong)
                return
            own = {"id": id, "label": label, "at": at or _utc_now()}
            self._buffer.add("labels", Row(own))
        except Exception as error:  # noqa: BLE001 - never into the app; it is counted and said
            self._buffer.blame(error, 1)

    def flush(self, timeout: float = 30.0) -> bool:
        """Wait until every row logged so far is dealt with; false where that took too long."""
        return self._buffer.flush(timeout)

    def close(self, timeout: float = _AT_EXIT_SECONDS) -> None:
        """Send what is waiting, for at most `timeout` seconds, and give the sockets back."""
        self._buffer.close(timeout)
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        _EVERY_ONE.discard(self)

    def champion(self, wait: float | None = None) -> wire.Champion:
        """What serving must run.

        With `wait`, in seconds, it returns when that has changed since the last call, or when
        the time is over. Raises ServerAway and ServerSaid: keep serving what you have then.
        """
        known = None if wait is None else self._tag
        found, tag = self._connected().champion_after(self.model, known, wait)
        if found is not None:
            self._champion, self._tag = found, tag
        assert self._champion is not None  # a 304 answers a tag, and a tag came with a champion
        return self._champion

    def fetch_artifact(self, sha256: str, into: Path | str) -> Path:
        """A version's files, in the folder `into`/`sha256`, which is returned.

        Fetched once: a folder that is there is whole. Raises BadAnswer where what was sent does
        not have that hash, BadArtifact where it would write outside its folder.
        """
        folder = Path(into) / sha256
        if folder.is_dir():
            return folder
        folder.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix=".", dir=folder.parent) as own:
            tar, files = Path(own) / "tar", Path(own) / "files"
            tar.write_bytes(self._connected().artifact(sha256))
            if (found := sha256_of(tar)) != sha256:
                message = f"artifact {sha256} came with the hash {found}; nothing was unpacked"
                raise BadAnswer(message)
            unpack(tar, files)
            try:
                files.rename(folder)
            except OSError:
                if not folder.is_dir():  # else another worker was faster
                    raise
        return folder

    def send_table(
        self, feed: str, table: "pa.Table", *, known_at: datetime | None = None
    ) -> wire.Receipt:
        """Send many rows at once and wait: `predictions`, `labels` or `kpis`, as an Arrow table.

        The keys derive from the rows, so that the same call again stores nothing twice.
        `known_at`, when they became known, needs the scope `operate`. Raises what it meets.
        """
        return bulk.send_table(self._connected(), self.model, feed, table, known_at=known_at)

    def _connected(self) -> Connection:
        if self._connection is None:
            self._connection = self._connect()
        return self._connection

    def _send(self, rows: Rows) -> wire.Receipt:
        return self._connected().send(self.model, rows)

    def _forget(self) -> None:
        """Begin anew, as a forked child must: the sockets and the rows are its parent's."""
        self._connection = None
        self._buffer.forget()


def _after_fork() -> None:
    for each in list(_EVERY_ONE):
        each._forget()  # noqa: SLF001 - this module's own class


def _at_exit() -> None:
    for each in list(_EVERY_ONE):
        each.close()


atexit.register(_at_exit)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
