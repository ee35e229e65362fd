"""Which column is which, where a body tells it by place, by number or by half."""

import msgspec
import pytest

from controlplane.domain.errors import BadInput
from controlplane.domain.policy import Label
from controlplane.domain.schema import Column, Schema, Task
from controlplane.ingest.layout import Layout, inputs, layout_of, outputs
from controlplane.ingest.payloads.reading import read_payload
from controlplane.policy.defaults import policy_of
from detectors.finding import Kind
from tests.stored import MODEL

WIND = (Column("wind", Kind.NUMERIC),)
BOAT = (*WIND, Column("sail", Kind.CATEGORICAL))
SAILS = {"jib": "s_jib", "main": "s_main", "none": "s_none"}


def laid_out(
    task: Task, told: tuple[str, ...] = (), schema: Schema | None = None, **file: object
) -> Layout:
    policy = msgspec.structs.replace(policy_of(MODEL, task, "late"), **file)
    return layout_of(policy, schema, (), told)


def answered(layout: Layout, body: object) -> dict[str, list[object]]:
    return outputs(layout, read_payload(msgspec.json.encode(body)))


def asked(layout: Layout, body: object) -> dict[str, list[object]]:
    return inputs(layout, read_payload(msgspec.json.encode(body)))


BINARY = laid_out(Task.BINARY, label=Label(column="late", positive="yes"))
UNSAID = laid_out(Task.BINARY)
MANY = laid_out(Task.MULTICLASS, scores=SAILS)
NUMBER = laid_out(Task.REGRESSION)
TENSORS = {"outputs": [
    {"name": "predict", "shape": [2], "datatype": "BYTES", "data": ["main", "jib"]},
    {"name": "predict_proba", "shape": [2, 3], "datatype": "FP64", "data": [0.1, 0.7, 0.2, 0.5, 0.3, 0.2]},
]}  # fmt: skip

OUTPUTS = {
    "a number": (NUMBER, {"predictions": [1, 2.5]}, {"prediction": [1, 2.5]}),
    "a number under another name": (NUMBER, {"predictions": [{"price": 3}]}, {"prediction": [3]}),
    "a number in a list": (NUMBER, {"predictions": [[1.5], [2]]}, {"prediction": [1.5, 2]}),
    "classes": (BINARY, {"predictions": ["yes", "no"]}, {"prediction": ["yes", "no"]}),
    "whole numbers are classes": (UNSAID, {"predictions": [1, 0]}, {"prediction": [1, 0]}),
    "1.0 and 0.0 are classes to who knows no positive one": (UNSAID, {"predictions": [1.0, 0.0]}, {"prediction": [1.0, 0.0]}),
    "a probability": (BINARY, {"predictions": [0.5, 0.25]}, {"score": [0.5, 0.25], "prediction": ["yes", "no"]}),
    "two probabilities": (BINARY, {"predictions": [[0.2, 0.8]]}, {"score": [0.8], "prediction": ["yes"]}),
    "a missing probability": (BINARY, {"outputs": {"score": [0.5, None]}}, {"score": [0.5, None], "prediction": ["yes", None]}),
    "by name": (BINARY, {"predictions": [{"prediction": "no", "score": 0.7, "more": 1}]}, {"prediction": ["no"], "score": [0.7], "more": [1]}),
    "by the names of the classes": (MANY, {"data": {"names": ["main", "none", "jib"], "ndarray": [[0.1, 0.7, 0.2]]}},
                                    {"s_main": [0.1], "s_none": [0.7], "s_jib": [0.2], "prediction": ["none"]}),
    "a score a class": (MANY, {"predictions": [[0.1, 0.2, 0.7]]}, {"s_jib": [0.1], "s_main": [0.2], "s_none": [0.7], "prediction": ["none"]}),
    "a tensor beside scores": (MANY, TENSORS, {"prediction": ["main", "jib"], "s_jib": [0.1, 0.5], "s_main": [0.7, 0.3], "s_none": [0.2, 0.2]}),
    "as the address names them": (laid_out(Task.REGRESSION, ("spread", "prediction")), {"predictions": [[9, 1.5]]}, {"spread": [9], "prediction": [1.5]}),
    "a score as the address names it": (laid_out(Task.BINARY, ("score",), label=Label(column="late", positive="1")), {"predictions": [0.9]},
                                        {"score": [0.9], "prediction": ["1"]}),
}  # fmt: skip


@pytest.mark.parametrize("case", OUTPUTS)
def test_outputs_are_told_by_name_by_number_and_by_the_model_file(case: str) -> None:
    layout, body, expected = OUTPUTS[case]
    assert answered(layout, body) == expected


REFUSED = {
    "a probability of which class": (UNSAID, {"predictions": [0.3]}, "label: {column: …, positive: …}"),
    "two numbers of a regression": (NUMBER, {"predictions": [[1, 2]]}, "it is not certain what they are"),
    "another number of classes": (MANY, {"predictions": [[0.5, 0.5]]}, "2 scores a row, the model file names 3"),
    "no name of ours": (laid_out(Task.REGRESSION, ("mean",)), {"predictions": [1]}, "and no prediction; name its columns"),
    "fewer names than values": (laid_out(Task.REGRESSION, ("prediction",)), {"predictions": [[1, 2]]}, "2 values a row without names; expected 1"),
    "a word for a score": (BINARY, {"predictions": [["a", "b"]]}, "a score of the response is no number"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_outputs_that_are_not_certain_are_refused_with_what_to_say(case: str) -> None:
    layout, body, says = REFUSED[case]
    with pytest.raises(BadInput) as refused:
        answered(layout, body)
    assert says in str(refused.value)


def test_the_order_of_inputs_is_that_of_the_address_the_file_or_the_first_rows() -> None:
    body = {"instances": [[1.5, "jib"]]}
    schema = Schema(task=Task.REGRESSION, features=tuple(reversed(BOAT)))
    policy = msgspec.structs.replace(policy_of(MODEL, Task.REGRESSION, "late"), features=BOAT)
    for told, file, known, order in (
        (("x", "y"), policy, schema, ["x", "y"]),
        ((), policy, schema, ["wind", "sail"]),
        ((), policy_of(MODEL, Task.REGRESSION, "late"), schema, ["sail", "wind"]),
    ):
        assert list(asked(layout_of(file, known, told, ()), body)) == order
    with pytest.raises(BadInput, match="declare `features` in the model file"):
        asked(NUMBER, body)


def test_a_tensors_own_name_is_no_feature_where_there_is_one_feature() -> None:
    one = laid_out(Task.REGRESSION, features=WIND)
    for name, expected in (
        ("input-0", {"wind": [1, 2]}),
        ("wind", {"wind": [1, 2]}),
        ("id", {"id": [1, 2]}),
    ):
        body = {"inputs": [{"name": name, "shape": [2, 1], "datatype": "INT64", "data": [1, 2]}]}
        assert asked(one, body) == expected
    several = laid_out(Task.REGRESSION, features=BOAT)
    mixed = {"inputs": [
        {"name": "wind", "shape": [1], "datatype": "INT64", "data": [1]},
        {"name": "more", "shape": [1, 2], "datatype": "INT64", "data": [1, 2]},
    ]}  # fmt: skip
    with pytest.raises(BadInput, match="2 values a row under more, beside others"):
        asked(several, mixed)
