"""The schema of a model whose file declares none: what the first rows say."""

from collections.abc import Collection, Mapping
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from controlplane.domain.errors import TooLarge
from controlplane.domain.names import MOST_FEATURES, RESERVED
from controlplane.domain.policy import Policy
from controlplane.domain.schema import Column, Schema, Task
from controlplane.ingest.batch import Unusable, Values
from controlplane.ingest.coercion import classes, moments, numbers
from detectors.finding import Kind

_OUTPUT: Final = frozenset({"prediction", "label_known_at"})
"""Beside the reserved names, columns that tables from the store have themselves."""
_POSITIVE: Final = ("true", "1", "yes")
"""Which of two classes is the positive one, where the model file does not say."""

_BY_TYPE: Final = (
    (pa.types.is_boolean, Kind.BOOLEAN),
    (pa.types.is_integer, Kind.NUMERIC),
    (pa.types.is_floating, Kind.NUMERIC),
    (pa.types.is_decimal, Kind.NUMERIC),
    (pa.types.is_timestamp, Kind.DATETIME),
    (pa.types.is_date, Kind.DATETIME),
    (pa.types.is_null, Kind.NUMERIC),
    (pa.types.is_string, Kind.CATEGORICAL),
)


def schema_of(policy: Policy, columns: Mapping[str, Values]) -> Schema:
    """The schema of a policy, its features from the file or else from the columns of first rows."""
    scores = _scores(policy, columns)
    taken = {policy.prediction, policy.label.column, *scores.values(), _one_score(policy)}
    features = policy.features
    if features is None:
        features = infer(columns, leave_out=taken)
    return Schema(
        task=policy.task, features=features, prediction=policy.prediction, scores=scores,
        positive=next(iter(scores), None) if policy.task is Task.BINARY else None,
    )  # fmt: skip


def infer(columns: Mapping[str, Values], *, leave_out: Collection[str] = ()) -> tuple[Column, ...]:
    """The features among columns, with their kinds, in the columns' order.

    A column without any value is taken for numeric, since most features are: where texts come
    later they are rejected by name, and the model file can declare the feature categorical.
    Columns of lists or objects are no features. Raises TooLarge beyond 1,000 features.

    >>> infer({"id": ["1"], "wind": [0.5, 2], "sky": ["clear", "rain"]})
    (Column(name='wind', kind=<Kind.NUMERIC: 'numeric'>), Column(name='sky', kind=<Kind.CATEGORICAL: 'categorical'>))
    """
    found = []
    for name, values in columns.items():
        if not name or name in RESERVED | _OUTPUT or name in leave_out or name.startswith("score:"):
            continue
        kind = _kind(values)
        if kind is not None:
            found.append(Column(name, kind))
    if len(found) > MOST_FEATURES:
        message = (
            f"the first rows have {len(found)} columns that could be features; expected at most "
            f"{MOST_FEATURES}: name the features in the model file"
        )
        raise TooLarge(message)
    return tuple(found)


def _kind(values: Values) -> Kind | None:
    """The kind of a column; None where its values can be no feature."""
    if isinstance(values, list):
        return _kind_of_mixed(values)
    if pa.types.is_string(values.type) and values.null_count < len(values):
        return Kind.DATETIME if _all_times(values) else Kind.CATEGORICAL
    return next((kind for is_of, kind in _BY_TYPE if is_of(values.type)), None)


def _kind_of_mixed(values: list[object]) -> Kind | None:
    """Numbers with truth values or very large ones among them are numeric; else they are words."""
    if any(isinstance(value, list | dict | Unusable) for value in values):
        return None
    if all(value is None or isinstance(value, int | float) for value in values):
        return Kind.NUMERIC if numbers(values).bad is None else None
    return Kind.CATEGORICAL


def _all_times(values: pa.ChunkedArray) -> bool:
    """Whether every text is a date or a time; the first decides most of the time."""
    first = values.drop_null().slice(0, 1)
    return moments(first).bad is None and not _blank(values) and moments(values).bad is None


def _blank(values: pa.ChunkedArray) -> bool:
    return bool(pc.any(pc.equal(pc.utf8_trim_whitespace(values), "")).as_py())


def _scores(policy: Policy, columns: Mapping[str, Values]) -> dict[str, str]:
    """Class to score column. Of several classes the columns `score_<class>` are taken where the
    file names none."""
    if policy.task is Task.REGRESSION:
        return {}
    if isinstance(policy.scores, str):
        if policy.task is Task.BINARY:
            return {policy.label.positive or _positive(policy, columns): policy.scores}
        return _named(f"{policy.scores}_", columns)
    if policy.task is Task.MULTICLASS and not policy.scores:
        return _named("score_", columns)
    return dict(policy.scores)


def _named(prefix: str, columns: Mapping[str, Values]) -> dict[str, str]:
    return {n.removeprefix(prefix): n for n in columns if n.startswith(prefix) and n != prefix}


def _one_score(policy: Policy) -> str:
    return policy.scores if isinstance(policy.scores, str) else policy.prediction


def _positive(policy: Policy, columns: Mapping[str, Values]) -> str:
    """The positive class by the predictions or labels of the first rows; `true` before any."""
    seen: set[str] = set()
    for name in (policy.prediction, policy.label.column, "label"):
        if name in columns:
            seen |= set(pc.unique(classes(columns[name]).values.drop_null()).to_pylist())
    known = next((word for word in _POSITIVE if word in seen), None)
    if known is not None or not seen:
        return known or "true"
    return {"false": "true", "0": "1", "no": "yes"}.get(min(seen), max(seen))
