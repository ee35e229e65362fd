"""Rows that are alike as columns, at once: the usual case, at a fraction of the cost of the other.

Whatever is unusual about the rows raises; then they are looked at one by one (`packing`).
"""

from collections.abc import Sequence
from typing import Any

from connectors.client.rows import RESERVED, Columns, Label, Prediction
from connectors.client.values import identity_of, instant_of


class UnusualError(Exception):
    """Rows that have to be looked at one by one."""


def predictions(rows: Sequence[Prediction], names: Columns) -> dict[str, Sequence[Any]]:
    """The columns of predictions with the same features. Raises UnusualError, and what values do."""
    columns: dict[str, Sequence[Any]] = {
        "id": [id_ if type(id_ := row.id) is str and id_ else identity_of(id_) for row in rows],
        "at": [instant_of(row.at) for row in rows],
        names.prediction: [row.prediction for row in rows],
        "role": [row.role for row in rows],
    }
    own = {"version": [row.version for row in rows], names.score: [row.score for row in rows]}
    columns |= {name: told for name, told in own.items() if any(v is not None for v in told)}
    if any(row.scores for row in rows):
        for label, values in _transposed([row.scores or {} for row in rows]).items():
            columns[names.scores.get(label, f"score_{label}")] = values
    features = _transposed([row.features for row in rows])
    taken = RESERVED.union(columns)
    if not taken.isdisjoint(features) or not all(type(name) is str for name in features):
        raise UnusualError
    columns.update(features)
    return columns


def labels(rows: Sequence[Label]) -> dict[str, Sequence[Any]]:
    """The columns of labels."""
    return {
        "id": [id_ if type(id_ := row.id) is str and id_ else identity_of(id_) for row in rows],
        "label": [row.label for row in rows],
        "at": [instant_of(row.at) for row in rows],
    }


def _transposed(mappings: Sequence[dict[Any, Any]]) -> dict[Any, Sequence[Any]]:
    """The values by name, where all have the same names in the same order."""
    names = [*mappings[0]]
    if any([*mapping] != names for mapping in mappings):
        raise UnusualError
    return dict(zip(names, zip(*(m.values() for m in mappings), strict=True), strict=True))
