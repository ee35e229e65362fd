"""A story: what it is about, its chapters in the order of model time, and where to read on."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

import msgspec

from controlplane.cli import render


class Chapter(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that happened: sentences for people, and the figures and ids behind them."""

    at: datetime | None
    """Model time; None where the order says enough."""
    title: str
    says: list[str] = []
    figures: dict[str, float | None] = {}
    ids: dict[str, str] = {}


class Story(msgspec.Struct, frozen=True, kw_only=True):
    """The answer of `why`."""

    id: str
    kind: str
    model: str
    says: str
    facts: dict[str, str] = {}
    chapters: list[Chapter] = []
    next: list[str] = []
    """Commands that read on."""


_PLACED: Final = frozenset({"value", "low", "high", "difference", "mean_difference"})


def in_words(figures: Mapping[str, float | None]) -> str:
    """The figures of a piece of evidence, the value with its interval and its rows first.

    >>> in_words({"value": 28.14, "low": 22.72, "high": 33.57, "rows": 167.0, "limit": 22.51})
    '28.14 [22.72, 33.57] on 167 rows; limit 22.51'
    >>> in_words({"rows": 4344.0})
    '4,344 rows'
    """
    value = next((figures[name] for name in figures if name in _PLACED - {"low", "high"}), None)
    rows = figures.get("rows")
    parts = []
    if value is not None:
        known = render.bounded(value, figures.get("low"), figures.get("high"))
        parts.append(known + ("" if rows is None else f" on {render.count(int(rows))} rows"))
    elif rows is not None:
        parts.append(f"{render.count(int(rows))} rows")
    parts += [
        f"{name.replace('_', ' ')} {render.number(found)}"
        for name, found in figures.items()
        if name not in _PLACED | {"rows"}
    ]
    return "; ".join(parts)
