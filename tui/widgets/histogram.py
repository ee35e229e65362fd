"""A column over the reference and over a window, side by side on the same bins or levels."""

import itertools
from collections.abc import Iterator, Sequence
from typing import Final

from textual.content import Content
from textual.geometry import Size
from textual.style import Style
from textual.widget import Widget
from typing_extensions import override

from connectors.client import wire
from tui import palette
from tui.format import age, count, number, share

EIGHTHS: Final = " ▏▎▍▌▋▊▉█"
QUANTILES: Final = ("0.05", "0.25", "0.5", "0.75", "0.95")
WIDEST: Final = 44
AGE: Final = " (age)"
"""What the name of a column ends in that says how old dates were."""


class Histogram(Widget):
    """Shares of the rows by bin; the window's bar is bright, the reference's is dim."""

    DEFAULT_CSS = "Histogram { height: auto; text-wrap: nowrap; }"

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's word
        super().__init__(id=id)
        self._picture: wire.ColumnPicture | None = None

    def show(self, picture: wire.ColumnPicture | None) -> None:
        """Draw this column."""
        if picture != self._picture:
            self._picture = picture
            self.refresh(layout=True)

    @override
    def render(self) -> Content:
        return Content("\n").join(_lines(self._picture, self.content_size.width))

    @override
    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return len(_lines(self._picture, width))


def _lines(picture: wire.ColumnPicture | None, width: int) -> list[Content]:
    if picture is None:
        return []
    return [*_bars(picture, width), Content(""), *_figures(picture)]


def bins_of(picture: wire.ColumnPicture) -> list[str]:
    """The names of the bins or levels.

    >>> bins_of(wire.ColumnPicture(model="m", column="c", edges=[0.0, 0.5, 1.0]))
    ['0 – 0.5', '0.5 – 1']
    >>> bins_of(wire.ColumnPicture(model="m", column="booked (age)", edges=[0.0, 90.0, 7200.0]))
    ['0.0 s – 1 min 30 s', '1 min 30 s – 2 h']
    """
    if not picture.edges:
        return list(picture.levels)
    edges = [written(picture, edge) for edge in picture.edges]
    return [f"{low} – {high}" for low, high in itertools.pairwise(edges)]


def written(picture: wire.ColumnPicture, value: float | None) -> str:
    """A value of the column as text: seconds where it says how old a date was."""
    return age(value) if picture.column.endswith(AGE) else number(value)


def _shares(side: wire.ColumnSide | None, n: int) -> list[float]:
    """Of the rows with a value, others and not among the bins included."""
    counts = [*(side.counts if side else []), side.other if side else 0]
    total = sum(counts)
    return [c / total if total else 0.0 for c in counts] or [0.0] * (n + 1)


def _bars(picture: wire.ColumnPicture, width: int) -> Iterator[Content]:
    names = [*bins_of(picture), "other"]
    reference, current = (
        _shares(side, len(names) - 1) for side in (picture.reference, picture.current)
    )
    if not (reference[-1] or current[-1]):
        names, reference, current = names[:-1], reference[:-1], current[:-1]
    names, reference, current, left_out = _without_empty(names, reference, current)
    if not names:
        yield Content.styled("no value in either", palette.MUTED_TEXT)
        return
    label = min(max(map(len, names)), max(width // 3, 8))
    bar = max(min((width - label - 20) // 2, WIDEST), 4)
    most = max([*reference, *current]) or 1.0
    yield Content.styled(f"{'':>{label}}  {'reference':<{bar + 7}}  window", palette.MUTED_TEXT)
    for name, before, now in zip(names, reference, current, strict=True):
        yield Content.assemble(
            (f"{name[:label]:>{label}}  ", palette.MUTED_TEXT),
            (_bar(before / most, bar), palette.ink(palette.FAINT)),
            (f"{share(before):>7}  ", palette.MUTED_TEXT),
            (_bar(now / most, bar), _colour(before, now)),
            (f"{share(now):>7}", palette.TEXT),
        )
    if left_out:
        says = f"{left_out} bins without a row in either are left out"
        yield Content.styled(f"{'':>{label}}  {says}", palette.FAINT_TEXT)


def _without_empty(
    names: list[str], reference: list[float], current: list[float]
) -> tuple[list[str], list[float], list[float], int]:
    """Where most bins are empty in both, the values are few, and only they are drawn."""
    full = [i for i, both in enumerate(zip(reference, current, strict=True)) if any(both)]
    if len(full) * 2 > len(names):
        return names, reference, current, 0
    kept = ([side[i] for i in full] for side in (names, reference, current))
    return *kept, len(names) - len(full)  # type: ignore[return-value]


def _bar(part: float, width: int) -> str:
    """A bar to an eighth of a cell.

    >>> _bar(0.53, 4)
    '██▏ '
    """
    eighths = round(part * width * 8)
    whole, rest = divmod(eighths, 8)
    return ("█" * whole + (EIGHTHS[rest] if rest else "")).ljust(width)


def _colour(before: float, now: float) -> Style:
    """Where the window has far more than the reference, it is warm."""
    return palette.WARM_TEXT if now > 2 * before + 0.02 else palette.ACCENT_TEXT


def _figures(picture: wire.ColumnPicture) -> Iterator[Content]:
    sides = (picture.reference or wire.ColumnSide(), picture.current or wire.ColumnSide())
    rows: Sequence[tuple[str, Sequence[str]]] = [
        ("rows", [count(side.rows) for side in sides]),
        ("missing", [share(side.missing) for side in sides]),
        ("mean", [written(picture, side.mean) for side in sides]),
        *((f"{float(q) * 100:g} %", [written(picture, side.quantiles.get(q)) for side in sides])
          for q in QUANTILES if any(q in side.quantiles for side in sides)),
    ]  # fmt: skip
    yield Content.styled(f"{'':14}{'reference':>12}{'window':>12}", palette.MUTED_TEXT)
    for label, values in rows:
        if any(value != "–" for value in values):
            yield Content.assemble(
                (f"{label:14}", palette.MUTED_TEXT),
                "".join(f"{value:>12}" for value in values),
            )
