"""Scores of windows that resemble the ones before them: how much, and what it takes to be fair.

A column whose windows wander is told by the direction in which they differ most, which has a sign
where distances have none. Its calibration windows lie nearer to the reference that holds them than
windows to come will; so their distances are taken as far as those will lie.
"""

from collections.abc import Mapping, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from detectors import remembering, resembling
from detectors.answers import MIN_ROWS
from detectors.calibration import untold
from detectors.counted import Column
from detectors.laws import transformed
from detectors.reading import Floats
from detectors.scores import Form, Scores, alike, coarse
from detectors.seasons import Groupings

UNSEEN = "unseen"
"""A score of levels that the bins of its column do not have."""


def of_columns(columns: Sequence[Column], groupings: Groupings) -> dict[str, float]:
    """How much each column's windows resemble the ones before them, by its name: see
    `remembering.memories`. Costs about as much as a tenth of the distances."""
    windows = len(columns[0].counts) if columns else 0
    if windows < remembering.FEWEST:
        return {}
    found = np.full((len(columns), windows), np.nan)
    place = {column.bins.column: at for at, column in enumerate(columns)}
    for group in alike(columns):
        at = [place[column.bins.column] for column in group]
        found[at] = _leanings(group, groupings)
    return dict(zip(place, remembering.memories(found, groupings).tolist(), strict=True))


def remembered(
    scores: Sequence[Scores], columns: Mapping[str, float], inside: NDArray[np.bool_],
    groupings: Groupings,
) -> list[Scores]:  # fmt: skip
    """The scores with their memory, and distances as far as those of windows to come.

    `columns` are the memories of columns, none where windows are too few to tell; `inside` tells the windows that the reference holds.
    Scores that resemble nothing stay as they are.
    """
    if not columns:
        return list(scores)
    most = max(columns.values())
    return [_remembered(one, _signed(one, columns, most, groupings), inside) for one in scores]


def likewise(
    scores: Sequence[Scores], columns: Mapping[str, float], inside: NDArray[np.bool_]
) -> list[Scores]:
    """The distances of the same columns in smaller windows, with the same memory."""
    return [
        _remembered(one, np.array([columns.get(name.column, 0.0) for name in one.names]), inside)
        if one.form is Form.DISTANCE else one
        for one in scores
    ]  # fmt: skip


def in_themselves(rates: Sequence[Scores], groupings: Groupings) -> list[Scores]:
    """Rates, a struct each over the same windows, with their memory."""
    if not rates or rates[0].values.shape[1] < remembering.FEWEST:
        return list(rates)
    levels = np.concatenate([_levels(one) for one in rates])
    found = remembering.memories(levels, groupings)
    return [
        _remembered(one, found[at : at + 1], np.empty(0, dtype=np.bool_))
        for at, one in enumerate(rates)
    ]


def _signed(
    scores: Scores, columns: Mapping[str, float], most: float, groupings: Groupings
) -> Floats:
    """The memory of what each score is a distance of, or of the score itself where it has a sign."""
    if scores.names[0].column in columns and scores.names[0].detector != UNSEEN:
        return np.array([columns[name.column] for name in scores.names])
    own = remembering.memories(_levels(scores), groupings)
    # A line or a jump leaves a distance that wanders; if no column does, nor do all together.
    return np.minimum(np.sqrt(own), most) if scores.form is Form.DISTANCE else own


def _remembered(scores: Scores, signed: Floats, inside: NDArray[np.bool_]) -> Scores:
    if not signed.any():
        return scores
    if scores.form is not Form.DISTANCE:
        return msgspec.structs.replace(scores, memory=signed)
    held = np.array(max(float(inside.sum()), 2.0))
    beyond = np.where(inside, remembering.farther(signed, held)[:, None], 1.0)
    return msgspec.structs.replace(
        scores, memory=np.square(signed), values=scores.values * beyond,
        effects=scores.effects * beyond,
    )  # fmt: skip


def _levels(scores: Scores) -> Floats:
    """Scores on the scale on which they are judged, those of the usual size."""
    known = scores.bucket == 0
    return np.where(known, transformed(scores, untold(scores)), np.nan)


def _leanings(group: Sequence[Column], groupings: Groupings) -> Floats:
    """How far each window of columns with as many bins lies along the direction in which its
    column's windows differ most, in roots of shares, which have one variance for all bins."""
    counts = coarse(group, np.stack([column.counts for column in group]))
    rows = counts.sum(axis=2)
    usual = np.stack([column.bucket == 0 for column in group]) & (rows >= MIN_ROWS)
    roots = np.sqrt(counts / np.maximum(rows, 1)[:, :, None])
    roots[~usual] = np.nan
    columns, windows, bins = roots.shape
    flat = np.moveaxis(roots, 2, 1).reshape(columns * bins, windows)
    apart = resembling.without_seasons(flat, groupings).reshape(columns, bins, windows)
    direction = np.linalg.eigh(apart @ np.moveaxis(apart, 1, 2))[1][:, :, -1]
    found: Floats = np.where(usual, (direction[:, None] @ apart)[:, 0], np.nan)
    return found
