"""Gradient-boosted trees over a window's inputs, one thread each: small fits gain nothing by more.

scikit-learn is imported when the first is grown.
"""

from functools import cache
from typing import Any, Final

import numpy as np

from detectors.estimation.calibrating import Flags
from detectors.reading import Floats

GREATEST: Final = 1e300
"""Numbers beyond, infinities among them, stand here: bins are cut between quantiles of them."""
LEVELS: Final = 254
"""Levels that a tree tells apart; the rest are as if missing."""


def regressor(seed: int) -> Any:  # noqa: ANN401 - scikit-learn publishes no types
    """100 trees of 15 leaves, 50 rows a leaf at least."""
    from sklearn.ensemble import HistGradientBoostingRegressor  # noqa: PLC0415 - see above

    return HistGradientBoostingRegressor(
        max_iter=100, max_leaf_nodes=15, min_samples_leaf=50, early_stopping=False,
        categorical_features=None, random_state=seed,
    )  # fmt: skip


def classifier(seed: int) -> Any:  # noqa: ANN401
    """60 trees of 8 leaves, 30 rows a leaf at least."""
    from sklearn.ensemble import HistGradientBoostingClassifier  # noqa: PLC0415 - see above

    return HistGradientBoostingClassifier(
        max_iter=60, max_leaf_nodes=8, min_samples_leaf=30, early_stopping=False,
        categorical_features=None, random_state=seed,
    )  # fmt: skip


def grown(tree: Any, inputs: Floats, target: Floats | Flags, categorical: Flags) -> Any:  # noqa: ANN401
    """The trees fitted to inputs (rows, columns), NaN where missing.

    Columns marked `categorical` hold whole numbers from 0 to 253. One without any value tells
    nothing and is taken for a constant, as bins cannot be made of it.
    """
    blank = np.isnan(inputs).all(axis=0)
    if blank.any():
        inputs = np.where(blank, 0.0, inputs)
    inputs = np.clip(inputs, -GREATEST, GREATEST)
    tree.set_params(categorical_features=categorical if categorical.any() else None)
    with _threads().limit(limits=1):
        return tree.fit(inputs, target)


def foretold(tree: Any, inputs: Floats) -> Floats:  # noqa: ANN401
    """What fitted trees say of rows: a regressor's value, a classifier's probability of true."""
    inputs = np.clip(inputs, -GREATEST, GREATEST)
    with _threads().limit(limits=1):
        if hasattr(tree, "predict_proba"):
            sides = tree.predict_proba(inputs)
            return np.asarray(sides[:, -1], dtype=np.float64)
        return np.asarray(tree.predict(inputs), dtype=np.float64)


@cache
def _threads() -> Any:  # noqa: ANN401
    """Who says how many threads the libraries take that are in memory once trees are there."""
    from threadpoolctl import ThreadpoolController  # noqa: PLC0415 - see above

    return ThreadpoolController()
