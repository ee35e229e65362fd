"""Both files as tables, and how their columns hang together, as the page shows it."""

from collections.abc import Callable, Iterable, Sequence
from typing import Final

import msgspec
from markupsafe import Markup

from controlplane.cli.report import charts
from controlplane.cli.report.words import DASH, count, share
from detectors.comparison.correlations import Correlations, Pair
from detectors.comparison.overview import Overview

MOST_NAMED: Final = 8
MOST_DRAWN: Final = 24
MOST_PAIRS: Final = 12


class Together(msgspec.Struct, frozen=True):
    """The pairs that changed most, both pictures, and of which columns and rows they are."""

    pairs: tuple[Pair, ...]
    pictures: tuple[Markup, Markup]
    drawn: int
    columns: int
    rows: tuple[int, int]


def facts(sides: tuple[Overview, Overview] | None) -> list[tuple[str, str, str]]:
    """What both sides are as tables, a row a fact."""
    if sides is None:
        return []
    return [row for row in _facts(*sides) if set(row[1:]) != {DASH}]


def _facts(one: Overview, other: Overview) -> Iterable[tuple[str, str, str]]:
    told: Sequence[tuple[str, Callable[[Overview], str]]] = (
        ("rows", lambda side: count(side.rows)),
        ("columns", lambda side: f"{side.columns} ({_kinds(side)})"),
        ("values missing", lambda side: _of(side.missing, side.cells)),
        ("repeated rows", lambda side: _of(side.repeated, side.rows)),
        ("rows without any value", lambda side: _of(side.empty, side.rows)),
        ("columns without any value", lambda side: _names(side.without_values)),
        ("constant columns", lambda side: _names(side.constant)),
        ("nearly constant (95 %)", lambda side: _names(side.nearly_constant)),
        ("columns that say the same", lambda side: _names([f"{a} = {b}" for a, b in side.alike])),
    )
    for label, tell in told:
        yield label, tell(one), tell(other)


def together(found: Correlations | None) -> Together | None:
    """The correlations, the columns whose own changed most drawn where there are many."""
    if found is None:
        return None
    changed = [name for pair in found.pairs for name in (pair.one, pair.other)]
    chosen = list(dict.fromkeys([*changed, *found.columns]))[:MOST_DRAWN]
    places = [at for at, name in enumerate(found.columns) if name in chosen]
    names = [found.columns[at] for at in places]
    one, other = (
        charts.heat(
            names, [[matrix[a][b] for b in places] for a in places], says=f"correlations, {side}"
        )
        for matrix, side in ((found.reference, "reference"), (found.current, "current"))
    )
    pairs = tuple(pair for pair in found.pairs if pair.change)[:MOST_PAIRS]
    return Together(pairs, (one, other), len(names), len(found.columns), found.rows)


def _kinds(side: Overview) -> str:
    return ", ".join(
        f"{rows} {kind}" for kind, rows in sorted(side.kinds.items(), key=lambda one: -one[1])
    )


def _of(found: int | None, among: int) -> str:
    return DASH if found is None else f"{count(found)} ({share(found / among if among else 0.0)})"


def _names(names: Sequence[str]) -> str:
    if not names:
        return DASH
    more = f" and {len(names) - MOST_NAMED:,} more" if len(names) > MOST_NAMED else ""
    return f"{len(names):,}: {', '.join(names[:MOST_NAMED])}{more}"
