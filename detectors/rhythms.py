"""The rhythm of a rate: what is usual of it at its hour or on its day of the week.

Rows a window and missing shares are figures of a window alone; so where the season explains enough
of them, each is judged by how far it lies from the mean of its own group of windows.
"""

from collections.abc import Mapping

import msgspec
import numpy as np
from numpy.typing import NDArray

from detectors import laws, seasons
from detectors.reading import Floats
from detectors.scores import Form, Scores
from detectors.seasons import Groupings, Rhythm


def learned(scores: Scores, groupings: Groupings) -> tuple[Rhythm | None, Scores]:
    """The rhythm of a rate over its calibration windows, and the rate with it taken out.

    None where no season explains it, by the rule of `seasons.chosen`. Every window is held against
    the others of its group, as a window to come is against all of them.
    """
    name, levels = None, _levels(scores)[0]
    if scores.values.size and not np.ptp(scores.values) <= laws.ROUNDING:
        name = seasons.chosen(groupings, levels[:, None], ~np.isnan(levels))
    if name is None:
        return None, scores
    groups, place = np.unique(np.asarray(groupings[name]), return_inverse=True)
    means, others = _means(levels, place)
    rates, other_rates = _means(scores.effects[0], place)
    rhythm = Rhythm(
        season=name, groups=tuple(groups.tolist()), levels=tuple(means.tolist()),
        rates=tuple(rates.tolist()), level=float(means.mean()), rate=float(rates.mean()),
    )  # fmt: skip
    return rhythm, _moved(scores, others, other_rates, rhythm)


def taken_out(rhythm: Rhythm, scores: Scores, groups: Mapping[str, int]) -> Scores | None:
    """A window's rate with its rhythm taken out; None where it lies in no group that is known."""
    group = groups.get(rhythm.season)
    if group not in rhythm.groups:
        return None
    at = rhythm.groups.index(group)
    return _moved(scores, np.array([rhythm.levels[at]]), np.array([rhythm.rates[at]]), rhythm)


def _levels(scores: Scores) -> Floats:
    match scores.form:
        case Form.COUNT:
            return laws.logarithm(scores.values, laws.LEAST_COUNT)
        case Form.DISTANCE:
            return laws.logarithm(scores.values, laws.LEAST_DISTANCE)
        case Form.LEVEL:
            return scores.values
        case Form.SHARE:
            return laws.evened(scores)


def _means(values: Floats, place: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """The mean of each group over the windows in which it is known, and for every window that of
    the others of its group."""
    count = np.bincount(place, weights=~np.isnan(values))
    total = np.bincount(place, weights=np.nan_to_num(values))
    return total / count, (total[place] - values) / (count[place] - 1)


def _moved(scores: Scores, levels: Floats, rates: Floats, rhythm: Rhythm) -> Scores:
    """The rate as it were if its group's mean were that of all groups."""
    moved = _levels(scores) - levels + rhythm.level
    if scores.form is Form.COUNT:
        effects = scores.effects * rhythm.rate / np.maximum(rates, laws.LEAST_COUNT)
        return msgspec.structs.replace(scores, values=np.exp(moved), effects=effects)
    effects = scores.effects - rates + rhythm.rate
    if scores.form is Form.SHARE:
        moved = laws.uneven(moved, scores.rows)
    elif scores.form is Form.DISTANCE:
        moved = np.exp(moved)
    return msgspec.structs.replace(scores, values=moved, effects=effects)
