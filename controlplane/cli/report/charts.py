"""Charts with two axes and grids of cells as SVG; colours come from the page's style."""

from collections.abc import Sequence
from typing import Final

from markupsafe import Markup

from controlplane.cli.report.plots import marked, round_marks, shortened, svg
from controlplane.cli.report.words import figure
from detectors.comparison.curves import Curve, Grid, Reliable

SIZE: Final = (330.0, 250.0)
BOX: Final = (58.0, 10.0, 262.0, 200.0)
"""Left, top, width and height of what is inside the axes."""
MARKS: Final = (0.0, 0.25, 0.5, 0.75, 1.0)
CELL: Final = 20.0
NAMES: Final = 120.0
LONGEST: Final = 16

Lines = Sequence[tuple[str, Curve]]
"""Lines, each with its class in the style."""


def unit_square(lines: Lines, *, says: str, across: str, up: str, diagonal: bool = False) -> Markup:
    """Curves over [0, 1] in both directions, with a diagonal where they are to be held against it."""
    left, top, wide, high = BOX
    body = _unit_axes(across, up)
    if diagonal:
        body += _line("grid strong dashed", [(left, top + high), (left + wide, top)])
    for kind, curve in lines:
        points = [
            (left + wide * x, top + high * (1.0 - y)) for x, y in zip(curve.x, curve.y, strict=True)
        ]
        body += _line(kind, points)
    return svg(SIZE, body, says)


def reliability(sides: Sequence[tuple[str, Sequence[Reliable]]], *, says: str) -> Markup:
    """The share of positive rows over the mean score of every bin, with intervals."""
    left, top, wide, high = BOX
    body = _unit_axes("mean score", "share positive")
    body += _line("grid strong dashed", [(left, top + high), (left + wide, top)])
    for kind, bins in sides:
        for one in bins:
            x = left + wide * min(max(one.score, 0.0), 1.0)
            ends = [top + high * (1.0 - bound) for bound in (one.low, one.high)]
            body += _line(f"{kind} thin", [(x, ends[0]), (x, ends[1])])
        points = [
            (left + wide * min(max(b.score, 0.0), 1.0), top + high * (1.0 - b.share)) for b in bins
        ]
        body += _line(kind, points)
    return svg(SIZE, body, says)


def steps(sides: Sequence[tuple[str, Sequence[float | None]]], *, says: str) -> Markup:
    """Figures over ranges next to one another, about nought; a range without one leaves a gap."""
    left, top, wide, high = BOX
    known = [value for _, values in sides for value in values if value is not None]
    least, most = min([0.0, *known]), max([0.0, *known])
    if not most > least:
        return Markup("")

    def height(value: float) -> float:
        return top + high * (most - value) / (most - least)

    body = Markup("").join(
        marked(left, wide, height(mark), figure(mark)) for mark in round_marks(least, most)
    )
    body += _line("grid strong", [(left, height(0.0)), (left + wide, height(0.0))])
    for kind, values in sides:
        step = wide / len(values)
        piece: list[tuple[float, float]] = []
        for at, value in enumerate([*values, None]):
            if value is None:
                body += _line(kind, piece)
                piece = []
            else:
                piece += [
                    (left + at * step, height(value)),
                    (left + (at + 1) * step, height(value)),
                ]
    return svg(SIZE, body, says)


def grid(found: Grid, *, kind: str, says: str) -> Markup:
    """Rows by label (across) and prediction (up), darker where more are; with the diagonal."""
    left, top, wide, high = BOX
    if not found.counts:
        return Markup("")
    most, parts = max(map(max, found.counts)) or 1, len(found.counts)
    cell = Markup(
        '<rect class="{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}" opacity="{:.2f}"/>'
    )
    body = Markup("")
    for up, row in enumerate(found.counts):
        for across, rows in enumerate(row):
            if rows:
                body += cell.format(
                    kind, left + wide * across / parts, top + high * (1.0 - (up + 1) / parts),
                    wide / parts + 0.2, high / parts + 0.2, 0.12 + 0.88 * (rows / most) ** 0.5,
                )  # fmt: skip
    body += _line("grid strong dashed", [(left, top + high), (left + wide, top)])
    text = Markup('<text class="mark" x="{:.1f}" y="{:.1f}" text-anchor="{}">{}</text>')
    for x, y, anchor, value in (
        (left, top + high + 16.0, "start", found.edges[0]), (left + wide, top + high + 16.0, "end", found.edges[-1]),
        (left - 6.0, top + high, "end", found.edges[0]), (left - 6.0, top + 10.0, "end", found.edges[-1]),
    ):  # fmt: skip
        body += text.format(x, y, anchor, f"{value:.3g}")
    body += _titles("label", "prediction")
    return svg(SIZE, body, says)


def heat(names: Sequence[str], values: Sequence[Sequence[float | None]], *, says: str) -> Markup:
    """Correlations of columns with each other: one hue above nought, one below, strong where far."""
    size = CELL * len(names)
    cell = Markup(
        '<rect class="{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}" opacity="{:.2f}">'
        "<title>{}</title></rect>"
    )
    text = Markup('<text class="mark" x="{:.1f}" y="{:.1f}" text-anchor="end">{}</text>')
    body = Markup("")
    for down, row in enumerate(values):
        body += text.format(NAMES - 6.0, down * CELL + 14.0, shortened(names[down], LONGEST))
        for across, value in enumerate(row):
            if value is not None:
                told = f"{names[down]} and {names[across]}: {value:.2f}"
                body += cell.format(
                    "current" if value >= 0.0 else "reference", NAMES + across * CELL, down * CELL,
                    CELL - 1.0, CELL - 1.0, abs(value), told,
                )  # fmt: skip
    return svg((NAMES + size, size), body, says)


def _unit_axes(across: str, up: str) -> Markup:
    left, top, wide, high = BOX
    body = Markup("").join(marked(left, wide, top + high * (1.0 - at), f"{at:g}") for at in MARKS)
    text = Markup('<text class="mark" x="{:.1f}" y="{:.1f}" text-anchor="{}">{:g}</text>')
    for at in MARKS:
        anchor = "start" if at == 0.0 else "end" if at == 1.0 else "middle"
        body += text.format(left + wide * at, top + high + 16.0, anchor, at)
    return body + _titles(across, up)


def _titles(across: str, up: str) -> Markup:
    left, top, wide, high = BOX
    text = Markup('<text class="mark" x="{:.1f}" y="{:.1f}" text-anchor="middle"{}>{}</text>')
    x, y = 12.0, top + high / 2.0
    turned = Markup(' transform="rotate(-90 {:.1f} {:.1f})"').format(x, y)
    return text.format(left + wide / 2.0, top + high + 34.0, "", across) + text.format(
        x, y, turned, up
    )


def _line(kind: str, points: Sequence[tuple[float, float]]) -> Markup:
    if not points:
        return Markup("")
    told = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return Markup('<polyline class="drawn {}" points="{}"/>').format(kind, told)
