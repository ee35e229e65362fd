"""The detectors of a column that are computed where a model file names them."""

from collections.abc import Mapping
from typing import Final

from detectors import (
    anderson_darling,
    cramer_von_mises,
    energy,
    g_test,
    hashed_levels,
    mann_whitney,
    many_levels,
    moments,
    proportions,
    share_distances,
    texts,
    unparsable,
    wasserstein_iqr,
)
from detectors.entry import LEVELS, NUMBERS, VALUES, Entry
from detectors.finding import Kind

ASKED: Final[Mapping[str, Entry]] = {
    "cramer_von_mises": Entry(
        function=cramer_von_mises.cramer_von_mises,
        params=cramer_von_mises.CramerVonMisesParams,
        kinds=NUMBERS,
        asked=True,
        says="The squared distances of the two distribution functions, summed over all rows.",
    ),
    "anderson_darling": Entry(
        function=anderson_darling.anderson_darling,
        params=anderson_darling.AndersonDarlingParams,
        kinds=NUMBERS,
        asked=True,
        says="The distance of the two distribution functions that weighs their tails most.",
    ),
    "mann_whitney": Entry(
        function=mann_whitney.mann_whitney,
        params=mann_whitney.MannWhitneyParams,
        kinds=NUMBERS,
        asked=True,
        says="Whether a row now tends to be greater than one of the reference, by ranks.",
    ),
    "energy": Entry(
        function=energy.energy,
        params=energy.EnergyParams,
        kinds=NUMBERS,
        asked=True,
        says="The energy distance: how much further apart rows of the two are than rows of one.",
    ),
    "wasserstein_iqr": Entry(
        function=wasserstein_iqr.wasserstein_iqr,
        params=wasserstein_iqr.WassersteinIqrParams,
        kinds=NUMBERS,
        asked=True,
        says="The mean distance by which values moved, in widths of the reference's middle half.",
    ),
    "mean_shift": Entry(
        function=moments.mean_shift,
        params=moments.MomentParams,
        kinds=NUMBERS,
        asked=True,
        says="By how many reference standard deviations the mean has moved.",
    ),
    "spread_shift": Entry(
        function=moments.spread_shift,
        params=moments.MomentParams,
        kinds=NUMBERS,
        asked=True,
        says="The logarithm of the ratio of the standard deviations.",
    ),
    "welch": Entry(
        function=moments.welch,
        params=moments.MomentParams,
        kinds=NUMBERS,
        asked=True,
        says="Welch's t test that the mean is what it was.",
    ),
    "hellinger": Entry(
        function=share_distances.hellinger,
        params=share_distances.ShareParams,
        kinds=VALUES,
        asked=True,
        says="The Hellinger distance of the shares of bins, from 0 for equal to 1 for disjoint.",
    ),
    "total_variation": Entry(
        function=share_distances.total_variation,
        params=share_distances.ShareParams,
        kinds=VALUES,
        asked=True,
        says="The share of rows that would have to change their bin.",
    ),
    "l_infinity": Entry(
        function=share_distances.l_infinity,
        params=share_distances.ShareParams,
        kinds=VALUES,
        asked=True,
        says="The greatest change of the share of a bin.",
    ),
    "g_test": Entry(
        function=g_test.g_test,
        params=g_test.GTestParams,
        kinds=LEVELS,
        asked=True,
        says="The likelihood-ratio test that levels have the shares that they had.",
    ),
    "two_proportions": Entry(
        function=proportions.two_proportions,
        params=proportions.ProportionParams,
        kinds=(Kind.BOOLEAN,),
        asked=True,
        says="The z test that as large a share of rows is true as was.",
    ),
    "unparsable": Entry(
        function=unparsable.unparsable,
        params=unparsable.UnparsableParams,
        kinds=NUMBERS,
        asked=True,
        says="How the share of values that are no numbers has risen; a hard limit at five points.",
    ),
    "text_length": Entry(
        function=texts.text_length,
        params=texts.TextParams,
        kinds=(Kind.CATEGORICAL,),
        asked=True,
        says="How different the lengths of texts are, identifiers among them.",
    ),
    "distinct": Entry(
        function=texts.distinct,
        params=texts.TextParams,
        kinds=(Kind.CATEGORICAL,),
        asked=True,
        says="How many different values there are among as many rows.",
    ),
    "hashed_levels": Entry(
        function=hashed_levels.hashed_levels,
        params=hashed_levels.HashedLevelsParams,
        kinds=LEVELS,
        asked=True,
        says="How different levels are over buckets of their names, where there are very many.",
    ),
    "many_levels": Entry(
        function=many_levels.many_levels,
        params=many_levels.ManyLevelsParams,
        kinds=(Kind.CATEGORICAL,),
        asked=True,
        says="Whether levels have the shares that they had, where most are too rare for a bin.",
    ),
}
