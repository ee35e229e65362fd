"""Which rows the condition of a segment holds for, asked of Arrow's columns."""

from collections.abc import Mapping
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from controlplane.domain.schema import canonical_label
from controlplane.policy.where import (
    Absent,
    Among,
    Compared,
    Comparing,
    Joined,
    Literal,
    Opposite,
    Where,
)
from detectors import reading
from detectors.finding import Kind, Sample

_BY = {
    Comparing.EQUAL: pc.equal,
    Comparing.UNEQUAL: pc.not_equal,
    Comparing.LESS: pc.less,
    Comparing.AT_MOST: pc.less_equal,
    Comparing.MORE: pc.greater,
    Comparing.AT_LEAST: pc.greater_equal,
}
_SIZED = frozenset({Kind.NUMERIC, Kind.DATETIME})


class Unfit(ValueError):
    """A condition that these columns cannot answer; the message is a sentence."""


def holds(where: Where, columns: Mapping[str, Sample], rows: int) -> NDArray[np.bool_]:
    """For which rows the condition is true; raises Unfit where a column or its kind does not suit.

    Null compared with anything is null, which is not true (Kleene's three values, as in SQL).
    """
    found = _asked(where, columns)
    known = pc.fill_null(found, fill_value=False)
    answer: NDArray[np.bool_] = np.asarray(known)
    if answer.size != rows:
        raise Unfit(f"the condition's columns have {answer.size} rows, the window {rows}")
    return answer


def _asked(where: Where, columns: Mapping[str, Sample]) -> pa.ChunkedArray:
    match where:
        case Opposite(of=inner):
            return pc.invert(_asked(inner, columns))
        case Joined(every=every, parts=parts):
            join = pc.and_kleene if every else pc.or_kleene
            found = _asked(parts[0], columns)
            for part in parts[1:]:
                found = join(found, _asked(part, columns))
            return found
        case Absent(column=name):
            return pc.is_null(_values(_sample(columns, name)))
        case Among(column=name, values=values):
            sample = _sample(columns, name)
            there = _values(sample)
            wanted = pa.array([_literal(sample, value) for value in values], there.type)
            known = pc.is_in(there, value_set=wanted)
            return pc.if_else(pc.is_null(there), pa.scalar(None, pa.bool_()), known)
        case Compared(column=name, by=by, value=value):
            sample = _sample(columns, name)
            if by not in {Comparing.EQUAL, Comparing.UNEQUAL} and sample.kind not in _SIZED:
                raise Unfit(f"{name} is {sample.kind} and has no order; {by} asks for one")
            there = _values(sample)
            return _BY[by](there, pa.scalar(_literal(sample, value), there.type))


def _sample(columns: Mapping[str, Sample], name: str) -> Sample:
    if name not in columns:
        raise Unfit(f"there is no column {name} among the features")
    return columns[name]


def _values(sample: Sample) -> pa.ChunkedArray:
    """A column as what its kind is compared by: doubles, times, or levels as text."""
    if sample.kind is Kind.NUMERIC:
        numbers = pa.array(reading.numbers(sample.values), from_pandas=True)
        return pa.chunked_array([numbers])
    if sample.kind is Kind.DATETIME:
        return sample.values.cast(pa.timestamp("us", "UTC"))
    return reading.texts(sample)


def _literal(sample: Sample, value: Literal) -> float | str | datetime | None:
    """A value as a column of that kind holds it."""
    match sample.kind, value:
        case Kind.NUMERIC, float():
            return value
        case Kind.DATETIME, str():
            return _moment(sample.column, value)
        case ((Kind.CATEGORICAL | Kind.BOOLEAN), _):
            return canonical_label(value)
        case _:
            raise Unfit(f"{sample.column} is {sample.kind} and is compared with {value!r}")


def _moment(column: str, text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise Unfit(f"{column} holds times and is compared with {text!r}, which is none") from None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)
