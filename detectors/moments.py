"""The first two moments of a numeric column: how far its mean and its spread have moved."""

from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np

from detectors import answers, ranks, tails
from detectors.answers import Figures
from detectors.finding import Finding, Sample
from detectors.reading import Floats

MEAN_SHIFT: Final = "mean_shift"
SPREAD_SHIFT: Final = "spread_shift"
WELCH: Final = "welch"


class MomentParams(msgspec.Struct, frozen=True, kw_only=True):
    """`threshold` on the statistic, the size of the change; None to judge nothing."""

    threshold: float | None = None


_DEFAULT: Final = MomentParams()


class Moments(msgspec.Struct, frozen=True):
    """Rows, mean and standard deviation (over rows - 1) of finite numbers."""

    rows: int
    mean: float
    std: float


def mean_shift(reference: Sample, sample: Sample, params: MomentParams = _DEFAULT) -> Finding:
    """By how many reference standard deviations the mean has moved.

    The effect is (mean now - mean then) / sd then, signed; the statistic its size. Infinities are
    left out; a constant reference is degenerate. O(n + m).

    >>> import pyarrow as pa
    >>> from detectors.finding import Kind
    >>> a, b = (Sample("x", Kind.NUMERIC, pa.chunked_array([np.arange(40.0) + by]))
    ...         for by in (0.0, -5.0))
    >>> found = mean_shift(a, b)
    >>> round(found.statistic, 4), round(found.effect, 4)
    (0.4277, -0.4277)
    """
    return _judged(MEAN_SHIFT, reference, sample, params)


def spread_shift(reference: Sample, sample: Sample, params: MomentParams = _DEFAULT) -> Finding:
    """How much wider or narrower the values lie: the logarithm of the ratio of standard deviations.

    The effect is ln(sd now / sd then), signed, 0.69 for twice as wide; the statistic its size.
    Infinities are left out; a side that is constant is degenerate. O(n + m).

    >>> import pyarrow as pa
    >>> from detectors.finding import Kind
    >>> a, b = (Sample("x", Kind.NUMERIC, pa.chunked_array([np.arange(40.0) * by]))
    ...         for by in (1.0, 2.0))
    >>> round(spread_shift(a, b).effect, 4)
    0.6931
    """
    return _judged(SPREAD_SHIFT, reference, sample, params)


def welch(reference: Sample, sample: Sample, params: MomentParams = _DEFAULT) -> Finding:
    """Welch's t test that the mean is what it was, whatever the variances.

    The statistic is |t|, the p-value two-sided by Student's law with the degrees of freedom of
    Welch and Satterthwaite, for independent rows; the effect is that of `mean_shift`. Infinities
    are left out; two constants are degenerate. O(n + m). Welch 1947.

    >>> import pyarrow as pa
    >>> from detectors.finding import Kind
    >>> generator = np.random.default_rng(1)
    >>> a, b = (Sample("x", Kind.NUMERIC, pa.chunked_array([generator.normal(s, 1.0, 300)]))
    ...         for s in (0.0, 0.3))
    >>> found = welch(a, b)
    >>> round(found.statistic, 3), found.p_value < 1e-6
    (5.394, True)
    """
    return _judged(WELCH, reference, sample, params)


def moments(values: Floats) -> Moments:
    """The moments of two finite numbers or more; infinite or NaN where they overflow."""
    first = float(values[0])
    if bool(np.all(values == first)):  # where a sum of equal values would be rounded
        return Moments(values.size, first, 0.0)
    with np.errstate(all="ignore"):
        return Moments(values.size, float(values.mean()), float(values.std(ddof=1)))


def pooled(parts: Sequence[Moments]) -> Moments:
    """The moments of all rows of the parts together; without a row, none and zeros.

    Equal means and no spread give no spread, exactly. Chan, Golub and LeVeque 1983.

    >>> both = pooled([moments(np.array([1.0, 2.0])), moments(np.array([6.0]))])
    >>> both == moments(np.array([1.0, 2.0, 6.0]))
    True
    """
    held = [part for part in parts if part.rows]
    if not held:
        return Moments(0, 0.0, 0.0)
    rows = np.array([part.rows for part in held])
    means = np.array([part.mean for part in held]) - held[0].mean
    with np.errstate(all="ignore"):
        middle = float(rows @ means) / rows.sum()
        within = (rows - 1) @ np.square([part.std for part in held])
        squares = float(within + rows @ np.square(means - middle))
    total = int(rows.sum())
    return Moments(total, held[0].mean + middle, float(np.sqrt(squares / max(total - 1, 1))))


def welch_t(first: Moments, second: Moments) -> tuple[float, float]:
    """t of the second's mean less the first's, and its degrees of freedom."""
    with np.errstate(all="ignore"):
        each = np.array([np.square(m.std) / m.rows for m in (first, second)])
        t = (np.float64(second.mean) - first.mean) / np.sqrt(each.sum())
        rows = np.array([first.rows - 1.0, second.rows - 1.0])
        df = np.square(each.sum()) / np.sum(np.square(each) / rows)
    return float(t), float(df)


def _judged(name: str, reference: Sample, sample: Sample, params: MomentParams) -> Finding:
    pair = ranks.values_of(name, reference, sample, finite=True)
    if isinstance(pair, Finding):
        return pair
    figures = Figures(rows=pair.window.size, rows_reference=pair.reference.size)
    if min(figures.rows, figures.rows_reference) > 1:
        figures = _figures(name, moments(pair.reference), moments(pair.window))
    return answers.answer(name, sample, figures, params.threshold)


def _figures(name: str, then: Moments, now: Moments) -> Figures:
    with np.errstate(all="ignore"):
        moved = float((np.float64(now.mean) - then.mean) / then.std)
        wider = float(np.log(np.float64(now.std) / then.std))
    blank = Figures(rows=now.rows, rows_reference=then.rows)
    if name == WELCH:
        t, df = welch_t(then, now)
        p_value = 2.0 * tails.t_sf(abs(t), df) if np.isfinite(t) and np.isfinite(df) else None
        return msgspec.structs.replace(blank, statistic=abs(t), p_value=p_value, effect=moved)
    effect = moved if name == MEAN_SHIFT else wider
    return msgspec.structs.replace(blank, statistic=abs(effect), effect=effect)
