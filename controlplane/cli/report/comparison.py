"""The report of a comparison: what drifted, what each column looks like, what was measured."""

from collections.abc import Callable, Iterable, Sequence
from importlib.resources import files
from pathlib import PurePath
from typing import Any, Final

import msgspec
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from controlplane.cli.report import model, plots, tables
from controlplane.cli.report.words import DASH, VERDICTS, chance, count, figure, share, span_of
from detectors.catalogue import CATALOGUE
from detectors.comparison.result import QUANTILES, ComparedColumn, Comparison, Side
from detectors.finding import Verdict

ORDER: Final = {
    Verdict.ERROR: 0, Verdict.FAILED: 1, Verdict.INCONCLUSIVE: 2, Verdict.PASSED: 3,
}  # fmt: skip


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """A column as the page shows it."""

    at: int
    column: ComparedColumn
    word: str
    effect: str
    weight: float
    """What the table is first sorted by: verdict, then how much moved."""
    small: Markup
    large: Markup
    strip: Markup
    facts: list[tuple[str, str, str]]
    missing: tuple[float | None, float | None]
    rise: float
    why: str | None
    """What there is to say in place of how much moved."""


def page(comparison: Comparison, *, seconds: float, made_at: str) -> str:
    """The whole report as one HTML document; `made_at` is shown as it is.

    Nothing is fetched: style, plots and script are inside, and everything that came out of the
    data is escaped.
    """
    environment = Environment(
        loader=PackageLoader("controlplane.cli", "report"), autoescape=True,
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    environment.filters.update(figure=figure, share=share, count=count, chance=chance)
    return environment.get_template("comparison.html.j2").render(
        comparison=_named(comparison),
        lines=sorted(map(_line, range(len(comparison.columns)), comparison.columns),
                     key=lambda line: -line.weight),
        tally=_tally(comparison.columns),
        says={name: entry.says for name, entry in CATALOGUE.items()},
        missing=_missing(comparison.columns),
        segments=[(part, _tally(part.comparison.columns)) for part in comparison.segments],
        model=None if comparison.outcome is None else model.shown(comparison.outcome),
        row_share=model.row_share, table_facts=tables.facts(comparison.overviews),
        together=tables.together(comparison.correlations),
        words=VERDICTS, bar=plots.bar, seconds=f"{seconds:.2g}", made_at=made_at,
        style=Markup(_packed("style.css")),  # noqa: S704 - ours, and not of the data
        script=Markup(_packed("script.js")),  # noqa: S704 - likewise
    )  # fmt: skip


FACTS: Final[Sequence[tuple[str, str, Callable[[Any], str]]]] = (
    ("infinite", "infinite", count), ("distinct", "distinct", count), ("mean", "mean", figure),
    ("standard deviation", "std", figure), ("least", "minimum", figure),
    ("greatest", "maximum", figure), ("first", "first", str), ("last", "last", str),
    ("most frequent", "usual", str),
)  # fmt: skip
"""What a side holds: the label, the field, and how it is told."""


def _named(comparison: Comparison) -> Comparison:
    """With the files' names alone where those differ: a report is passed on, paths are nobody's."""
    first, second = (PurePath(each).name for each in (comparison.reference, comparison.current))
    if first == second:
        return comparison
    return msgspec.structs.replace(comparison, reference=first, current=second)


def effect_of(column: ComparedColumn) -> tuple[str, float]:
    """How much a column moved in words, and as a number by which columns are sorted."""
    by = {finding.detector: finding for finding in column.findings}
    distance, moved = by.get("jensen_shannon"), by.get("wasserstein")
    size = distance.statistic if distance is not None and distance.statistic is not None else 0.0
    if moved is not None and moved.statistic is not None:
        return f"moved by {moved.statistic:.2g} sd", size
    if distance is not None and distance.statistic is not None:
        return f"distance {distance.statistic:.2g}", size
    return DASH, size


def _line(at: int, column: ComparedColumn) -> Line:
    effect, size = effect_of(column)
    return Line(
        at=at, column=column, word=VERDICTS[column.verdict], effect=effect,
        weight=10.0 * (len(ORDER) - ORDER[column.verdict]) + size, small=_small(column),
        large=_large(column), strip=_strip(column), facts=list(_facts(column)),
        missing=(missing := _missing_both(column)), rise=_rise(missing),
        why=column.note or span_of(column),
    )  # fmt: skip


def _small(column: ComparedColumn) -> Markup:
    says = f"distributions of {column.column}"
    if column.histogram is not None:
        return plots.small(plots.of_histogram(column.histogram), says=says)
    if column.levels is not None:
        return plots.small(plots.of_levels(column.levels), says=says)
    return Markup("")


def _large(column: ComparedColumn) -> Markup:
    says = f"{column.column}, reference filled, current as a line"
    if column.histogram is not None:
        return plots.histogram(column.histogram, says=says)
    if column.levels is not None:
        return plots.levels(column.levels, says=f"levels of {column.column}, two bars each")
    return Markup("")


def _strip(column: ComparedColumn) -> Markup:
    side = column.reference
    if not column.course or side is None or side.mean is None or side.std is None:
        return Markup("")
    says = f"mean of {column.column} in blocks of rows of the current, in the order of the file"
    return plots.strip(column.course, (side.mean, side.std), says=says)


def _facts(column: ComparedColumn) -> Iterable[tuple[str, str, str]]:
    """What both sides hold, a row a fact that either of them has."""
    sides = (column.reference, column.current)
    yield _row("rows", *[None if side is None else count(side.rows) for side in sides])
    yield _row("missing", *map(_both_missing, sides))
    for label, field, told in FACTS:
        if field == "maximum":
            yield from _quantiles(sides)
        values = [None if side is None else getattr(side, field) for side in sides]
        nothing = field == "infinite" and not any(values)
        if any(value is not None for value in values) and not nothing:
            yield _row(label, *[None if value is None else told(value) for value in values])
        if field == "usual":
            yield from _usual(sides)


def _usual(sides: Sequence[Side | None]) -> Iterable[tuple[str, str, str]]:
    """Which share of the values the most frequent one is."""
    shares = [None if side is None else side.usual_share for side in sides]
    if shares != [None, None]:
        yield _row("its share", *[None if each is None else share(each) for each in shares])


def _quantiles(sides: Sequence[Side | None]) -> Iterable[tuple[str, str, str]]:
    for place, level in enumerate(QUANTILES):
        marks = [_quantile(side, place) for side in sides]
        if marks != [None, None]:
            yield _row(f"{level:.0%} quantile", *map(figure, marks))


def _row(label: str, before: str | None, now: str | None) -> tuple[str, str, str]:
    return label, before or DASH, now or DASH


def _quantile(side: Side | None, place: int) -> float | None:
    return side.quantiles[place] if side is not None and len(side.quantiles) > place else None


def _both_missing(side: Side | None) -> str | None:
    return None if side is None else f"{side.missing:,} ({share(_missing_of(side))})"


def _missing_of(side: Side | None) -> float | None:
    if side is None:
        return None
    return side.missing / side.rows if side.rows else 0.0


def _missing_both(column: ComparedColumn) -> tuple[float | None, float | None]:
    return _missing_of(column.reference), _missing_of(column.current)


def _rise(missing: tuple[float | None, float | None]) -> float:
    return (missing[1] or 0.0) - (missing[0] or 0.0)


def _missing(columns: Iterable[ComparedColumn]) -> list[tuple[str, float | None, float | None]]:
    """Columns of which a value is missing on either side, those that changed most first."""
    found = [(column.column, *_missing_both(column)) for column in columns]
    return sorted(
        (line for line in found if line[1] or line[2]), key=lambda line: -abs(_rise(line[1:]))
    )


def _tally(columns: Iterable[ComparedColumn]) -> dict[Verdict, int]:
    counted = dict.fromkeys(Verdict, 0)
    for column in columns:
        counted[column.verdict] += 1
    return counted


def _packed(name: str) -> str:
    return files("controlplane.cli.report").joinpath(name).read_text(encoding="utf-8")
