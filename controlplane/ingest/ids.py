"""A column of any kind to the ids of rows, and which values are none."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from controlplane.ingest.batch import Values
from controlplane.ingest.coercion import Coerced, classes


def ids(values: Values) -> Coerced:
    """Text, whole numbers without a point; NaN is null. Truth values and fractions do not go: they
    are another column under the wrong name, and rows of one id would pass for one row."""
    found = classes(values)
    odd = _odd(values)
    if odd is None:
        return found
    return Coerced(found.values, odd if found.bad is None else odd | found.bad)


def _odd(values: Values) -> NDArray[np.bool_] | None:
    """Where a truth value or a fraction stands, shape (rows,); None where none can."""
    if isinstance(values, list):
        return np.array([_is_odd(value) for value in values], np.bool_)
    odd: NDArray[np.bool_] | None = None
    if pa.types.is_boolean(values.type):
        odd = pc.is_valid(values).to_numpy()
    elif pa.types.is_floating(values.type):
        numbers = values.cast(pa.float64()).to_numpy()  # null is NaN
        odd = (numbers != np.floor(numbers)) & ~np.isnan(numbers) | np.isinf(numbers)
    elif pa.types.is_decimal(values.type):
        odd = pc.fill_null(pc.not_equal(pc.floor(values), values), fill_value=False).to_numpy()
    return odd


def _is_odd(value: object) -> bool:
    return isinstance(value, bool) or (
        isinstance(value, float) and value == value and not value.is_integer()  # noqa: PLR0124 - NaN
    )
