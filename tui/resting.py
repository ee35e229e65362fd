"""A window in words: its verdict, what its figure rests on, which verdicts it lacks; pure."""

from collections.abc import Sequence

from textual.content import Content

from connectors.client import wire
from tui import palette
from tui.format import count, interval, metric, number, plural, share, span
from tui.widgets.verdict_badge import badge


def resting(window: wire.Window) -> Content:
    """How much was realised, what was expected, by which method and on which assumption."""
    estimate = window.estimated
    parts = [_labels(window)]
    if estimate is not None and estimate.hidden:
        parts.append(f"estimate hidden: {estimate.hidden}")
    elif estimate is not None and estimate.value is not None:
        parts.append(f"{_value(window, estimate)}{_method(estimate)}{_apart(estimate)}")
    elif window.realised is None:
        parts.append("no estimate either")
    return Content.styled("; ".join(parts), palette.MUTED_TEXT)


def missing(windows: Sequence[wire.Window]) -> list[str]:
    """The verdicts that the newest scored window has to do without, each with when it can be given.

    >>> from datetime import UTC, datetime
    >>> at = datetime(2024, 1, 1, tzinfo=UTC)
    >>> told = ["drift can be judged from 2024-02-01 on", "the stream reads means over 6 hours"]
    >>> missing([wire.Window(id="w", model="m", start=at, end=at, notes=told)])
    ['drift can be judged from 2024-02-01 on']
    """
    scored = (window for window in windows if window.revision >= 0)
    newest = max(scored, key=lambda window: window.start, default=None)
    return [] if newest is None else [note for note in newest.notes if "judge" in note]


def _labels(window: wire.Window) -> str:
    """Which share of the rows has its label.

    >>> from datetime import UTC, datetime
    >>> at = datetime(2024, 1, 1, tzinfo=UTC)
    >>> _labels(wire.Window(id="w", model="m", start=at, end=at, rows=200, labels=50))
    'labels of 25 % are in'
    """
    if not window.rows:
        return "no rows"
    if not window.labels:
        return "no label is in"
    if window.labels >= window.rows:
        return "realised, all labels in"
    return f"labels of {share(window.labels / window.rows)} are in"


def _value(window: wire.Window, estimate: wire.Estimate) -> str:
    """The figure, where it does not stand in the line above already."""
    if window.realised is None or window.realised.value is None:
        return "estimated"
    bounds = estimate.interval
    held = "" if bounds is None else f" {interval(bounds.low, bounds.high)}"
    return f"expected before {number(estimate.value)}{held}"


def _method(estimate: wire.Estimate) -> str:
    method = f" by {estimate.method}" if estimate.method else ""
    return method + (f", assumes {estimate.assumption}" if estimate.assumption else "")


def _apart(estimate: wire.Estimate) -> str:
    """How far two kinds of change lie apart that only labels tell from one another."""
    if not estimate.is_apart or estimate.low is None or estimate.high is None:
        return ""
    wanted = f": {estimate.labels_wanted:,} labels would tell" if estimate.labels_wanted else ""
    return f"; {number(estimate.low)} or {number(estimate.high)} by the kind of change{wanted}"


def standing(window: wire.Window, *, timed: bool = True) -> Content:
    """A window in two lines."""
    unjudged = f", {window.columns_unjudged} not judged" if window.columns_unjudged else ""
    columns = (
        f"{window.columns_failed} of {plural(window.columns_judged, 'column')} failed{unjudged}"
    )
    late = f", {window.late} late" if window.late else ""
    of = share(window.labels / window.rows) if window.rows else "none"
    first = Content.assemble(
        badge(window.verdict, window.state), "   ",
        (span(window.start, window.end, timed=timed), palette.STRONG), "   ",
        (window.champion or "", palette.STRONG), "   ", _figure(window),
    )  # fmt: skip
    second = [
        f"{count(window.rows)} rows{late}", f"labels {of}", columns,
        f"revision {max(window.revision, 0)}",
    ]  # fmt: skip
    return Content.assemble(first, "\n", ("   ".join(second), palette.MUTED_TEXT))


def _figure(window: wire.Window) -> Content:
    """What was realised; before labels are in what is expected, in its own colour."""
    figure, estimate = window.realised, window.estimated
    if figure is not None:
        return Content(metric(figure.metric, figure.value, figure.low, figure.high))
    if estimate is None or estimate.value is None or estimate.hidden:
        return Content("no labels yet")
    held = estimate.interval
    bounds = (None, None) if held is None else (held.low, held.high)
    told = f"expected {metric(estimate.metric, estimate.value, *bounds)}"
    return Content.styled(told, palette.WARM_TEXT)


def with_notes(window: wire.Window, *, timed: bool = True) -> Content:
    """A window in two lines, then what its figure rests on, then what is to be known of it."""
    notes = [Content.styled(note, palette.BLUE_TEXT) for note in window.notes]
    rests = [resting(window)] if window.revision >= 0 else []
    return Content("\n").join([standing(window, timed=timed), *rests, *notes])
