"""Bodies of requests, responses and events: any protocol tells the same, and no bytes break them."""

import json
from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from controlplane.domain.errors import BadInput
from controlplane.domain.schema import Schema, Task
from controlplane.ingest.batch import Feed
from controlplane.ingest.eventful import rows_of
from controlplane.ingest.formats.cloudevents import BATCHED, STRUCTURED, Event, events_of
from controlplane.ingest.layout import inputs, layout_of, outputs
from controlplane.ingest.payloads.reading import read_payload
from controlplane.policy.defaults import policy_of
from tests.stored import MODEL

NUMBER = st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False)
LEAF = st.none() | st.booleans() | NUMBER | st.text(max_size=4)
JSON = st.recursive(
    LEAF,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip
WORDS = ("instances", "predictions", "inputs", "outputs", "data", "jsonData", "names", "ndarray",
         "tensor", "shape", "values", "name", "datatype", "error")  # fmt: skip
BODY = st.recursive(
    JSON | st.sampled_from(["FP32", "BYTES", "BOOL"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=5),
    max_leaves=20,
)  # fmt: skip


@st.composite
def matrices(draw: st.DrawFn) -> list[list[float]]:
    width = draw(st.integers(1, 4))
    row = st.lists(st.floats(-1e6, 1e6), min_size=width, max_size=width)
    return draw(st.lists(row, min_size=1, max_size=4))


@given(matrices())
def test_every_protocol_tells_the_same_columns(rows: list[list[float]]) -> None:
    shape = [len(rows), len(rows[0])]
    flat = [value for row in rows for value in row]
    names = [f"c{place}" for place in range(shape[1])]
    tensor = {"name": "x", "shape": shape, "datatype": "FP64"}
    positional = [
        {"instances": rows}, {"inputs": rows}, {"inputs": [tensor | {"data": flat}]},
        {"inputs": [tensor | {"data": rows}]}, {"data": {"ndarray": rows}},
        {"data": {"tensor": {"shape": shape, "values": flat}}}, {"jsonData": rows},
    ]  # fmt: skip
    columns = dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))
    named = [
        {"instances": [dict(zip(names, row, strict=True)) for row in rows]},
        {"instances": [{n: [v] for n, v in zip(names, row, strict=True)} for row in rows]},
        {"inputs": columns}, {"data": {"names": names, "ndarray": rows}},
        {"inputs": [{"name": n, "shape": [len(rows), 1], "datatype": "FP64", "data": v} for n, v in columns.items()]},
    ]  # fmt: skip
    policy = policy_of(MODEL, Task.REGRESSION, "late")
    told = layout_of(policy, None, names, ())
    for body in positional:
        assert inputs(told, read_payload(msgspec.json.encode(body))) == columns
    for body in named:
        assert (
            inputs(layout_of(policy, None, (), ()), read_payload(json.dumps(body).encode()))
            == columns
        )


@given(BODY, BODY, st.sampled_from(Task), st.lists(st.sampled_from("abc"), unique=True))
def test_no_body_breaks_what_reads_it(
    asked: object, answered: object, task: Task, features: list[str]
) -> None:
    schema = Schema(
        task=task, scores={} if task is Task.REGRESSION else {"1": "score"}, positive="1"
    )
    layout = layout_of(policy_of(MODEL, task, "late"), schema, features, ())
    for body, of in ((asked, inputs), (answered, outputs)):
        try:
            found = of(layout, read_payload(json.dumps(body).encode()))
        except BadInput:
            continue
        assert len({len(column) for column in found.values()}) == 1


@given(st.binary(max_size=60))
def test_no_bytes_break_what_reads_bodies(body: bytes) -> None:
    for content in (body, b'{"instances": ' + body, b"\x1f\x8b" + body):
        try:
            read_payload(content)
        except BadInput:
            continue


HEADERS = st.dictionaries(
    st.sampled_from(["ce-id", "ce-type", "ce-source", "ce-time", "ce-specversion", "ce-x", "content-type"]),
    st.text(max_size=8) | st.sampled_from(["1.0", "application/json", "2024-01-01T00:00:00Z"]),
)  # fmt: skip


@given(HEADERS, JSON | BODY, st.sampled_from(["application/json", STRUCTURED, BATCHED, "text/csv"]))
def test_no_event_breaks_what_reads_events(
    headers: dict[str, str], told: object, kind: str
) -> None:
    event = {"id": "a", "source": "s", "type": "t", "specversion": "1.0", "data": told}
    for body in (told, event, [event, told, event]):
        try:
            rows_of(events_of(kind, json.dumps(body).encode(), headers), Feed.PREDICTIONS)
        except BadInput:
            continue


@pytest.mark.parametrize(
    "text", ["[" * 200_000, "9" * 1_000_000, "-1e999999999", "NaN", '{"a":' * 50_000, "1" * 5000 + ".0"]
)  # fmt: skip
def test_numbers_without_end_and_depths_without_ground_are_refused_or_numbers(text: str) -> None:
    body = f'{{"instances": [[{text}]]}}'.encode()
    event = Event(id="a", source="s", type="t", at=datetime(2024, 1, 1, tzinfo=UTC),
                  content_type="application/json", data=body)  # fmt: skip
    said = []
    for work in (
        lambda: read_payload(body),
        lambda: rows_of([event], Feed.PREDICTIONS),
        lambda: rows_of([event] * 2, Feed.LABELS),
    ):
        try:
            work()
        except BadInput as error:
            said.append(str(error))
    assert all(len(text) < 1_000 for text in said)
