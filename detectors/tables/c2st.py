"""The classifier two-sample test: whether a model can tell rows of now from rows of then."""

from typing import Final

import msgspec
import numpy as np

from detectors import tails
from detectors.answers import Figures
from detectors.finding import Finding
from detectors.mann_whitney import u
from detectors.reading import Counts, Floats
from detectors.tables import table as tables
from detectors.tables.encoding import encode, freeze, thinned
from detectors.tables.table import Table

NAME: Final = "c2st"
ROWS: Final = 5000
FOLDS: Final = 5
_BLOCKS: Final = 10
"""Stretches of time on either side; what exchanges of labels move."""


class C2stParams(msgspec.Struct, frozen=True, kw_only=True):
    """`threshold` on the statistic; how many exchanges of stretches, drawn with `seed`, find the
    p-value (0: the normal law finds it)."""

    threshold: float | None = None
    permutations: int = 0
    seed: int = 0


_DEFAULT: Final = C2stParams()


def c2st(reference: Table, sample: Table, params: C2stParams = _DEFAULT) -> Finding:
    """The area under the ROC curve of a classifier of rows into then and now, out of fold.

    Gradient boosting, 50 trees of depth 3, over as many rows of either, at most 5000 and evenly
    spread over time; five folds of contiguous time, for neighbours in time are alike and random
    folds would tell on them. The statistic is the area, 0.5 where nothing tells them apart, the
    effect the area less 0.5. The p-value is two-sided with the variance (n + m + 1) / (12 n m) of
    independent rows, and rough: without any change one window in seven of such rows lies below
    0.05, and most windows do whose rows resemble their neighbours or whose days differ
    (`benchmarks/budget_c2st.py`). With `permutations` it is the share of exchanges of the labels
    of ten stretches a side that reach the area. Some seconds, times the permutations. Lopez-Paz
    and Oquab 2017.

    >>> import pyarrow as pa
    >>> from detectors.finding import Kind, Sample
    >>> generator = np.random.default_rng(1)
    >>> a, b = (Table(tuple(Sample(name, Kind.NUMERIC, pa.chunked_array([row])) for name, row in
    ...               zip("xy", generator.multivariate_normal([0, 0], [[1, r], [r, 1]], 400).T)))
    ...         for r in (0.9, -0.9))
    >>> found = c2st(a, b)
    >>> found.column, found.statistic > 0.8, found.p_value < 1e-6
    ('*', True, True)
    """
    figures = Figures(rows=sample.rows, rows_reference=reference.rows)
    rows = min(figures.rows, figures.rows_reference, ROWS)
    encoding = freeze(reference)
    if not encoding.size:
        return tables.not_applicable(NAME, sample.rows)
    if rows >= 2 * _BLOCKS:
        points = np.concatenate([encode(encoding, thinned(t, rows)) for t in (reference, sample)])
        blocks = np.concatenate([_stretches(rows), _BLOCKS + _stretches(rows)])
        labels = np.repeat([False, True], _BLOCKS)
        found = area(points, blocks, labels, params.seed)
        figures = msgspec.structs.replace(
            figures,
            statistic=found,
            effect=found - 0.5,
            p_value=_exchanged(points, blocks, found, params)
            if params.permutations
            else _normal(found, rows),
        )
    return tables.answer(NAME, figures, params.threshold)


def area(points: Floats, blocks: Counts, labels: np.ndarray, seed: int) -> float:
    """The out-of-fold area of rows in stretches `blocks`, of which `labels` says the side.

    Stretches of a side are dealt to the folds in their order, so that a fold is contiguous.
    """
    # Half a second of imports that only this function needs.
    from sklearn.ensemble import HistGradientBoostingClassifier  # noqa: PLC0415
    from threadpoolctl import threadpool_limits  # noqa: PLC0415

    folds = np.empty(labels.size, dtype=np.int64)
    for side in (False, True):
        of_side = np.flatnonzero(labels == side)
        folds[of_side] = np.arange(of_side.size) * FOLDS // of_side.size
    now, fold = labels[blocks], folds[blocks]
    scores = np.empty(len(points))
    for at in range(FOLDS):
        held = fold == at
        model = HistGradientBoostingClassifier(
            max_iter=50, max_depth=3, early_stopping=False, random_state=seed
        )
        # Small fits: threads that wait for each other cost more than they save.
        with threadpool_limits(1):
            model.fit(points[~held], now[~held])
            scores[held] = model.predict_proba(points[held])[:, 1]
    then = ~now
    return u(scores[then], scores[now]) / (int(then.sum()) * int(now.sum()))


def _stretches(rows: int) -> Counts:
    return np.arange(rows, dtype=np.int64) * _BLOCKS // rows


def _normal(found: float, rows: int) -> float:
    spread = float(np.sqrt((2 * rows + 1) / (12.0 * rows * rows)))
    return min(1.0, 2.0 * tails.normal_sf(abs(found - 0.5) / spread))


def _exchanged(points: Floats, blocks: Counts, found: float, params: C2stParams) -> float:
    generator = np.random.default_rng(params.seed)
    labels = np.repeat([False, True], _BLOCKS)
    areas = [
        area(points, blocks, generator.permutation(labels), params.seed)
        for _ in range(params.permutations)
    ]
    reached = np.count_nonzero(np.array(areas) >= found)
    return float((1 + reached) / (1 + params.permutations))
