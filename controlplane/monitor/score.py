"""Scoring: whatever of a model's windows is due by an instant, each revision once.

Revision 0 holds a window's inputs once its rows have closed, revision 1 its performance once its
labels have; what comes after that makes further ones, at most one a day of label days. A
revision and its window's new state commit together.
"""

from datetime import datetime
from typing import Final

import msgspec

from controlplane.domain.references import Reference
from controlplane.domain.states import WINDOW, WindowEvent, WindowState, moved
from controlplane.domain.streams import Stream
from controlplane.domain.verdicts import Headline, window_verdict
from controlplane.domain.windows import Score, Window, closed_by, closes
from controlplane.monitor.estimating import OWN, expectation
from controlplane.monitor.gaps import NAME as FAIRNESS
from controlplane.monitor.gaps import gaps
from controlplane.monitor.inputs import hard_limits, judged, seen
from controlplane.monitor.lacking import notes_on
from controlplane.monitor.late import changed_windows
from controlplane.monitor.measuring import measure_for
from controlplane.monitor.opening import unsettled
from controlplane.monitor.performance import lately, realised
from controlplane.monitor.quality import judged_labels
from controlplane.monitor.rows import Contents, contents
from controlplane.monitor.scope import Scope, open_scope
from controlplane.monitor.segments import realised_by_segment, shown_by_segment
from controlplane.monitor.stream import heard
from controlplane.monitor.yardstick import Measure, record_of, recorded
from controlplane.store.ports import Snapshot, Store, Transaction
from detectors import label_feed
from detectors.finding import Finding
from detectors.streaming.catalogue import CATALOGUE

NO_REFERENCE: Final = (
    "there is no reference to compare with: the champion's training span is not known",
)


class Scored(msgspec.Struct, frozen=True, kw_only=True):
    """A revision and what it changes: to be committed together. `measure` where it was new,
    `stream` where it read the window."""

    window: Window
    scores: tuple[Score, ...]
    measure: Measure | None = None
    stream: Stream | None = None


def score_due(store: Store, model: str, instant: datetime) -> list[str]:
    """Score every revision that is due at or before `instant` and was not scored; their windows.

    Reads nothing that was learned after `instant`. Asked again it finds nothing left to do.
    """
    scope = open_scope(store, model, instant)
    if scope is None:
        return []
    windows = unsettled(store, scope)
    done: list[str] = []
    for window in windows:
        with store.read() as view:
            scored = _settled(store, view, scope, window)
        if scored is not None:
            _commit(store, scored)
            done.extend([window.id] if scored.scores else [])
    for window in changed_windows(store, scope):
        with store.read() as view:
            again = _revised(store, view, scope, contents(view, scope, window, instant), None)
        _commit(store, again)
        done.append(window.id)
    return done


def _settled(store: Store, view: Snapshot, scope: Scope, window: Window) -> Scored | None:
    """A window brought up to the instant; None where nothing of it is due.

    A window that turns out to have been discovered late is given its new closes first.
    """
    if scope.ended_at is not None:
        window = closed_by(window, scope.ended_at)
    is_open = window.state in {WindowState.OPEN, WindowState.CLOSED}
    if (window.rows_close if is_open else window.labels_close) > scope.instant:
        return None
    found = contents(view, scope, window, scope.instant)
    if is_open:
        found = _discovered(scope, found)
        if found.window.rows_close > scope.instant:
            return Scored(window=found.window, scores=())
    scored = _revised(store, view, scope, found, None)
    if not is_open or scored.window.labels_close > scope.instant:
        return scored
    again = msgspec.structs.replace(found, window=scored.window)
    after = _revised(store, view, scope, again, scored.scores[0])
    return msgspec.structs.replace(
        after, scores=scored.scores + after.scores, measure=scored.measure,
        stream=after.stream or scored.stream,
    )  # fmt: skip


def _discovered(scope: Scope, found: Contents) -> Contents:
    """The contents with later closes where the window's first row was known only after its end."""
    window = found.window
    if scope.ended_at is not None or window.rows_first is not None:
        return found
    rows_close, labels_close = closes(scope.calendar, window.end, found.first_known)
    later = msgspec.structs.replace(window, rows_close=rows_close, labels_close=labels_close)
    return msgspec.structs.replace(found, window=later)


