"""Plots as SVG, drawn from counts: sizes in pixels, colours from the page's style."""

import math
from collections.abc import Sequence
from typing import Final

import msgspec
from markupsafe import Markup, escape

from controlplane.cli.report.words import figure
from detectors.comparison.result import Histogram, Levels

SMALL: Final = (150.0, 34.0)
LARGE: Final = (640.0, 220.0)
STRIP: Final = (640.0, 64.0)
MARGIN: Final = (44.0, 8.0, 26.0, 8.0)
"""Of a large plot: left, top, bottom, right."""
DIGIT_WIDTH: Final = 7.0
BESIDE_MARK: Final = 8.0
"""Between a mark and its axis, and left of it."""
LEVEL_HEIGHT: Final = 22.0
NAME_WIDTH: Final = 170.0
FIGURE_WIDTH: Final = 112.0
LONGEST_NAME: Final = 24
FEWEST_MARKS: Final = 4
MARKS: Final = 5
HEADROOM: Final = 1.04


class Shares(msgspec.Struct, frozen=True):
    """Both sides as shares of their own values, bin by bin."""

    reference: tuple[float, ...]
    current: tuple[float, ...]

    @property
    def greatest(self) -> float:
        """The height of a plot: a little above the greatest share, 1 where there is none."""
        return max([*self.reference, *self.current, 0.0]) * HEADROOM or 1.0


def shares_of(reference: Sequence[int], current: Sequence[int], beside: tuple[int, int]) -> Shares:
    """Counts as shares; `beside` are values of each side that no bin holds.

    >>> shares_of([1, 3], [0, 0], (0, 0)).reference
    (0.25, 0.75)
    """
    first, second = sum(reference) + beside[0], sum(current) + beside[1]
    return Shares(
        tuple(count / first if first else 0.0 for count in reference),
        tuple(count / second if second else 0.0 for count in current),
    )


def of_histogram(histogram: Histogram) -> Shares:
    """A numeric column's bins as shares of all its values."""
    below, above = histogram.below, histogram.above
    beside = (below.reference + above.reference, below.current + above.current)
    return shares_of(histogram.reference, histogram.current, beside)


def of_levels(levels: Levels) -> Shares:
    """The levels as shares of all values; the last one is what the others hold together."""
    others = levels.others
    return shares_of(
        (*levels.reference, others.reference), (*levels.current, others.current), (0, 0)
    )


def small(shares: Shares, *, says: str) -> Markup:
    """Both sides over each other in a line of a table; `says` is read out in the picture's place."""
    wide, high = SMALL
    body = _area(shares.reference, shares.greatest, (0.0, 0.0, wide, high), "reference")
    body += _steps(shares.current, shares.greatest, (0.0, 0.0, wide, high), "current")
    return svg((wide, high), body, says)


def histogram(found: Histogram, *, says: str) -> Markup:
    """A numeric column's two distributions with axes: filled the reference, a line the current."""
    shares = of_histogram(found)
    _, top, bottom, right = MARGIN
    wide, high = LARGE
    widest = max(len(name) for _, name in _share_marks(shares.greatest))
    left = max(MARGIN[0], BESIDE_MARK + widest * DIGIT_WIDTH)
    box = (left, top, wide - left - right, high - top - bottom)
    body = _share_axis(shares.greatest, box) + _value_axis(found.edges, box)
    body += _area(shares.reference, shares.greatest, box, "reference")
    body += _steps(shares.current, shares.greatest, box, "current")
    return svg(LARGE, body, says)


def strip(means: Sequence[float | None], usual: tuple[float, float], *, says: str) -> Markup:
    """The means of blocks of rows in the order of the file, over the band of the reference's mean
    and standard deviation, `usual`; a block without a number leaves a gap."""
    known = [mean for mean in means if mean is not None]
    low, high = usual[0] - usual[1], usual[0] + usual[1]
    least, most = min([low, *known]), max([high, *known])
    if not most > least or not math.isfinite(most - least):
        return Markup("")
    right, name = MARGIN[-1], figure(usual[0])
    left = max(MARGIN[0], BESIDE_MARK + len(name) * DIGIT_WIDTH)
    (wide, tall), pad = STRIP, 4.0
    box_wide, box_tall = wide - left - right, tall - 2.0 * pad

    def height(value: float) -> float:
        return pad + box_tall * (most - value) / (most - least)

    band = Markup('<rect class="reference" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"/>')
    body = band.format(left, height(high), box_wide, height(low) - height(high))
    body += marked(left, box_wide, height(usual[0]), name)
    step = box_wide / len(means)
    places = [
        None if mean is None else (left + (at + 0.5) * step, height(mean))
        for at, mean in enumerate(means)
    ]  # fmt: skip
    return svg(STRIP, body + _trace(places), says)


def _trace(places: Sequence[tuple[float, float] | None]) -> Markup:
    """A line through points, broken where there is none; a point alone is a short dash."""
    pieces: list[list[str]] = [[]]
    for place in places:
        if place is None:
            pieces.append([])
        else:
            pieces[-1].append(f"{place[0]:.1f},{place[1]:.1f}")
    drawn = [piece if len(piece) > 1 else piece * 2 for piece in pieces if piece]
    line = Markup('<polyline class="current line" points="{}"/>')
    return Markup("").join(line.format(" ".join(piece)) for piece in drawn)


def levels(found: Levels, *, says: str) -> Markup:
    """A column of levels: two bars a level, the reference's above."""
    shares = of_levels(found)
    names = [*found.names, "all others"]
    if not found.others.reference and not found.others.current:
        names = names[:-1]
    wide = LARGE[0] - NAME_WIDTH - FIGURE_WIDTH
    body = Markup("").join(
        _level(at, name, (shares.reference[at], shares.current[at]), wide / shares.greatest)
        for at, name in enumerate(names)
    )
    return svg((LARGE[0], LEVEL_HEIGHT * max(len(names), 1)), body, says)


