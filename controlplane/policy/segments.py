"""Whether the condition of a segment can be asked of the features that there are."""

from collections.abc import Sequence
from typing import Final

from controlplane.domain.schema import Column
from controlplane.policy import where
from controlplane.policy.faults import Faults, Wrong
from controlplane.policy.section import Section
from controlplane.policy.tree import Place, Scalar
from controlplane.policy.where import Absent, Among, Compared, Literal, WhereError
from detectors.finding import Kind

_SIZED: Final = frozenset({Kind.NUMERIC, Kind.DATETIME})
_SUITS: Final[dict[Kind, tuple[tuple[type, ...], str]]] = {
    Kind.NUMERIC: ((float,), "a number"),
    Kind.CATEGORICAL: ((str, float), "a text in quotes"),
    Kind.BOOLEAN: ((bool,), "true or false"),
    Kind.DATETIME: ((str,), "a time in quotes such as '2024-03-01'"),
}
"""What a column of each kind is compared with."""


def check_where(section: Section, condition: str, features: Sequence[Column] | None) -> None:
    """Note what is wrong with the `where` of a segment, each at its own place in the file.

    Columns and values are checked where the features are declared.
    """
    node = section.node("where")
    assert isinstance(node, Scalar)
    faults, path = section.faults, section.under("where")
    begin = node.place.column + (not node.plain)
    try:
        found = where.parse(condition)
    except WhereError as error:
        place = Place(node.place.line, begin + error.place)
        what = f"`{error.found}`" if error.found else "its end"
        faults.add(place, path, f"has {what} here; expected {error.expected}")
        return
    if features is None:
        return
    kinds = {feature.name: feature.kind for feature in features}
    for one in where.comparisons(found):
        place = Place(node.place.line, begin + one.place)
        try:
            _suits(one, kinds, faults)
        except Wrong as wrong:
            hint = "" if wrong.meant is None else f" (did you mean {wrong.meant}?)"
            faults.add(place, path, f"names {one.column} here; expected {wrong.expected}{hint}")


def _suits(one: Compared | Among | Absent, kinds: dict[str, Kind], faults: Faults) -> None:
    kind = kinds.get(one.column)
    if kind is None:
        raise Wrong("one of the declared features", faults.nearest(one.column, kinds))
    if isinstance(one, Compared) and where.is_order(one) and kind not in _SIZED:
        raise Wrong(f"=, != or in after it, since a {kind} column has no order")
    types, words = _SUITS[kind]
    values: tuple[Literal, ...] = ()
    if isinstance(one, Compared):
        values = (one.value,)
    elif isinstance(one, Among):
        values = one.values
    if any(type(value) not in types for value in values):
        raise Wrong(f"{words} to compare it with, since it is {kind}")
