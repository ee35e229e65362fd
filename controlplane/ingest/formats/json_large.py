"""JSON of any size: a large body is looked at a column, or some thousand rows, at a time."""

from collections.abc import Iterator
from typing import Final, TypeVar

import msgspec

from controlplane.domain.errors import BadInput, TooLarge
from controlplane.ingest import loose
from controlplane.ingest.batch import (
    MOST_ROWS,
    Batch,
    Shape,
    Values,
    as_values,
    batch_of,
    check_count,
)
from controlplane.ingest.formats import json
from controlplane.ingest.formats.stacking import stacked
from controlplane.ingest.unfolding import WHOLE, unfolds_to

LEAST: Final = 16 * 2**20
"""Bytes from which on a body is large."""
PART: Final = 4 * 2**20
"""Bytes of rows that are looked at together."""
MOST_COMMAS: Final = 8 * MOST_ROWS
"""Of a column: its texts may hold some, but values need one each."""

T = TypeVar("T")
Told = dict[str, msgspec.Raw]


def decode(body: bytes, *, digest: str = "") -> Batch:
    """The columns of a JSON body. Raises BadInput, TooLarge."""
    text = body.removeprefix(json.BYTE_ORDER_MARK)
    if len(body) < LEAST or text.lstrip()[:1] != b"{":
        return json.decode(body, digest=digest)
    json.check_counts(body)
    try:
        found = _in_parts(text, digest)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        if len(body) > loose.MOST:
            raise BadInput(f"the body is not JSON: {error}; {json.EXPECTED}") from None
        found = None
    if found is None:
        unfolds_to(len(body) * WHOLE)
        found = json.decode(body, digest=digest)
    return found


def _in_parts(body: bytes, digest: str) -> Batch | None:
    """The columns of a body that holds columns or rows, and not both; None of another. Raises
    msgspec's exceptions where it is no JSON, or such as only a patient reader takes."""
    told = _told(body, Told)
    columns, rows = told.get("columns", _NONE), told.get("rows", _NONE)
    if _begins(columns, "{") == _begins(rows, "["):
        return None
    if _begins(columns, "{"):
        return batch_of(_columns(columns), Shape.COLUMNS, size=len(body), digest=digest)
    return batch_of(stacked(_parts(rows)), Shape.ROWS, size=len(body), digest=digest)


_NONE: Final = msgspec.Raw(b"null")


def _begins(value: msgspec.Raw, sign: str) -> bool:
    return memoryview(value)[:1] == sign.encode()


def _columns(told: msgspec.Raw) -> dict[str, Values]:
    named = _told(told, Told)
    check_count(len(named))
    return {name: _column(name, value) for name, value in named.items()}


def _column(name: str, told: msgspec.Raw) -> Values:
    if len(memoryview(told)) > MOST_COMMAS and bytes(told).count(b",") > MOST_COMMAS:
        message = f"/columns/{name} may hold more than {MOST_ROWS} values; expected at most so many"
        raise TooLarge(message)
    return as_values(json.a_list(name, _told(told, object)))


def _parts(told: msgspec.Raw) -> Iterator[list[object]]:
    """The rows of a list, some at a time."""
    some: list[msgspec.Raw] = []
    size = 0
    for row in _told(told, list[msgspec.Raw]):
        some.append(row)
        size += len(memoryview(row))
        if size >= PART:
            yield _rows(some)
            some, size = [], 0
    yield _rows(some)


def _rows(some: list[msgspec.Raw]) -> list[object]:
    return _told(b"[" + b",".join(some) + b"]", list[object])


def _told(text: bytes | msgspec.Raw, kind: type[T]) -> T:
    return msgspec.json.decode(text, type=kind)
