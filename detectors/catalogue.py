"""Every detector by the name that its findings carry: what it is called with and what it says."""

from collections.abc import Callable, Mapping
from typing import Final

from detectors import (
    arrivals,
    chi_squared,
    jensen_shannon,
    ks,
    label_feed,
    missing,
    new_levels,
    psi,
    range,  # noqa: A004 - the detector's own name
    refmax,
    schema,
    volume,
    wasserstein,
)
from detectors.asked import ASKED
from detectors.entry import ALL, LEVELS, NUMBERS, VALUES, Entry
from detectors.finding import Finding, Kind, Sample
from detectors.tables.catalogue import TABLES

CATALOGUE: Final[Mapping[str, Entry]] = {
    "a1": Entry(
        function=refmax.judge,
        kinds=NUMBERS,
        says="How far the distribution has moved, in ranks of the reference; judged by the budget.",
    ),
    "share": Entry(
        function=refmax.judge,
        kinds=VALUES,
        says="How the share of a value has changed, in a column of three at most; judged by the budget.",
    ),
    "unseen": Entry(
        function=refmax.judge,
        kinds=(Kind.CATEGORICAL,),
        says="The share of rows whose level the reference does not hold; judged by the budget.",
    ),
    "jensen_shannon": Entry(
        function=jensen_shannon.jensen_shannon,
        params=jensen_shannon.JensenShannonParams,
        kinds=VALUES,
        shown=True,
        says="How different the shares of the bins are, from 0 for equal to 1 for disjoint.",
    ),
    "ks": Entry(
        function=ks.ks,
        params=ks.KsParams,
        kinds=NUMBERS,
        shown=True,
        says="The greatest distance between the two distribution functions.",
    ),
    "psi": Entry(
        function=psi.psi,
        params=psi.PsiParams,
        kinds=VALUES,
        shown=True,
        says="The population stability index over bins of equal mass in the reference.",
    ),
    "wasserstein": Entry(
        function=wasserstein.wasserstein,
        params=wasserstein.WassersteinParams,
        kinds=NUMBERS,
        shown=True,
        says="The mean distance by which values moved, in reference standard deviations.",
    ),
    "chi_squared": Entry(
        function=chi_squared.chi_squared,
        params=chi_squared.ChiSquaredParams,
        kinds=LEVELS,
        shown=True,
        says="Pearson's test that levels have the shares that they had.",
    ),
    "new_levels": Entry(
        function=new_levels.new_levels,
        params=new_levels.NewLevelsParams,
        kinds=LEVELS,
        says="The share of rows with a level new to the reference, beyond what is to be expected.",
    ),
    "missing": Entry(
        function=missing.missing,
        params=missing.MissingParams,
        kinds=ALL,
        says="How the share of rows without a value has risen; a hard limit at twenty points.",
    ),
    "range": Entry(
        function=range.value_range,
        params=range.RangeParams,
        kinds=NUMBERS,
        says="The share of numbers far outside what the reference held; a hard limit at 5 %.",
    ),
    "constant": Entry(
        function=schema.hard_limits,
        kinds=NUMBERS,
        says="A column of many values that has stopped moving; a hard limit.",
    ),
    "schema": Entry(
        function=schema.columns,
        kinds=ALL,
        says="A column that is absent, or that was always empty and is no longer; a hard limit.",
    ),
    "volume": Entry(
        function=volume.volume,
        params=volume.VolumeParams,
        says="How many rows came, beside other windows of the length; none at all is a hard limit.",
    ),
    "label_feed": Entry(
        function=label_feed.label_feed,
        params=label_feed.LabelFeedParams,
        says="Which share of the rows got a label; none where some were due is a hard limit.",
    ),
    "duplicates": Entry(
        function=arrivals.duplicates,
        params=arrivals.DuplicatesParams,
        says="The share of rows that repeat another row of the window, beside other windows'.",
    ),
    "freshness": Entry(
        function=arrivals.freshness,
        params=arrivals.FreshnessParams,
        says="The longest silence within a window, beside other windows'.",
    ),
    **ASKED,
    **TABLES,
}


def shown_of(kind: Kind) -> tuple[Callable[[Sample, Sample], Finding], ...]:
    """The detectors that are computed for the reader of a column of this kind.

    >>> [detector.__name__ for detector in shown_of(Kind.BOOLEAN)]
    ['jensen_shannon', 'psi', 'chi_squared']
    """
    return tuple(e.function for e in CATALOGUE.values() if e.shown and kind in e.kinds)
