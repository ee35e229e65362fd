"""A model in two lines, and what is under the cursor of its heat map in three: pure."""

from collections.abc import Sequence

from textual.content import Content

from connectors.client import wire
from tui import palette
from tui.format import count, day, interval, metric, number, plural, span
from tui.resting import resting
from tui.screens.fleet import going_on
from tui.timeline import Heat, Timeline, heat_of
from tui.widgets.heatmap import ALL_ROWS
from tui.widgets.verdict_badge import badge

DAY = 86400


def standing(detail: wire.ModelDetail, width: int) -> Content:
    """How a model stands: the figures that matter, then how much it rests on."""
    summary, champion = detail.summary, detail.champion
    figure = summary.realised or wire.Figure()
    serves = Content.styled("no champion yet", palette.WARM_TEXT)
    if champion is not None:
        since = f" since {day(champion.promoted_at, timed=detail.timed)}"
        serves = Content.assemble((champion.version, palette.STRONG), (since, palette.MUTED_TEXT))
    value = Content.assemble(
        (f"{summary.metric} ", palette.MUTED_TEXT), (number(figure.value), palette.STRONG),
        (f" {interval(figure.low, figure.high)}", palette.TEXT),
    )  # fmt: skip
    reference = Content.styled(f"reference {number(summary.reference_loss)}", palette.MUTED_TEXT)
    first = [badge(summary.verdict, "no window yet"), serves, value, reference]
    rows = summary.rows
    second = [
        going_on(summary),
        Content(f"{count(rows.predictions)} predictions"),
        Content(f"{count(rows.labels)} labels"),
        *([Content.styled(f"{count(rows.rejected)} rejected", palette.WARM_TEXT)] if rows.rejected else []),
        Content.styled(_every(detail), palette.MUTED_TEXT),
        Content.styled(f"watermark {day(detail.watermark, timed=detail.timed)}", palette.MUTED_TEXT),
        Content.styled(f"generation {summary.generation}", palette.MUTED_TEXT),
    ]  # fmt: skip
    return Content("\n").join([_fitting(first, width - 2), _fitting(second, width - 2)])


def _every(detail: wire.ModelDetail) -> str:
    if detail.window_seconds is None:
        return "counted windows"
    days, rest = divmod(detail.window_seconds, DAY)
    return f"windows of {plural(int(days), 'day')}" if not rest else (
        f"windows of {detail.window_seconds / 3600:g} h"
    )  # fmt: skip


def _fitting(parts: list[Content], width: int) -> Content:
    """As many as there is room for, three blanks between them."""
    line = Content("")
    for part in parts:
        longer = part if not line.plain else Content.assemble(line, "   ", part)
        if longer.cell_length > width:
            break
        line = longer
    return line


def readout(line: Timeline, index: int, column: str, found: wire.WindowFindings | None) -> Content:
    """The window under the cursor, what its figure rests on, and the column, in three lines."""
    window = line.windows[index]
    first = Content.assemble(
        (f"#{window.number}  ", palette.STRONG),
        (f"{span(window.start, window.end, timed=line.timed)}  ", palette.MUTED_TEXT),
        badge(window.verdict, window.state), "  ", _figure(line, index),
    )  # fmt: skip
    if line.segment is None:
        rests = resting(window)
    else:
        rests = Content.styled(
            f"of {line.segment}; p chooses another part, or all rows", palette.MUTED_TEXT
        )
    return Content("\n").join([first, rests, _of_column(column, found)])


def _figure(line: Timeline, index: int) -> Content:
    """What was realised in a window; before labels are in what is expected."""
    window, value, kind = line.windows[index], line.realised[index], ""
    if value is None and line.segment is None:
        value, kind = line.estimated[index], "expected "
    if value is None:
        nothing = "no label of it" if line.segment is not None else f"{count(window.rows)} rows"
        return Content.styled(nothing, palette.MUTED_TEXT)
    told = f"{kind}{metric(line.metric, value.value, value.low, value.high)}"
    style = palette.WARM_TEXT if kind else palette.TEXT
    return Content.assemble((told, style), (f"  {count(value.rows)} rows", palette.MUTED_TEXT))


def _of_column(column: str, found: wire.WindowFindings | None) -> Content:
    name = "all rows" if column == ALL_ROWS else column
    head = Content.styled(f"{name}  ", palette.STRONG)
    heat = heat_of(found.findings).get(column) if found is not None else None
    if heat is None or found is None:
        return Content.assemble(head, ("nothing was judged", palette.MUTED_TEXT))
    worst = _worst([f for f in found.findings if f.column == column and f.reason != "shown"])
    says = "" if worst is None else _says(worst)
    return Content.assemble(head, f"{_words(heat)}  ", (says, palette.MUTED_TEXT))


def _says(worst: wire.Finding) -> str:
    statistic = f"{number(worst.statistic)} against {number(worst.threshold)}"
    if worst.statistic is None:
        statistic = f"p {number(worst.p_value)}"
    return f"{worst.detector} {statistic}, effect {number(worst.effect)}, {count(worst.rows)} rows"


def _worst(findings: list[wire.Finding]) -> wire.Finding | None:
    order = ("error", "failed", "passed", "inconclusive")
    known = [f for f in findings if f.statistic is not None] or findings
    return min(
        known,
        key=lambda f: (order.index(f.verdict), -abs((f.statistic or 0) / (f.threshold or 1e9))),
        default=None,
    )


def _words(heat: Heat) -> str:
    level, _, degree = heat.level.partition(" ")
    far = {"1": " a little", "2": "", "3": " far"}.get(degree, "")
    effect = "" if heat.effect is None or level == "quiet" else f" ({number(heat.effect)})"
    return f"{level}{far}{effect}"


def no_windows(detail: wire.ModelDetail, windows: Sequence[wire.Window]) -> list[str]:
    """What there is to wait for."""
    if not windows and not detail.summary.rows.predictions:
        return [
            "No rows yet.",
            f"Log predictions to `POST /v1/models/{detail.name}/predictions`; see docs/client.md.",
        ]
    ends = min((w.end for w in windows), default=None)
    when = "soon"
    if ends is not None:
        when = f"when rows after {day(ends, timed=detail.timed)} have come and late ones have had their time"
    return [
        "No window is scored yet.",
        f"The first one closes {when}; {detail.summary.rows.predictions:,} rows are stored.",
    ]
