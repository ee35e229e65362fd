"""The columns of a model's rows and what its labels are."""

from decimal import Decimal
from enum import StrEnum

import msgspec

from detectors.finding import Kind


class Task(StrEnum):
    """What a model predicts."""

    REGRESSION = "regression"
    BINARY = "binary"
    MULTICLASS = "multiclass"


class Column(msgspec.Struct, frozen=True):
    """A feature: its name as the user writes it, and its kind."""

    name: str
    kind: Kind


class Schema(msgspec.Struct, frozen=True, kw_only=True):
    """What is stored of a model's rows.

    In the store a regression's prediction and label are doubles; a classifier's are text in
    the canonical form of `canonical_label`. `scores` maps a class to the column that carries its
    score; a binary model has one entry, its positive class; a regression has none.
    """

    task: Task
    features: tuple[Column, ...] = ()
    prediction: str = "prediction"
    scores: dict[str, str] = {}
    positive: str | None = None

    def kind_of(self, name: str) -> Kind | None:
        """The kind of a feature, None where the schema has no such feature."""
        return next((column.kind for column in self.features if column.name == name), None)


def canonical_label(value: object) -> str | None:
    """A class as text: true and false in lower case, whole numbers without a point.

    >>> [canonical_label(v) for v in (True, 1, 1.0, Decimal("1.00"), 2.5, "yes", None)]
    ['true', '1', '1', '1', '2.5', 'yes', None]
    """
    match value:
        case None:
            return None
        case bool():
            return "true" if value else "false"
        case float() if value.is_integer():
            return str(int(value))
        case Decimal():
            whole = value.to_integral_value()
            return str(int(whole)) if whole == value else str(float(value))
        case _:
            return str(value)
