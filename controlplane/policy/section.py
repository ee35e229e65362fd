"""A mapping while it is read: hands out values by key and notes the keys that nobody asked for."""

from collections.abc import Callable, Iterator
from typing import TypeVar

from controlplane.policy.faults import Faults, one_of
from controlplane.policy.tree import Entry, Mapping, Node, Place, Scalar, Sequence

Read = TypeVar("Read")
Reader = Callable[[Node], Read]
"""Makes a value of a node, or raises Wrong."""


class Section:
    """One mapping of a file under its path; a key that is left out has its default.

    Read every key that may stand there, then `close()`.
    """

    def __init__(self, mapping: Mapping, path: str, *, faults: Faults) -> None:
        self.path = path
        self.place = mapping.place
        self.faults = faults
        self._entries = mapping.entries
        self._asked: list[str] = []

    @classmethod
    def of(cls, node: Node | None, path: str, *, faults: Faults) -> "Section":
        """The section at a node; an empty one where there is none, or another thing (noted)."""
        if isinstance(node, Mapping):
            return cls(node, path, faults=faults)
        if node is not None and not is_empty(node):
            faults.wrong(node, path or "the file", "a mapping of `key: value`")
        place = node.place if node is not None else Place(1, 1)
        return cls(Mapping(place=place, entries={}), path, faults=faults)

    def under(self, key: str) -> str:
        """The path of a key."""
        return f"{self.path}.{key}" if self.path else key

    def node(self, key: str) -> Node | None:
        """The value of a key as it stands, None where it is left out."""
        if key not in self._asked:
            self._asked.append(key)
        entry = self._entries.get(key)
        return None if entry is None else entry.value

    def has(self, key: str) -> bool:
        """Whether the key stands in the file."""
        return key in self._entries

    def read(self, key: str, reader: Reader[Read], *, default: Read) -> Read:
        """The value of a key; the default where it is left out or wrong (which is noted)."""
        node = self.node(key)
        if node is None:
            return default
        return self.faults.guarded(node, self.under(key), reader=reader, default=default)

    def need(self, key: str, reader: Reader[Read], *, expected: str) -> Read | None:
        """The value of a key that must be there; None where it is not, or wrong (noted)."""
        node = self.node(key)
        if node is None:
            self.faults.add(self.place, self.under(key), f"is missing; expected {expected}")
            return None
        return self.faults.guarded(node, self.under(key), reader=reader, default=None)

    def section(self, key: str) -> "Section":
        """The mapping under a key; an empty one where it is left out."""
        return Section.of(self.node(key), self.under(key), faults=self.faults)

    def items(self, key: str, *, expected: str) -> list[tuple[Node, str]]:
        """The nodes of the list under a key, each with its path; none where it is left out."""
        node = self.node(key)
        if isinstance(node, Sequence):
            return [(item, f"{self.under(key)}[{i}]") for i, item in enumerate(node.items)]
        if node is not None and not is_empty(node):
            self.faults.wrong(node, self.under(key), expected)
        return []

    def entries(self) -> Iterator[tuple[str, Entry]]:
        """Every key with its entry, for a mapping whose keys the user chooses."""
        self._asked.extend(self._entries)
        yield from self._entries.items()

    def refuse(self, key: str, message: str) -> None:
        """Note a fault of a key's value, where the key stands in the file."""
        node = self.node(key)
        if node is not None:
            self.faults.add(node.place, self.under(key), f"is {node.shown}; {message}")

    def close(self) -> None:
        """Note the keys that nobody asked for."""
        for key, entry in self._entries.items():
            if key not in self._asked:
                self._unknown(entry.key, key)

    def _unknown(self, key: Scalar, name: str) -> None:
        expected = f"expected {one_of(self._asked)}" if self._asked else "expected no key"
        meant = self.faults.nearest(name, self._asked)
        hint = f" (did you mean {meant}?)" if meant else ""
        where = f"a key of {self.path}" if self.path else "a key of this file"
        self.faults.add(key.place, self.under(key.shown), f"is not {where}; {expected}{hint}")


def is_empty(node: Node) -> bool:
    """Whether a key was written and nothing after it."""
    return isinstance(node, Scalar) and node.value is None
