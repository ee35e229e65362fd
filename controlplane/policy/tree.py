"""The located tree that a file is read into: every value keeps its line and column.

Scalars stand for what YAML 1.2's core schema says, since that is what people expect: only `true`
and `false` are booleans (`on`, `off`, `yes`, `no` are text); dates, `1_000` and `017` are text.
"""

import math
import re
from typing import Final, TypeAlias

import msgspec

Plain: TypeAlias = bool | int | float | str | None

_NULLS: Final = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLEANS: Final = {
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
}  # fmt: skip
_INTEGER: Final = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})")
_FLOAT: Final = re.compile(
    r"[-+]?(\.[0-9]{1,40}|(0|[1-9][0-9]{0,39})(\.[0-9]{0,40})?)([eE][-+]?[0-9]{1,3})?"
)
_SHOWN: Final = 48
"""How much of a value an error message repeats."""


class Place(msgspec.Struct, frozen=True):
    """Where a value begins; both count from 1."""

    line: int
    column: int


class Scalar(msgspec.Struct, frozen=True, kw_only=True):
    """One value: its text as read and whether it stood there without quotes."""

    place: Place
    text: str
    plain: bool = True

    @property
    def value(self) -> Plain:
        """What the text stands for; quoted text is always text.

        >>> [Scalar(place=Place(1, 1), text=t).value for t in ("on", "true", "~", "7", ".5", "07")]
        ['on', True, None, 7, 0.5, '07']
        """
        if not self.plain:
            return self.text
        if self.text in _NULLS:
            return None
        if self.text in _BOOLEANS:
            return _BOOLEANS[self.text]
        return number_of(self.text)

    @property
    def shown(self) -> str:
        """What an error message calls it."""
        if self.plain:
            return "empty" if self.text in _NULLS else shortened(self.text)
        return f'"{shortened(self.text)}"'


class Sequence(msgspec.Struct, frozen=True, kw_only=True):
    """A list of values."""

    place: Place
    items: tuple["Node", ...]

    @property
    def shown(self) -> str:
        """What an error message calls it."""
        return "a list"


class Entry(msgspec.Struct, frozen=True):
    """One key of a mapping, with its own place, and its value."""

    key: Scalar
    value: "Node"


class Mapping(msgspec.Struct, frozen=True, kw_only=True):
    """Keys and their values, in the order of the file."""

    place: Place
    entries: dict[str, Entry]

    @property
    def shown(self) -> str:
        """What an error message calls it."""
        return "a mapping"


Node: TypeAlias = Scalar | Sequence | Mapping


def number_of(text: str) -> int | float | str:
    """A finite number where the text is one, else the text.

    >>> number_of("20"), number_of("1e3"), number_of("1e999"), number_of("20%")
    (20, 1000.0, '1e999', '20%')
    """
    if _INTEGER.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text) and math.isfinite(number := float(text)):
        return number
    return text


def shortened(text: str) -> str:
    """The text on one line, cut where it is long."""
    line = "".join(c if c.isprintable() else "·" for c in text[: _SHOWN + 1])
    return line if len(line) <= _SHOWN else line[:_SHOWN] + "…"
