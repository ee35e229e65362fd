"""What every protocol's body is brought to: blocks of columns, named or not."""

from collections.abc import Sequence
from itertools import chain
from typing import Final, NamedTuple

from controlplane.domain.errors import BadInput, TooLarge
from controlplane.ingest.batch import MOST_COLUMNS, MOST_ROWS

MOST_VALUES: Final = 20_000_000
"""Of rows as objects, those counted that a row lacks."""
_SHOWN: Final = 60


class Block(NamedTuple):
    """One or more columns under one name; `columns` are lists of `rows` values.

    `name` is None where values stand for columns by their place alone. `is_wide` tells rows of
    one value (`[[1], [2]]`) from bare values (`[1, 2]`).
    """

    name: str | None
    columns: list[list[object]]
    rows: int
    is_wide: bool = False


class Payload(NamedTuple):
    """The blocks of a body and how many rows they have. `is_text`: all values are texts that say
    no more of what they are."""

    blocks: list[Block]
    rows: int
    is_text: bool = False


def payload(blocks: list[Block], where: str) -> Payload:
    """Blocks, checked to be of one length and not too many. Raises BadInput, TooLarge."""
    if not blocks:
        message = f"{where} holds nothing; expected the values of at least one column"
        raise BadInput(message)
    check_width(sum(len(block.columns) for block in blocks), blocks[0].rows, where)
    names = [block.name for block in blocks if block.name is not None]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        message = f"{where} has {twice[:_SHOWN]!r} twice; expected a name a column"
        raise BadInput(message)
    rows = {block.rows for block in blocks}
    if len(rows) > 1:
        told = ", ".join(f"{b.name or 'one without a name'} {b.rows}" for b in blocks[:10])
        message = f"{where} has columns of different lengths ({told[:200]}); expected one length"
        raise BadInput(message)
    return Payload(blocks, blocks[0].rows)


def check_width(width: int, rows: int, where: str) -> None:
    """Raise TooLarge for more columns or rows than one request may have."""
    if max(width, 1) > MOST_COLUMNS or rows > MOST_ROWS:
        message = (
            f"{where} has {width} columns and {rows} rows; expected at most {MOST_COLUMNS} and "
            f"{MOST_ROWS}"
        )
        raise TooLarge(message)


def of_rows(rows: Sequence[object], where: str) -> list[Block]:
    """Rows as objects, lists, or bare values. Raises BadInput where they are mixed."""
    if rows and all(isinstance(row, dict) for row in rows):
        return _of_objects(rows, where)  # type: ignore[arg-type]
    if rows and all(isinstance(row, list) for row in rows):
        return [_of_lists(rows, where)]  # type: ignore[arg-type]
    if any(isinstance(row, dict | list) for row in rows):
        message = f"the rows of {where} are objects, lists and values mixed; expected one kind"
        raise BadInput(message)
    return [Block(None, [list(rows)], len(rows))]


def named(names: Sequence[object], block: Block, where: str) -> list[Block]:
    """A block without names cut into its columns under these. Raises BadInput."""
    if len(names) != len(block.columns):
        message = f"{where} has {len(names)} names for {len(block.columns)} columns"
        raise BadInput(message)
    return [
        Block(str(name), [column], block.rows)
        for name, column in zip(names, block.columns, strict=True)
    ]


def names(event: str, rows: int) -> list[str]:
    """What the rows of an event are called: as the event where there is one, else numbered.

    >>> names("e", 1), names("e", 2)
    (['e'], ['e:0', 'e:1'])
    """
    return [event] if rows == 1 else [f"{event}:{row}" for row in range(rows)]


def _of_objects(rows: Sequence[dict[str, object]], where: str) -> list[Block]:
    names = dict.fromkeys(chain.from_iterable(rows))
    if list(names) == ["features"] and all(isinstance(row["features"], list) for row in rows):
        return [_of_lists([row["features"] for row in rows], where)]  # type: ignore[misc]
    check_width(len(names), len(rows), where)
    if len(names) * len(rows) > MOST_VALUES:
        message = f"{len(rows)} rows have {len(names)} different names; send fewer at a time"
        raise TooLarge(message)
    return [Block(name, [[_bare(row.get(name)) for row in rows]], len(rows)) for name in names]


def _of_lists(rows: Sequence[list[object]], where: str) -> Block:
    widths = set(map(len, rows))
    if len(widths) > 1:
        message = (
            f"the rows of {where} have {min(widths)} to {max(widths)} values; expected one width"
        )
        raise BadInput(message)
    if widths == {0}:
        message = f"the rows of {where} are empty"
        raise BadInput(message)
    check_width(max(widths, default=0), len(rows), where)
    columns = [list(column) for column in zip(*rows, strict=True)]
    return Block(None, columns, len(rows), is_wide=True)


def _bare(value: object) -> object:
    """A value that a serving system wraps into a list of one, as row-oriented tensors are."""
    return value[0] if isinstance(value, list) and len(value) == 1 else value
