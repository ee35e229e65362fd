"""For serving apps: log predictions and labels without waiting, and load what is to be served."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Self

from connectors.client import bulk, wire
from connectors.client.fetching import folder_of, unpacked
from connectors.client.logs import AT_EXIT_SECONDS, Logs

if TYPE_CHECKING:
    import pyarrow as pa


class Leeboard(Logs):
    """One model of a Leeboard server, seen from the app that serves it.

    `log_prediction` and `log_label` return in microseconds, never wait for the server and never
    raise; what became of the rows is in `stats`. Closed at exit, or by `close`, or as a context
    manager. Safe over a fork: the child has a thread and a connection of its own. For programs
    with an event loop there is `serving_async.AsyncLeeboard`.

    `token` needs the scope `ingest`, and `read` for `champion` and what is fetched. `spool` is a
    folder on disk in which rows wait for a server that is away, also over the end of the process;
    every process of an app may have the same.
    """

    _champion: wire.Champion | None = None
    _tag: str | None = None

    def __enter__(self) -> Self:
        """Itself; leaving sends what is waiting and closes it."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()

    def flush(self, timeout: float = 30.0) -> bool:
        """Wait until every row logged so far is dealt with; false where that took too long."""
        return self._buffer.flush(timeout)

    def close(self, timeout: float = AT_EXIT_SECONDS) -> None:
        """Send what is waiting, for at most `timeout` seconds, and give the sockets back.

        What is not sent by then is in the spool for the next process, or without one dropped and
        counted.
        """
        self._end(timeout)

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
        folder = folder_of(sha256, into)
        if folder.is_dir():
            return folder
        return unpacked(self._connected().artifact(sha256), sha256, into)

    def fetch_version(self, version: str, into: Path | str) -> Path:
        """The files of a version by its name, as of a canary's or a shadow's; otherwise the same."""
        found = self._connected().version(self.model, version)
        return self.fetch_artifact(found.sha256, into)

    def send_table(
        self, feed: str, table: "pa.Table", *, known_at: datetime | None = None
    ) -> wire.Receipt:
        """Send many rows at once and wait: `predictions`, `labels` or `kpis`, as an Arrow table.

        The keys derive from the rows, so that the same call again stores nothing twice.
        `known_at`, when they became known, needs the scope `operate`. Raises what it meets.
        """
        return bulk.send_table(self._connected(), self.model, feed, table, known_at=known_at)
