"""The sentences of the API's contract, asked of a real server over HTTP."""

import gzip
import json
import stat
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from io import BytesIO

import httpx
import pyarrow as pa
import pytest
import zstandard

from tests.served import Served, problem

AT = "2024-03-01T06:00:00Z"
ROWS = "/v1/models/boats/predictions"
ARROW = "application/vnd.apache.arrow.stream"
JSON = "application/json"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with Served(tmp_path_factory.mktemp("contract") / "data") as server:
        yield server


@pytest.fixture
def client(served: Served) -> Iterator[httpx.Client]:
    """A client of a server whose model `boats` has no rows."""
    with served.client() as found:
        found.delete("/v1/models/boats?purge=true")
        served.apply()
        yield found


def stored(client: httpx.Client) -> dict[str, int]:
    """The model's counts of rows."""
    return client.get("/v1/models/boats").json()["summary"]["rows"]


def arrow(table: pa.Table, **options: object) -> bytes:
    file = BytesIO()
    written = pa.ipc.IpcWriteOptions(**options)
    with pa.ipc.new_stream(file, table.schema, options=written) as stream:
        stream.write_table(table)
    return file.getvalue()


def test_every_way_of_writing_rows_stores_the_same(client: httpx.Client) -> None:
    table = pa.table({"id": ["a"], "at": [datetime(2024, 3, 1, 6, tzinfo=UTC)], "wind": [4.0]})
    ways = {
        "columns": {"json": {"columns": {"id": ["a"], "at": [AT], "wind": [4]}}},
        "rows": {"json": {"rows": [{"id": "a", "at": AT, "wind": 4}]}},
        "row": {"json": {"id": "a", "at": AT, "wind": 4}},
        "arrow": {"content": arrow(table), "headers": {"content-type": ARROW}},
    }
    answers = {name: client.post(ROWS, **way).json() for name, way in ways.items()}

    assert answers["columns"] == {
        "accepted": 1, "duplicates": 0, "reused_ids": 0, "late": 0, "rejected": 0,
        "unknown_columns": {}, "errors": [], "watermark": AT, "waiting": 0,
    }  # fmt: skip
    for name in ("rows", "row", "arrow"):
        assert (name, answers[name]["accepted"], answers[name]["duplicates"]) == (name, 0, 1)
    assert stored(client) == {"predictions": 1, "labels": 0, "rejected": 0}


def test_bad_rows_are_named_with_their_place_and_the_others_stored(client: httpx.Client) -> None:
    client.post(ROWS, json={"id": "first", "at": AT, "wind": 4})
    answer = client.post(ROWS, json={"columns": {
        "id": ["a", None, "c", "d"], "at": [AT, AT, "2024-03-01T06:00:00", AT],
        "wind": [1, 2, 3, "strong"], "sail": ["jib", None, None, None],
    }})  # fmt: skip

    told = answer.json()
    assert (answer.status_code, told["accepted"], told["rejected"]) == (200, 1, 3)
    assert told["unknown_columns"] == {"sail": 1}
    assert [(e["pointer"], e["row"]) for e in told["errors"]] == [
        ("/columns/id/1", 1), ("/columns/at/2", 2), ("/columns/wind/3", 3),
    ]  # fmt: skip
    assert told["errors"][1]["message"] == (
        "at is '2024-03-01T06:00:00'; expected a time with an offset, such as 2024-03-01T06:00:00Z"
    )


def test_all_rows_rejected_is_422_with_twenty_errors_and_their_number(client: httpx.Client) -> None:
    answer = client.post(ROWS, json={"columns": {"id": list("x" * 30), "at": ["noon"] * 30}})

    told = problem(answer)
    assert answer.status_code == 422
    assert (len(told["errors"]), told["errors_total"]) == (20, 30)
    assert stored(client) == {"predictions": 0, "labels": 0, "rejected": 30}


