"""The proof that a version loads and scores, asked for before a champion is moved by hand.

A trial or a guard proves it by the way. An operator's request comes at any time, perhaps long
after the version last scored a row, so it is proved anew: in its own process, on recent rows.
"""

import time
from datetime import datetime, timedelta
from typing import Final
from uuid import uuid4

import pyarrow as pa

from controlplane.clock import Clock
from controlplane.domain.errors import NotFound, Refused
from controlplane.domain.models import Timing
from controlplane.domain.schema import Schema
from controlplane.domain.versions import Version
from controlplane.lifecycle.observe import file_in_force
from controlplane.lifecycle.scoring import Unscorable, read_scored, start_scoring, write_rows
from controlplane.lifecycle.workshop import Workshop
from controlplane.store.ports import Known, Store

ROWS: Final = 100
"""How many of the newest rows a version has to score."""
SPANS: Final = (timedelta(days=1), timedelta(days=30), None)
"""How far back they are looked for, in this order; None: without end."""
PATIENCE_SECONDS: Final = 120.0
PAUSE_SECONDS: Final = 0.02


class Prover:
    """Has versions score a sample of recent rows."""

    def __init__(self, store: Store, workshop: Workshop, clock: Clock) -> None:
        self._store = store
        self._workshop = workshop
        self._clock = clock

    def prove(self, model: str, name: str) -> None:
        """Returns once the version has scored the newest rows; raises Refused, saying why not."""
        version, schema, rows = self._sample(model, name)
        folder = self._workshop.directory(f"proof-{uuid4().hex}")
        try:
            write_rows(rows, folder / "input.parquet")
            start_scoring(self._workshop, version, folder)
            self._wait(version, folder.name)
            read_scored(folder / "scored.parquet", schema, rows["id"])
        except Unscorable as error:
            message = f"{name} does not load and score here, so it cannot serve: {error}"
            raise Refused(message) from error
        finally:
            self._workshop.clear(folder)

    def _sample(self, model: str, name: str) -> tuple[Version, Schema, pa.Table]:
        with self._store.read() as view:
            record, _ = file_in_force(view.ledger, model)
            version = view.ledger.get(Version, f"{model}/{name}")
            if version is None:
                known = ", ".join(v.version for v in view.ledger.find(Version, model=model))
                message = f"{model} has no version {name!r}; there are: {known or 'none'}"
                raise NotFound(message)
            live = record.timing is Timing.LIVE
            now = self._clock.now() if live else record.stepped or record.announced
            schema = record.schema
            if schema is None or now is None:
                message = f"{model} has no rows yet that {name} could be proved on; log some first"
                raise Refused(message)
            features = [column.name for column in schema.features]
            for span in SPANS:
                known_rows = Known(start=_back(now, span), end=None, by=now)
                rows = view.events.rows(model, features, known_rows)
                if rows.num_rows:
                    newest = rows.slice(max(rows.num_rows - ROWS, 0))
                    return version, schema, newest.select(["id", "at", *features])
        message = f"{model} has no rows yet that {name} could be proved on; log some first"
        raise Refused(message)

    def _wait(self, version: Version, folder: str) -> None:
        until = time.monotonic() + PATIENCE_SECONDS
        place = self._workshop.directory(folder)
        while (ended := self._workshop.ended(version.trainer, place)) is None:
            if time.monotonic() > until:
                self._workshop.trainer(version.trainer).cancel(place)
                message = f"it did not score {ROWS} rows within {PATIENCE_SECONDS:.0f} s"
                raise Unscorable(message)
            time.sleep(PAUSE_SECONDS)
        if ended.reason is not None:
            raise Unscorable(ended.reason)


def _back(now: datetime, span: timedelta | None) -> datetime | None:
    return None if span is None else now - span
