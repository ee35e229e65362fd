"""How well both sides were predicted, in a terminal."""

from collections.abc import Iterator
from typing import Final

import click

from controlplane.cli import render
from controlplane.cli.report.words import VERDICTS
from detectors.comparison.quality import Figure, Quality
from detectors.performance import Measure

COLUMNS: Final = [
    render.Column("metric"), render.Column("reference"), render.Column("current"),
    render.Column("change"), render.Column("", grows=True),
]  # fmt: skip


def told_quality(quality: Quality) -> Iterator[str]:
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


def _line(figure: Figure) -> tuple[str, ...]:
    interval = figure.interval
    change = render.NOTHING
    if figure.change is not None:
        bounds = None if interval is None else (interval.low, interval.high)
        change = render.bounded(figure.change, *(bounds or (None, None)))
    reason = figure.reference.reason or figure.current.reason or ""
    said = click.style(figure.says, fg=render.HUES[figure.says]) if figure.says else reason
    return figure.metric, _told(figure.reference), _told(figure.current), change, said


def _told(measure: Measure) -> str:
    interval = measure.interval
    if interval is None:
        return render.number(measure.value)
    return render.bounded(measure.value, interval.low, interval.high)
