"""What is calibrated of rows with all their columns: whether they lie, and hang together, as they did.

Both scores come from sums, so that a window is the sum of its steps. They see what no column shows
alone: correlations that changed while every column's own distribution stayed.
"""

from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from detectors.answers import MIN_ROWS
from detectors.reading import Counts, Floats
from detectors.scores import Form, Name, Scores
from detectors.tables import mmd, reconstruction
from detectors.tables.reconstruction import Components
from detectors.tables.summed import Frozen, Sums, counted
from detectors.tables.table import Table

COLUMN: Final = "*"
FOLDS: Final = 10
"""So many sets of components are fitted, each without the windows that it is applied to."""
FEWEST_COLUMNS: Final = 2
FLOOR_DISCREPANCY: Final = 0.05
"""The root of the squared discrepancy: about what a shift of every column by 0.1 standard
deviations gives."""
FLOOR_ERROR: Final = 0.1
"""Standard deviations of a row's error."""


def scores(frozen: Frozen, windows: Sequence[Sums], inside: Sequence[bool]) -> list[Scores]:
    """The scores `mmd` and `reconstruction` of windows, of column `*`; none below two columns.

    `inside[i]`: the reference holds window i's rows, so that it is compared with the rest. The first is
    the root of the squared discrepancy (Gretton et al. 2012), a distance; the second the mean
    reconstruction error, in standard deviations of a row's in the reference above its mean there,
    unknown where the errors of a window have no rows. Windows below 30 rows have no scores.
    """
    encoding = frozen.features.encoding
    if len(encoding.numbers) + len(encoding.levels) < FEWEST_COLUMNS or not windows:
        return []
    rows = np.array([sums.rows for sums in windows], dtype=np.int64)
    held = np.array(inside, dtype=np.bool_)
    others = frozen.features.rows - rows * held
    distances = _distances(frozen, np.stack([sums.features for sums in windows]), rows, held)
    enough = (rows >= MIN_ROWS) & (others >= MIN_ROWS)
    return [
        _scores(mmd.NAME, Form.DISTANCE, np.where(enough, distances, np.nan), rows, others),
        _scores(
            reconstruction.NAME, Form.LEVEL,
            np.where(enough, _errors(frozen, windows), np.nan), rows, others,
        ),
    ]  # fmt: skip


def calibrating(
    frozen: Frozen, reference: Table, windows: Sequence[Table], inside: Sequence[bool]
) -> list[Sums]:
    """The sums of calibration windows, the errors of each by components that it had no part in."""
    components = left_out(frozen, reference, windows, inside)
    return [
        counted(msgspec.structs.replace(frozen, components=own), window)
        for own, window in zip(components, windows, strict=True)
    ]


def left_out(
    frozen: Frozen, reference: Table, windows: Sequence[Table], inside: Sequence[bool]
) -> list[Components]:
    """For every window the components of the reference without it: those that judge the next one.

    Components fit the rows that they are made of better than any others, the more so the more columns
    there are beside rows; so the errors of a calibration window are taken by components that it
    had no part in. Neighbouring windows go together, in ten folds. O(rows columns^2).
    """
    encoding, centre = frozen.components.encoding, np.array(frozen.components.centre)
    whole = reconstruction.scatter(encoding, centre, reference)
    found = [frozen.components] * len(windows)
    own = np.flatnonzero(inside)
    for fold in np.array_split(own, min(FOLDS, max(own.size, 1))):
        rest = whole
        for at in fold.tolist():
            rest = rest.without(reconstruction.scatter(encoding, centre, windows[at]))
        if rest.rows >= MIN_ROWS:
            components = reconstruction.fitted(encoding, rest)
            for at in fold.tolist():
                found[at] = msgspec.structs.replace(components, errors=frozen.components.errors)
    return found


def others(frozen: Frozen, own: Sums) -> Frozen:
    """What is usual of the rows without some of them, whose sums these are; components stay."""
    features = frozen.features
    rest = np.array(features.sums) - own.features
    return msgspec.structs.replace(frozen, features=msgspec.structs.replace(
        features, sums=tuple(rest.tolist()), rows=features.rows - own.rows
    ))  # fmt: skip


def _distances(frozen: Frozen, features: Floats, rows: Counts, inside: NDArray[np.bool_]) -> Floats:
    """The root of the squared discrepancy of windows by their features' sums, (windows, features)."""
    base = np.array(frozen.features.sums) - features * inside[:, None]
    size = frozen.features.rows - rows * inside
    apart = base / np.maximum(size, 1)[:, None] - features / np.maximum(rows, 1)[:, None]
    found: Floats = np.sqrt(np.square(apart).sum(axis=1))
    return found


def _errors(frozen: Frozen, windows: Sequence[Sums]) -> Floats:
    usual = frozen.components.errors
    if usual.std <= 0.0:
        return np.full(len(windows), np.nan)
    known = [sums.errors.mean if sums.errors.rows else np.nan for sums in windows]
    return (np.array(known) - usual.mean) / usual.std


def _scores(detector: str, form: Form, values: Floats, rows: Counts, others: Counts) -> Scores:
    return Scores(
        names=(Name(COLUMN, detector),), places=(0,), form=form, values=values[None],
        effects=values[None], rows=rows[None], drawn=rows[None], rows_reference=others[None],
        bucket=np.zeros_like(rows)[None],
        floors=np.array([FLOOR_DISCREPANCY if form is Form.DISTANCE else FLOOR_ERROR]),
    )  # fmt: skip
