"""CloudEvents whose data are rows of ours, as the events' own library writes them, and otherwise."""

import msgspec

from controlplane.ingest.decode import FORMATS
from controlplane.ingest.formats.cloudevents import BATCHED, STRUCTURED
from controlplane.store.ports import Known
from tests.captured import captured

PATH = "/v1/models/bikes/predictions"
TOLD = {"ce-id": "e9", "ce-source": "s", "ce-type": "com.example.row", "ce-specversion": "1.0",
        "ce-time": "2024-01-01T06:00:00.5+02:00"}  # fmt: skip


def rows(store) -> list[tuple[str, str, float, float]]:
    with store.read() as view:
        found = view.events.rows("bikes", ["temp", "season"], Known()).to_pylist()
    return [
        (r["id"], f"{r['at']:%m-%dT%H:%M:%S.%f}"[:16], r["temp"], r["prediction"]) for r in found
    ]


async def test_an_event_is_a_row_under_its_own_id_and_time(client, store, bikes) -> None:
    for name in ("binary", "structured", "structured_csv", "batch"):
        headers, body = captured(f"cloudevent_{name}")
        answer = await client.post(PATH, content=body, headers=headers)
        assert (answer.status_code, answer.json()["rejected"]) == (200, 0), answer.text
    assert rows(store) == [
        ("e1", "01-01T07:00:00.0", 4.25, 2.1), ("e2", "01-01T08:00:00.0", 4.25, 2.1),
        ("e3:0", "01-01T09:00:00.0", 4.25, 2.1), ("e3:1", "01-01T09:00:00.0", 5.5, 3.0),
        ("e4", "01-01T10:00:00.0", 4, 2.1), ("e5", "01-01T11:00:00.0", 5, 2.1),
        ("e6", "01-01T12:00:00.0", 6, 2.1),
    ]  # fmt: skip
    again = await client.post(PATH, content=body, headers=headers)
    assert again.json()["duplicates"] == 3


async def test_what_the_row_says_itself_counts(client, store, bikes) -> None:
    row = {"id": "mine", "at": "2024-01-01T01:00:00Z", "temp": 1, "prediction": 2}
    assert (await client.post(PATH, json=row, headers=TOLD)).json()["accepted"] == 1
    escaped = TOLD | {"ce-id": "caf%C3%A9"}
    bare = {"temp": 1, "prediction": 2}
    assert (await client.post(PATH, json=bare, headers=escaped)).json()["accepted"] == 1
    assert [row[:2] for row in rows(store)] == [
        ("mine", "01-01T01:00:00.0"), ("café", "01-01T04:00:00.5"),
    ]  # fmt: skip


async def test_labels_and_kpis_come_as_events_too_but_a_label_names_its_prediction(
    client, bikes
) -> None:
    label, kpi = TOLD | {"content-type": "application/json"}, TOLD
    answer = await client.post(
        "/v1/models/bikes/labels", json={"id": "a", "label": 3}, headers=label
    )
    assert answer.json()["accepted"] == 1
    answer = await client.post("/v1/models/bikes/labels", json={"label": 3}, headers=label)
    assert answer.status_code == 422
    answer = await client.post(
        "/v1/models/bikes/kpis", json={"name": "revenue", "value": 5}, headers=kpi
    )
    assert answer.json()["accepted"] == 1


async def test_a_broken_event_of_a_batch_costs_itself_alone(client, store, bikes) -> None:
    _, body = captured("cloudevent_batch")
    good = msgspec.json.decode(body)
    odd = [{"id": "x"}, 7, good[1] | {"specversion": "9"}, good[1] | {"data": [1]},
           good[1] | {"time": "yesterday"}, good[1] | {"data": {"temp": "hot"}}]  # fmt: skip
    batch = [good[0], *odd, good[2]]
    answer = await client.post(
        PATH, json=batch, headers={"content-type": "application/cloudevents-batch+json"}
    )
    receipt = answer.json()
    assert (receipt["accepted"], receipt["rejected"]) == (2, 6)
    said = {error["row"]: (error["pointer"], error["message"]) for error in receipt["errors"]}
    assert said[1][1].startswith("/1: the body is no CloudEvent")
    assert "specversion is '9'" in said[3][1]
    assert "are no JSON row" in said[4][1]
    assert "time is 'yesterday'" in said[5][1]
    assert said[6] == ("/6/data/temp", "temp is 'hot'; expected a number")
    assert [row[0] for row in rows(store)] == ["e4", "e6"]


async def test_the_document_lists_every_type_that_is_taken(client) -> None:
    document = (await client.get("/schema/openapi.json")).json()
    for feed in ("predictions", "labels", "kpis", "reference"):
        operation = document["paths"][f"/v1/models/{{model}}/{feed}"]["post"]
        assert set(operation["requestBody"]["content"]) == {*FORMATS, STRUCTURED, BATCHED}


async def test_what_is_no_event_is_refused_with_what_is_missing(client, bikes) -> None:
    structured = {"content-type": "application/cloudevents+json"}
    row = b'{"temp": 1, "prediction": 2}'
    cases = [
        ({k: v for k, v in TOLD.items() if k != "ce-id"}, row, 422, "the header ce-id is missing"),
        (TOLD | {"ce-specversion": "2.0"}, row, 415, "specversion is '2.0'; expected one of 1.0"),
        (TOLD | {"ce-time": "2024-01-01T06:00:00"}, row, 422, "expected one with an offset"),
        (TOLD | {"ce-id": "x" * 1001}, row, 422, "id has 1001 characters"),
        (TOLD | {"content-type": "text/html"}, row, 415, "the content type is text/html"),
        (structured, b"[", 422, "the body is no CloudEvent"),
        (structured, b"[" * 99_999, 422, "CloudEvent"),
        (structured, b'{"specversion": "1.0", "id": "a", "source": "s", "type": "t", "data_base64": "*"}', 422, "not base64"),
        (structured, b'{"specversion": "1.0", "id": "a", "source": "s", "type": "t"}', 422, "not JSON"),
        ({"content-type": "application/cloudevents-batch+json"}, b"{}", 422, "no CloudEvent"),
    ]  # fmt: skip
    for headers, body, status, says in cases:
        answer = await client.post(PATH, content=body, headers=headers)
        assert answer.status_code == status, (headers, answer.text)
        assert says in answer.json()["detail"]
