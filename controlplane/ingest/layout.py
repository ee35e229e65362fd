"""Which column is which: the values of a request and its response under a model's own names.

Names that a body tells are taken. What it tells by place alone stands in the order of the model's
features; and of outputs, what they are is told by the task, their number and the model file. Where
that does not say it for certain, the address may (`?features=…&outputs=…`), else the body is
refused.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from controlplane.domain.errors import BadInput
from controlplane.domain.policy import Policy
from controlplane.domain.schema import Schema, Task
from controlplane.ingest.payloads.block import Block, Payload

Columns = dict[str, list[object]]

_OPPOSITE: Final[Mapping[str, str]] = {
    "true": "false", "false": "true", "1": "0", "0": "1", "yes": "no", "no": "yes",
}  # fmt: skip


class Layout(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a model's columns. `features` are in the order of bodies without names,
    None where nobody has told it; `outputs` those that the address names."""

    task: Task
    features: tuple[str, ...] | None
    outputs: tuple[str, ...]
    prediction: str
    scores: Mapping[str, str]
    """Class to the column of its score; of a binary model the positive class alone."""
    positive: str | None


def layout_of(
    policy: Policy, schema: Schema | None, features: Sequence[str], outputs: Sequence[str]
) -> Layout:
    """The layout by what the address tells, else the model file, else the first rows."""
    told: tuple[str, ...] | None = tuple(features) or None
    if told is None and policy.features is not None:
        told = tuple(column.name for column in policy.features)
    if told is None and schema is not None and schema.features:
        told = tuple(column.name for column in schema.features)
    scores, positive = _scores(policy, schema)
    return Layout(
        task=policy.task, features=told, outputs=tuple(outputs), prediction=policy.prediction,
        scores=scores, positive=positive,
    )  # fmt: skip


def _scores(policy: Policy, schema: Schema | None) -> tuple[Mapping[str, str], str | None]:
    positive = policy.label.positive
    if positive is None and schema is not None:
        positive = schema.positive
    if policy.task is Task.BINARY and isinstance(policy.scores, str):
        return ({positive: policy.scores} if positive is not None else {}), positive
    if not isinstance(policy.scores, str) and policy.scores:
        return policy.scores, positive
    return (schema.scores if schema is not None else {}), positive


def inputs(layout: Layout, request: Payload) -> Columns:
    """The columns of a request. Raises BadInput where nobody has told which column is which."""
    if len(request.blocks) == 1 and _is_positional(layout, request.blocks[0]):
        return _by_place(layout.features, request.blocks[0].columns, "features")
    found: Columns = {}
    for block in request.blocks:
        if block.name is None or len(block.columns) > 1:
            message = (
                f"the request has {len(block.columns)} values a row under "
                f"{block.name or 'no name'}, beside others; expected a name a column"
            )
            raise BadInput(message)
        found[block.name] = block.columns[0] if block.columns else []
    return found


def _is_positional(layout: Layout, block: Block) -> bool:
    """Whether a block's values stand for features by their place: it has no name, or one that is
    a tensor's and no feature's."""
    if block.name is None or len(block.columns) > 1:
        return True
    known = layout.features or ()
    return len(known) == 1 and block.name not in known and block.name != "id"


def outputs(layout: Layout, response: Payload) -> Columns:
    """The prediction and the scores of a response. Raises BadInput where it is not certain which
    is which."""
    columns = [column for block in response.blocks for column in block.columns]
    if layout.outputs:
        return _completed(layout, _by_place(layout.outputs, columns, "outputs"))
    own = {layout.prediction, *layout.scores.values(), "id"}
    names = [block.name for block in response.blocks]
    if any(name in own for name in names):
        return _completed(layout, {
            name: block.columns[0]
            for name, block in zip(names, response.blocks, strict=True)
            if name is not None and len(block.columns) == 1
        })  # fmt: skip
    if layout.scores and set(names) == set(layout.scores):
        by_class = {str(block.name): block.columns[0] for block in response.blocks}
        return _completed(layout, {layout.scores[c]: v for c, v in by_class.items()})
    return _completed(layout, _told_by_shape(layout, response, columns))


def _told_by_shape(layout: Layout, response: Payload, columns: list[list[object]]) -> Columns:
    """What outputs are by how many there are of them, and of which kind."""
    bare = [block.columns[0] for block in response.blocks if len(block.columns) == 1]
    wide = [block.columns for block in response.blocks if len(block.columns) > 1]
    if len(columns) == 1:
        return _one(layout, columns[0])
    if len(bare) == len(columns):
        # columns of one tensor or array each: as many as there are classes are their scores
        bare, wide = [], [columns]
    if len(wide) == 1 and len(bare) <= 1 and layout.task is not Task.REGRESSION:
        found = _probabilities(layout, wide[0])
        return found | ({layout.prediction: bare[0]} if bare else {})
    message = (
        f"the response has {len(columns)} values a row and it is not certain what they are; name "
        f"them in the address, such as ?outputs={layout.prediction}"
    )
    raise BadInput(message)