def test_strict_stores_all_or_none(client: httpx.Client) -> None:
    body = {"rows": [{"id": "a", "at": AT}, {"id": "b", "at": "noon"}]}

    assert client.post(f"{ROWS}?strict=true", json=body).status_code == 422
    assert stored(client) == {"predictions": 0, "labels": 0, "rejected": 0}
    assert client.post(f"{ROWS}?strict=true", json=body["rows"][0]).json()["accepted"] == 1
    assert problem(client.post(f"{ROWS}?strict=very", json=body))["status"] == 400


def test_a_key_gives_the_first_answer_again_and_changes_nothing(client: httpx.Client) -> None:
    keyed = {"headers": {"idempotency-key": "k1"}}
    rows = {"rows": [{"id": "a", "at": AT}, {"id": "b", "at": "noon"}]}
    first = client.post(ROWS, json=rows, **keyed)
    again = client.post(ROWS, json=rows, **keyed)

    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    assert (again.status_code, again.json()) == (200, first.json())
    other = client.post(ROWS, json={"id": "c", "at": AT}, **keyed)
    assert (other.status_code, problem(other)["type"]) == (409, "urn:leeboard:problem:conflict")
    assert stored(client) == {"predictions": 1, "labels": 0, "rejected": 1}
    assert problem(client.post(ROWS, json=rows, headers={"idempotency-key": "k" * 256}))


@pytest.mark.parametrize("query", ["", "?strict=true"])
def test_a_refusal_is_an_answer_that_a_key_gives_again(client: httpx.Client, query: str) -> None:
    keyed = {"headers": {"idempotency-key": f"refused{query}"}}
    rows = {"rows": [{"id": "b", "at": "noon"}]}
    first = client.post(ROWS + query, json=rows, **keyed)
    again = client.post(ROWS + query, json=rows, **keyed)

    assert again.headers["idempotent-replayed"] == "true"
    assert (again.status_code, again.json()) == (422, first.json())
    assert stored(client)["rejected"] == (0 if query else 1)


def test_duplicates_reused_ids_and_late_rows_are_counted(client: httpx.Client) -> None:
    client.post(ROWS, json={"id": "a", "at": AT})
    later = "2024-03-09T06:00:00Z"
    answer = client.post(ROWS, json={"columns": {
        "id": ["a", "a", "b", "c"], "at": [AT, "2024-03-01T07:00:00Z", "2024-02-01T00:00:00Z", later],
    }}).json()  # fmt: skip

    counted = [answer[name] for name in ("accepted", "duplicates", "reused_ids", "late")]
    assert counted == [3, 1, 1, 1]


def test_a_row_may_lie_five_minutes_ahead_and_no_more(client: httpx.Client) -> None:
    known = datetime(2024, 3, 1, 6, tzinfo=UTC)

    def sent(ahead: timedelta) -> httpx.Response:
        row = {"id": str(ahead), "at": (known + ahead).isoformat(), "known_at": known.isoformat()}
        return client.post(ROWS, json=row)

    assert sent(timedelta(minutes=5)).json()["accepted"] == 1
    assert "at most 5 minutes" in problem(sent(timedelta(minutes=5, microseconds=1)))["detail"]
    assert problem(client.post(ROWS, json={"id": "far", "at": "2999-01-01T00:00:00Z"}))


def test_labels_may_come_first_and_references_answer_with_their_profile(
    client: httpx.Client,
) -> None:
    told = client.post("/v1/models/boats/labels", json={"id": "a", "label": 3.5}).json()
    assert told["accepted"] == 1

    answer = client.post(
        "/v1/models/boats/reference?version=v1", json={"columns": {"wind": [1, 2, None]}}
    )
    assert answer.status_code == 201
    assert answer.json() == {
        "version": "v1", "rows": 3, "rejected": 0, "errors": [],
        "columns": [{
            "name": "wind", "kind": "numeric", "rows": 3, "missing": 1 / 3, "distinct": 2,
            "minimum": 1.0, "maximum": 2.0, "mean": 1.5,
        }],
    }  # fmt: skip


