"""Rows with all their columns as sums that add up: the discrepancy and the reconstruction error.

What is kept of rows are the sums of their random features and the moments of their errors, so a
window is the sum of its steps and a reference that of its windows, and no row is left out.
"""

from collections.abc import Sequence

import msgspec
import numpy as np

from detectors.finding import Finding
from detectors.moments import Moments, moments, pooled
from detectors.reading import Floats
from detectors.tables import mmd, reconstruction
from detectors.tables.encoding import encode
from detectors.tables.table import Table


class Frozen(msgspec.Struct, frozen=True, kw_only=True):
    """What is frozen of a reference: its features and its components, on one encoding."""

    features: mmd.Features
    components: reconstruction.Components


class Sums(msgspec.Struct, frozen=True, kw_only=True):
    """Some rows: how many, their features' sums of shape (features,), their errors' moments."""

    rows: int
    features: Floats
    errors: Moments


def made_of(reference: Table, *, seed: int) -> Frozen:
    """What is frozen of a reference, from all of its rows. O(rows columns (columns + 256))."""
    return Frozen(
        features=mmd.made_of(reference, seed=seed), components=reconstruction.made_of(reference)
    )


def counted(frozen: Frozen, table: Table) -> Sums:
    """The sums of a table's rows, under a microsecond a row where columns are few.

    >>> import pyarrow as pa
    >>> from detectors.finding import Kind, Sample
    >>> table = Table((Sample("x", Kind.NUMERIC, pa.chunked_array([np.arange(40.0)])),))
    >>> frozen = made_of(table, seed=0)
    >>> parts = [counted(frozen, part) for part in table.cut(25)]
    >>> [part.rows for part in parts], merge(parts).rows
    ([25, 15], 40)
    >>> abs(compared(frozen, merge(parts))[0].statistic) < 1e-9
    True
    """
    features = np.zeros(len(frozen.features.sums))
    errors = []
    for part in table.cut(mmd.AT_ONCE):
        points = encode(frozen.features.encoding, part)
        features += mmd.added(frozen.features, points)
        errors.append(moments(reconstruction.apart(frozen.components, points)))
    return Sums(rows=table.rows, features=features, errors=pooled(errors))


def merge(parts: Sequence[Sums]) -> Sums:
    """The sums of all rows together; raises ValueError for none."""
    if not parts:
        raise ValueError("there are no sums to merge; expected one at least")
    features: Floats = np.sum([part.features for part in parts], axis=0)
    return Sums(
        rows=sum(part.rows for part in parts), features=features,
        errors=pooled([part.errors for part in parts]),
    )  # fmt: skip


def as_reference(frozen: Frozen, sums: Sums) -> Frozen:
    """The same scales, features and components with these rows as what is usual."""
    return Frozen(
        features=msgspec.structs.replace(
            frozen.features, sums=tuple(sums.features.tolist()), rows=sums.rows
        ),
        components=msgspec.structs.replace(frozen.components, errors=sums.errors),
    )


def compared(frozen: Frozen, sums: Sums) -> list[Finding]:
    """The findings of both detectors, of rows that are known by their sums."""
    return [
        mmd.found(frozen.features, sums.features, sums.rows),
        reconstruction.found(frozen.components, sums.errors),
    ]
