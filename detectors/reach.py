"""How far a distance can be from usual at most: what no window whatever could show is not passed."""

from collections.abc import Sequence

import msgspec
import numpy as np

from detectors import jensen_shannon
from detectors.counted import Column, reference_of
from detectors.finding import Kind
from detectors.laws import Calibration
from detectors.reading import Counts
from detectors.scores import coarse


def told(calibration: Calibration, columns: Sequence[Column]) -> Calibration:
    """The same with the greatest value of each score that is a distance between counts.

    Distances to a reference are convex in the window, so the greatest is that of a window that
    lies in one bin: of the area at either end, of the Jensen-Shannon distance where the reference
    has least.
    """
    known: dict[tuple[str, str], float] = {}
    for column in (column for column in columns if not column.values):
        reference = np.unique(reference_of(column).counts, axis=0)
        known[column.bins.column, "jensen_shannon"] = _distance(column, reference)
        if column.bins.kind is Kind.NUMERIC:
            known[column.bins.column, "a1"] = _area(reference)
    return msgspec.structs.replace(
        calibration,
        scales=tuple(
            msgspec.structs.replace(scale, reach=known.get((scale.column, scale.detector)))
            for scale in calibration.scales
        ),
    )


def _area(reference: Counts) -> float:
    shares = np.cumsum(reference, axis=1) / np.maximum(reference.sum(axis=1, keepdims=True), 1)
    below = shares[:, :-1].mean(axis=1)
    return float(np.maximum(below, 1.0 - below).max())


def _distance(column: Column, reference: Counts) -> float:
    few = coarse([column], reference[None])[0]
    least = np.eye(few.shape[1])[few.argmin(axis=1)]
    return float(jensen_shannon.distance(few, least).max())