def test_packed_bodies_are_unpacked(client: httpx.Client) -> None:
    for name, pack in {"gzip": gzip.compress, "zstd": zstandard.compress}.items():
        body = pack(json.dumps({"id": name, "at": AT}).encode())
        headers = {"content-type": JSON, "content-encoding": name}
        assert client.post(ROWS, content=body, headers=headers).json()["accepted"] == 1


@pytest.mark.parametrize(
    ("content", "headers", "status"),
    [(b"{}", {}, 415), (b"a,b", {"content-type": "text/xml"}, 415),
     (b"{}", {"content-type": JSON, "content-encoding": "br"}, 415),
     (b"{}", {"content-type": JSON, "content-encoding": "gzip"}, 422),
     (gzip.compress(b'{"id": "a"}', mtime=0)[:-9], {"content-type": JSON, "content-encoding": "gzip"}, 422),
     (b"", {"content-type": JSON}, 422), (b"null", {"content-type": JSON}, 422),
     (b'{"id": NaN}', {"content-type": JSON}, 422), (b'{"id": 1e999}', {"content-type": JSON}, 422),
     (b'{"id": "\\ud800"}', {"content-type": JSON}, 422), (b"\xff\xfe", {"content-type": JSON}, 422),
     (b"[" * 100_000, {"content-type": JSON}, 422), (b"", {"content-type": ARROW}, 422),
     (b'{"columns": {"id": ["a"], "at": []}}', {"content-type": JSON}, 422),
     (b'{"columns": {"id": "a"}}', {"content-type": JSON}, 422),
     (b'{"id": "a", "' + b"n" * 256 + b'": 1}', {"content-type": JSON}, 422),
     (b'{"id": "a", "n\\u0000": 1}', {"content-type": JSON}, 422)],
    ids=lambda value: str(value)[:40],
)  # fmt: skip
def test_a_body_that_cannot_be_taken_is_a_problem_and_stores_nothing(
    client: httpx.Client, content: bytes, headers: dict[str, str], status: int
) -> None:
    answer = client.post(ROWS, content=content, headers=headers)

    assert answer.status_code == status
    assert problem(answer)["status"] == status
    assert stored(client)["predictions"] == 0


@pytest.mark.parametrize("kind", ["as it is", "values", "gzip", "zstd"])
def test_a_body_that_is_or_unfolds_too_large_is_413(client: httpx.Client, kind: str) -> None:
    blank = b" " * (513 * 2**20 if kind in {"gzip", "zstd"} else 0)
    content, headers = {
        "as it is": (b"x" * (64 * 2**20 + 1), {}),
        "values": (b"[" + b"0," * 20_000_001 + b"0]", {}),
        "gzip": (gzip.compress(blank, 1), {"content-encoding": "gzip"}),
        "zstd": (zstandard.compress(blank), {"content-encoding": "zstd"}),
    }[kind]
    answer = client.post(ROWS, content=content, headers={"content-type": JSON, **headers})

    assert problem(answer)["status"] == 413
    assert stored(client)["predictions"] == 0


def test_numbers_texts_and_ids_at_the_edge_are_data(client: httpx.Client) -> None:
    client.post(ROWS, json={"id": "first", "at": AT, "wind": 0.5, "sail": "jib"})
    ids = ["a\0b", "\U0001f6a3", " ", "x" * 1000, 9_007_199_254_740_993, "../../etc", "a" * 2]
    rows = [
        {"id": name, "at": AT, "wind": wind, "sail": sail}
        for name, wind, sail in zip(
            ids, [10**30, -0.0, 5e-324, None, "1e3", 2**64, True],
            ["\0", "ß", "", None, "x" * 100_000, "\u202e", "'; drop table models; --"], strict=True,
        )
    ]  # fmt: skip
    answer = client.post(ROWS, json={"rows": rows})

    assert (answer.json()["accepted"], answer.json()["rejected"]) == (7, 0)
    assert client.get("/v1/models/boats/columns/sail").status_code == 200


