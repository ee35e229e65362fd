"""The columns of a model's rows: features, prediction, scores, label, segments."""

from collections.abc import Sequence
from typing import Final

from controlplane.domain.names import LONGEST_COLUMN, MOST_FEATURES, RESERVED
from controlplane.domain.policy import Label, Segment
from controlplane.domain.schema import Column, Task, canonical_label
from controlplane.policy.defaults import LABEL_DELAY, default_scores
from controlplane.policy.faults import Faults, Wrong, one_of
from controlplane.policy.fields import NOTHING, boolean, choice, duration, plain, text
from controlplane.policy.section import Section
from controlplane.policy.segments import check_where
from controlplane.policy.tree import Mapping, Node, Place, Scalar
from detectors.finding import Kind

_COLUMN: Final = "the name of a column"
_RESERVED: Final = ", ".join(sorted(RESERVED))
_LABEL_MAY_BE: Final = RESERVED - {"label"}
"""The label's own column may well be called `label`."""
_MOST_SEGMENTS: Final = 50


def column(node: Node) -> str:
    """The name of a column that is not one of the names that every event table has."""
    name = text(_COLUMN)(node)
    if name in RESERVED:
        raise Wrong(f"another name, since every row has {_RESERVED} of its own", f"{name}_")
    return name


def read_features(top: Section) -> tuple[Column, ...] | None:
    """The declared features; None where they are inferred."""
    section = top.section("features")
    found = tuple(
        Column(name, _kind(section, entry.key, entry.value)) for name, entry in section.entries()
    )
    if len(found) > MOST_FEATURES:
        message = f"names {len(found)} features; expected at most {MOST_FEATURES}"
        top.faults.add(section.place, "features", message)
    if not found and isinstance(top.node("features"), Mapping):
        top.faults.add(section.place, "features", "is empty; expected features, or no such key")
    return found or None


def _kind(section: Section, key: Scalar, node: Node) -> Kind:
    path, faults = section.under(key.text), section.faults
    if key.text in RESERVED:
        message = f"has a reserved name; every row has {_RESERVED} of its own"
        faults.add(key.place, path, f"{message} (did you mean {key.text}_?)")
    elif len(key.text) > LONGEST_COLUMN:
        message = f"has {len(key.text)} characters; expected at most {LONGEST_COLUMN} in a name"
        faults.add(key.place, f"{path[:60]}…", message)
    else:
        faults.guarded(key, path, reader=text("the name of a feature"), default="")
    kind: str | None
    if isinstance(node, Mapping):
        inner = Section.of(node, path, faults=faults)
        kind = inner.need("type", choice(*Kind), expected=one_of(Kind))
        inner.close()
    else:
        kind = faults.guarded(node, path, reader=choice(*Kind), default=None)
    # Without a kind the file is refused anyway; its name is still one that others may use.
    return Kind(kind or Kind.NUMERIC)


def read_label(top: Section, task: Task | None) -> Label:
    """Where the truth is found; a text is the column."""
    node = top.node("label")
    if node is None or not isinstance(node, Mapping):
        named = top.need("label", _label_column, expected="the name of the column with the truth")
        return Label(column=named or "", delay=LABEL_DELAY)
    section = Section.of(node, "label", faults=top.faults)
    named = section.need("column", _label_column, expected="the name of the column with the truth")
    label = Label(
        column=named or "",
        positive=section.read("positive", class_name, default=None),
        delay=section.read("delay", duration(least=NOTHING), default=LABEL_DELAY),
        selective=section.read("selective", boolean, default=False),
    )
    if label.positive is not None and task not in {Task.BINARY, None}:
        section.refuse("positive", "expected no positive class, since only task binary has one")
    section.close()
    return label


def _label_column(node: Node) -> str:
    name = text(_COLUMN)(node)
    if name in _LABEL_MAY_BE:
        raise Wrong(f"another name, since every row has {_RESERVED} of its own", f"{name}_")
    return name


