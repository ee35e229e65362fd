"""Figures that are expected before labels are in."""

from datetime import datetime

import msgspec

from detectors.finding import Interval


class Estimate(msgspec.Struct, frozen=True, kw_only=True):
    """What a metric of a window is expected to be without its labels; `hidden` says why not."""

    metric: str
    value: float | None
    interval: Interval | None
    rows: int
    method: str
    """cbpe, pape, dle"""
    assumption: str
    """What it rests on and nothing without labels can prove."""
    low: float | None
    """The least and the most that two unobservable kinds of change would give."""
    high: float | None
    is_apart: bool
    """Those two differ by more than chance: only labels tell."""
    labels_wanted: int | None
    hidden: str | None


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
    value: float | None
    interval: Interval | None
    rows: int
    rests_on: str
    """realised, estimated, both"""
    labelled: float
    """The share of the rows whose label is in, in [0, 1]."""
