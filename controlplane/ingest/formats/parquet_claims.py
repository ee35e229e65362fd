"""What a Parquet file says that it holds, before any of it is unfolded.

Arrow's own view of a footer ends the process where the footer is broken, and the sizes there are
only what a stranger says: the reader believes the header of each page. So both are looked at here.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

from controlplane.domain.errors import TooLarge
from controlplane.ingest.formats.thrift import Broken, Fields, Reader

MOST_PAGES: Final = 50_000
"""Pages of a body, and columns of all row groups; each costs some microseconds to look at."""
MOST_FOOTER: Final = 8 * 2**20
"""Bytes of a footer, which is looked at value by value."""
DELTA_LENGTH_BYTE_ARRAY: Final = 6
DELTA_BYTE_ARRAY: Final = 7
"""Encodings of texts; in the latter one may be told by the length of what it shares with the one
before."""

_MAGIC: Final = b"PAR1"
_TAIL: Final = 8
"""Bytes at the end: the length of the footer, and the magic word."""
_ROW_GROUPS: Final = 4
"""A field of the file's metadata; the following are those of what stands below it."""
_COLUMNS, _GROUP_ROWS = 1, 3
_COLUMN_METADATA: Final = 3
_PATH, _VALUES, _PACKED_SIZE, _DATA_PLACE, _DICTIONARY_PLACE = 3, 5, 7, 9, 11
_DATA, _DICTIONARY, _DATA_V2 = 5, 7, 8
"""Fields of a page's header that are the header of its kind."""
_ENCODING: Final = {_DATA: 2, _DICTIONARY: 2, _DATA_V2: 4}
_UNFOLDED, _PACKED = 2, 3
"""Fields of a page's header: bytes after and before decompression."""


class Page(NamedTuple):
    """A page: bytes once it is decompressed, and how its values are encoded."""

    size: int
    encoding: int


class Part(NamedTuple):
    """A column of a row group: its name, and from where to where in the file it stands."""

    name: str
    start: int
    end: int


class Claims(NamedTuple):
    """The columns of all row groups, and the rows that the groups say they have."""

    parts: tuple[Part, ...]
    rows: int


def claims_of(body: bytes) -> Claims:
    """What the footer says. Raises Broken, TooLarge."""
    length = int.from_bytes(body[-_TAIL:-4], "little") if body[-4:] == _MAGIC else -1
    start = len(body) - _TAIL - length
    if length < 0 or start < 0:
        raise Broken("it does not end as a Parquet file does")
    if length > MOST_FOOTER:
        message = (
            f"the file's footer has {length} bytes; expected at most {MOST_FOOTER}: send it with "
            "fewer columns or larger row groups"
        )
        raise TooLarge(message)
    footer = Reader(memoryview(body), start, len(body) - _TAIL).struct()
    parts: list[Part] = []
    rows = 0
    for group in _structs(footer.get(_ROW_GROUPS)):
        rows += _number(group, _GROUP_ROWS)
        parts += [_part(_struct(c.get(_COLUMN_METADATA))) for c in _structs(group.get(_COLUMNS))]
        if len(parts) > MOST_PAGES:
            message = f"the file has more than {MOST_PAGES} parts of columns; send it with larger row groups"
            raise TooLarge(message)
    return Claims(tuple(parts), rows)


def pages(body: memoryview, start: int, end: int) -> Iterator[Page]:
    """The pages of a column between two places of a file. Raises Broken."""
    if not 0 <= start <= end <= len(body):
        message = f"a column stands at bytes {start} to {end} of {len(body)}"
        raise Broken(message)
    reader = Reader(body, start, end)
    while reader.at < end:
        header = reader.struct()
        size, packed = _number(header, _UNFOLDED), _number(header, _PACKED)
        yield Page(size, _encoding(header))
        reader.pass_over(packed)


def _part(told: Fields) -> Part:
    path = told.get(_PATH)
    names = [bytes(n) for n in path if isinstance(n, memoryview)] if isinstance(path, list) else []
    start = _number(told, _DATA_PLACE)
    if told.get(_DICTIONARY_PLACE):
        start = min(start, _number(told, _DICTIONARY_PLACE))
    # nothing is read of a column without values, and its place may be any
    length = _number(told, _PACKED_SIZE) if _number(told, _VALUES) else 0
    name = b".".join(names).decode(errors="replace")
    return Part(name, start, start + length) if length else Part(name, 0, 0)


def _encoding(header: Fields) -> int:
    for kind, field in _ENCODING.items():
        inner = header.get(kind)
        if isinstance(inner, dict) and isinstance(found := inner.get(field), int):
            return found
    return -1


def _structs(value: object) -> list[Fields]:
    return [_struct(one) for one in value] if isinstance(value, list) else []


def _struct(value: object) -> Fields:
    if not isinstance(value, dict):
        raise Broken("its footer lacks what it must say of a column")
    return value


def _number(fields: Fields, field: int) -> int:
    """A count or a place. Raises Broken where there is none, or one below 0."""
    found = fields.get(field)
    if not isinstance(found, int) or found < 0:
        raise Broken("a size or a place in it is missing or below 0")
    return found
