"""The webhook receiver, against a real server on the loopback address."""

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from standardwebhooks import Webhook as Verifier
from standardwebhooks import WebhookVerificationError

from connectors.contract import DeliveryFailed, Message
from connectors.receivers.webhook import Webhook

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
MESSAGE = Message(
    id="msg_1", type="alert.fired", body=b'{"type":"alert.fired","data":{"\xc3\xa4":1}}'
)


class Endpoint:
    """Answers as it is told and remembers what it was sent."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, dict[str, str]]] = []
        self.heard: list[tuple[dict[str, str], bytes]] = []
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                endpoint.heard.append(({k.lower(): v for k, v in self.headers.items()}, body))
                status, headers = endpoint.answers.pop(0) if endpoint.answers else (204, {})
                self.send_response(status)
                for name, value in {**headers, "content-length": "0"}.items():
                    self.send_header(name, value)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Be quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    started = Endpoint()
    yield started
    started.stop()


@pytest.fixture
def webhook(endpoint: Endpoint) -> Iterator[Webhook]:
    made = Webhook(endpoint.url, SECRET, timeout=5.0)
    yield made
    made.close()


def failure(webhook: Webhook) -> DeliveryFailed:
    """What sending raises."""
    with pytest.raises(DeliveryFailed) as raised:
        webhook.send(MESSAGE)
    return raised.value


def test_what_arrives_is_verified_by_the_standards_own_library(
    webhook: Webhook, endpoint: Endpoint
) -> None:
    webhook.send(MESSAGE)
    [(headers, body)] = endpoint.heard
    assert body == MESSAGE.body
    assert headers["content-type"] == "application/json"
    assert Verifier(SECRET).verify(body, headers) == json.loads(MESSAGE.body)
    with pytest.raises(WebhookVerificationError):
        Verifier(SECRET).verify(body + b" ", headers)


def test_the_id_stays_and_the_timestamp_moves_from_attempt_to_attempt(endpoint: Endpoint) -> None:
    instants = iter([datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 1, 1, 0, 5, tzinfo=UTC)])
    webhook = Webhook(endpoint.url, SECRET, now=lambda: next(instants))
    endpoint.answers = [(500, {}), (200, {})]
    failure(webhook)
    webhook.send(MESSAGE)
    webhook.close()
    headers = [heard for heard, _ in endpoint.heard]
    assert [one["webhook-id"] for one in headers] == ["msg_1", "msg_1"]
    stamps = [int(one["webhook-timestamp"]) for one in headers]
    assert stamps[1] - stamps[0] == 300
    assert headers[0]["webhook-signature"] != headers[1]["webhook-signature"]


def test_without_a_secret_nothing_is_signed(endpoint: Endpoint) -> None:
    webhook = Webhook(endpoint.url, None)
    webhook.send(MESSAGE)
    webhook.close()
    assert "webhook-signature" not in endpoint.heard[0][0]
    assert endpoint.heard[0][0]["webhook-id"] == "msg_1"


@pytest.mark.parametrize(
    ("status", "is_final"),
    [(410, True), (400, True), (401, True), (404, True), (408, False), (429, False),
     (301, False), (500, False), (502, False), (503, False)],
)  # fmt: skip
def test_a_refusal_is_final_where_trying_again_cannot_help(
    webhook: Webhook, endpoint: Endpoint, status: int, *, is_final: bool
) -> None:
    endpoint.answers = [(status, {})]
    failed = failure(webhook)
    assert failed.final is is_final
    assert str(status) in str(failed)
    assert failed.after is None


def test_a_redirect_is_not_followed(webhook: Webhook, endpoint: Endpoint) -> None:
    endpoint.answers = [(307, {"Location": endpoint.url + "/elsewhere"})]
    assert str(failure(webhook)) == "the receiver answered 307; redirects are not followed"
    assert len(endpoint.heard) == 1


def test_retry_after_is_heard_as_seconds_and_as_a_date(endpoint: Endpoint) -> None:
    now = datetime(2024, 1, 1, tzinfo=UTC)
    webhook = Webhook(endpoint.url, SECRET, now=lambda: now)
    asked = ["120", format_datetime(now + timedelta(seconds=90), usegmt=True), "soon"]
    endpoint.answers = [(429, {"Retry-After": one}) for one in asked]
    assert [failure(webhook).after for _ in asked] == [120.0, 90.0, None]
    webhook.close()


def test_a_receiver_that_is_not_there_is_tried_again() -> None:
    webhook = Webhook("http://127.0.0.1:9/hook", SECRET, timeout=1.0)
    failed = failure(webhook)
    webhook.close()
    assert not failed.final
    assert str(failed).startswith("no answer: ")
