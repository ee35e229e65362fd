"""What a client of good will never sends: cut, slow, strange and piled-up requests on a socket."""

import contextlib
import json
import re
import socket
import struct
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.served import LIMIT, Served, answered, connected, everything, problem

ROWS = "/v1/models/boats/predictions"
ROW = b'{"id": "%s", "at": "2024-03-01T06:00:00Z"}'

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with Served(tmp_path_factory.mktemp("sockets") / "data") as server:
        server.apply()
        yield server


@pytest.fixture(autouse=True)
def healthy(served: Served) -> Iterator[None]:
    """After every test the server stores a row, and nothing unexpected stands in its log."""
    yield
    with served.client() as client:
        row = ROW % str(healthy).encode()
        headers = {"content-type": "application/json"}
        assert client.post(ROWS, content=row, headers=headers).status_code == 200
    assert "Traceback" not in served.said()


def head(served: Served, *lines: str, path: str = ROWS) -> bytes:
    """The head of a request that sends rows."""
    return "\r\n".join([
        f"POST {path} HTTP/1.1", f"Host: 127.0.0.1:{served.port}",
        f"Authorization: Bearer {served.token}", "Content-Type: application/json", *lines, "", "",
    ]).encode()  # fmt: skip


def rows(served: Served) -> int:
    with served.client() as client:
        return int(client.get("/v1/models/boats").json()["summary"]["rows"]["predictions"])


@pytest.mark.parametrize("framing", ["Content-Length: 1000", "Transfer-Encoding: chunked"])
def test_a_body_that_is_cut_off_stores_nothing(served: Served, framing: str) -> None:
    before = rows(served)
    with connected(served) as bare:
        bare.sendall(head(served, framing))
        part = ROW % b"cut"
        bare.sendall(part if "Length" in framing else b"%x\r\n%s\r\n" % (len(part), part))
        bare.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    assert rows(served) == before


def test_a_body_that_comes_byte_by_byte_is_taken(served: Served) -> None:
    before, body = rows(served), ROW % b"slow"
    with connected(served) as bare:
        bare.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        bare.sendall(head(served, f"Content-Length: {len(body)}"))
        for byte in body:
            bare.sendall(bytes([byte]))
        assert answered(bare)[0] == 200

    assert rows(served) == before + 1


def test_a_body_in_chunks_is_taken_and_counted_against_the_limit(served: Served) -> None:
    body = ROW % b"chunked"
    with connected(served) as bare:
        bare.sendall(head(served, "Transfer-Encoding: chunked"))
        for byte in body:
            bare.sendall(b"1\r\n%c\r\n" % byte)
        bare.sendall(b"0\r\n\r\n")
        assert answered(bare)[0] == 200

    with connected(served) as bare:
        bare.sendall(head(served, "Transfer-Encoding: chunked"))
        mebibyte = b"100000\r\n" + b" " * 2**20 + b"\r\n"
        with contextlib.suppress(ConnectionError):  # it may be cut as soon as it is too much
            for _ in range(66):
                bare.sendall(mebibyte)
            assert answered(bare)[0] == 413


def test_requests_that_are_sent_at_once_are_answered_in_their_order(served: Served) -> None:
    before = rows(served)
    bodies = [ROW % b"piped%d" % number for number in range(20)]
    with connected(served) as bare:
        bare.sendall(b"".join(
            head(served, f"Content-Length: {len(body)}", f"X-Request-Id: r{number}") + body
            for number, body in enumerate(bodies)
        ))  # fmt: skip
        reader = bare.makefile("rb")
        told = [line for line in _heads(reader, 20) if line.startswith(b"x-request-id")]

    assert told == [b"x-request-id: r%d" % number for number in range(20)]
    assert rows(served) == before + 20


def _heads(reader: object, answers: int) -> Iterator[bytes]:
    for _ in range(answers):
        length = 0
        while (line := reader.readline().strip()) != b"":
            yield line
            if line.startswith(b"content-length"):
                length = int(line.split(b":")[1])
        reader.read(length)


