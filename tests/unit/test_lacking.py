"""What a window says of thresholds that are missing."""

from types import SimpleNamespace
from typing import Any

import numpy as np

from controlplane.monitor import lacking
from detectors.refmax import calibrate_rates


def test_a_family_tells_its_own_windows_and_not_those_of_the_features() -> None:
    reference: Any = SimpleNamespace(version="v9")
    measure: Any = SimpleNamespace(reference=reference, yardstick=SimpleNamespace(windows=60))
    known = np.array([[400.0], [410.0], [390.0]])
    found = calibrate_rates(["volume"], known, family="prediction_drift", alpha=0.01)
    unused: Any = None

    [told] = lacking._until(unused, unused, lacking.PREDICTIONS, found, measure, moves=False)

    assert told == (
        "5 more calibration windows are needed before prediction drift against v9's reference "
        "is judged; there are 3"
    )
