"""TLS: a server with a certificate of its own, its clients, and what is no certificate."""

import json
import os
import shutil
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.client.http import Connection
from connectors.client.problems import ServerAway
from controlplane.cli.tls import context_of
from controlplane.domain.errors import BadInput
from controlplane.settings import Settings
from tests.served import LIMIT, Served, free_port

PEMS = Path(__file__).parents[1] / "tls"
CA = str(PEMS / "ca.pem")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server whose leeboard.yaml names certificate and key, in its own folder."""
    folder = tmp_path_factory.mktemp("tls")
    for name in ("server.pem", "server.key"):
        shutil.copy(PEMS / name, folder / name)
    config = folder / "leeboard.yaml"
    config.write_text("tls_cert: server.pem\ntls_key: server.key\n")
    with Served(folder / "data", "--config", str(config), tls=PEMS / "ca.pem") as server:
        yield server


def said_by(served: Served, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
    """A command of the command line against the server."""
    told = {**os.environ, "LEEBOARD_TOKEN": served.token, **env}
    return subprocess.run(
        [sys.executable, "-m", "controlplane.cli", "audit", "verify", "--json", *words],
        env=told, check=False, capture_output=True, text=True, timeout=LIMIT,
    )  # fmt: skip


def test_its_address_says_https_and_clients_that_know_its_authority_reach_it(served) -> None:
    told = json.loads((served.data / "server.json").read_text())

    assert told["address"] == f"https://127.0.0.1:{served.port}"
    with Connection(told["address"], served.token, ca=CA) as connection:
        assert connection.health().status == "alive"
    by_option = said_by(served, "--server", told["address"], "--ca", CA)
    by_environment = said_by(served, LEEBOARD_SERVER=told["address"], LEEBOARD_CA=CA)
    assert json.loads(by_option.stdout)["holds"] is True, by_option.stderr
    assert json.loads(by_environment.stdout)["holds"] is True, by_environment.stderr


def test_who_does_not_know_its_authority_is_told_what_to_do(served) -> None:
    found = said_by(served, "--server", served.address)

    assert found.returncode == 1
    assert "CERTIFICATE_VERIFY_FAILED" in found.stderr
    assert "--ca or LEEBOARD_CA" in found.stderr
    with pytest.raises(ServerAway, match="holds no certificates"):
        Connection(served.address, served.token, ca=str(PEMS / "README.md"))
    with pytest.raises(ServerAway, match="No such file"):
        Connection(served.address, served.token, ca="nowhere.pem")


def test_the_wrong_scheme_is_told(served, tmp_path) -> None:
    plain = said_by(served, "--server", served.address.replace("https", "http"))

    assert plain.returncode == 1
    assert "is it an https:// server?" in plain.stderr


def test_tls_1_2_is_the_oldest_that_is_spoken(served, tmp_path) -> None:
    settings = Settings(data=tmp_path, tls_cert=PEMS / "server.pem", tls_key=PEMS / "server.key")
    context = context_of(settings)
    assert context is not None
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2

    old = ssl.create_default_context(cafile=CA)
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    with (
        socket.create_connection(("127.0.0.1", served.port), timeout=LIMIT) as bare,
        old.wrap_socket(bare, server_hostname="localhost") as wrapped,
    ):
        assert wrapped.version() == "TLSv1.2"


@pytest.mark.parametrize(
    ("cert", "key", "says"),
    [("server.pem", "other.key", "other.key is not the key of the certificate in"),
     ("server.pem", "locked.key", "is protected by a password"),
     ("server.pem", "server.pem", "expected a private key in PEM"),
     ("server.key", "server.key", "expected a certificate in PEM"),
     ("nowhere.pem", "server.key", "nowhere.pem cannot be read: No such file"),
     ("server.pem", None, "name the other one as tls_key"),
     (None, "server.key", "name the other one as tls_cert")],
    ids=["mismatch", "locked", "no key", "no certificate", "missing", "cert alone", "key alone"],
)  # fmt: skip
def test_what_is_no_certificate_and_key_is_said(tmp_path, cert, key, says) -> None:
    settings = Settings(data=tmp_path, tls_cert=cert and PEMS / cert, tls_key=key and PEMS / key)

    with pytest.raises(BadInput, match=says):
        context_of(settings)


def test_a_key_that_does_not_fit_keeps_the_server_from_starting(tmp_path) -> None:
    words = ["--tls-cert", str(PEMS / "server.pem"), "--tls-key", str(PEMS / "other.key")]
    found = subprocess.run(
        [sys.executable, "-m", "controlplane.cli", "serve", "--data", str(tmp_path / "data"),
         "--port", str(free_port()), *words],
        check=False, capture_output=True, text=True, timeout=LIMIT,
    )  # fmt: skip

    assert found.returncode == 1
    assert "is not the key of the certificate" in found.stderr
    assert not (tmp_path / "data").exists()
