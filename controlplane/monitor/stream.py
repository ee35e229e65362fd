"""ADWIN over the champion's errors, one row after another, afresh with each of its reigns.

Rows go in by the windows that matured, in the order in which those did, and within a window by
(at, id), with the labels that were known when the window's labels closed. The detector's state is
not stored: after a restart the stored rows of the reign are fed again, which gives the same alarms.
"""

from datetime import datetime
from weakref import WeakKeyDictionary

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from controlplane.domain.reigns import Reign
from controlplane.domain.states import WindowState
from controlplane.domain.versions import Version
from controlplane.domain.windows import Score, Window, news_from
from controlplane.monitor.performance import losses_of
from controlplane.monitor.rows import Contents, contents
from controlplane.monitor.scope import Scope
from controlplane.store.ports import Snapshot, Store
from detectors.adwin import Adwin, feed, fresh

RECENT = 32
"""The newest errors before an alarm, by which it is told whether they rose or fell; ADWIN looks
for a change at every so many values."""


class Stream:
    """The detector of one reign, what it said of each window, and the errors since its last alarm."""

    def __init__(self, key: str) -> None:
        self.key = key
        self.detector: Adwin = fresh()
        self.said: dict[str, bool] = {}
        self.since: NDArray[np.float64] = np.empty(0)

    def read(self, window: str, errors: NDArray[np.float64]) -> bool:
        """Read a window's errors, each window once; whether they rose."""
        if window not in self.said:
            self.said[window] = self._rose(errors)
        return self.said[window]

    def _rose(self, errors: NDArray[np.float64]) -> bool:
        rose, begin = False, 0
        for index in feed(self.detector, errors).tolist():
            upto = np.concatenate([self.since, errors[begin : index + 1]])
            recent, older = upto[-RECENT:], upto[:-RECENT]
            rose |= bool(older.size and recent.mean() > older.mean())
            self.since, begin = np.empty(0), index + 1
        self.since = np.concatenate([self.since, errors[begin:]])
        return rose


class Cap(msgspec.Struct, frozen=True, kw_only=True):
    """Whose errors are read, and the loss that counts as 1."""

    reign: Reign
    loss: float


_streams: "WeakKeyDictionary[Store, dict[str, Stream]]" = WeakKeyDictionary()


def alarmed(store: Store, view: Snapshot, scope: Scope, found: Contents) -> bool | None:
    """Whether the errors of the champion that serves now rose in a window whose labels close.

    Each window is read once. None where nothing could be looked at: the monitor is off, the
    champion has no loss cap, or none of the window's labelled rows is its own.
    """
    cap = _cap(view, scope)
    if cap is None or scope.policy.monitors.stream is None:
        return None
    errors = _errors(scope, found, cap)
    if not errors.size:
        return None
    return _stream(store, view, scope, cap).read(found.window.id, errors)


def _cap(view: Snapshot, scope: Scope) -> Cap | None:
    if not scope.reigns:
        return None
    reign = scope.reigns[-1]
    version = view.ledger.get(Version, f"{scope.name}/{reign.version}")
    if version is None or version.scale is None or version.scale.loss_cap <= 0.0:
        return None
    return Cap(reign=reign, loss=version.scale.loss_cap)


def _stream(store: Store, view: Snapshot, scope: Scope, cap: Cap) -> Stream:
    """The detector as the reign's windows left it: from memory, else from the stored rows."""
    kept = _streams.setdefault(store, {})
    key = f"{cap.reign.id} {cap.reign.decision} {scope.model.created_at}"
    stream = kept.get(scope.name)
    if stream is None or stream.key != key:
        stream = Stream(key)
        for before, by in _matured(view, scope, cap.reign):
            errors = _errors(scope, contents(view, scope, before, by), cap)
            if errors.size:
                stream.read(before.id, errors)
        kept[scope.name] = stream
    return stream


def _matured(view: Snapshot, scope: Scope, reign: Reign) -> list[tuple[Window, datetime]]:
    """The windows whose labels closed in this reign, with when, in that order."""
    found = []
    for other in view.ledger.find(Window, model=scope.name, states=[WindowState.MATURED]):
        if other.labels_close < reign.since:
            continue
        score = view.ledger.get(Score, f"{other.id}/1")
        if score is not None and score.scored_at >= reign.since and score.stream_alarm is not None:
            found.append((other, score.scored_at))
    return sorted(found, key=lambda each: (each[1], each[0].number))


def _errors(scope: Scope, found: Contents, cap: Cap) -> NDArray[np.float64]:
    """The losses of the champion's own rows in units of its cap, at most 1; those that are known.

    A row without the score that its loss is made of has none; where windows slide, each row is
    read with the first window that holds it.
    """
    rows = found.labelled.filter(pc.equal(found.labelled["version"], cap.reign.version))
    since = pa.scalar(news_from(scope.calendar, found.window), rows["at"].type)
    rows = rows.filter(pc.greater_equal(rows["at"], since))
    if rows.num_rows == 0:
        return np.empty(0)
    losses = losses_of(scope, rows)
    return np.clip(losses[~np.isnan(losses)] / cap.loss, 0.0, 1.0)
