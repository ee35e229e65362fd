"""Text to a located tree (controlplane.policy.tree), whatever is wrong noted with its place.

`load(data, faults)` gives the root node, or None where there is nothing to read. It knows nothing
of model files; other files of the product are read in the same four steps:

    faults = Faults()
    top = Section.of(load(data, faults=faults), "", faults=faults)   # section.py
    keep = top.section("retention").read("events", duration(), default=None)    # fields.py
    top.close()                                                      # notes the unknown keys
    faults.raise_if_any("leeboard.yaml")                             # FileErrors

JSON is read too. Tags are refused: a file is data. Anchors are allowed as long as what they stand
for stays small.
"""

import re
from collections.abc import Iterator
from typing import Final, TypeAlias

import msgspec
import yaml
from yaml.reader import ReaderError

from controlplane.policy.faults import Faults
from controlplane.policy.tree import Entry, Mapping, Node, Place, Scalar, Sequence

LARGEST: Final = 256 * 1024
"""Bytes (of UTF-8) of a file; a model file of a thousand features has 40 KiB."""
MOST_VALUES: Final = 20_000
"""Keys and values of a file, with its anchors written out."""
DEEPEST: Final = 24

_TOP: Final = Place(1, 1)
_UNUSABLE: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_SURROGATES: Final = re.compile(r"[\ud800-\udbff][\udc00-\udfff]")
_MISPLACED: Final = (
    "a ':' stands where none can; expected one `key: value` a line, keys of one mapping "
    "indented alike, text with ': ' in it quoted"
)
_MENDS: Final = (
    ("'\\t'", "a tab stands where YAML takes only spaces; indent with spaces"),
    ("mapping values are not allowed", _MISPLACED),
    ("could not find expected ':'", "a key without a ':'; expected `key: value`"),
    ("expected <block end>", "this line is indented differently from those it belongs to"),
    ("unexpected end of stream", "a quote is opened and never closed"),
    ("but got '<stream end>'", "a '[' or '{' is opened and never closed"),
    ("that cannot start any token", "a text that begins with this character needs quotes"),
)
"""What PyYAML says, in part, and what to do about it."""


class _Stop(Exception):
    """Reading on would be of no use, or too costly."""

    def __init__(self, place: Place, message: str) -> None:
        super().__init__(message)
        self.place = place
        self.message = message


def load(data: str | bytes, *, faults: Faults) -> Node | None:
    """The root of the one YAML (or JSON) document in `data`; None where it cannot be read."""
    try:
        return _Reader(_events(_decoded(data)), faults).document()
    except _Stop as stop:
        faults.add(stop.place, "", stop.message)
        return None


def _decoded(data: str | bytes) -> str:
    if len(data) > LARGEST:
        raise _Stop(_TOP, f"the file is longer than {LARGEST // 1024} KiB; expected a shorter one")
    if isinstance(data, str):
        return _without_json_tabs(data)
    try:
        return _without_json_tabs(data.decode("utf-8"))
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8")
        message = f"byte 0x{data[error.start]:02x} is not UTF-8; save the file as UTF-8"
        raise _Stop(_place_after(before), message) from None


def _place_after(text: str) -> Place:
    return Place(text.count("\n") + 1, len(text) - (text.rfind("\n") + 1) + 1)


def _without_json_tabs(text: str) -> str:
    """JSON may be indented with tabs and never holds a raw one in a string; YAML may not."""
    if "\t" not in text or not text.lstrip().startswith("{"):
        return text
    try:
        msgspec.json.decode(text, type=msgspec.Raw)
    except (msgspec.DecodeError, UnicodeEncodeError):
        return text
    return text.replace("\t", " ")


def _events(text: str) -> Iterator[yaml.Event]:
    """PyYAML's events; every way in which it can fail becomes a _Stop."""
    try:
        yield from yaml.parse(text, Loader=yaml.SafeLoader)
    except ReaderError as error:
        where = _place_after(text[: error.position])
        message = f"character U+{ord(text[error.position]):04X} cannot stand in a YAML file"
        raise _Stop(where, message) from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = Place(mark.line + 1, mark.column + 1) if mark else _TOP
        raise _Stop(where, _mended(error.problem or "unreadable")) from None
    except (yaml.YAMLError, ValueError, OverflowError, IndexError) as error:
        # PyYAML turns the digits of an escape or a directive into a number without a check.
        raise _Stop(_TOP, f"this is not YAML: {error}") from None


