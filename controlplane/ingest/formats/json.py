"""JSON: columns (preferred), rows, or one bare row."""

from itertools import chain
from typing import Final

from controlplane.domain.errors import BadInput, TooLarge
from controlplane.ingest.batch import (
    Batch,
    Shape,
    Values,
    as_values,
    batch_of,
    check_count,
    kind_of,
)
from controlplane.ingest.loose import loosely_read
from controlplane.ingest.unfolding import unfolds_to

BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
MOST_VALUES: Final = 20_000_000
"""Values of a body: each takes many times the memory of its text."""
MOST_NESTED: Final = 2_000_000
"""Objects and lists of a body: each takes up to 200 bytes."""
TIMES: Final = 4
"""How many times the bytes of a body its values take."""
EXPECTED: Final = (
    'expected {"columns": {"id": […], …}}, {"rows": [{…}, …]} or one row as an object with '
    "its values"
)


def decode(body: bytes, *, digest: str = "") -> Batch:
    """The columns of a JSON body. Raises BadInput, TooLarge."""
    return batch_from(parsed(body), size=len(body), digest=digest)


def check_counts(body: bytes) -> None:
    """Raise TooLarge where a body may hold more values, or objects and lists, than are taken."""
    if len(body) > MOST_VALUES and body.count(b",") > MOST_VALUES:
        message = (
            f"the body may hold more than {MOST_VALUES} values; send it in several requests, or as "
            "an Arrow stream"
        )
        raise TooLarge(message)
    if len(body) > MOST_NESTED and body.count(b"{") + body.count(b"[") > MOST_NESTED:
        message = (
            f"the body may hold more than {MOST_NESTED} objects and lists; send it in several "
            "requests, or as columns"
        )
        raise TooLarge(message)
    unfolds_to(len(body), times=TIMES)


def parsed(body: bytes) -> dict[str, object]:
    """A JSON body's object. Raises BadInput, TooLarge."""
    check_counts(body)
    try:
        told = loosely_read(body.removeprefix(BYTE_ORDER_MARK))
    except BadInput as error:
        raise BadInput(f"the body is {error}; {EXPECTED}") from None
    if not isinstance(told, dict):
        message = f"the body is {kind_of(told)}; {EXPECTED}"
        raise BadInput(message)
    return told


def is_bare(told: dict[str, object]) -> bool:
    """Whether an object is one row, and not columns or rows."""
    return not (isinstance(told.get("columns"), dict) or isinstance(told.get("rows"), list))


def batch_from(told: dict[str, object], *, size: int, digest: str = "") -> Batch:
    """The columns of an object. Raises BadInput, TooLarge."""
    columns, rows = told.get("columns"), told.get("rows")
    if isinstance(columns, dict) and isinstance(rows, list):
        raise BadInput(f"the body has both columns and rows; {EXPECTED}")
    if isinstance(columns, dict):
        return batch_of(_columns(columns), Shape.COLUMNS, size=size, digest=digest)
    if isinstance(rows, list):
        return batch_of(turned(rows), Shape.ROWS, size=size, digest=digest)
    return batch_of(turned([told]), Shape.ROW, size=size, digest=digest)


def _columns(told: dict[str, object]) -> dict[str, Values]:
    check_count(len(told))
    lists = {name: a_list(name, values) for name, values in told.items()}
    return {name: as_values(values) for name, values in lists.items()}


def a_list(name: str, values: object) -> list[object]:
    """The values of a column. Raises BadInput where they are none."""
    if not isinstance(values, list):
        message = f"/columns/{name} is {kind_of(values)}; expected a list with a value a row"
        raise BadInput(message)
    return values


def turned(rows: list[object]) -> dict[str, Values]:
    """Rows as columns, in the order in which their names first come. Raises TooLarge.

    A row that is no object has no values, so it is rejected for its id. Rows that all have other
    names would unfold to far more values than came.
    """
    known = [row if isinstance(row, dict) else {} for row in rows]
    names = list(dict.fromkeys(chain.from_iterable(known)))
    check_count(len(names))
    if len(names) * len(rows) > MOST_VALUES:
        message = (
            f"{len(rows)} rows have {len(names)} different names, {len(names) * len(rows)} values "
            f"in all; expected at most {MOST_VALUES}: send them in several requests"
        )
        raise TooLarge(message)
    if rows and not names:
        names = ["id"]
    return {name: as_values([row.get(name) for row in known]) for name in names}