def _revised(
    store: Store, view: Snapshot, scope: Scope, found: Contents, before: Score | None
) -> Scored:
    """The next revision of a window, from everything known of it by the instant.

    `before` is the revision before where the ledger does not hold it yet.
    """
    window, revision = found.window, found.window.revision + 1
    if revision and before is None:
        before = view.ledger.get(Score, f"{window.id}/{window.revision}")
    measure = measure_for(store, view, scope, window)
    findings, counts = _inputs(store, view, measure, found, before)
    if revision and measure is not None and measure.yardstick.rates is not None:
        findings = findings + judged_labels(measure.yardstick.rates, found)
    expected = expectation(store, view, scope, found, before)
    findings = [f for f in findings if f.detector not in OWN] + list(expected.findings)
    findings += gaps(measure, found)
    told = heard(view, scope, found, revision, before)
    findings = [f for f in findings if f.detector not in CATALOGUE] + [*told.findings]
    champion = scope.champion_at(min(window.end, scope.instant))
    score = Score(
        id=f"{window.id}/{revision}", model=scope.name, window=window.id, revision=revision,
        start=window.start, end=window.end, scored_at=scope.instant,
        generation=scope.model.generation,
        champion=champion if before is None else before.champion,
        reference=None if measure is None else measure.reference.id,
        verdict=window_verdict(findings), rows=found.rows.num_rows,
        labels=found.labelled.num_rows, late=found.late, findings=tuple(findings),
        realised=realised(scope, found), estimated=expected.figures,
        by_segment=realised_by_segment(scope, measure, found),
        recent=lately(view, scope, window) if revision == 1 else (), columns_failed=counts.failed,
        columns_judged=counts.judged, columns_unjudged=counts.unjudged,
        stream_alarm=told.alarmed,
        notes=(*_notes(scope, measure, window), *told.notes),
    )  # fmt: skip
    return Scored(
        window=_after(window, revision, scope.instant), scores=(score,),
        measure=None if measure is None or measure.is_recorded else measure, stream=told.stream,
    )  # fmt: skip


def _notes(scope: Scope, measure: Measure | None, window: Window) -> tuple[str, ...]:
    """What could not be judged; a champion whose training span nobody knows is told as that."""
    if measure is None and scope.champion_at(window.start) is not None:
        return NO_REFERENCE
    return notes_on(scope, measure, window)


def _inputs(
    store: Store, view: Snapshot, measure: Measure | None, found: Contents, before: Score | None
) -> tuple[list[Finding], Headline]:
    """The findings about a window's rows; those of the revision before where no row came since."""
    scope = found.scope
    if measure is None:
        return hard_limits(found), Headline(failed=0, judged=0, unjudged=len(scope.features))
    if (
        before is None
        or found.has_rows_since(before.scored_at)
        or (before.reference, before.generation) != (measure.reference.id, scope.model.generation)
    ):
        findings, counts = judged(measure, found, seen(store, view, measure, found))
        return findings + shown_by_segment(scope, measure, found.rows), counts
    labelled = (label_feed.NAME, FAIRNESS)
    kept = [finding for finding in before.findings if not finding.detector.startswith(labelled)]
    counts = Headline(
        failed=before.columns_failed, judged=before.columns_judged,
        unjudged=before.columns_unjudged,
    )  # fmt: skip
    return kept, counts


def _after(window: Window, revision: int, instant: datetime) -> Window:
    """The window once a revision of it is scored."""
    state = window.state
    if revision == 0:
        if state is WindowState.OPEN:
            state = moved(WINDOW, window.id, state, WindowEvent.ROWS_CLOSED)
        state = moved(WINDOW, window.id, state, WindowEvent.SCORED)
    elif revision == 1:
        state = moved(WINDOW, window.id, state, WindowEvent.LABELS_CLOSED)
    return msgspec.structs.replace(window, state=state, revision=revision, scored_at=instant)


def _commit(store: Store, scored: Scored) -> None:
    """The revisions, their window and a new yardstick, together; a second time it does nothing."""

    def work(t: Transaction) -> None:
        current = t.ledger.get(Window, scored.window.id)
        if current is None or current.revision >= scored.window.revision >= 0:
            return
        for score in scored.scores:
            t.ledger.add(score)
        t.ledger.put(scored.window)
        if scored.measure is not None and not _is_overtaken(t, scored.measure):
            t.ledger.put(record_of(scored.measure))
        if scored.stream is not None:
            t.ledger.put(scored.stream)

    store.write(work).result()
    if scored.measure is not None:
        recorded(store, scored.measure)


def _is_overtaken(t: Transaction, measure: Measure) -> bool:
    """Whether an operator has recalibrated the reference since the measure was made."""
    current = t.ledger.get(Reference, measure.reference.id)
    return current is not None and current.confirmed != measure.reference.confirmed