def _mended(problem: str) -> str:
    for part, says in _MENDS:
        if part in problem:
            return says
    return f"this is not YAML: {problem}"


class _Anchored(msgspec.Struct, frozen=True):
    node: Node
    values: int


_Started: TypeAlias = yaml.SequenceStartEvent | yaml.MappingStartEvent


class _Reader:
    """Builds the tree from events, so that depth and size are known before they cost anything."""

    def __init__(self, events: Iterator[yaml.Event], faults: Faults) -> None:
        self._events = events
        self._faults = faults
        self._anchors: dict[str, _Anchored | None] = {}
        self._values = 0

    def document(self) -> Node | None:
        root: Node | None = None
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                if root is not None:
                    raise _Stop(_at(event), "a second document begins here; expected only one")
            elif isinstance(event, yaml.NodeEvent):
                root = self._node(event, 0)
        return root

    def _node(self, event: yaml.Event, depth: int) -> Node:
        place = _at(event)
        self._count(1, place)
        if depth > DEEPEST:
            raise _Stop(place, f"nested more than {DEEPEST} deep; expected a flatter file")
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event)
        assert isinstance(event, yaml.ScalarEvent | _Started)
        if event.tag is not None:
            self._faults.add(place, "", f"the tag {event.tag} is not used here; leave it out")
        if event.anchor is not None:
            self._anchors[event.anchor] = None
        before = self._values
        node = self._built(event, depth)
        if event.anchor is not None:
            self._anchors[event.anchor] = _Anchored(node, self._values - before + 1)
        return node

    def _count(self, values: int, place: Place) -> None:
        self._values += values
        if self._values > MOST_VALUES:
            raise _Stop(
                place, f"more than {MOST_VALUES} values, anchors written out; expected fewer"
            )

    def _alias(self, event: yaml.AliasEvent) -> Node:
        name, place = str(event.anchor), _at(event)
        if name not in self._anchors:
            raise _Stop(place, f"*{name} is defined nowhere; expected an anchor &{name} above it")
        anchored = self._anchors[name]
        if anchored is None:
            raise _Stop(place, f"*{name} stands inside &{name} itself; write its value out")
        self._count(anchored.values, place)
        return anchored.node

    def _built(self, event: yaml.ScalarEvent | _Started, depth: int) -> Node:
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event)
        if isinstance(event, yaml.SequenceStartEvent):
            items = tuple(self._node(child, depth + 1) for child in self._children())
            return Sequence(place=_at(event), items=items)
        return self._mapping(event, depth)

    def _children(self) -> Iterator[yaml.Event]:
        for event in self._events:
            if isinstance(event, yaml.SequenceEndEvent | yaml.MappingEndEvent):
                return
            yield event

    def _mapping(self, event: yaml.Event, depth: int) -> Mapping:
        entries: dict[str, Entry] = {}
        for child in self._children():
            key = self._node(child, depth + 1)
            value = self._node(next(self._events), depth + 1)
            if not isinstance(key, Scalar):
                self._faults.add(_at(child), "", f"the key is {key.shown}; expected a name")
            elif key.text in entries:
                first = entries[key.text].key.place.line
                message = f"{key.shown} stands here a second time, first in line {first}; keep one"
                self._faults.add(_at(child), "", message)
            else:
                entries[key.text] = Entry(key, value)
        return Mapping(place=_at(event), entries=entries)

    def _scalar(self, event: yaml.ScalarEvent) -> Scalar:
        text, place = str(event.value), _at(event)
        if _SURROGATES.search(text):
            # JSON writes what lies beyond U+FFFF as two escapes, which PyYAML leaves apart.
            text = text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
        if found := _UNUSABLE.search(text):
            message = f"the text holds U+{ord(found.group()):04X}; expected printable characters"
            self._faults.add(place, "", message)
            text = _UNUSABLE.sub("\ufffd", text)
        return Scalar(place=place, text=text, plain=event.style is None)


def _at(event: yaml.Event) -> Place:
    mark = event.start_mark
    assert mark is not None
    return Place(mark.line + 1, mark.column + 1)
