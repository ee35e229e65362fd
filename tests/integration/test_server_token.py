"""A server's own user needs to name no token, wherever the data are."""

from pathlib import Path

from connectors.client.place import token_for
from tests.served import Served


def test_clients_of_the_same_user_find_the_token_of_a_server_whose_data_are_elsewhere(
    tmp_path: Path,
) -> None:
    home = {"XDG_DATA_HOME": str(tmp_path / "home")}
    with Served(tmp_path / "data", env=home) as served:
        token = (tmp_path / "data" / "token").read_text().strip()
        assert token_for(served.address, home) == token
        assert token_for("http://127.0.0.1:1", home) is None
        assert token_for("http://lee.example:80", home) is None
        served.stop()
    assert list((tmp_path / "home" / "leeboard" / "running").iterdir()) == []
