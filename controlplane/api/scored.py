"""Windows and what was found in them, as the wire shows them, now or as it was known then."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec

from controlplane.api import estimated, wire
from controlplane.api.fleet import ALL_ROWS, figure
from controlplane.domain.errors import NotFound
from controlplane.domain.models import Model
from controlplane.domain.states import WindowState
from controlplane.domain.windows import Realised, Score, Window
from controlplane.store.ports import LedgerReader

MOMENT: Final = timedelta(microseconds=1)


def windows(
    ledger: LedgerReader, records: Sequence[Window], as_of: datetime | None
) -> list[wire.Window]:
    """Windows with the figures of their latest revision, or of the latest known at `as_of`."""
    if not records:
        return []
    scores = _by_window(
        ledger.find(
            Score, model=records[0].model, since=min(w.start for w in records),
            until=max(w.start for w in records) + MOMENT,
        ),
        as_of,
    )  # fmt: skip
    return [_window(then(w, as_of), scores.get(w.id)) for w in records]


def then(window: Window, as_of: datetime | None) -> Window:
    """A window in the state that it had at `as_of`, judged by its own instants."""
    if as_of is None:
        return window
    if as_of < window.rows_close:
        state = WindowState.OPEN
    elif window.state is WindowState.CLOSED:
        state = WindowState.CLOSED
    elif as_of < window.labels_close:
        state = WindowState.SCORED
    else:
        state = window.state
    return msgspec.structs.replace(window, state=state)


def findings(
    ledger: LedgerReader, window: Window, revision: int | None, as_of: datetime | None
) -> wire.WindowFindings:
    """Every finding of a revision; of the latest one known where none is named."""
    scores = ledger.find(Score, model=window.model, since=window.start, until=window.start + MOMENT)
    mine = [s for s in scores if s.window == window.id]
    if revision is not None:
        mine = [s for s in mine if s.revision == revision]
    found = _by_window(mine, as_of).get(window.id)
    if found is None:
        which = "is not scored yet" if revision is None else f"has no revision {revision}"
        raise NotFound(f"window {window.id} {which}")
    return wire.WindowFindings(
        window=window.id, revision=found.revision, scored_at=found.scored_at,
        verdict=found.verdict, findings=list(found.findings),
    )  # fmt: skip


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """Which windows are asked for, by event time, and as of when."""

    since: datetime | None
    until: datetime | None
    as_of: datetime | None
    limit: int


def metric(
    ledger: LedgerReader, model: Model, name: str, direction: str, span: Span
) -> wire.Metric:
    """A metric's series: one for all live rows, and one a version; the newest windows of a span
    that has more than the limit."""
    newest = ledger.find(
        Window, model=model.id, since=span.since, until=span.until, newest_first=True,
        limit=span.limit,
    )  # fmt: skip
    series: dict[str, wire.Series] = {ALL_ROWS: wire.Series(version=ALL_ROWS, realised=[])}
    latest = latest_of(ledger, newest, span.as_of)
    for score in sorted(latest.values(), key=lambda s: (s.start, s.end, s.window)):
        _add(series, score, name)
    return wire.Metric(
        model=model.id, metric=name, direction=direction,
        series=list(series.values()),
    )  # fmt: skip


def _add(series: dict[str, wire.Series], score: Score, name: str) -> None:
    """A window's points of every version, each with what it rests on."""
    realised = {r.version: r for r in score.realised if r.metric == name}
    expected = {e.version: e for e in score.estimated if e.metric == name}
    for version in dict.fromkeys([*realised, *expected]):
        line = series.setdefault(version, wire.Series(version=version, realised=[]))
        found, guess = realised.get(version), expected.get(version)
        if found is not None:
            line.realised.append(point(score, found))
        if guess is not None:
            line.estimated.append(estimated.point(score, guess))
        if (one := estimated.merged(score, found, guess)) is not None:
            line.merged.append(one)


def latest_of(
    ledger: LedgerReader, newest: Sequence[Window], as_of: datetime | None
) -> dict[str, Score]:
    """The latest revision known at `as_of` of windows given the newest first, and of those between
    them, by window."""
    if not newest:
        return {}
    scores = ledger.find(
        Score, model=newest[0].model, since=newest[-1].start, until=newest[0].start + MOMENT
    )
    return _by_window(scores, as_of)


def _by_window(scores: Iterable[Score], as_of: datetime | None) -> dict[str, Score]:
    """Each window's latest revision that was known at `as_of`."""
    latest: dict[str, Score] = {}
    for score in scores:
        if as_of is not None and score.scored_at > as_of:
            continue
        known = latest.get(score.window)
        if known is None or score.revision > known.revision:
            latest[score.window] = score
    return latest


def point(score: Score, realised: Realised) -> wire.Point:
    """A window's figure as a point of a series."""
    return wire.Point(
        window=score.window, start=score.start, end=score.end, value=realised.value,
        interval=realised.interval, rows=realised.rows,
    )  # fmt: skip


def _window(window: Window, score: Score | None) -> wire.Window:
    return wire.Window(
        id=window.id, model=window.model, number=window.number, start=window.start,
        end=window.end, state=window.state, revision=score.revision if score else -1,
        rows=score.rows if score else 0, labels=score.labels if score else 0,
        late=score.late if score else 0, verdict=score.verdict if score else None,
        champion=score.champion if score else None,
        realised=figure(score) if score else None,
        estimated=estimated.headline(score) if score else None,
        columns_failed=score.columns_failed if score else 0,
        columns_judged=score.columns_judged if score else 0,
        columns_unjudged=score.columns_unjudged if score else 0,
        stream_alarm=score.stream_alarm if score else None,
        scored_at=score.scored_at if score else None,
        notes=list(score.notes) if score else [],
    )  # fmt: skip
