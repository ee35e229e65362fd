"""Captured data of SageMaker's, line by line and laid out together; and its files of labels."""

import base64
import json
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from controlplane.domain.errors import BadInput
from controlplane.domain.policy import Label
from controlplane.domain.schema import Task
from controlplane.ingest.batch import Batch, Feed
from controlplane.ingest.checking import Checked, Terms, check
from controlplane.ingest.decode import decode
from controlplane.ingest.formats.sagemaker import is_captured
from controlplane.ingest.inference import schema_of
from controlplane.ingest.layout import Layout, layout_of
from controlplane.policy.defaults import policy_of
from tests.captured import GOLDEN
from tests.stored import MODEL, NOON

CHURN = msgspec.structs.replace(
    policy_of(MODEL, Task.BINARY, "churn"), label=Label(column="churn", positive="1")
)
FEATURES = ("age", "calls", "minutes")


def laid_out(policy=CHURN, features=FEATURES, outputs=()) -> Layout:
    return layout_of(policy, None, features, outputs)


def read(body: bytes, feed: str = "predictions", layout: Layout | None = None) -> Batch:
    return decode("application/jsonlines", body, feed=feed, layout=lambda: layout or laid_out())


def listed(batch: Batch) -> dict[str, list[object]]:
    return {
        name: values if isinstance(values, list) else values.to_pylist()
        for name, values in batch.columns.items()
    }


def checked(batch: Batch, policy=CHURN, feed: Feed = Feed.PREDICTIONS) -> Checked:
    terms = Terms(feed=feed, known_at=NOON, label="churn")
    return check(batch, schema_of(policy, batch.columns), terms)


def line(asked: object, answered: object, **more: object) -> bytes:
    """A line of captured data; bodies are CSV where they are texts, else JSON."""

    def side(data: object) -> dict[str, str]:
        if isinstance(data, dict) and "encoding" in data:
            return data
        text = isinstance(data, str)
        return {"data": data if text else json.dumps(data), "encoding": "CSV" if text else "JSON"}

    facts = {"eventId": "e1", "inferenceTime": "2024-01-01T00:00:00Z"} | more
    captured = {"endpointInput": side(asked), "endpointOutput": side(answered)}
    return msgspec.json.encode({"captureData": captured, "eventMetadata": facts})


def test_lines_of_every_encoding_become_rows_under_their_ids_and_times() -> None:
    batch = read((GOLDEN / "sagemaker_captured.jsonl").read_bytes())
    event = "aaaaaaaa-bbbb-cccc-dddd-00000000000"
    found = listed(batch)
    assert found["id"] == [
        f"{event}1", "order-2", f"{event}3:0", f"{event}3:1", f"{event}4:0", f"{event}4:1",
        f"{event}5", f"{event}6:0", f"{event}6:1", f"{event}7",
    ]  # fmt: skip
    assert found["age"] == [69, 94, 1, 4, 7, 10, 12, 15, 16, 21]
    assert found["minutes"] == [153.7, 197.1, 3.5, 6.5, 9.5, None, 14.5, 19.5, 20.5, 23.5]
    assert found["score"] == [
        0.0254181120544672,
        0.7675325,
        0.25,
        0.75,
        0.5,
        0.9,
        0.9,
        0.1,
        0.6,
        0.125,
    ]
    assert found["prediction"] == list("0101111010")
    assert found["at"][:3] == [
        "2024-01-01T17:25:41Z",
        "2024-01-01T17:25:42Z",
        "2024-01-01T17:25:43Z",
    ]
    assert batch.lines is not None
    assert batch.lines.tolist() == [1, 2, 3, 3, 4, 4, 5, 6, 6, 7]
    assert checked(batch).rejection.rows == 0


def test_a_file_of_labels_names_the_rows_of_the_captured_data() -> None:
    predictions = listed(read((GOLDEN / "sagemaker_captured.jsonl").read_bytes()))
    labels = listed(read((GOLDEN / "sagemaker_truth.jsonl").read_bytes(), "labels"))
    assert labels["label"] == [0, 1, 0, 1]
    assert labels["id"] == predictions["id"][:4]
    assert "at" not in labels


