"""Every failure is a problem document."""

import pytest

from controlplane.domain.errors import (
    BadInput,
    Conflict,
    FileErrors,
    LocatedError,
    NotFound,
    Overloaded,
    Refused,
    StorageError,
)


@pytest.mark.parametrize(
    ("error", "status", "kind"),
    [
        (BadInput("no"), 422, "bad-input"), (NotFound("no"), 404, "not-found"),
        (Conflict("no"), 409, "conflict"), (Refused("no"), 409, "refused"),
        (Overloaded("no"), 503, "overloaded"), (StorageError("no"), 507, "storage"),
    ],
)  # fmt: skip
async def test_each_of_our_errors_has_its_status_and_type(
    client, bikes, actions, error, status, kind
):
    actions.refusal = error

    answer = await client.post("/v1/models/bikes/rollback", json={"reason": "worse"})

    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json() == {
        "type": f"urn:leeboard:problem:{kind}", "title": answer.json()["title"],
        "status": status, "detail": "no",
    }  # fmt: skip


async def test_a_full_queue_says_when_to_come_back(client, bikes, actions):
    actions.refusal = Overloaded("the write queue is full")

    answer = await client.post("/v1/models/bikes/rollback", json={})

    assert int(answer.headers["retry-after"]) >= 1


async def test_what_nobody_expected_leaves_without_its_words(client, bikes, actions, capsys):
    actions.refusal = RuntimeError("password=hunter2")

    answer = await client.post(
        "/v1/models/bikes/rollback", json={}, headers={"x-request-id": "abc-1"}
    )

    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert "hunter2" not in answer.text
    assert "Traceback" not in answer.text
    assert answer.headers["x-request-id"] == "abc-1"
    logged = capsys.readouterr().out
    assert "hunter2" in logged
    assert "abc-1" in logged
    assert "lee_owner" not in logged


async def test_a_model_files_errors_carry_their_lines(client, actions):
    actions.refusal = FileErrors(
        "bikes.yaml",
        tuple(LocatedError(n, 12, "retrain.when[0].drift.share", "is 30") for n in range(1, 31)),
    )

    answer = await client.put("/v1/models/bikes", content=b"model: bikes")

    body = answer.json()
    assert answer.status_code == 422
    assert body["errors_total"] == 30
    assert len(body["errors"]) == 20
    assert body["errors"][2] == {
        "pointer": "/retrain/when/0/drift/share", "message": "is 30", "line": 3, "column": 12,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/nothing", 404), ("PATCH", "/v1/models", 405), ("GET", "/v1/models/absent", 404),
     ("GET", "/v1/runs/r_0", 404), ("GET", "/v1/decisions/d_0", 404), ("GET", "/v1/trials/t", 404),
     ("GET", "/v1/windows/w/findings", 404), ("GET", "/v1/artifacts/x", 404),
     ("GET", "/v1/artifacts/" + "a" * 64, 404), ("GET", "/v1/alerts/a", 404)],
)  # fmt: skip
async def test_what_is_not_there_is_a_problem_document(client, method, path, status):
    answer = await client.request(method, path)

    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == status


@pytest.mark.parametrize(
    ("body", "pointer"),
    [(b'{"known_at": "2024-03-01T00:00:00"}', "/known_at"), (b'{"known_at": 1}', "/known_at"),
     (b'{"known_at": "2024-03-01T00:00:00Z", "finale": true}', ""), (b"{}", "/known_at")],
)  # fmt: skip
async def test_a_wrong_body_is_told_with_its_place(client, bikes, body, pointer):
    answer = await client.post(
        "/v1/models/bikes/time", content=body, headers={"content-type": "application/json"}
    )

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"] == pointer


@pytest.mark.parametrize("body", [b"{", b'{"reason": "\xff"}', b"[]", b"\x00"])
async def test_a_body_that_is_no_json_is_the_clients_fault(client, bikes, body):
    answer = await client.post(
        "/v1/models/bikes/rollback", content=body, headers={"content-type": "application/json"}
    )

    assert answer.status_code == 400


@pytest.mark.parametrize(
    "headers",
    [{"content-type": "text/xml"}, {"content-type": "application/json", "content-encoding": "br"}],
)
async def test_an_unknown_content_type_or_encoding_is_415(client, bikes, headers):
    answer = await client.post("/v1/models/bikes/rollback", content=b"{}", headers=headers)

    assert answer.status_code == 415


@pytest.mark.parametrize(
    ("query", "name"),
    [("from=2024-03-01", "from"), ("to=2024-03-01T00:00:00", "to"), ("as_of=noon", "as_of"),
     ("limit=0", "limit"), ("limit=1001", "limit"), ("limit=x", "limit"), ("cursor=zz", "cursor"),
     ("order=up", "order")],
)  # fmt: skip
async def test_a_wrong_question_is_told_by_name(client, bikes, query, name):
    answer = await client.get(f"/v1/models/bikes/windows?{query}")

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"] == f"?{name}"


async def test_a_request_gets_an_id_and_a_strange_one_is_replaced(client):
    first = await client.get("/healthz")
    second = await client.get("/healthz", headers={"x-request-id": "a b\tc"})

    assert first.headers["x-request-id"] != second.headers["x-request-id"]
    assert second.headers["x-request-id"] != "a b\tc"
