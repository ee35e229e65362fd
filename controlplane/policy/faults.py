"""What is wrong with a file, collected: nothing is raised before all of it was read."""

import difflib
from collections.abc import Callable, Collection, Iterable
from typing import Final, TypeVar

from controlplane.domain.errors import FileErrors, LocatedError
from controlplane.policy.tree import Node, Place

Read = TypeVar("Read")

COMPARED: Final = 20_000
"""Faults times legal names, beyond which no nearest name is looked for: nonsense must be cheap."""


class Wrong(Exception):
    """A reader cannot use a value: what it expected there and, where it can guess, what was meant.

    It is caught by `Faults.guarded`, which knows the place and the path.
    """

    def __init__(self, expected: str, meant: object = None) -> None:
        super().__init__(expected)
        self.expected = expected
        self.meant = meant


class Faults:
    """Collects what is wrong with one file."""

    def __init__(self) -> None:
        self._found: list[LocatedError] = []

    def __bool__(self) -> bool:
        """Whether anything is wrong."""
        return bool(self._found)

    def add(self, place: Place, path: str, message: str) -> None:
        """Note a fault; `message` is the sentence after the path."""
        said = f"{path} {message}" if path else message
        self._found.append(LocatedError(place.line, place.column, path, said))

    def wrong(self, node: Node, path: str, expected: str, *, meant: object = None) -> None:
        """Note that a value is not what is expected there."""
        message = f"is {node.shown}; expected {expected}{_hint(meant)}"
        self.add(node.place, path, message)

    def guarded(
        self, node: Node, path: str, *, reader: Callable[[Node], Read], default: Read
    ) -> Read:
        """What `reader` makes of the node; the default where it is wrong, which is noted."""
        try:
            return reader(node)
        except Wrong as wrong:
            self.wrong(node, path, wrong.expected, meant=wrong.meant)
            return default

    def nearest(self, name: str, names: Collection[str]) -> str | None:
        """The legal name that `name` was most likely meant to be, or None."""
        too_many = len(self._found) * len(names) > COMPARED
        return None if too_many else nearest(name, names)

    @property
    def found(self) -> list[LocatedError]:
        """What was noted so far, in the order of the file."""
        return sorted(self._found, key=lambda error: (error.line, error.column))

    def raise_if_any(self, source: str, kind: type[FileErrors] = FileErrors) -> None:
        """Raise all that was found as one error, in the order of the file."""
        if self._found:
            raise kind(source, tuple(self.found))


def nearest(name: str, names: Collection[str]) -> str | None:
    """The name in `names` that is written most like `name`, or None.

    >>> nearest("montors", ["model", "monitors"]), nearest("zebra", ["model"])
    ('monitors', None)
    """
    if len(name) > 64:  # noqa: PLR2004
        return None
    folded = {known.casefold(): known for known in names}
    close = difflib.get_close_matches(name.casefold().replace("-", "_"), folded, n=1)
    return folded[close[0]] if close else None


def one_of(names: Iterable[str]) -> str:
    """The names as a person lists them.

    >>> one_of(["up", "down"]), one_of(["a", "b", "c"]), one_of(["a"])
    ('up or down', 'one of a, b, c', 'a')
    """
    ordered = list(names)
    match ordered:
        case [one]:
            return one
        case [one, other]:
            return f"{one} or {other}"
        case _:
            return "one of " + ", ".join(ordered)


def _hint(meant: object) -> str:
    return "" if meant is None else f" (did you mean {meant}?)"
