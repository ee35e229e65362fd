"""Figures that are expected before labels are in."""

from datetime import datetime

import msgspec


class Interval(msgspec.Struct, frozen=True):
    """Two bounds in the units of the figure they belong to, at the stated level in (0, 1)."""

    low: float
    high: float
    level: float = 0.9


class Estimate(msgspec.Struct, frozen=True, kw_only=True):
    """What a metric of a window is expected to be without its labels; `hidden` says why not."""

    metric: str = ""
    value: float | None = None
    interval: Interval | None = None
    rows: int = 0
    method: str = ""
    """cbpe, pape, dle"""
    assumption: str = ""
    """What it rests on and nothing without labels can prove."""
    low: float | None = None
    """The least and the most that two unobservable kinds of change would give."""
    high: float | None = None
    is_apart: bool = False
    """Those two differ by more than chance: only labels tell."""
    labels_wanted: int | None = None
    hidden: str | None = None


class EstimatedPoint(Estimate, frozen=True, kw_only=True):
    """One window of a version's estimates."""

    window: str
    start: datetime
    end: datetime


class MergedPoint(msgspec.Struct, frozen=True, kw_only=True):
    """One window of the one series: what was realised as far as labels are in, else expected."""

    window: str
    start: datetime
    end: datetime
    value: float | None = None
    interval: Interval | None = None
    rows: int = 0
    rests_on: str = ""
    """realised, estimated, both"""
    labelled: float = 0.0
    """The share of the rows whose label is in, in [0, 1]."""
