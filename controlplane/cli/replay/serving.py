"""The replay as a serving app: it runs the champion it is told of and logs what it predicts.

A version is asked once to score the rest of the file; each prediction is logged at its own
time. It switches at the first row after it has seen a new champion.
"""

from collections.abc import Mapping
from datetime import datetime

import pyarrow as pa

from connectors.client import wire
from connectors.client.http import Connection
from controlplane.cli.replay.bench import Bench
from controlplane.cli.replay.history import History
from controlplane.cli.replay.patient import patiently


class Serving:
    """The versions that this app has loaded, and what each predicts of the rest of the file."""

    def __init__(
        self, connection: Connection, model: str, history: History, bench: Bench,
        names: Mapping[str, str],
    ) -> None:  # fmt: skip
        self._connection = connection
        self._model = model
        self._history = history
        self._bench = bench
        self._names = names
        self._predicted: dict[str, tuple[int, pa.Table]] = {}
        self.champion: str | None = None
        self._shadow: tuple[str, ...] = ()

    def follow(self, told: wire.Champion, now: datetime) -> bool:
        """Load what is wanted from now on; true where the champion is a new one."""
        before = self.champion
        if told.champion is None:
            self.champion = None
            return before is not None
        self._load(told.champion.version, told.champion.sha256, now)
        self.champion = told.champion.version
        for version in told.shadow:
            if version not in self._predicted:
                found = patiently(lambda v=version: self._connection.version(self._model, v))  # type: ignore[misc]
                self._load(version, found.sha256, now)
        self._shadow = tuple(told.shadow)
        return before != self.champion

    def predictions_of(self, version: str) -> tuple[int, pa.Table]:
        """From which row on a version has scored the file, and what it predicted."""
        return self._predicted[version]

    def batch(self, rows: pa.Table) -> pa.Table:
        """What this app logs of some rows: live ones of the champion, shadow ones beside them."""
        assert self.champion is not None
        parts = [self._logged(rows, self.champion, "live")]
        parts += [self._logged(rows, version, "shadow") for version in self._shadow]
        return pa.concat_tables(parts)

    def _load(self, version: str, sha256: str, now: datetime) -> None:
        if version in self._predicted:
            return
        tar = patiently(lambda: self._connection.artifact(sha256))
        folder = self._bench.unpacked(f"serving-{version}", tar)
        first = self._history.row_at(now)
        rest = self._history.rows.slice(first)
        scored = self._bench.score(f"serving-{version}", folder, self._history, rest)
        self._predicted[version] = (first, scored)

    def _logged(self, rows: pa.Table, version: str, role: str) -> pa.Table:
        first, scored = self._predicted[version]
        start = self._history.row_at(rows["at"][0].as_py()) - first
        part = scored.slice(start, rows.num_rows)
        features = [column.name for column in self._history.features]
        count = rows.num_rows
        columns = {
            "id": rows["id"],
            "at": rows["at"],
            "known_at": rows["at"],
            "version": pa.chunked_array([pa.repeat(version, count)]),
            "role": pa.chunked_array([pa.repeat(role, count)]),
            **{name: rows[name] for name in features},
            **{self._names[name]: part[name] for name in part.column_names},
        }
        return pa.table(columns)


def history_batch(history: History, rows: pa.Table) -> pa.Table:
    """Rows that were never served: features alone."""
    names = ["id", "at", *(column.name for column in history.features)]
    return rows.select(names).append_column("known_at", rows["at"])


def label_batch(rows: pa.Table) -> pa.Table:
    """Labels as they became known."""
    return pa.table(
        {
            "id": rows["id"],
            "label": rows["label"],
            "at": rows["at"],
            "known_at": rows["label_known_at"],
        }
    )
