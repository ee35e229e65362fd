"""The `where` of a segment: a text to a tree of comparisons, every fault with its place.

    condition  = all { "or" all }
    all        = one { "and" one }
    one        = "not" one | "(" condition ")" | comparison
    comparison = column ( "=" | "!=" | "<" | "<=" | ">" | ">=" ) value
               | column [ "not" ] "in" "(" value { "," value } ")"
               | column "is" [ "not" ] "null"

A column is a bare word, or stands in double quotes or backquotes; a text stands in quotes of
either kind; true and false are values. Words of the language count in any case. What is null in a
comparison makes it neither true nor false, as in SQL, and the row is not of the segment.
"""

import math
import re
from enum import StrEnum
from typing import Final, TypeAlias

import msgspec

from controlplane.domain.policy import Segment

LONGEST: Final = 1000
DEEPEST: Final = 40
MOST_VALUES: Final = 500


class Comparing(StrEnum):
    """How a column is compared with a value."""

    EQUAL = "="
    UNEQUAL = "!="
    LESS = "<"
    AT_MOST = "<="
    MORE = ">"
    AT_LEAST = ">="


Literal: TypeAlias = bool | float | str


class Compared(msgspec.Struct, frozen=True):
    """A column against a value; `place` is where the column stands, from 0."""

    column: str
    by: Comparing
    value: Literal
    place: int


class Among(msgspec.Struct, frozen=True):
    """A column against a list of values of one kind."""

    column: str
    values: tuple[Literal, ...]
    place: int


class Absent(msgspec.Struct, frozen=True):
    """A column without a value."""

    column: str
    place: int


class Opposite(msgspec.Struct, frozen=True):
    """What does not hold."""

    of: "Where"


class Joined(msgspec.Struct, frozen=True):
    """Conditions of which all hold, or any one does."""

    every: bool
    parts: "tuple[Where, ...]"


Where: TypeAlias = Compared | Among | Absent | Opposite | Joined


class WhereError(ValueError):
    """A text that is no condition: what stands at `place`, from 0, and what could."""

    def __init__(self, place: int, found: str, expected: str) -> None:
        super().__init__(f"{found or 'the end'} at character {place + 1}; expected {expected}")
        self.place = place
        self.found = found
        self.expected = expected


class Token(msgspec.Struct, frozen=True):
    """A piece of the text: `kind` is word, quoted, text, number, sign or end."""

    kind: str
    text: str
    place: int


_PIECES: Final = re.compile(
    r"""(?P<space>\s+)
    |(?P<number>[-+]?(?:[0-9]{1,40}\.?[0-9]{0,40}|\.[0-9]{1,40})(?:[eE][-+]?[0-9]{1,3})?(?![\w.]))
    |(?P<word>[^\W\d][\w.]*)
    |`(?P<back>(?:[^`]|``)+)`
    |"(?P<double>(?:[^"]|"")*)"
    |'(?P<single>(?:[^']|'')*)'
    |(?P<sign><=|>=|!=|<>|==|[=<>(),])""",
    re.VERBOSE,
)
_WORDS: Final = frozenset({"and", "or", "not", "in", "is", "null", "true", "false"})
_SIGNS: Final = {"<>": "!=", "==": "="}
_ORDERS: Final = frozenset({Comparing.LESS, Comparing.AT_MOST, Comparing.MORE, Comparing.AT_LEAST})
_COLUMN: Final = "a column, such as distance"
_AFTER: Final = "=, !=, <, <=, >, >=, in or is after a column"
_VALUE: Final = "a number, a text in quotes, true or false"


def parse(text: str) -> Where:
    """The condition that a text is; raises WhereError at the first place that is wrong.

    >>> parse("distance > 2000")
    Compared(column='distance', by=<Comparing.MORE: '>'>, value=2000.0, place=0)
    >>> parse("carrier in ('AA', 'UA') and not delay is null").every
    True
    >>> parse("distance > ")
    Traceback (most recent call last):
    controlplane.policy.where.WhereError: the end at character 12; expected a number, a text in quotes, true or false
    """
    if len(text) > LONGEST:
        raise WhereError(LONGEST, text[LONGEST:][:12], f"at most {LONGEST} characters")
    parser = _Parser(_tokens(text))
    found = parser.condition(0)
    parser.end()
    return found


def comparisons(where: Where) -> tuple[Compared | Among | Absent, ...]:
    """Every comparison of a condition, in the order of the text."""
    match where:
        case Opposite(of=inner):
            return comparisons(inner)
        case Joined(parts=parts):
            return tuple(one for part in parts for one in comparisons(part))
        case _:
            return (where,)


def columns_asked(segment: Segment) -> list[str]:
    """The columns that a segment is made by."""
    if segment.where is None:
        return [segment.column or segment.name]
    return [one.column for one in comparisons(parse(segment.where))]


