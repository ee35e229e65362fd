"""Windows that slide, scored by a server that is killed again and again: the same scores, once."""

from contextlib import AbstractContextManager
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

from controlplane.domain.policy import Drift, Monitors, Quality, Windows
from controlplane.domain.policy import Reference as Asked
from controlplane.monitor.due import next_due
from controlplane.monitor.score import score_due
from controlplane.store.duckdb_store import open_store
from controlplane.store.ports import Snapshot, Store
from tests.watched import DAY, HOUR, SERVED, a_policy, labels, log, rows, scores, step, told, watch

UNTIL = SERVED + 60 * HOUR
POLICY = a_policy(
    monitors=Monitors(drift=Drift(), quality=Quality(), performance=None, stream=None),
    windows=Windows(every=12 * HOUR, span=2 * DAY, lateness=timedelta(0)),
    reference=Asked(kind="trailing", trailing=28 * DAY),
)


class Killed(Exception):
    """The process is gone."""


class Mortal:
    """A store whose process dies at its n-th write: before the commit, or right after it."""

    def __init__(self, store: Store, dies_at: int, *, after: bool) -> None:
        self._store, self._left, self._after = store, dies_at, after

    def read(self) -> AbstractContextManager[Snapshot]:
        return self._store.read()

    def write(self, work: Any) -> Any:
        self._left -= 1
        if self._left == 0 and not self._after:
            raise Killed
        done = self._store.write(work)
        if self._left == 0:
            done.result()
            raise Killed
        return done


def begun(store: Store) -> Store:
    watch(store, POLICY)
    served = rows(SERVED, 60, seed=3, version="v1")
    log(store, served, labels(served))
    return store


def test_windows_that_slide_are_scored_once_however_often_the_server_dies(tmp_path: Path) -> None:
    whole = begun(open_store(None))
    step(whole, UNTIL)
    store = begun(open_store(tmp_path))
    told(store, announced=UNTIL)
    deaths = 0
    for life in count():
        mortal = Mortal(store, life % 4 + 2, after=life % 2 == 0)
        try:
            while (instant := next_due(store, "boats", UNTIL)) is not None:
                score_due(mortal, "boats", instant)
                told(store, stepped=instant)
            break
        except Killed:
            deaths += 1
            store.close()
            store = open_store(tmp_path)
    assert deaths >= 3
    assert len(scores(store)) >= 6
    assert scores(store) == scores(whole)
    store.close()
    whole.close()
