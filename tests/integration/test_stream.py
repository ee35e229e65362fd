"""Server-sent events of a real server: every change, once, through broken connections and restarts."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import httpx
import pytest

from tests.served import FILE, Served, problem


class Event(NamedTuple):
    """A server-sent event."""

    kind: str
    data: dict[str, object]
    id: str | None


class Stream:
    """An open stream, read event by event."""

    def __init__(self, answer: httpx.Response) -> None:
        self._lines = answer.iter_lines()

    def next(self) -> Event | None:
        """The next event, comments aside; None where the server ended the stream."""
        fields: dict[str, str] = {}
        for line in self._lines:
            if not line and "data" in fields:
                return Event(fields["event"], json.loads(fields["data"]), fields.get("id"))
            name, _, value = line.partition(": ")
            if name:
                fields[name] = value
        return None

    def until(self, wanted: int, kind: str = "journal") -> list[Event]:
        """The events up to so many of a kind."""
        found: list[Event] = []
        while sum(event.kind == kind for event in found) < wanted:
            event = self.next()
            assert event is not None, found
            found.append(event)
        return found


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with Served(tmp_path_factory.mktemp("stream") / "data") as server:
        server.apply()
        yield server


@contextmanager
def streaming(
    served: Served, last: str | None = None, token: str | None = None
) -> Iterator[Stream]:
    headers = {} if last is None else {"last-event-id": last}
    if token is not None:
        headers["authorization"] = f"Bearer {token}"
    with served.client() as client, client.stream("GET", "/v1/stream", headers=headers) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        yield Stream(answer)


def told(events: list[Event]) -> list[tuple[object, object]]:
    """Kind and subject of the journal's entries among events."""
    return [(e.data["kind"], e.data["subject"]) for e in events if e.kind == "journal"]


def a_token(served: Served, name: str, **terms: object) -> str:
    with served.client() as client:
        made = client.post("/v1/tokens", json={"name": name, "scopes": ["read"], **terms})
        return made.json()["token"]


def test_what_happens_is_told_and_which_models_to_read_again(served) -> None:
    with streaming(served) as stream:
        first = stream.next()
        assert first == Event("changed", {"model": "boats"}, None)
        served.apply(FILE.replace("knots", "speed"))
        events = stream.until(1)
        assert Event("changed", {"model": "boats"}, None) in events
        assert told(events) == [("applied", "2")]
        with served.client() as client:
            row = {"id": "a", "at": "2024-03-01T06:00:00Z", "wind": 3.0}
            assert client.post("/v1/models/boats/predictions", json=row).status_code == 200
        assert stream.next() == Event("changed", {"model": "boats"}, None)


def test_who_comes_back_misses_nothing_whatever_happened_in_between(served) -> None:
    with streaming(served) as stream:
        served.apply(FILE.replace("knots", "depth"))
        last = stream.until(1)[-1]
    served.apply(FILE, "ships")
    served.kill()
    served.start()
    served.apply(FILE, "rafts")

    with streaming(served, last.id) as stream:
        events = stream.until(2)
        again = [event.data["model"] for event in events if event.kind == "changed"]
        assert again == ["boats", "rafts", "ships"]
        missed = [event for event in events if event.kind == "journal"]
        assert [event.data["model"] for event in missed] == ["ships", "rafts"]
        assert [int(e.id or 0) - int(last.id or 0) for e in missed] == [1, 2]
    with streaming(served, "0" * 12) as stream:
        everything = stream.until(int(missed[-1].id or 0))
        ids = [int(event.id) for event in everything if event.id is not None]
        assert ids == list(range(1, int(missed[-1].id or 0) + 1))


@pytest.mark.parametrize("last", ["999999999999", "7", "x" * 12])
def test_a_number_that_the_journal_has_not_is_refused(served, last) -> None:
    with served.client() as client:
        answer = client.get("/v1/stream", headers={"last-event-id": last})
        assert answer.status_code == 400
        assert "is no event of this server; its last is 0000" in str(problem(answer)["detail"])
        assert client.get(f"/v1/stream?since={last}").status_code == 400


def test_a_token_of_some_models_hears_of_those_alone(served) -> None:
    served.apply(FILE, "canoes")
    token = a_token(served, "paddler", models=["canoes"])
    with streaming(served, token=token) as stream:
        assert stream.next() == Event("changed", {"model": "canoes"}, None)
        served.apply(FILE.replace("1d", "2d"))
        served.apply(FILE.replace("1d", "2d"), "canoes")
        events = stream.until(1)
        assert {event.data["model"] for event in events} == {"canoes"}


def test_a_stream_ends_with_its_token(served) -> None:
    token = a_token(served, "guest")
    with streaming(served, token=token) as stream:
        assert stream.next() is not None
        with served.client() as client:
            assert client.delete("/v1/tokens/guest").status_code == 200
        while stream.next() is not None:
            pass
    with served.client() as client:
        refused = client.get("/v1/stream", headers={"authorization": f"Bearer {token}"})
        assert refused.status_code == 401


def test_the_servers_end_ends_streams_too(served) -> None:
    heard: list[Event | None] = []
    ready = threading.Event()

    def listen() -> None:
        with streaming(served) as stream:
            heard.append(stream.next())
            ready.set()
            while (event := stream.next()) is not None:
                heard.append(event)
            heard.append(None)

    thread = threading.Thread(target=listen)
    thread.start()
    assert ready.wait(60)
    assert served.stop() == 0
    thread.join(60)
    served.start()

    assert heard[-1] is None
    assert "Traceback" not in served.said()
