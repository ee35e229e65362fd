"""Who may ask what."""

import stat

import httpx
import pytest

from controlplane.api.auth import Forbidden, Guardian, guardian_for
from controlplane.api.doorplate import Doorplate
from controlplane.api.owner import owner_token
from controlplane.domain.errors import Refused
from controlplane.settings import Settings

SCOPED = [
    ("ingest", "POST", "/v1/models/bikes/predictions"), ("ingest", "POST", "/v1/models/bikes/labels"),
    ("read", "GET", "/v1/models"), ("read", "GET", "/v1/models/bikes/champion"),
    ("read", "GET", "/v1/decisions"), ("read", "GET", "/metrics"), ("read", "GET", "/v1/audit"),
    ("operate", "PUT", "/v1/models/bikes"), ("operate", "POST", "/v1/models/bikes/time"),
    ("operate", "POST", "/v1/models/bikes/versions/v1/promote"),
    ("operate", "POST", "/v1/decisions/d_1/approve"), ("operate", "POST", "/v1/models/bikes/runs"),
]  # fmt: skip


async def test_a_request_without_a_token_is_turned_away(client):
    answer = await client.get("/v1/models", headers={"authorization": ""})

    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert answer.json()["type"] == "urn:leeboard:problem:unauthenticated"


async def test_an_unknown_token_is_turned_away(client):
    answer = await client.get("/v1/models", headers={"authorization": "Bearer lee_guessed"})

    assert answer.status_code == 401


async def test_a_token_may_stand_in_an_address_for_senders_that_know_no_other_way(client, bikes):
    row = {"id": "a", "at": "2024-02-29T23:00:00Z", "temp": 1, "prediction": 1}
    for pair, status in (
        (("leeboard", "lee_ingest"), 200), (("lee_ingest", ""), 200), (("lee_ingest", "x"), 401),
        (("leeboard", "lee_read"), 403), (("", ""), 401),
    ):  # fmt: skip
        told = httpx.BasicAuth(*pair)
        answer = await client.post("/v1/models/bikes/predictions", json=row, auth=told)
        assert answer.status_code == status, pair
        assert "basic" not in answer.headers.get("www-authenticate", "").lower()
    for text in ("Basic", "Basic ***", "Basic /w=="):
        answer = await client.get("/v1/models", headers={"authorization": text})
        assert answer.status_code == 401


@pytest.mark.parametrize(("scope", "method", "path"), SCOPED)
async def test_each_route_asks_for_its_scope_and_says_which_is_missing(
    client, bikes, scope, method, path
):
    others = [s for s in ("ingest", "read", "operate", "admin") if s != scope]
    for other in others:
        answer = await client.request(
            method, path, headers={"authorization": f"Bearer lee_{other}"}
        )
        assert answer.status_code == 403, other
        assert scope in answer.json()["detail"]
    allowed = await client.request(method, path, headers={"authorization": f"Bearer lee_{scope}"})
    assert allowed.status_code not in {401, 403}


async def test_purging_takes_more_than_stopping(client, bikes, actions):
    operator = {"authorization": "Bearer lee_operate"}

    refused = await client.delete("/v1/models/bikes?purge=true", headers=operator)
    stopped = await client.delete("/v1/models/bikes", headers=operator)

    assert refused.status_code == 403
    assert "admin" in refused.json()["detail"]
    assert stopped.json() == {"model": "bikes", "purged": False}
    assert [call[0] for call in actions.asked] == ["stop"]


async def test_health_needs_no_token(client):
    for path in ("/healthz", "/readyz"):
        assert (await client.get(path, headers={"authorization": ""})).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8321", "127.0.0.1.evil.example", "", "[::"]
)
async def test_a_name_that_is_not_ours_is_refused_even_with_the_token(client, host):
    answer = await client.get("/v1/models", headers={"host": host})

    assert answer.status_code == 403
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:8321", "[::1]:8321", "LOCALHOST:8321"])
async def test_the_loopback_names_are_ours(client, host):
    assert (await client.get("/v1/models", headers={"host": host})).status_code == 200


@pytest.mark.parametrize(
    ("origin", "status"),
    [("http://evil.example", 403), ("null", 403), ("http://127.0.0.1:9999", 403),
     ("http://127.0.0.1:8321", 200), ("file://127.0.0.1:8321", 403)],
)  # fmt: skip
async def test_a_page_of_another_origin_may_not_use_the_server(client, origin, status):
    answer = await client.get("/v1/models", headers={"origin": origin})

    assert answer.status_code == status


def test_where_every_address_is_served_figures_are_welcome_and_foreign_names_are_not(tmp_path):
    door = Doorplate(Settings(data=tmp_path, host="0.0.0.0", hosts=("leeboard.lan",)))

    door.check("10.0.0.7:8321", None)
    door.check("leeboard.lan", None)
    with pytest.raises(Forbidden, match=r"evil\.example"):
        door.check("evil.example", None)


def test_the_owners_token_is_made_once_and_only_its_user_can_read_it(tmp_path):
    data = tmp_path / "new"

    first = owner_token(data)

    assert owner_token(data) == first
    assert len(first) > 40
    assert stat.S_IMODE((data / "token").stat().st_mode) == 0o600


def test_a_token_file_that_was_left_empty_is_filled(tmp_path):
    (tmp_path / "token").touch()

    assert owner_token(tmp_path)
    assert (tmp_path / "token").read_text().strip() == owner_token(tmp_path)


def test_a_server_that_others_can_reach_is_not_opened(tmp_path):
    with pytest.raises(Refused, match=r"0\.0\.0\.0"):
        guardian_for(Settings(data=tmp_path, host="0.0.0.0", open=True))


def test_an_open_server_on_the_loopback_makes_no_token(tmp_path):
    guardian = guardian_for(Settings(data=tmp_path / "d", open=True))

    assert guardian.who(None).name == "owner"
    assert guardian.who("Bearer whatever").name == "owner"
    assert not (tmp_path / "d").exists()


def test_a_guardian_keeps_no_token_in_clear():
    guardian = Guardian({"lee_secret": guardian_for})

    assert "lee_secret" not in repr(vars(guardian))