def class_name(node: Node) -> str | None:
    """A class in canonical form: `True`, `1.0` and `yes` are true, 1 and yes."""
    return canonical_label(plain(node, "a class, such as true or 1"))


def read_scores(top: Section, task: Task | None) -> dict[str, str] | str:
    """The score column or columns."""
    default = default_scores(task or Task.BINARY)
    node = top.node("score")
    if node is None:
        return default
    if task is Task.REGRESSION:
        top.refuse("score", "expected no score, since task regression has none")
        return default
    if not isinstance(node, Mapping):
        if task is not Task.MULTICLASS:
            return top.read("score", column, default=default)
        top.refuse("score", "expected a mapping of each class to the column of its score")
        return default
    if task is Task.BINARY:
        top.refuse("score", f"expected {_COLUMN}: of task binary only the positive class is scored")
        return default
    section = Section.of(node, "score", faults=top.faults)
    return {
        canonical_label(entry.key.value) or entry.key.text: section.read(key, column, default="")
        for key, entry in section.entries()
    } or default


def read_segments(top: Section, features: tuple[Column, ...] | None) -> tuple[Segment, ...]:
    """The parts of the rows that are watched by themselves as well."""
    found: dict[str, Segment] = {}
    items = top.items("segments", expected="a list of columns, such as [origin, carrier]")
    for node, path in items:
        segment = _segment(node, path, top.faults, features)
        if segment is None:
            continue
        if segment.name in found:
            top.faults.wrong(node, path, f"a name that no other segment has ({segment.name})")
        if segment.column is not None:
            check_feature(segment.column, node, path, features=features, faults=top.faults)
        found.setdefault(segment.name, segment)
    for node, path in items[_MOST_SEGMENTS : _MOST_SEGMENTS + 1]:
        top.faults.wrong(node, path, f"at most {_MOST_SEGMENTS} segments")
    return tuple(found.values())


def _segment(
    node: Node, path: str, faults: Faults, features: Sequence[Column] | None
) -> Segment | None:
    if not isinstance(node, Mapping):
        named = faults.guarded(node, path, reader=text(_COLUMN), default=None)
        return Segment(name=named, column=named) if named else None
    section = Section.of(node, path, faults=faults)
    named = section.need("name", text("a name"), expected="a name")
    where = section.read("where", text("a condition such as distance > 2000"), default=None)
    levels_of = section.read("column", text(_COLUMN), default=None)
    if section.has("where") == section.has("column"):
        faults.wrong(node, path, "a name with one of column and where")
    elif where is not None:
        check_where(section, where, features)
    section.close()
    return Segment(name=named, column=levels_of, where=where) if named else None


def check_feature(
    name: str, node: Node, path: str, *, features: tuple[Column, ...] | None, faults: Faults
) -> None:
    """Note a column that is none of the declared features."""
    declared = {feature.name for feature in features or ()}
    if features is not None and name not in declared:
        meant = faults.nearest(name, declared)
        faults.wrong(node, path, "one of the declared features", meant=meant)


def check_apart(top: Section, used: Sequence[tuple[str, str]]) -> None:
    """Note columns that are used for two things; `used` has (key of the file, column)."""
    taken: dict[str, str] = {}
    for key, name in used:
        node = top.node(key)
        if name and name in taken and node is not None:
            _note_shared(top, (node.place, key), (name, taken[name]))
        taken.setdefault(name, key)
    features = top.node("features")
    if isinstance(features, Mapping):
        for name, entry in features.entries.items():
            if name in taken:
                _note_shared(top, (entry.key.place, f"features.{name}"), (name, taken[name]))


def _note_shared(top: Section, there: tuple[Place, str], taken: tuple[str, str]) -> None:
    name, by = taken
    top.faults.add(*there, f"is the column {name}, and so is {by}; expected a column of its own")