def bar(share: float, kind: str) -> Markup:
    """A share in [0, 1] as a bar of that part of its cell."""
    return Markup('<span class="bar {}" style="--share:{:.4f}"></span>').format(kind, share)


def _level(at: int, name: str, shares: tuple[float, float], scale: float) -> Markup:
    top = at * LEVEL_HEIGHT
    bars = Markup("").join(
        Markup('<rect class="{}" x="{:.1f}" y="{:.1f}" width="{:.2f}" height="8"/>').format(
            kind, NAME_WIDTH, top + 2.0 + 9.0 * place, max(share * scale, 0.0)
        )
        for place, (kind, share) in enumerate(zip(("reference", "current"), shares, strict=True))
    )
    label = Markup('<text x="{:.1f}" y="{:.1f}" class="name" text-anchor="end">{}<title>{}</title></text>')  # fmt: skip
    figure = Markup('<text x="{:.1f}" y="{:.1f}" class="mark">{}</text>')
    end = NAME_WIDTH + max(shares) * scale + 6.0
    words = f"{shares[0]:.1%} → {shares[1]:.1%}"
    return (
        label.format(NAME_WIDTH - 8.0, top + 14.0, shortened(name, LONGEST_NAME), name)
        + bars
        + figure.format(end, top + 14.0, words)
    )


def _area(values: Sequence[float], greatest: float, box: tuple[float, ...], kind: str) -> Markup:
    """Bars without gaps, filled down to the axis."""
    if not values:
        return Markup("")
    left, top, wide, high = box
    step = wide / len(values)
    points = [f"M{left:.1f},{top + high:.1f}"]
    for at, value in enumerate(values):
        y = top + high * (1.0 - value / greatest)
        points.append(f"L{left + at * step:.1f},{y:.1f}L{left + (at + 1) * step:.1f},{y:.1f}")
    points.append(f"L{left + wide:.1f},{top + high:.1f}Z")
    return Markup('<path class="{}" d="{}"/>').format(kind, "".join(points))


def _steps(values: Sequence[float], greatest: float, box: tuple[float, ...], kind: str) -> Markup:
    """The same outline as a line."""
    if not values:
        return Markup("")
    left, top, wide, high = box
    step = wide / len(values)
    points = []
    for at, value in enumerate(values):
        y = top + high * (1.0 - value / greatest)
        points.append(f"{left + at * step:.1f},{y:.1f} {left + (at + 1) * step:.1f},{y:.1f}")
    return Markup('<polyline class="{} line" points="{}"/>').format(kind, " ".join(points))


def _share_axis(greatest: float, box: tuple[float, ...]) -> Markup:
    left, top, wide, high = box
    marks = [(top + high * (1.0 - at / greatest), name) for at, name in _share_marks(greatest)]
    return Markup("").join(marked(left, wide, y, name) for y, name in marks)


def marked(left: float, wide: float, y: float, name: str) -> Markup:
    """A line across a plot at a height, with what it stands for left of it."""
    line = Markup(
        '<line class="grid" x1="{:.1f}" x2="{:.1f}" y1="{:.1f}" y2="{:.1f}"/>'
        '<text class="mark" x="{:.1f}" y="{:.1f}" text-anchor="end">{}</text>'
    )
    return line.format(left, left + wide, y, y, left - 6.0, y + 4.0, name)


def _share_marks(greatest: float) -> list[tuple[float, str]]:
    """The shares that an axis up to the greatest marks, and how each is written."""
    marks = [mark for mark in round_marks(0.0, greatest) if mark <= greatest]
    return [(mark, f"{mark * 100.0:.3g} %") for mark in marks]


def _value_axis(edges: Sequence[float], box: tuple[float, ...]) -> Markup:
    """Some of the edges below the bins that they begin, the outer ones among them."""
    left, top, wide, high = box
    if len(edges) < 2:  # noqa: PLR2004 - one edge is no axis
        return Markup("")
    steps = min(MARKS, len(edges) - 1)
    places = [round(k * (len(edges) - 1) / steps) for k in range(steps + 1)]
    anchors = ["start", *["middle"] * (steps - 1), "end"]
    mark = Markup('<text class="mark" x="{:.1f}" y="{:.1f}" text-anchor="{}">{}</text>')
    return Markup("").join(
        mark.format(
            left + wide * place / (len(edges) - 1), top + high + 18.0, anchor, figure(edges[place])
        )
        for place, anchor in zip(places, anchors, strict=True)
    )


def round_marks(low: float, high: float) -> list[float]:
    """Round numbers from `low` to `high`, four to nine of them.

    >>> round_marks(0.0, 0.31)
    [0.0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3]
    """
    span = high - low
    if not math.isfinite(span) or span <= 0.0:
        return [low]
    power = 10.0 ** math.floor(math.log10(span))
    step = next(s * power for s in (2.0, 1.0, 0.5, 0.2, 0.1) if span / (s * power) >= FEWEST_MARKS)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(k * step, 12) for k in range(first, last + 1)]


def shortened(name: str, most: int) -> str:
    """A name of so many characters at most.

    >>> shortened("income", 4)
    'inc…'
    """
    return name if len(name) <= most else name[: most - 1] + "…"


def svg(size: tuple[float, float], body: Markup, says: str) -> Markup:
    """A picture of that width and height; `says` is read out in its place."""
    return Markup('<svg viewBox="0 0 {:.0f} {:.0f}" role="img" aria-label="{}">{}</svg>').format(
        size[0], size[1], escape(says), body
    )
