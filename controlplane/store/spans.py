"""Stretches of time: what a question about many moments is pruned by.

A bound from the least to the greatest of them would read years for two rows that lie years
apart. DuckDB prunes each part of a union by itself; alternatives in one filter it reads whole.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np

from controlplane.store.row_hashes import Micros

Span = tuple[int, int]
"""First and last microsecond since 1970, both included."""

MOST: Final = 12
"""Parts of a question."""
NEAR: Final = 3_600_000_000
"""Moments as near as this (microseconds) are read in one part: to plan a part takes as long as to
read some 100,000 rows in vain, so that a cut gains nothing where they come in an hour or more."""


def spans_of(moments: Micros, most: int = MOST) -> tuple[Span, ...]:
    """At most `most` stretches that hold every moment, cut at the widest gaps; in order.

    >>> spans_of(np.array([0, 5, 10**12]))
    ((0, 5), (1000000000000, 1000000000000))
    """
    if not len(moments):
        return ()
    ordered = np.sort(moments)
    gaps = np.diff(ordered)
    cuts = np.flatnonzero(gaps > NEAR)
    if len(cuts) > most - 1:
        cuts = np.sort(cuts[np.argsort(gaps[cuts])[len(cuts) - most + 1 :]])
    first = ordered[np.concatenate([[0], cuts + 1])]
    last = ordered[np.concatenate([cuts, [len(ordered) - 1]])]
    return tuple(zip(first.tolist(), last.tolist(), strict=True))


def within(table: str, column: str, spans: Sequence[Span], *, only: str = "true") -> str:
    """The rows of a table whose time lies in one of the stretches, as a relation; `table` and
    `column` are quoted names, `only` is a further condition."""
    parts = [
        f"select * from {table} where {during(column, span)} and {only}"  # noqa: S608 - figures
        for span in spans
    ]
    return either(*parts or [f"select * from {table} where false"])  # noqa: S608


def during(column: str, span: Span) -> str:
    """The condition that a time lies in a stretch; `column` is a quoted name."""
    first, last = span
    return f"{column} >= make_timestamp({first}) and {column} <= make_timestamp({last})"


def either(*relations: str) -> str:
    """Relations of the same columns as one."""
    return f"({' union all '.join(relations)})"
