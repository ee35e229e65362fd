"""The sequential detector over the rows of the champion, one after another, afresh with each reign.

Rows go in by the windows that are scored: errors when a window's labels have closed, anything
else when its rows have; within a window by (at, id). The detector's state is stored with the
score of the window that it read, in one transaction: a window is read once, whatever is killed.
"""

from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from controlplane.domain.policy import Stream as Asked
from controlplane.domain.reigns import Reign
from controlplane.domain.streams import ERROR, Stream, ledger_line
from controlplane.domain.windows import Score
from controlplane.monitor.rows import Contents
from controlplane.monitor.scope import Scope
from controlplane.monitor.stream_setup import known_mean, made_of, scaled, set_up, spanned
from controlplane.monitor.stream_values import Read, is_right_or_wrong, live
from controlplane.store.ports import Snapshot
from detectors.finding import Basis, Finding, Reason, Verdict
from detectors.streaming.catalogue import ANSWERS, CATALOGUE, VERSION, feed
from detectors.streaming.state import Values

RECENT: Final = 32
"""The newest values before an alarm, by which it is told whether errors rose or fell; ADWIN looks
for a change at every so many values."""
WHOLE: Final = "*"


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What a window made the stream say; `stream` is to be stored with the window's score."""

    alarmed: bool | None = None
    findings: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()
    stream: Stream | None = None


class Listened(msgspec.Struct, frozen=True, kw_only=True):
    """A stream after some rows, the `values` that it read of them, whether it alarmed (on errors:
    of a rise), and the place of the first row that it alarmed at, if any."""

    stream: Stream
    values: Values
    alarmed: bool
    at: int | None


def heard(
    view: Snapshot, scope: Scope, found: Contents, revision: int, before: Score | None
) -> Told:
    """What the stream says of a window's revision: told when its turn has come, repeated after.

    `alarmed` is None where nothing could be looked at: the monitor is off, there is no champion or
    it has no loss cap, or none of the window's rows is its own and new.
    """
    asked = scope.policy.monitors.stream
    if asked is None or not scope.reigns:
        return Told()
    turn = 1 if asked.on == ERROR else 0
    if revision > turn and before is not None:
        kept = tuple(finding for finding in before.findings if finding.detector in CATALOGUE)
        return Told(alarmed=before.stream_alarm, findings=kept)
    if revision != turn:
        return Told()
    reign = scope.reigns[-1]
    stream = stream_of(view, scope, reign, asked)
    return Told() if stream is None else _read(scope, found, reign, stream)


def stream_of(view: Snapshot, scope: Scope, reign: Reign, asked: Asked) -> Stream | None:
    """The reign's stream as its last window left it; set up where there is none that fits."""
    kept = view.ledger.get(Stream, f"{reign.id}/{asked.on}")
    fits = (
        kept is not None
        and kept.made_of == made_of(scope, reign, asked)
        and kept.detector.version == VERSION
    )
    return kept if fits else set_up(view, scope, reign, asked)


def _read(scope: Scope, found: Contents, reign: Reign, stream: Stream) -> Told:
    reads = CATALOGUE[stream.detector.detector].reads
    wrong = is_right_or_wrong(scope, reads)
    rows = live(scope, found, reign, stream.on, wrong=wrong).after(_mark(stream))
    if not rows.values.size:
        return Told()
    if stream.setup.refused is not None:
        return Told(findings=(_refused(stream, rows),), notes=(ledger_line(stream),), stream=stream)
    said = listened(stream, rows)
    finding = _finding(said.stream, said.values, rows, alarmed=said.alarmed, at=said.at)
    fresh = stream.detector.n_seen == 0
    notes = (*stream.setup.notes, ledger_line(stream)) if fresh else ()
    return Told(alarmed=said.alarmed, findings=(finding,), notes=notes, stream=said.stream)


def listened(stream: Stream, rows: Read) -> Listened:
    """A stream that is not refused after some rows, of which there are some."""
    reads = CATALOGUE[stream.detector.detector].reads
    values, last = spanned(stream.setup, rows, scaled(stream.setup, rows.values, reads))
    mark = f"{rows.at[-1]} {rows.ids[-1]}"
    detector, said = feed(stream.detector, values, last_event_id=mark)
    worse = -values if reads == ANSWERS else values
    after, rose = _moved(stream, worse, said.alarms)
    return Listened(
        stream=msgspec.structs.replace(after, detector=detector), values=values,
        alarmed=rose if stream.on == ERROR else bool(said.alarms.size),
        at=int(last[said.alarms[0]]) if said.alarms.size else None,
    )  # fmt: skip


def _mark(stream: Stream) -> tuple[int, str]:
    """The newest row that was read, as (microseconds, id)."""
    if stream.detector.last_event_id is None:
        return np.iinfo(np.int64).min, ""
    at, name = stream.detector.last_event_id.split(" ", 1)
    return int(at), name


def _moved(stream: Stream, values: Values, alarms: NDArray[np.int64]) -> tuple[Stream, bool]:
    """The stream with what came since its last alarm, and whether any alarm was of a rise."""
    rose, begin = False, 0
    recent, total, read = np.array(stream.recent), stream.total, stream.read
    for index in [*alarms.tolist(), None]:
        part = values[begin : None if index is None else index + 1]
        recent = np.concatenate((recent, part))[-RECENT:]
        total, read = total + float(part.sum()), read + part.size
        if index is not None:
            older = read - recent.size
            rose |= older == 0 or float(recent.mean()) > (total - float(recent.sum())) / older
            recent, total, read, begin = np.empty(0), 0.0, 0, index + 1
    after = msgspec.structs.replace(stream, recent=tuple(recent.tolist()), total=total, read=read)
    return after, rose


def _finding(
    stream: Stream, values: Values, rows: Read, *, alarmed: bool, at: int | None
) -> Finding:
    """The window's finding: of an e-detector its level against its run length, of others how many
    alarms there were; the effect is how far the mean lies above the reference's, in the values'
    own units."""
    state, setup = stream.detector, stream.setup
    threshold, statistic = 1.0, float(at is not None)
    if "run_length" in state.params:
        threshold = float(state.params["run_length"])
        statistic = threshold if at is not None else _level(stream)
    unit = setup.high - setup.low
    effect = None if setup.mean is None else (float(values.mean()) - known_mean(setup)) * unit
    return Finding(
        column=WHOLE if stream.on == ERROR else stream.on, detector=state.detector,
        statistic=statistic, threshold=threshold, effect=effect, rows=rows.values.size,
        rows_reference=setup.rows, verdict=Verdict.FAILED if alarmed else Verdict.PASSED,
        basis=Basis.PROVISIONAL if setup.alarms is None else Basis.CALIBRATED,
    )  # fmt: skip


def _level(stream: Stream) -> float:
    kept = stream.detector.state
    levels = np.array(kept.get("levels", [0.0])) if "logs" not in kept else np.exp(kept["logs"])
    return float(levels.mean())


def _refused(stream: Stream, rows: Read) -> Finding:
    return Finding(
        column=WHOLE if stream.on == ERROR else stream.on, detector=stream.detector.detector,
        rows=rows.values.size, rows_reference=stream.setup.rows, verdict=Verdict.INCONCLUSIVE,
        reason=Reason.UNCALIBRATED,
    )  # fmt: skip
