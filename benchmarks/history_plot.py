"""Figures of `history.py` over the number of rows, as SVG: both axes by powers of ten."""

import math
from collections.abc import Sequence

WIDE, HIGH, LEFT, TOP, RIGHT, BOTTOM = 720, 400, 64, 20, 190, 48
APART = 13
LOW, TOP_FIGURE = 1.0, 10_000.0
LINES = (
    ("commit cpu", "commit of 10,000 rows, CPU ms", "#1f6feb"),
    ("labels cpu", "10,000 labels, CPU ms", "#bf5af2"),
    ("window p50", "window of 100,000 rows, ms", "#d1242f"),
    ("joined p50", "its labels, ms", "#e28743"),
    ("open ms", "open, ms", "#2da44e"),
    ("RssAnon", "own memory, MiB", "#6e7781"),
)


def drawn(found: Sequence[dict[str, float]]) -> str:
    """The picture of those that have one model."""
    one = sorted((f for f in found if f["models"] == 1), key=lambda f: f["rows"])
    least, most = one[0]["rows"], one[-1]["rows"]
    powers = range(math.ceil(math.log10(least)), math.floor(math.log10(most)) + 1)
    body = [_text(LEFT + _plot_wide() / 2, HIGH - 8, "rows stored", "middle")]
    for power in powers:
        x = _x(10.0**power, least, most)
        body += [
            _line(x, x, TOP, HIGH - BOTTOM),
            _text(x, HIGH - BOTTOM + 18, f"{10**power:,}", "middle"),
        ]
    for power in range(5):
        y = _y(10.0**power)
        body += [_line(LEFT, WIDE - RIGHT, y, y), _text(LEFT - 8, y + 4, f"{10**power:,}", "end")]
    ends: list[float] = []
    for key, name, colour in LINES:
        values = [f["open"] * 1e3 if key == "open ms" else f[key] for f in one]
        points = [(_x(f["rows"], least, most), _y(v)) for f, v in zip(one, values, strict=True)]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        body.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        body += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in points]
        end = points[-1][1]
        while any(abs(end - other) < APART for other in ends):
            end += APART
        ends.append(end)
        body.append(_text(WIDE - RIGHT + 8, end + 4, name, "start", colour))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDE} {HIGH}" role="img" '
        'font-family="sans-serif" font-size="12" aria-label="What the store costs as history grows">'
        f'<rect width="{WIDE}" height="{HIGH}" fill="#ffffff"/>{"".join(body)}</svg>\n'
    )


def _plot_wide() -> float:
    return WIDE - LEFT - RIGHT


def _x(rows: float, least: float, most: float) -> float:
    wide = math.log10(most / least) or 1.0
    return LEFT + _plot_wide() * math.log10(rows / least) / wide


def _y(value: float) -> float:
    share = math.log10(min(max(value, LOW), TOP_FIGURE) / LOW) / math.log10(TOP_FIGURE / LOW)
    return HIGH - BOTTOM - (HIGH - BOTTOM - TOP) * share


def _line(x1: float, x2: float, y1: float, y2: float) -> str:
    return f'<line x1="{x1:.1f}" x2="{x2:.1f}" y1="{y1:.1f}" y2="{y2:.1f}" stroke="#d0d7de"/>'


def _text(x: float, y: float, text: str, anchor: str, colour: str = "#57606a") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}">{text}</text>'
