"""Readers of single values: a node in, a checked value out, `Wrong` where it cannot be used.

A reader with parameters is made by a function: `section.read("cooldown", duration(), default=…)`.
"""

import re
from collections import Counter
from collections.abc import Callable, Collection
from datetime import timedelta
from decimal import Decimal
from typing import Final, TypeVar

from controlplane.domain.policy import Margin
from controlplane.policy.durations import duration_of, in_words, probably
from controlplane.policy.faults import Wrong, nearest, one_of
from controlplane.policy.tree import Node, Plain, Scalar, Sequence, number_of

Read = TypeVar("Read")
Reader = Callable[[Node], Read]

LONGEST: Final = timedelta(days=36_500)
MOST: Final = 10**12
"""The greatest count: of rows, of labels."""
NOTHING: Final = timedelta(0)
_SECOND: Final = timedelta(seconds=1)
_SHARE_MEANT: Final = 100.0
"""Up to here, a number where a share belongs was meant as per cent."""
_LONGEST_TEXT: Final = 1000


def plain(node: Node, expected: str) -> Plain:
    """The value of a scalar that is not empty."""
    if not isinstance(node, Scalar) or node.value is None:
        raise Wrong(expected)
    return node.value


def text(expected: str) -> Reader[str]:
    """A text on one line, as written: `2024` and `true` are texts too where a name belongs."""

    def read(node: Node) -> str:
        plain(node, expected)
        assert isinstance(node, Scalar)
        found = node.text.strip()
        if not found or "\n" in found or len(found) > _LONGEST_TEXT:
            raise Wrong(f"{expected}, on one line")
        return found

    return read


def choice(*names: str, of: str = "") -> Reader[str]:
    """One of a few words; `of` follows them in the message."""
    expected = one_of(names) + of

    def read(node: Node) -> str:
        plain(node, expected)
        assert isinstance(node, Scalar)
        if node.text not in names:
            raise Wrong(expected, nearest(node.text, names))
        return node.text

    return read


def known_name(names: Collection[str], what: str) -> Reader[str]:
    """A name that must be defined somewhere: `what` says where."""

    def read(node: Node) -> str:
        found = text(what)(node)
        if found not in names:
            listed = (
                f"{what} ({', '.join(sorted(names)[:12])})" if names else f"{what}; it has none"
            )
            raise Wrong(listed, nearest(found, names))
        return found

    return read


def boolean(node: Node) -> bool:
    """true or false; the words that other dialects take for them are only hinted at."""
    found = plain(node, "true or false")
    if isinstance(found, bool):
        return found
    meant = {"yes": "true", "on": "true", "no": "false", "off": "false"}
    word = str(found).lower()
    raise Wrong("true or false", meant.get(word, word if word in {"true", "false"} else None))


def number(expected: str, *, low: float = -1e300, high: float = 1e300) -> Reader[float]:
    """A number in [low, high]; numbers in quotes are text."""

    def read(node: Node) -> float:
        found = plain(node, expected)
        if isinstance(found, str):
            raise Wrong(expected, _unquoted(found))
        if isinstance(found, bool) or found is None or not low <= found <= high:
            raise Wrong(expected)
        return float(found)

    return read


def whole(expected: str, *, low: int = 1, high: int = MOST) -> Reader[int]:
    """A whole number in [low, high]."""

    def read(node: Node) -> int:
        found = plain(node, expected)
        if isinstance(found, float) and found.is_integer():
            found = int(found)
        if isinstance(found, str):
            raise Wrong(expected, _unquoted(found))
        if isinstance(found, bool) or not isinstance(found, int) or not low <= found <= high:
            raise Wrong(expected)
        return found

    return read


def share(expected: str = "a share above 0 and at most 1", *, high: float = 1.0) -> Reader[float]:
    """A share in (0, high], written `0.3` or `30%`; a bare number is never above 1."""

    def read(node: Node) -> float:
        found = plain(node, expected)
        if (portion := percent(found)) is not None:
            if not 0 < portion <= high:
                raise Wrong(expected)
            return portion
        if isinstance(found, bool | str) or found is None:
            raise Wrong(expected, _unquoted(found) if isinstance(found, str) else None)
        if not 0 < found <= 1:
            per_cent = f"{found:g}%" if high > 1 else f"{found / 100:.12g}"
            raise Wrong(expected, per_cent if 1 < found <= _SHARE_MEANT else None)
        return float(found)

    return read


