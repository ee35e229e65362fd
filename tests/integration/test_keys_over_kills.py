"""Keys of writes through `kill -9`: what was answered stays done once, what was not is done once."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.served import LIMIT, Served

pytestmark = pytest.mark.slow

SENDERS = 4
EACH = 150


def asked(number: int) -> dict[str, object]:
    """One write of each kind in turn: a token, a model file."""
    if number % 2:
        return {"method": "POST", "url": "/v1/tokens",
                "json": {"name": f"t{number}", "scopes": ["read"]}}  # fmt: skip
    text = f"model: m{number}\ntask: regression\nlabel: knots\ntrainer: none\n"
    return {"method": "PUT", "url": f"/v1/models/m{number}", "content": text}


def journalled(client: httpx.Client) -> list[tuple[str, str]]:
    """What was done, by the journal, in the order of its entries."""
    found, cursor = [], ""
    while cursor is not None:
        page = client.get(f"/v1/audit?limit=1000&order=oldest{cursor}").json()
        found += [(entry["kind"], entry["model"] or entry["subject"]) for entry in page["items"]]
        cursor = page["next"] and f"&cursor={page['next']}"
    return found


def test_each_key_is_done_once_however_often_it_is_sent_and_the_server_killed(
    tmp_path: Path,
) -> None:
    answers: dict[int, httpx.Response] = {}
    enough = threading.Event()

    def send(sender: int) -> None:
        with served.client() as client:
            for number in range(sender, SENDERS * EACH, SENDERS):
                try:
                    answers[number] = client.request(
                        **asked(number), headers={"idempotency-key": f"k{number}"}
                    )
                except httpx.TransportError:
                    return
                if len(answers) > 30:
                    enough.set()

    with Served(tmp_path / "data") as served:
        with ThreadPoolExecutor(SENDERS) as pool:
            for sender in range(SENDERS):
                pool.submit(send, sender)
            assert enough.wait(LIMIT)
            served.kill()
        before = dict(answers)
        assert 30 < len(before) < SENDERS * EACH
        served.start()
        numbers = range(min(len(before) + 3 * SENDERS, SENDERS * EACH))
        with served.client() as client:
            again = {
                number: client.request(
                    **asked(number), headers={"idempotency-key": f"k{number}"}
                )
                for number in numbers
            }  # fmt: skip
            done = journalled(client)
            assert client.get("/v1/audit/verify").json()["holds"]

    for number, answer in again.items():
        assert answer.status_code in {200, 201}, answer.text
        if number in before:
            assert answer.headers["idempotent-replayed"] == "true", number
            assert answer.status_code == before[number].status_code
            told = before[number].json()
            assert answer.json() == ({**told, "token": None} if "token" in told else told)
    wanted = sorted(
        ("token_created", f"t{n}") if n % 2 else ("applied", f"m{n}") for n in {*numbers, *before}
    )
    assert sorted(done) == wanted