def is_order(compared: Compared) -> bool:
    """Whether a comparison asks which is greater."""
    return compared.by in _ORDERS


def _tokens(text: str) -> list[Token]:
    found, place = [], 0
    while place < len(text):
        piece = _PIECES.match(text, place)
        if piece is None:
            raise WhereError(place, text[place:][:12], "a column, a value, a sign or a word")
        kind = str(piece.lastgroup)
        if kind != "space":
            found.append(_token(kind, piece[kind], place))
        place = piece.end()
    return [*found, Token("end", "", len(text))]


def _token(kind: str, text: str, place: int) -> Token:
    match kind:
        case "back":
            return Token("quoted", text.replace("``", "`"), place)
        case "double":
            return Token("either", text.replace('""', '"'), place)
        case "single":
            return Token("text", text.replace("''", "'"), place)
        case "sign":
            return Token("sign", _SIGNS.get(text, text), place)
        case "word" if text.lower() in _WORDS:
            return Token("key", text.lower(), place)
        case _:
            return Token(kind, text, place)


class _Parser:
    """Reads tokens from left to right; each method reads one rule of the grammar."""

    def __init__(self, tokens: list[Token]) -> None:
        self._tokens = tokens
        self._at = 0

    def condition(self, depth: int) -> Where:
        return self._joined(depth, "or")

    def end(self) -> None:
        if self._here.kind != "end":
            raise self._wrong("and, or, or the end")

    @property
    def _here(self) -> Token:
        return self._tokens[self._at]

    def _joined(self, depth: int, word: str) -> Where:
        parts = [self._joined(depth, "and") if word == "or" else self._one(depth)]
        while self._took("key", word):
            parts.append(self._joined(depth, "and") if word == "or" else self._one(depth))
        return parts[0] if len(parts) == 1 else Joined(word == "and", tuple(parts))

    def _one(self, depth: int) -> Where:
        if depth > DEEPEST:
            raise self._wrong(f"at most {DEEPEST} conditions inside each other")
        if self._took("key", "not"):
            return Opposite(self._one(depth + 1))
        if self._took("sign", "("):
            found = self.condition(depth + 1)
            self._need("sign", ")", "and, or, or a closing parenthesis")
            return found
        return self._comparison()

    def _comparison(self) -> Where:
        column = self._here
        if column.kind not in {"word", "quoted", "either"} or not column.text:
            raise self._wrong(_COLUMN)
        self._at += 1
        if self._took("key", "is"):
            turned = self._took("key", "not")
            self._need("key", "null", "null" if turned else "null or not null")
            return self._turned(Absent(column.text, column.place), turned=turned)
        turned = self._took("key", "not")
        if self._took("key", "in"):
            return self._turned(Among(column.text, self._values(), column.place), turned=turned)
        if turned:
            raise self._wrong("in after not")
        sign = self._here
        if sign.kind != "sign" or sign.text not in set(Comparing):
            raise self._wrong(_AFTER)
        self._at += 1
        value = self._here
        found = Compared(column.text, Comparing(sign.text), self._value(), column.place)
        if is_order(found) and isinstance(found.value, bool):
            raise WhereError(value.place, value.text, f"a number or a text after {sign.text}")
        return found

    def _turned(self, found: Where, *, turned: bool) -> Where:
        return Opposite(found) if turned else found

    def _values(self) -> tuple[Literal, ...]:
        self._need("sign", "(", "an opening parenthesis after in")
        found = [self._value()]
        while self._took("sign", ","):
            place = self._here
            found.append(self._value())
            if type(found[-1]) is not type(found[0]):
                raise WhereError(place.place, place.text, "values of one kind in a list")
            if len(found) > MOST_VALUES:
                raise WhereError(place.place, place.text, f"at most {MOST_VALUES} values")
        self._need("sign", ")", "a comma or a closing parenthesis")
        return tuple(found)

    def _value(self) -> Literal:
        here = self._here
        number = float(here.text) if here.kind == "number" else 0.0
        if here.kind in {"text", "either"}:
            found: Literal = here.text
        elif here.kind == "key" and here.text in {"true", "false"}:
            found = here.text == "true"
        elif here.kind == "number" and math.isfinite(number):
            found = number
        else:
            raise self._wrong(self._meant(here))
        self._at += 1
        return found

    def _meant(self, here: Token) -> str:
        return f"{_VALUE} (did you mean '{here.text}'?)" if here.kind == "word" else _VALUE

    def _took(self, kind: str, text: str) -> bool:
        taken = self._here.kind == kind and self._here.text == text
        self._at += taken
        return taken

    def _need(self, kind: str, text: str, expected: str) -> None:
        if not self._took(kind, text):
            raise self._wrong(expected)

    def _wrong(self, expected: str) -> WhereError:
        return WhereError(self._here.place, self._here.text, expected)
