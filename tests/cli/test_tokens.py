"""`leeboard token`: made, listed, revoked over HTTP; the owner's made without a server."""

import json
import stat
from pathlib import Path

import pytest

from controlplane.domain.tokens import Token, token_hash


def test_a_token_is_printed_alone_and_its_terms_beside_it(lee, served) -> None:
    found = lee(
        "token", "create", "serving", "--scope", "ingest", "--model", "bikes", "--expires", "90d"
    )

    assert found.exit_code == 0, found.stderr
    text = found.stdout.strip()
    assert "serving may ingest for bikes, until 2024-05-30" in found.stderr
    with served.store.read() as view:
        token = view.ledger.get(Token, "serving")
    assert token is not None
    assert (token.sha256, token.models, token.made_by) == (token_hash(text), ("bikes",), "owner")


def test_tokens_are_listed_and_revoked(lee) -> None:
    lee("token", "create", "ci", "--scope", "read", "--scope", "operate")

    [line] = [line for line in lee("token").stdout.splitlines() if line.startswith("ci ")]
    assert line.split()[1:5] == ["active", "read,", "operate", "all"]
    unasked = lee("token", "revoke", "ci")
    assert unasked.exit_code == 2
    assert "say --yes" in unasked.stderr
    gone = lee("token", "revoke", "ci", "--yes")
    assert "ci is revoked since 2024-03-01" in gone.stdout
    assert "by owner" in gone.stdout
    listed = json.loads(lee("token", "list", "--json").stdout)
    assert ("ci", "revoked") in [(item["name"], item["state"]) for item in listed["items"]]


@pytest.mark.parametrize(
    ("words", "says"),
    [(["create", "CI", "--scope", "read"], "not a token's name"),
     (["create", "ci", "--scope", "read", "--expires", "3 months"], "did you mean 90d"),
     (["revoke", "nobody", "--yes"], "there is no token 'nobody'; there are: ")],
    ids=["name", "lifetime", "unknown"],
)  # fmt: skip
def test_what_cannot_be_is_said(lee, words, says) -> None:
    found = lee("token", *words)

    assert found.exit_code == 1
    assert says in found.stderr


def test_the_owners_token_is_made_once_without_a_server(lee, tmp_path: Path) -> None:
    first = lee("token", "init", "--data", str(tmp_path / "board"))
    again = lee("token", "init", "--data", str(tmp_path / "board"), "--json")

    assert first.exit_code == 0, first.stderr
    assert json.loads(again.stdout)["token"] == first.stdout.strip()
    path = Path(json.loads(again.stdout)["path"])
    assert path.read_text().strip() == first.stdout.strip()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