def percent(found: Plain) -> float | None:
    """The share that `20%` is; None for anything else."""
    if not isinstance(found, str) or not found.endswith("%"):
        return None
    figure = number_of(found[:-1].strip())
    # As decimals, so that 7% is exactly the 0.07 that somebody else writes.
    return None if isinstance(figure, str) else float(Decimal(repr(figure)) / 100)


def duration(*, least: timedelta = _SECOND, why: str = "") -> Reader[timedelta]:
    """A length of time such as 7d; `why` is added to what was expected."""
    expected = "a duration such as 7d (s, m, h, d or w)"
    if least > _SECOND:
        expected = f"a duration of at least {in_words(least)}"
    expected += f", {why}" if why else ""

    def read(node: Node) -> timedelta:
        found = plain(node, expected)
        length = duration_of(str(found)) if isinstance(found, str) else None
        if length is None:
            raise Wrong(expected, probably(str(found)))
        if length < least:
            raise Wrong(expected)
        if length > LONGEST:
            raise Wrong(f"a duration of at most {in_words(LONGEST)}")
        return length

    return read


def per_period(*, low: float, only_whole: bool) -> Reader[tuple[float, timedelta]]:
    """A count in a period, written `4 per 90d`."""
    kind = "a whole number" if only_whole else "a number"
    expected = f"{kind} per duration, such as {'4' if only_whole else '1'} per 90d"

    def read(node: Node) -> tuple[float, timedelta]:
        found = str(plain(node, expected))
        match = re.fullmatch(r"(\S+)\s+per\s+(\S+)", found)
        count = number_of(match[1]) if match else found
        period = duration_of(match[2]) if match else None
        if isinstance(count, str) or period is None:
            raise Wrong(expected, _per_meant(found))
        if only_whole and not isinstance(count, int):
            raise Wrong(expected)
        if not low <= count <= MOST or not _SECOND <= period <= LONGEST:
            raise Wrong(f"{expected}, the count at least {low:g}")
        return count, period

    return read


def margin(*, absolute_below: float | None) -> Reader[Margin]:
    """A loss difference: `5%` of the champion's loss, or a number in the loss's own units.

    `absolute_below` is the greatest value that the loss can have, None where it has no bound.
    """
    expected = "a share of the champion's loss such as 5%, or a number in the loss's own units"

    def read(node: Node) -> Margin:
        found = plain(node, expected)
        if (portion := percent(found)) is not None:
            if not 0 <= portion <= 1:
                raise Wrong("a share from 0% to 100%")
            return Margin(share=portion)
        if isinstance(found, bool | str) or found is None:
            raise Wrong(expected, _unquoted(found) if isinstance(found, str) else None)
        if found < 0:
            raise Wrong(f"{expected}; not below 0")
        if absolute_below is not None and found >= absolute_below:
            raise Wrong(f"{expected}, below {absolute_below:g}", f"{found:g}%")
        return Margin(share=None, absolute=float(found))

    return read


def names(expected: str) -> Reader[tuple[str, ...]]:
    """A list of names, each once, at least one."""

    def read(node: Node) -> tuple[str, ...]:
        if not isinstance(node, Sequence) or not node.items:
            raise Wrong(expected)
        found = tuple(text(expected)(item) for item in node.items)
        [(name, times)] = Counter(found).most_common(1)
        if times > 1:
            raise Wrong(f"{expected}, each once; {name} stands there {times} times")
        return found

    return read


def _unquoted(found: str) -> str | None:
    candidate = found.replace("_", "").replace(",", "").replace(" ", "")
    return None if isinstance(number_of(candidate), str) else f"{candidate}, without quotes"


def _per_meant(found: str) -> str | None:
    match = re.fullmatch(r"(\d+)\s*(?:per|/|in|every|times per)\s*(.+)", found)
    if match is None:
        return None
    period = match[2] if duration_of(match[2]) is not None else probably(match[2])
    return f"{match[1]} per {period}" if period else None
