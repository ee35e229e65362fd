"""How well both sides were predicted, in a terminal."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import click

from controlplane.cli import render
from controlplane.cli.report.words import VERDICTS
from detectors.finding import Interval

if TYPE_CHECKING:
    from detectors.comparison.quality import Figure, Quality

COLUMNS: Final = [
    render.Column("metric"), render.Column("reference", right=True), render.Column("", spare=True),
    render.Column("current", right=True), render.Column("", spare=True),
    render.Column("change", right=True), render.Column("", spare=True), render.Column("", grows=True),
]  # fmt: skip
"""A figure and its interval; a narrow terminal goes without the intervals."""


def told_quality(quality: "Quality") -> Iterator[str]:
    """The lines: of what rows, and a figure each."""
    found = quality.finding
    badge = click.style(VERDICTS[found.verdict], fg=render.HUES[found.verdict])
    of = f", positive {render.plain(quality.positive)}" if quality.positive is not None else ""
    yield render.heading(f"The model ({quality.task}{of})  {badge}")
    yield (
        f"{render.count(quality.rows.reference)} and {render.count(quality.rows.current)} labelled rows; "
        "intervals at 90%"
    )
    yield from render.table(COLUMNS, map(_line, quality.figures), width=render.width())


def _line(figure: "Figure") -> tuple[str, ...]:
    before, now = figure.reference, figure.current
    said = figure.reference.reason or figure.current.reason or ""
    if figure.says:
        said = click.style(figure.says, fg=render.HUES[figure.says])
    return (
        figure.metric, render.number(before.value), _bounds(before.interval),
        render.number(now.value), _bounds(now.interval),
        render.number(figure.change), _bounds(figure.interval), said,
    )  # fmt: skip


def _bounds(interval: Interval | None) -> str:
    return (
        ""
        if interval is None
        else f"[{render.number(interval.low)}, {render.number(interval.high)}]"
    )
