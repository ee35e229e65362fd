"""The commands that act: what they ask the lifecycle, and that they ask a person first."""

import json
import tarfile
from io import BytesIO

import pytest

from controlplane.domain.errors import Conflict
from tests.fakes_actions import a_decision


@pytest.mark.parametrize(
    ("words", "asked"),
    [
        (["runs", "start", "bikes", "--reason", "now"], ("start_run", "bikes", "owner", "now")),
        (["runs", "cancel", "r_1"], ("cancel_run", "r_1", "owner")),
        (["runs", "resume", "boats"], ("resume", "boats", "owner")),
        (["trials", "start", "bikes", "v5"], ("open_trial", "bikes", "v5", "owner", False)),
        (["decisions", "approve", "d_wait5"], ("approve", "d_wait5", "owner")),
        (["decisions", "reject", "d_wait5"], ("reject", "d_wait5", "owner")),
        (["alerts", "acknowledge", "a_2"], ("acknowledge", "a_2", "owner")),
        (["deliveries", "retry", "msg_1"], ("retry_delivery", "msg_1")),
        (["versions", "promote", "bikes", "v5", "--reason", "tested", "--yes"], ("promote", "bikes", "v5", "tested", "owner")),
        (["rollback", "bikes", "--reason", "too high", "--yes"], ("rollback", "bikes", "too high", "owner")),
    ],
    ids=lambda words: " ".join(words[:2]) if isinstance(words, list) else "",
)  # fmt: skip
def test_a_command_asks_the_lifecycle_for_one_thing(lee, actions, words, asked):
    found = lee(*words)

    assert found.exit_code == 0, found.stderr
    assert [call for call in actions.asked if call[0] != "conditions"] == [asked]
    assert found.stdout
    assert isinstance(json.loads(lee(*words, "--json").stdout), dict)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["rollback", "bikes"], "v3 of bikes will be taken back, and v1 will serve again"),
        (["versions", "promote", "bikes", "v5"], "v5 of bikes (candidate) will serve in place of v3"),
    ],
    ids=["rollback", "promote"],
)  # fmt: skip
class TestAsking:
    """What moves the champion is said first, and done only where somebody agrees."""

    def test_nothing_is_done_where_nobody_can_be_asked(self, lee, actions, words, says):
        found = lee(*words, "--reason", "x")

        assert found.exit_code == 2
        assert f"{says}; nobody can be asked here, so say --yes" in found.stderr
        assert [call for call in actions.asked if call[0] != "conditions"] == []

    def test_a_no_on_a_terminal_changes_nothing(self, lee, actions, words, says, monkeypatch):
        monkeypatch.setattr("controlplane.cli.terminal.at_a_terminal", lambda: True)

        found = lee(*words, "--reason", "x", input="n\n")

        assert found.exit_code == 1
        assert f"{says}. Go ahead? [y/N]" in found.stderr
        assert "nothing was changed" in found.stderr
        assert [call for call in actions.asked if call[0] != "conditions"] == []

    def test_a_yes_on_a_terminal_goes_ahead(self, lee, actions, words, says, monkeypatch):
        monkeypatch.setattr("controlplane.cli.terminal.at_a_terminal", lambda: True)

        found = lee(*words, "--reason", "x", "--json", input="y\n")

        assert found.exit_code == 0
        assert json.loads(found.stdout)["kind"] in {"roll_back", "promote"}
        assert actions.asked[-1][0] in {"rollback", "promote"}


def test_a_reason_is_needed(lee):
    assert lee("rollback", "bikes", "--yes").exit_code == 2
    assert lee("versions", "promote", "bikes", "v5", "--yes").exit_code == 2


def test_a_rollback_without_a_champion_or_a_version_before_it_is_no_question(lee, actions):
    found = lee("rollback", "boats", "--reason", "x", "--yes")

    assert (found.exit_code, found.stderr) == (1, "Error: boats has no champion; nothing can be taken back\n")  # fmt: skip


def test_what_the_lifecycle_refuses_is_the_error(lee, actions):
    actions.refusal = Conflict("the promotion of v3 is guarded until 2024-06-01")

    found = lee("trials", "start", "bikes", "v5")

    assert found.exit_code == 1
    assert found.stderr == "Error: the promotion of v3 is guarded until 2024-06-01\n"


def test_a_folder_is_registered_as_a_tar_of_its_files(lee, actions, tmp_path):
    (tmp_path / "model/deep").mkdir(parents=True)
    (tmp_path / "model/weights").write_text("1")
    (tmp_path / "model/deep/more").write_text("2")

    found = lee("versions", "register", "bikes", tmp_path / "model", "--trained-to", "2024-03-01")

    assert found.exit_code == 0, found.stderr
    assert "leeboard trials start bikes v1" in found.stdout
    [(_, model, upload, by)] = actions.asked
    with tarfile.open(fileobj=BytesIO(upload.files)) as tar:
        assert tar.getnames() == ["deep", "deep/more", "weights"]
    assert (model, by, f"{upload.trained_to:%Y-%m-%d %z}") == ("bikes", "owner", "2024-03-01 +0000")


def test_a_file_that_is_no_tar_and_an_empty_folder_are_not_registered(lee, actions, tmp_path):
    (tmp_path / "weights").write_text("1")
    (tmp_path / "empty").mkdir()

    assert "neither a folder nor a tar" in lee("versions", "register", "bikes", tmp_path / "weights").stderr  # fmt: skip
    assert "is empty" in lee("versions", "register", "bikes", tmp_path / "empty").stderr
    assert actions.asked == []


def test_a_decision_that_was_made_is_shown_with_where_to_read_on(lee, actions):
    found = lee("rollback", "bikes", "--reason", "too high", "--yes")

    assert f"leeboard why {a_decision().id}" in found.stdout


def test_an_alarm_is_not_true_and_false_at_once(lee, actions):
    found = lee("alerts", "acknowledge", "a_2", "--false-alarm", "--true-alarm")

    assert found.exit_code == 2
    assert "say the opposite" in found.stderr
    assert actions.asked == []