@pytest.mark.parametrize(
    "sent",
    [b"\x16\x03\x01\x02\x00\x01\x00", b"GET / HTTP/9.9\r\n\r\n", b"NONSENSE\r\n\r\n", b"\0" * 100,
     b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
     b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
     b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"],
    ids=range(7),
)  # fmt: skip
def test_what_is_no_http_is_turned_away(served: Served, sent: bytes) -> None:
    with connected(served) as bare:
        bare.sendall(sent)
        bare.shutdown(socket.SHUT_WR)
        with contextlib.suppress(ConnectionError):
            said = everything(bare)
            assert not said or said.split()[1] in {b"400", b"403"}


def test_a_request_without_a_host_is_turned_away(served: Served) -> None:
    with connected(served) as bare:
        bare.sendall(b"GET /healthz HTTP/1.0\r\n\r\n")
        assert everything(bare).split()[1] == b"403"


def test_heads_without_an_end_do_not_fill_the_memory(served: Served) -> None:
    with connected(served) as bare, contextlib.suppress(ConnectionError):
        bare.sendall(f"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:{served.port}\r\n".encode())
        for number in range(200):
            bare.sendall(b"X-Padding-%d: %s\r\n" % (number, b"x" * 60_000))
        bare.sendall(b"\r\n")
        assert everything(bare).split()[1] == b"431"


def test_many_connections_that_say_nothing_keep_nobody_away(served: Served) -> None:
    with contextlib.ExitStack() as held:
        for _ in range(300):
            held.enter_context(connected(served))
        with served.client() as client:
            assert client.get("/v1/models/boats").status_code == 200


def test_bodies_that_wait_for_their_end_do_not_keep_small_ones_away(served: Served) -> None:
    """Five half-sent bodies of 60 MiB are more than is held at once: the last is told to wait."""
    part = b" " * (60 * 2**20)
    refused: list[int] = []

    def send(bare: socket.socket) -> None:
        with contextlib.suppress(OSError):
            bare.sendall(part)
            if bare.recv(1, socket.MSG_PEEK):
                refused.append(answered(bare)[0])

    with contextlib.ExitStack() as held:
        bares = [held.enter_context(connected(served)) for _ in range(5)]
        threads = [threading.Thread(target=send, args=[bare], daemon=True) for bare in bares]
        for bare, thread in zip(bares, threads, strict=True):
            bare.sendall(head(served, f"Content-Length: {len(part) + 1}"))
            thread.start()
        while not refused:
            threads[0].join(0.05)
            assert any(thread.is_alive() for thread in threads)
        with served.client() as client:
            assert client.get("/v1/models/boats").status_code == 200
        for bare in bares:
            with contextlib.suppress(OSError):
                bare.shutdown(socket.SHUT_RDWR)
        for thread in threads:
            thread.join(LIMIT)
    assert set(refused) == {503}


def test_the_log_has_who_and_what_and_no_payload_secret_or_id(served: Served) -> None:
    before = len(served.said())
    row = {"id": "row-secret", "at": "2024-03-01T06:00:00Z", "wind": 3.14159, "sail": "sail-secret"}
    with served.client() as client:
        made = client.post("/v1/tokens", json={"name": "mate", "scopes": ["ingest", "operate"]})
        mate = {"authorization": f"Bearer {made.json()['token']}"}
        told = {"x-request-id": "req-1", "idempotency-key": "key-secret", **mate}
        assert client.post(ROWS, json=row, headers=told).status_code == 200
        assert (
            client.post(f"{ROWS}?strict=true", json={**row, "at": "at-secret"}).status_code == 422
        )
        assert client.delete(ROWS + "/row-secret", headers=mate).status_code == 200
        assert client.get("/v1/models?cursor=query-secret").status_code == 400
        wrong = {"authorization": "Bearer lee_wrong-secret-of-somebody"}
        assert client.get("/v1/models", headers=wrong).status_code == 401
        assert client.get("/v1/path-secret").status_code == 404

    said = served.said()[before:]
    lines = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
    [taken] = [line for line in lines if line.get("request_id") == "req-1"]
    assert (taken["event"], taken["by"], taken["model"]) == ("answered", "mate", "boats")
    assert (taken["method"], taken["route"]) == ("POST", "/v1/models/{model}/predictions")
    assert taken["status"] == 200
    assert taken["milliseconds"] > 0
    assert len([line for line in lines if line["event"] == "answered"]) >= 7
    for unwanted in ("secret", "3.14159", made.json()["token"], served.token):
        assert unwanted not in said, unwanted


@pytest.mark.parametrize(
    ("method", "path", "kind", "body"),
    [("POST", ROWS, "application/json", b"[" * 500_000),
     ("POST", ROWS, "application/json", b'{"a":' * 500_000),
     ("POST", "/v1/models/boats/rollback", "application/json", b"[" * 500_000),
     ("POST", "/v1/tokens", "application/json", b'{"name":' * 500_000),
     ("PUT", "/v1/models/boats", "application/json", b'{"a":' * 50_000),
     ("PUT", "/v1/models/boats", "application/yaml", b"[" * 50_000),
     ("PUT", "/v1/models/boats", "application/yaml", b"a: &a [x]\nb: *a\n" + b"- " * 50_000),
     ("POST", "/v1/models/boats/versions", "application/json", b"[" * 500_000),
     ("POST", "/v1/models/boats/versions", "application/x-tar", b"\0" * 500_000)],
    ids=range(9),
)  # fmt: skip
def test_what_is_nested_without_end_is_the_senders_fault(
    served: Served, method: str, path: str, kind: str, body: bytes
) -> None:
    with served.client() as client:
        answer = client.request(method, path, content=body, headers={"content-type": kind})

    assert answer.status_code in {400, 409, 422}, answer.text
    problem(answer)


@pytest.mark.parametrize("path", ["/v1/models/boats", "/v1/models/boats/versions"])
def test_a_body_that_is_too_large_is_cut_off_whatever_takes_it(served: Served, path: str) -> None:
    """Announced, and in parts that say nothing of how many there will be."""
    method = "POST" if path.endswith("versions") else "PUT"
    kind = "application/x-tar" if method == "POST" else "application/yaml"
    begin = f"{method} {path} HTTP/1.1\r\n" + "\r\n".join([
        f"Host: 127.0.0.1:{served.port}", f"Authorization: Bearer {served.token}",
        f"Content-Type: {kind}", "",
    ])  # fmt: skip
    with connected(served) as bare:
        bare.sendall(f"{begin}Content-Length: {65 * 2**20}\r\n\r\n".encode())
        assert answered(bare)[0] == 413
    with connected(served) as bare, contextlib.suppress(ConnectionError):
        bare.sendall(f"{begin}Transfer-Encoding: chunked\r\n\r\n".encode())
        for _ in range(66):
            bare.sendall(b"100000\r\n" + b" " * 2**20 + b"\r\n")
        assert answered(bare)[0] == 413


def test_a_body_longer_than_it_says_is_no_part_of_the_request(served: Served) -> None:
    """The request is answered; what comes after it is no request, and ends the connection."""
    before, body = rows(served), ROW % b"long"
    with connected(served) as bare:
        bare.sendall(head(served, f"Content-Length: {len(body)}") + body + b"x" * 100 + b"\r\n\r\n")
        said = everything(bare)

    assert re.findall(rb"HTTP/1.1 (\d+)", said) == [b"200"]
    assert b"connection: close" in said
    assert rows(served) == before + 1


@pytest.mark.parametrize("query", ["", "?strict=true"], ids=["short way", "route"])
def test_rows_under_one_key_that_come_at_once_are_stored_once(served: Served, query: str) -> None:
    before, body = rows(served), ROW % (b"once" + str(len(query)).encode())
    other = body.replace(b"once", b"else")
    headers = {"idempotency-key": f"once{query}", "content-type": "application/json"}

    with served.client() as client, ThreadPoolExecutor(8) as pool:
        found = list(pool.map(
            lambda number: client.post(
                ROWS + query, content=body if number % 4 else other, headers=headers
            ),
            range(16),
        ))  # fmt: skip

    told = [(a.status_code, a.headers.get("idempotent-replayed")) for a in found]
    assert told.count((200, None)) == 1
    assert {one for one in told if one != (200, None)} == {(200, "true"), (409, None)}
    assert len({a.content for a in found if a.status_code == 200}) == 1
    assert rows(served) == before + 1
