"""Other ways to foretell performance without labels, with which the product's are compared."""

import numpy as np

from detectors.estimation.calibrating import Flags
from detectors.reading import Floats


def importance_weighted(losses: Floats, weights: Floats) -> float:
    """The reference's mean loss with its rows weighted like the window's (Shimodaira 2000)."""
    return float(losses @ weights / weights.sum())


def average_threshold_confidence(reference: Floats, correct: Flags, window: Floats) -> float:
    """Accuracy as the window's share of rows more confident than a threshold.

    Confidences of shape (rows,); the threshold is where the reference's share above it is its
    accuracy (Garg et al. 2022, arXiv 2201.04234).
    """
    threshold = np.quantile(reference, 1.0 - float(correct.mean()))
    return float((window > threshold).mean())


def difference_of_confidences(reference: Floats, correct: Flags, window: Floats) -> float:
    """The reference's accuracy less by how much the mean confidence fell (Guillory et al. 2021)."""
    return float(correct.mean()) - (float(reference.mean()) - float(window.mean()))
