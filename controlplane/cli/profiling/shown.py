"""A profile for people and for scripts: a line, or an object, a column."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec
import numpy as np

from controlplane.cli import render
from controlplane.cli.render import Column
from detectors.finding import Kind
from detectors.profile import points
from detectors.profile.form import ColumnProfile, Profile

SHARES: Final = (0.05, 0.25, 0.5, 0.75, 0.95)
TOP: Final = 5


class ShownColumn(msgspec.Struct, frozen=True, kw_only=True):
    """A column's figures; None where its kind has no such figure.

    `quantiles` are those at 5, 25, 50, 75 and 95 %, off by at most `rank_error`, a share of the
    rows; `top` are the most frequent levels with their rows, too few by `undercount` at most.
    """

    column: str
    kind: Kind
    rows: int
    missing: int
    unparsable: int
    infinite: int
    mean: float | None = None
    std: float | None = None
    minimum: float | None = None
    maximum: float | None = None
    quantiles: tuple[float, ...] = ()
    rank_error: float | None = None
    distinct: int | None = None
    top: dict[str, int] = {}
    undercount: int | None = None
    first: str | None = None
    last: str | None = None
    edges: str


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """A profile's figures; `output` is the file it was written to."""

    form: int
    output: str | None
    source: str
    rows: int
    salted: bool
    columns: tuple[ShownColumn, ...]


def document(profile: Profile, output: Path | None) -> Shown:
    """The figures of a profile."""
    return Shown(
        form=profile.form,
        output=None if output is None else str(output),
        source=profile.source,
        rows=profile.rows,
        salted=bool(profile.salt),
        columns=tuple(_shown(column) for column in profile.columns),
    )


def lines(profile: Profile) -> Iterator[str]:
    """A profile as a table."""
    yield f"{profile.source}: {render.count(profile.rows)} rows"
    columns = [
        Column("column", grows=True), Column("kind"), Column("missing", right=True),
        Column("distinct", right=True, spare=True), Column("mean", right=True),
        Column("std", right=True, spare=True), Column("5 %", right=True, spare=True),
        Column("median", right=True), Column("95 %", right=True, spare=True),
        Column("least … greatest, or most frequent", grows=True),
    ]  # fmt: skip
    rows = [_cells(column) for column in document(profile, None).columns]
    yield from render.table(columns, rows, width=render.width())


def _cells(found: ShownColumn) -> tuple[str, ...]:
    quantiles = found.quantiles or (None,) * len(SHARES)
    missing = found.missing / found.rows if found.rows else 0.0
    return (
        render.plain(found.column), str(found.kind), f"{missing:.1%}",
        render.NOTHING if found.distinct is None else render.count(found.distinct),
        _figure(found.mean), _figure(found.std),
        _figure(quantiles[0]), _figure(quantiles[2]), _figure(quantiles[4]),
        render.plain(_range(found)),
    )  # fmt: skip


def _range(found: ShownColumn) -> str:
    if found.top:
        rows = max(found.rows - found.missing, 1)
        return ", ".join(f"{name} {held / rows:.0%}" for name, held in found.top.items())
    if found.first is not None:
        return f"{found.first} … {found.last}"
    if found.minimum is None:
        return render.NOTHING
    return f"{_figure(found.minimum)} … {_figure(found.maximum)}"


def _figure(value: float | None) -> str:
    return render.NOTHING if value is None else f"{value:.4g}"


def _shown(found: ColumnProfile) -> ShownColumn:
    plain = ShownColumn(
        column=found.column, kind=found.kind, rows=found.rows, missing=found.missing,
        unparsable=found.unparsable, infinite=found.infinite, first=found.first, last=found.last,
        edges=found.edges,
    )  # fmt: skip
    if found.names is not None:
        top = dict(zip(found.names.names[:TOP], found.names.held, strict=False))
        return msgspec.structs.replace(
            plain, distinct=found.names.distinct, top=top, undercount=found.names.undercount
        )
    moments = found.moments
    if moments is None or found.points is None or not moments.rows:
        return plain
    return msgspec.structs.replace(
        plain, mean=moments.mean, std=moments.std, minimum=moments.minimum,
        maximum=moments.maximum, rank_error=found.points.rank_error / moments.rows,
        quantiles=tuple(points.quantiles(found.points, np.array(SHARES)).tolist()),
    )  # fmt: skip
