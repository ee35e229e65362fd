"""Thrift's compact protocol, as far as it takes to look at what a Parquet file says of itself."""

from typing import Final, TypeAlias

_I64: Final = 6
"""A kind of values. 1 and 2 are truth values, 3 a byte, 4 to 6 whole numbers of 16 to 64 bits, 7 a
double, 8 bytes, 9 a list, 10 a set, 12 a struct."""
_DEEPEST: Final = 16
_MORE: Final = 0x80
"""The bit of a byte after which a number goes on."""
_LONGEST: Final = 63
"""Bits of a number."""
_LONG_LIST: Final = 15
"""The length in a list's head that says that the length follows."""

Fields: TypeAlias = dict[int, object]
"""A struct: values by the number of their field; None for those of no interest."""


class Broken(ValueError):
    """Bytes that are not what they should be."""


class Reader:
    """A place in the bytes, moved on by what is read; nothing beyond `end` is looked at."""

    def __init__(self, data: memoryview, at: int, end: int) -> None:
        self._data = data
        self._end = end
        self.at = at

    def struct(self, depth: int = 0) -> Fields:
        """The fields of a struct. Raises Broken."""
        found: Fields = {}
        field = 0
        while head := self._byte():
            kind, delta = head & 0x0F, head >> 4
            field = field + delta if delta else _signed(self._varint())
            # a truth value in a struct is its kind
            found[field] = None if kind in {1, 2} else self._value(kind, depth)
        return found

    def pass_over(self, count: int) -> None:
        """Move on. Raises Broken beyond the end."""
        if count < 0 or count > self._end - self.at:
            raise Broken("something reaches beyond what holds it")
        self.at += count

    def _value(self, kind: int, depth: int) -> object:
        match kind:
            case 4 | 5 | 6:
                told = self._varint()
                return _signed(told if kind == _I64 else told & 0xFFFFFFFF)
            case 8:
                return self._bytes()
            case 9 | 10:
                return self._list(depth + 1)
            case 12:
                return self._inner(depth + 1)
            case 1 | 2 | 3:
                self.pass_over(1)
            case 7:
                self.pass_over(8)
            case _:
                message = f"there is a value of kind {kind}"
                raise Broken(message)
        return None

    def _inner(self, depth: int) -> Fields:
        if depth > _DEEPEST:
            raise Broken("it is nested too deep")
        return self.struct(depth)

    def _list(self, depth: int) -> list[object]:
        if depth > _DEEPEST:
            raise Broken("it is nested too deep")
        head = self._byte()
        kind, count = head & 0x0F, head >> 4
        count = self._varint() if count == _LONG_LIST else count
        if count > self._end - self.at:  # each value takes a byte at least
            raise Broken("something reaches beyond what holds it")
        return [self._value(kind, depth) for _ in range(count)]

    def _bytes(self) -> memoryview:
        length = self._varint()
        start = self.at
        self.pass_over(length)
        return self._data[start : self.at]

    def _byte(self) -> int:
        self.pass_over(1)
        return self._data[self.at - 1]

    def _varint(self) -> int:
        found = shift = 0
        while True:
            byte = self._byte()
            found |= (byte & ~_MORE) << shift
            if not byte & _MORE:
                return found
            shift += 7
            if shift > _LONGEST:
                raise Broken("there is a number without end")


def _signed(told: int) -> int:
    """A number as it was before its sign was put into its last bit."""
    return (told >> 1) ^ -(told & 1)
