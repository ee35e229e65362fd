"""Metrics of numbers: errors in the label's units, shares of it, and what is explained."""

from functools import partial
from typing import Final

import msgspec
import numpy as np

from detectors.metrics.estimate import Estimate, Found, correlated, mean, ratio
from detectors.metrics.order import sums_below
from detectors.reading import Floats

SAME: Final = "all labels are equal, so there is no variance to explain"
APART: Final = "all labels or all predictions are equal, so they do not vary together"
ALL_NOUGHT: Final = "every label is 0, of which no error is a share"


def mae(label: Floats, prediction: Floats) -> Estimate:
    """Mean absolute error, in the label's units."""
    return mean(np.abs(prediction - label), low=0.0)


def mse(label: Floats, prediction: Floats) -> Estimate:
    """Mean squared error, in the label's units squared."""
    return mean(np.square(prediction - label), low=0.0)


def rmse(label: Floats, prediction: Floats) -> Estimate:
    """Root mean squared error, in the label's units."""
    return msgspec.structs.replace(mse(label, prediction), shown=np.sqrt)


def bias(label: Floats, prediction: Floats) -> Estimate:
    """Mean of prediction less label: above zero where the model predicts too much."""
    return mean(prediction - label)


def median_ae(label: Floats, prediction: Floats) -> Estimate:
    """Median absolute error, in the label's units.

    Its interval is that of the share of errors up to the median, read off the errors' quantiles
    (Woodruff 1952), which needs no density.
    """
    errors = np.sort(np.abs(prediction - label))
    below = np.abs(prediction - label) <= np.median(errors)
    return Estimate(
        value=0.5, influence=below - float(below.mean()), low=0.0, high=1.0, trials=errors.size,
        shown=partial(_quantile, errors),
    )  # fmt: skip


def max_error(label: Floats, prediction: Floats) -> Estimate:
    """The greatest absolute error, in the label's units; without an interval: no resampling of
    the rows tells how much greater the next one may be."""
    return Estimate(value=float(np.abs(prediction - label).max()), low=0.0)


def mape(label: Floats, prediction: Floats) -> Found:
    """Mean absolute error as a share of the label, over rows whose label is not 0."""
    some = label != 0.0
    if not some.any():
        return ALL_NOUGHT
    share = np.zeros(label.size)
    share[some] = np.abs((prediction[some] - label[some]) / label[some])
    return ratio(share, some.astype(np.float64), low=0.0)


def smape(label: Floats, prediction: Floats) -> Estimate:
    """Mean absolute error as a share of the mean size of label and prediction, in [0, 2].

    A row where both are 0 counts as without error (Makridakis 1993).
    """
    size = (np.abs(label) + np.abs(prediction)) / 2.0
    share = np.abs(prediction - label) / np.where(size > 0.0, size, 1.0)
    return msgspec.structs.replace(mean(share, low=0.0), high=2.0)


def wape(label: Floats, prediction: Floats) -> Found:
    """The sum of absolute errors as a share of the sum of the labels' sizes."""
    size = np.abs(label)
    return ratio(np.abs(prediction - label), size, low=0.0) if size.any() else ALL_NOUGHT


def rmsle(label: Floats, prediction: Floats) -> Found:
    """Root mean squared difference of the logarithms of one plus label and prediction."""
    if min(label.min(), prediction.min()) <= -1.0:
        return "a label or prediction is -1 or below, and has no logarithm of one plus it"
    squared = mean(np.square(np.log1p(prediction) - np.log1p(label)), low=0.0)
    return msgspec.structs.replace(squared, shown=np.sqrt)


def pinball(label: Floats, prediction: Floats, *, level: float) -> Estimate:
    """The mean loss of a prediction of the quantile at `level`, in the label's units.

    Too low costs `level` a unit, too high `1 - level` (Koenker and Bassett 1978).
    """
    short = label - prediction
    return mean(np.maximum(level * short, (level - 1.0) * short), low=0.0)


def poisson_deviance(label: Floats, prediction: Floats) -> Found:
    """Mean deviance of counts: 2 (y ln(y / p) - y + p)."""
    if label.min() < 0.0 or prediction.min() <= 0.0:
        return "a label is below 0 or a prediction not above it; counts and their means are"
    logs = label * np.log(np.where(label > 0.0, label, 1.0) / prediction)
    return mean(2.0 * (logs - label + prediction), low=0.0)


def gamma_deviance(label: Floats, prediction: Floats) -> Found:
    """Mean deviance of positive amounts: 2 (ln(p / y) + y / p - 1)."""
    if min(label.min(), prediction.min()) <= 0.0:
        return "a label or prediction is not above 0; amounts of a gamma law are"
    return mean(2.0 * (np.log(prediction / label) + label / prediction - 1.0), low=0.0)


def r2(label: Floats, prediction: Floats) -> Found:
    """The share of the label's variance that the prediction explains; below 0 if worse than none."""
    return _explained(np.square(prediction - label), label, np.square(label - label.mean()))


def explained_variance(label: Floats, prediction: Floats) -> Found:
    """As `r2` once the prediction's bias is taken out."""
    error = prediction - label
    return _explained(np.square(error - error.mean()), label, np.square(label - label.mean()))


def d2_absolute(label: Floats, prediction: Floats) -> Found:
    """As `r2` of absolute errors: less than the median's would be (Koenker and Machado 1999)."""
    return _explained(np.abs(prediction - label), label, np.abs(label - np.median(label)))


def pearson(label: Floats, prediction: Floats) -> Found:
    """The linear correlation of label and prediction, in [-1, 1]."""
    one, other = label - label.mean(), prediction - prediction.mean()
    if _equal(label) or _equal(prediction):
        return APART
    one, other = one / one.std(), other / other.std()
    value = float(np.clip((one * other).mean(), -1.0, 1.0))
    return correlated(value, one * other - value * (np.square(one) + np.square(other)) / 2.0)


def spearman(label: Floats, prediction: Floats) -> Found:
    """The correlation of the ranks of label and prediction, ties sharing theirs, in [-1, 1].

    The influence is that of its U-statistic (Hoeffding 1948), the ranks' spread taken as given.
    """
    if _equal(label) or _equal(prediction):
        return APART
    ones = np.ones(label.size)
    one = sums_below(label, ones)[0] / label.size - 0.5
    other, left = sums_below(prediction, ones, one)
    other = other / label.size - 0.5
    right = sums_below(label, other)[0]
    spread = float(one.std() * other.std())
    product = one * other
    value = float(np.clip(product.mean() / spread, -1.0, 1.0))
    moved = product - (left + right) / label.size
    return correlated(value, (moved - moved.mean()) / spread)


def _explained(left: Floats, label: Floats, spread: Floats) -> Found:
    if _equal(label) or spread.sum() <= 0.0:
        return SAME
    found = ratio(left, spread)
    assert found.influence is not None
    return Estimate(value=1.0 - found.value, influence=-found.influence, high=1.0)


def _equal(values: Floats) -> bool:
    return bool(values.min() == values.max())


def _quantile(ordered: Floats, share: float) -> float:
    return float(np.quantile(ordered, min(max(share, 0.0), 1.0)))