def test_reads_carry_a_tag_and_answer_304(client: httpx.Client) -> None:
    for path in ("/v1/models", "/v1/models/boats/champion", "/v1/models/boats/windows"):
        for _ in range(20):  # a wake between two reads moves a live model's time
            tag = client.get(path).headers["etag"]
            again = client.get(path, headers={"if-none-match": f'"other", {tag}'})
            if again.status_code == 304:
                break
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)


def test_lists_are_walked_by_cursor(served: Served, client: httpx.Client) -> None:
    for number in range(5):
        served.apply(model=f"walk{number}")
    found, cursor = [], None
    while True:
        query = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = client.get("/v1/models", params=query).json()
        assert len(page["items"]) <= 2
        found += [item["name"] for item in page["items"]]
        if (cursor := page["next"]) is None:
            break
    assert sorted(found) == ["boats", *(f"walk{number}" for number in range(5))]
    for wrong in ("limit=0", "limit=1001", "limit=many", "cursor=nothing"):
        assert problem(client.get(f"/v1/models?{wrong}"))["status"] == 400
    for number in range(5):
        client.delete(f"/v1/models/walk{number}?purge=true")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/v1/nothing", 404), ("GET", "/v1/models/absent", 404), ("POST", "/v1/models", 405),
     ("POST", "/v1/models/absent/predictions", 404), ("GET", "/v1/models/%00", 404),
     ("GET", ROWS, 405), ("PATCH", "/v1/models/boats", 405)],
)  # fmt: skip
def test_what_is_not_there_is_told(
    client: httpx.Client, method: str, path: str, status: int
) -> None:
    content, headers = b'{"id": "a", "at": "2024-03-01T06:00:00Z"}', {"content-type": JSON}
    answer = client.request(method, path, content=content, headers=headers)

    assert problem(answer)["status"] == status
    if status == 405:
        assert "GET" in answer.headers["allow"] or "POST" in answer.headers["allow"]


@pytest.mark.parametrize(
    "authorization", [None, "", "Basic bGVl", "Bearer", "Bearer lee_wrong", b"Bearer \xff\xfe"]
)
def test_who_brings_no_known_token_is_not_answered(
    served: Served, authorization: str | bytes | None
) -> None:
    headers = {} if authorization is None else {"authorization": authorization}
    answer = httpx.get(f"{served.address}/v1/models", headers=headers)

    assert problem(answer)["status"] == 401
    assert answer.headers["www-authenticate"] == 'Bearer realm="leeboard"'


@pytest.mark.parametrize(
    ("headers", "status"),
    [({"host": "evil.example"}, 403), ({"host": "evil.example:8321"}, 403), ({"host": ""}, 403),
     ({"host": "127.0.0.1.evil.example"}, 403), ({"host": "localhost"}, 200),
     ({"origin": "null"}, 403), ({"origin": "http://evil.example"}, 403), ({"origin": ""}, 403),
     ({"origin": "http://127.0.0.1:1"}, 403), ({"origin": "http://localhost"}, 403),
     ({"origin": "http://127.0.0.1:{port}@evil.example"}, 403),
     ({"origin": "file://127.0.0.1:{port}"}, 403), ({"origin": "http://127.0.0.1:{port}"}, 200)],
    ids=str,
)  # fmt: skip
def test_no_page_of_somebody_else_steers_the_server(
    served: Served, client: httpx.Client, headers: dict[str, str], status: int
) -> None:
    sent = {name: value.format(port=served.port) for name, value in headers.items()}

    assert client.get("/v1/models", headers=sent).status_code == status


def test_the_token_and_the_data_are_their_users_alone(served: Served) -> None:
    assert stat.S_IMODE((served.data / "token").stat().st_mode) == 0o600
    assert stat.S_IMODE(served.data.stat().st_mode) == 0o700


def test_no_answer_and_no_log_shows_a_traceback_or_the_token(served: Served) -> None:
    assert "Traceback" not in served.said()
    assert served.token not in served.said()
