"""How far a distance can be from usual at most: what no window whatever could show is not passed."""

import math
from collections.abc import Sequence

import msgspec
import numpy as np

from detectors import jensen_shannon
from detectors.counted import Column, references
from detectors.finding import Kind
from detectors.laws import Calibration
from detectors.reading import Counts, Floats
from detectors.scores import alike, coarse


def told(calibration: Calibration, columns: Sequence[Column]) -> Calibration:
    """The same with the greatest value of each score that is a distance between counts.

    Distances to a reference are convex in the window, so the greatest is that of a window that
    lies in one bin: of the area at either end, of the Jensen-Shannon distance where the reference
    has least. The reference is the whole one, as of windows to come; where those are compared with
    their own season, the one that allows for most.
    """
    known: dict[tuple[str, str], float] = {}
    to_come = [
        msgspec.structs.replace(column, inside=np.zeros_like(column.inside))
        for column in columns
        if not column.values
    ]
    for group in alike(to_come):
        reference = references(group).counts
        reached = {"jensen_shannon": _distances(coarse(group, reference))}
        if group[0].bins.kind is Kind.NUMERIC:
            reached["a1"] = _areas(reference)
        for detector, greatest in reached.items():
            found = zip(group, greatest.tolist(), strict=True)
            known |= {(c.bins.column, detector): most for c, most in found if not math.isnan(most)}
    return msgspec.structs.replace(
        calibration,
        scales=tuple(
            msgspec.structs.replace(scale, reach=known.get((scale.column, scale.detector)))
            for scale in calibration.scales
        ),
    )


def _areas(reference: Counts) -> Floats:
    """Of each column, over references of shape (columns, windows or 1, bins); NaN if all are empty."""
    with np.errstate(invalid="ignore"):
        shares = np.cumsum(reference, axis=2) / reference.sum(axis=2, keepdims=True)
    below = shares[:, :, :-1].mean(axis=2)
    found: Floats = np.fmax.reduce(np.maximum(below, 1.0 - below), axis=1)
    return found


def _distances(reference: Counts) -> Floats:
    least = np.eye(reference.shape[2])[reference.argmin(axis=2)]
    found: Floats = np.fmax.reduce(jensen_shannon.distance(reference, least), axis=1)
    return found