def _one(layout: Layout, column: list[object]) -> Columns:
    """One value a row: a prediction; of a binary model a probability, where none is whole."""
    is_known = layout.positive in layout.scores
    if layout.task is Task.BINARY and _are_probabilities(column, whole=is_known):
        _, score = _positive(layout)
        return {score: column}
    return {layout.prediction: column}


def _are_probabilities(column: list[object], *, whole: bool) -> bool:
    """Whether values are numbers within 0 and 1, written with a point; `whole`: they may all be 0.0
    and 1.0, which are classes to who does not know which class is which."""
    if not column or not all(isinstance(v, float) and 0.0 <= v <= 1.0 for v in column):
        return False
    return whole or not {0.0, 1.0}.issuperset(column)


def _probabilities(layout: Layout, columns: list[list[object]]) -> Columns:
    """A score a class: of a binary model of the negative and the positive one; of several in the
    order of the model file."""
    if layout.task is Task.BINARY and len(columns) == 2:  # noqa: PLR2004 - two classes
        _, score = _positive(layout)
        return {score: columns[1]}
    if layout.task is Task.MULTICLASS and len(columns) == len(layout.scores):
        return dict(zip(layout.scores.values(), columns, strict=True))
    message = (
        f"the response has {len(columns)} scores a row, the model file names "
        f"{len(layout.scores)}; name a column for each class under `score`, or all of them in the "
        "address (?outputs=…)"
    )
    raise BadInput(message)


def _positive(layout: Layout) -> tuple[str, str]:
    """The positive class and its score's column. Raises BadInput where it is not known."""
    if layout.positive is None or layout.positive not in layout.scores:
        message = (
            "the response has probabilities, and which class they are of is not known; say it in "
            "the model file: label: {column: …, positive: …}"
        )
        raise BadInput(message)
    return layout.positive, layout.scores[layout.positive]


def _by_place(names: Sequence[str] | None, columns: list[list[object]], kind: str) -> Columns:
    if names is None:
        message = (
            f"the body has {len(columns)} values a row without names, and the order of the model's "
            f"features is not known: declare `features` in the model file, or send a reference whose "
            f"columns are in that order, or say it in the address (?{kind}=a,b,…)"
        )
        raise BadInput(message)
    if len(names) != len(columns):
        message = (
            f"the body has {len(columns)} values a row without names; expected {len(names)}, the "
            f"{kind} {', '.join(names)[:200]}"
        )
        raise BadInput(message)
    return dict(zip(names, columns, strict=True))


def _completed(layout: Layout, found: Columns) -> Columns:
    """Where only scores came, the prediction is the class with the greatest one. Raises BadInput
    where there is nothing to tell it from."""
    if layout.prediction in found:
        return found
    if layout.task is Task.BINARY:
        positive, score = _positive(layout)
        if score in found:
            negative = _OPPOSITE.get(positive, f"not {positive}")
            odds = _numbers(found[score])
            stacked = np.vstack([1.0 - odds, odds])
            return found | {layout.prediction: _likeliest([negative, positive], stacked)}
    if layout.scores and set(layout.scores.values()) <= found.keys():
        stacked = np.vstack([_numbers(found[column]) for column in layout.scores.values()])
        return found | {layout.prediction: _likeliest(list(layout.scores), stacked)}
    message = (
        f"the response has {', '.join(found)[:200]} and no {layout.prediction}; name its columns "
        f"in the address, such as ?outputs={layout.prediction}"
    )
    raise BadInput(message)


def _likeliest(classes: list[str], scores: NDArray[np.float64]) -> list[object]:
    """The class with the greatest score, the later one of two that have it; None where a score is
    missing. `scores` has shape (classes, rows)."""
    missing = np.isnan(scores.sum(axis=0))
    last = len(classes) - 1 - scores[::-1].argmax(axis=0)
    return [None if gone else classes[place] for place, gone in zip(last, missing, strict=True)]


def _numbers(values: list[object]) -> NDArray[np.float64]:
    """Scores as doubles, shape (rows,). Raises BadInput for what is no number."""
    try:
        return np.array(values, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        raise BadInput("a score of the response is no number") from None
