"""The windows of a model in their order, with what is drawn over them: pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

import msgspec

from connectors.client import wire

MOVES: Final = ("first", "promote", "roll_back")
"""The kinds of decision that move the champion."""
FAR, MORE, LITTLE = 0.6, 0.3, 0.1
"""From which effect on (Jensen-Shannon, 0 equal to 1 disjoint) a column has moved so far."""


class Value(msgspec.Struct, frozen=True):
    """A metric over a window."""

    value: float
    low: float | None
    high: float | None
    rows: int = 0


class Move(msgspec.Struct, frozen=True, kw_only=True):
    """The champion changed."""

    at: datetime
    version: str
    is_back: bool


class Timeline(msgspec.Struct, frozen=True, kw_only=True):
    """Windows, the oldest first; the other sequences go along with them."""

    metric: str = ""
    segment: str | None = None
    """Of which part of the rows the values are; None: of all."""
    timed: bool = True
    windows: Sequence[wire.Window] = ()
    realised: Sequence[Value | None] = ()
    estimated: Sequence[Value | None] = ()
    reference: Sequence[float | None] = ()
    """The reference loss of the version that served."""
    moves: Sequence[Move] = ()


def timeline(
    detail: wire.ModelDetail, windows: Sequence[wire.Window], metric: wire.Metric | None,
    versions: Sequence[wire.Version], decisions: Sequence[wire.Decision],
) -> Timeline:  # fmt: skip
    """What the answers of the server give."""
    in_order = sorted(windows, key=lambda window: window.start)
    losses = {v.version: v.reference_loss for v in versions}
    segment = None if metric is None else metric.segment
    estimated = _estimated(metric)
    realised = _of_segment(metric) if metric is not None and segment else _realised(in_order)
    return Timeline(
        metric=detail.summary.metric,
        segment=segment,
        timed=detail.timed,
        windows=in_order,
        realised=[realised.get(window.id) for window in in_order],
        estimated=[estimated.get(window.id) for window in in_order],
        reference=[losses.get(window.champion or "") for window in in_order],
        moves=moves(decisions),
    )


def moves(decisions: Sequence[wire.Decision]) -> list[Move]:
    """Each change of the champion, the oldest first."""
    found = []
    for decision in decisions:
        if decision.kind not in MOVES or decision.state not in {"performed", "approved"}:
            continue
        target = next((e.id for e in decision.evidence if e.kind == "target"), None)
        is_back = decision.kind == "roll_back"
        version = target if is_back and target else decision.subject
        found.append(Move(at=decision.model_time, version=version, is_back=is_back))
    return sorted(found, key=lambda move: move.at)


def _realised(windows: Sequence[wire.Window]) -> Mapping[str, Value]:
    """By window; the windows themselves tell what they rest on."""
    return {
        window.id: Value(figure.value, figure.low, figure.high, figure.rows)
        for window in windows
        if (figure := window.realised) is not None and figure.value is not None
    }


def _of_segment(metric: wire.Metric) -> Mapping[str, Value]:
    """By window, over the live rows of the segment."""
    live = (s for s in metric.series if s.version == "*")
    return {
        point.window: Value(point.value, *_bounds(point.interval), point.rows)
        for series in live
        for point in series.realised
        if point.value is not None
    }


def _bounds(interval: wire.Interval | None) -> tuple[float | None, float | None]:
    return (None, None) if interval is None else (interval.low, interval.high)


def _estimated(metric: wire.Metric | None) -> Mapping[str, Value]:
    """By window; where several versions have one, that over all live rows."""
    found: dict[str, Value] = {}
    for series in sorted(metric.series if metric else [], key=lambda s: s.version == "*"):
        for point in series.estimated:
            if point.value is not None:
                found[point.window] = Value(point.value, *_bounds(point.interval), point.rows)
    return found


class Heat(msgspec.Struct, frozen=True):
    """How a column stands in a window: quiet, moved, failed, inconclusive, error."""

    level: str
    effect: float | None = None


def heat_of(findings: Sequence[wire.Finding]) -> Mapping[str, Heat]:
    """By column, the worst that was found of it.

    >>> one = wire.Finding(column="temp", detector="a1", verdict="passed")
    >>> far = wire.Finding(column="temp", detector="jensen_shannon", verdict="inconclusive",
    ...                    reason="shown", effect=0.7)
    >>> heat_of([one, far])["temp"]
    Heat(level='moved 3', effect=0.7)
    """
    by_column: dict[str, list[wire.Finding]] = {}
    for finding in findings:
        if finding.segment is None:
            by_column.setdefault(finding.column, []).append(finding)
    return {column: _heat(found) for column, found in by_column.items()}


def _heat(findings: Sequence[wire.Finding]) -> Heat:
    judged = {f.verdict for f in findings if f.reason != "shown"}
    effects = [
        abs(f.effect) for f in findings if f.detector == "jensen_shannon" and f.effect is not None
    ]
    effect = max(effects, default=None)
    for verdict in ("error", "failed"):
        if verdict in judged:
            return Heat(verdict, effect)
    if judged == {"inconclusive"}:
        return Heat("inconclusive", effect)
    return Heat(_moved(effect or 0.0), effect)


def _moved(effect: float) -> str:
    return (
        "moved 3" if effect >= FAR else "moved 2" if effect >= MORE
        else "moved 1" if effect >= LITTLE else "quiet"
    )  # fmt: skip


class Layout(msgspec.Struct, frozen=True):
    """Which windows are shown where: the chart and the heat map stand over one another."""

    first: int
    shown: int
    cell: float
    """The width of a window in cells; they are rounded, so neighbours may differ by one."""

    def place(self, index: float) -> float:
        """The left edge of a window."""
        return (index - self.first) * self.cell

    def edges(self, index: int) -> tuple[int, int]:
        """The cells of a window: the first, and that after the last."""
        return int(self.place(index) + 1e-6), int(self.place(index + 1) + 1e-6)

    def index_at(self, x: int) -> int:
        """The window over a cell."""
        return self.first + int((x + 0.5) / self.cell)


WIDEST: Final = 6.0


def laid(n: int, room: int, cursor: int) -> Layout:
    """All windows where they fit; else the newest, or those around the cursor.

    >>> laid(71, 68, 70), laid(71, 68, 0), laid(10, 68, 9)
    (Layout(first=3, shown=68, cell=1.0), Layout(first=0, shown=68, cell=1.0), Layout(first=0, shown=10, cell=6.0))
    """
    if n <= 0 or room <= 0:
        return Layout(0, 0, 1.0)
    cell = max(min(room / n, WIDEST), 1.0)
    shown = min(int(room / cell), n)
    first = max(min(n - shown, cursor - shown // 4), 0)
    return Layout(first, shown, cell)