FORMS = {
    "rows of lists": ([[1, 2, 3.5]], [0.75]), "rows of objects": ([{"age": 1, "calls": 2, "minutes": 3.5}], [0.75]),
    "one object": ({"age": 1, "calls": 2, "minutes": 3.5}, 0.75), "instances": ({"instances": [[1, 2, 3.5]]}, {"predictions": [0.75]}),
    "columns": ({"age": [1], "calls": [2], "minutes": [3.5]}, {"predictions": [[0.25, 0.75]]}),
    "quoted": ('"1","2", 3.5', "0.75\n"), "score by name": ("1,2,3.5", {"score": 0.75}),
    "both by name": ("1,2,3.5", {"score": 0.75, "prediction": 1}), "blank lines": ("\n1,2,3.5\r\n\n", "0.75"),
    "base64": ({"data": base64.b64encode(b'[[1,2,3.5]]').decode(), "encoding": "BASE64"}, "0.75"),
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_a_body_of_any_form_says_the_same(form: str) -> None:
    batch = read(line(*FORMS[form]))
    rows = checked(batch).rows
    assert rows is not None
    [row] = rows.select(["id", *FEATURES, "prediction", "score:1"]).to_pylist()
    assert row == {
        "id": "e1", "age": 1, "calls": 2, "minutes": 3.5, "prediction": "1", "score:1": 0.75,
    }  # fmt: skip


WRONG = {
    "no output": (b'{"captureData": {"endpointInput": {"data": "1"}}, "eventMetadata": {"eventId": "a"}}', "it has no endpointOutput"),
    "labels": (b'{"groundTruthData": {"data": "1"}, "eventMetadata": {"eventId": "a"}}', "lines of groundTruthData are labels"),
    "no id": (line("1,2,3", "0.5", eventId=""), "it has no eventId"), "cut off": (line("1,2,3", "0.5")[:-9], "no line of captured data"),
    "width": (line("1,2", "0.5"), "2 values a row without names; expected 3"), "rows": (line("1,2,3\n4,5,6", "1\n2\n3"), "2 rows were asked about and 3 answered"),
    "encoding": (line({"data": "x", "encoding": "AVRO"}, "1"), "in the encoding 'AVRO'"), "base64": (line({"data": "/w==", "encoding": "BASE64"}, "1"), "no text in base64"),
    "empty": (line("", "0.5"), "0 rows were asked about and 1 answered"), "ragged": (line("1,2,3\n4,5", "0.5\n0.5"), "2 to 3 values"),
    "JSON": (line({"data": "{", "encoding": "JSON"}, "1"), "not JSON"), "three scores": (line("1,2,3", "1,2,3"), "3 scores a row"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_a_line_of_no_use_costs_itself_alone_and_is_named(case: str) -> None:
    wrong, says = WRONG[case]
    body = b"\n".join([line("1,2,3.5", "0.5"), b"", wrong, line("4,5,6.5", "0.25", eventId="e3")])
    found = checked(read(body))
    assert found.rows is not None
    assert found.rows["id"].to_pylist() == ["e1", "e3"]
    [error] = found.rejection.errors
    assert error.line == 3
    assert error.message.startswith("line 3: ")
    assert says in error.message


def test_what_the_address_and_the_task_say_decides_what_outputs_are() -> None:
    body = line("1,2,3.5", {"predictions": [1], "probabilities": [0.85]})
    with_names = laid_out(outputs=("prediction", "score"))
    found = listed(read(body, layout=with_names))
    assert (found["prediction"], found["score"]) == ([1], [0.85])
    regression = layout_of(policy_of(MODEL, Task.REGRESSION, "late"), None, FEATURES, ())
    assert listed(read(line("1,2,3.5", "0.85"), layout=regression))["prediction"] == [0.85]
    unsaid = layout_of(policy_of(MODEL, Task.BINARY, "late"), None, FEATURES, ())
    says = read(line("1,2,3.5", "0.85"), layout=unsaid).unreadable[0].says
    assert "label: {column: …, positive: …}" in says


def test_texts_are_typed_over_all_lines_and_kept_where_one_is_a_word() -> None:
    body = b"\n".join(line(f"{n},0{n},word", "0.5", eventId=f"e{n}") for n in range(3))
    found = listed(read(body))
    assert (found["age"], found["calls"], found["minutes"]) == (
        [0, 1, 2], ["00", "01", "02"], ["word"] * 3,
    )  # fmt: skip


def test_lines_are_told_from_other_json_lines_by_the_first() -> None:
    captured = (GOLDEN / "sagemaker_captured.jsonl").read_bytes()
    assert is_captured(captured)
    assert is_captured(b"\xef\xbb\xbf\r\n\n" + captured)
    assert is_captured((GOLDEN / "sagemaker_truth.jsonl").read_bytes())
    assert not is_captured(b'{"id": "a"}\n' + captured)
    assert not is_captured(b"")
    assert not is_captured(b"[]\n")
    plain = decode("application/jsonl", b'{"id": "a"}\n', feed="labels", layout=laid_out)
    assert listed(plain) == {"id": ["a"]}
    with_layout = Path(GOLDEN / "sagemaker_truth.jsonl").read_bytes()
    assert "groundTruthData" in decode("application/jsonl", with_layout, feed="labels").columns


LINES = st.lists(
    st.sampled_from([line("1,2,3", "0.5"), line([[1, 2, 3]], [0.5]), b"{", b"", b'{"captureData": 1}'])
    | st.binary(max_size=20).filter(lambda b: b"\n" not in b),
    max_size=5,
)  # fmt: skip


@given(LINES, st.sampled_from(Feed))
def test_every_line_is_a_row_or_said_to_be_none(lines: list[bytes], feed: Feed) -> None:
    body = b"\n".join([line("1,2,3", "0.5"), *lines])
    try:
        batch = read(body, feed)
    except BadInput:
        return
    assert batch.lines is not None
    assert np.all(np.diff(batch.lines) >= 0)
    blank = sum(not text.strip(b"\xef\xbb\xbf \t\r\n") for text in lines)
    assert len(set(batch.lines.tolist())) == len(lines) + 1 - blank
    assert set(batch.unreadable) <= set(range(batch.rows))
