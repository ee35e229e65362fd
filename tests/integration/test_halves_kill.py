"""A server that is killed between a request and its response joins them all the same."""

from pathlib import Path

import pytest

from tests.captured import captured
from tests.served import Served

FILE = """\
model: boats
task: multiclass
label: {column: kind, delay: 1d}
trainer: none
features: {sl: numeric, sw: numeric, pl: numeric, pw: numeric}
"""


@pytest.mark.slow
def test_a_half_survives_a_kill_and_meets_the_other_one_afterwards(tmp_path: Path) -> None:
    path = "/v1/models/boats/predictions"
    request, response = (captured(f"kserve_v1_{side}") for side in ("request", "response"))
    with Served(tmp_path / "data") as served:
        served.apply(FILE)
        with served.client() as client:
            told = client.post(path, content=request[1], headers=request[0])
            assert (told.status_code, told.json()["waiting"]) == (200, 1)
        served.kill()
        served.start()
        with served.client() as client:
            assert client.get("/v1/models/boats").json()["halves"]["waiting"] == 1
            told = client.post(path, content=response[1], headers=response[0])
            assert (told.status_code, told.json()["accepted"]) == (200, 2)
        served.kill()
        served.start()
        with served.client() as client:
            found = client.get("/v1/models/boats").json()
            assert (found["summary"]["rows"]["predictions"], found["halves"]) == (2, None)
            for headers, body in (request, response):
                again = client.post(path, content=body, headers=headers).json()
                assert (again["duplicates"], again["waiting"]) == (1, 0)
