"""What goes wrong is a sentence that says how to mend it, and a status that scripts can tell."""

import click
import pytest
from click.testing import CliRunner

from controlplane.cli.__main__ import COMMANDS, main
from tests.cli.conftest import commanding


def test_a_server_that_is_away_is_named_with_how_to_start_one():
    found = commanding("http://127.0.0.1:9")("status")

    assert found.exit_code == 1
    assert "no answer from http://127.0.0.1:9" in found.stderr
    assert "`leeboard serve`" in found.stderr
    assert found.stdout == ""


@pytest.mark.parametrize("address", ["nowhere", "ftp://x", "http://", "http://x:99999"])
def test_an_address_that_is_none_is_wrong_usage(address):
    found = commanding(address)("status")

    assert found.exit_code == 2
    assert "is not an address; expected one as http://127.0.0.1:8321" in found.stderr


def test_a_token_that_is_missing_or_wrong_says_where_one_is(served, tmp_path, monkeypatch):
    monkeypatch.setenv("LEEBOARD_DATA", str(tmp_path))

    for token in (None, "wrong"):
        found = commanding(served.address, token)("status")
        assert found.exit_code == 1
        assert "give --token or LEEBOARD_TOKEN" in found.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["status", "bike"], "there is no model 'bike'; did you mean bikes?"),
        (["status", "zzz"], "`leeboard status` lists the models"),
        (["alerts", "bike"], "did you mean bikes?"),
        (["decisions", "bike"], "did you mean bikes?"),
        (["versions", "show", "bikes", "v33"], "did you mean v3?"),
        (["versions", "show", "bikes", "zzz"], "`leeboard versions bikes` lists them"),
        (["runs", "show", "r_9"], "there is no run 'r_9'"),
        (["trials", "show", "t_9"], "there is no trial 't_9'"),
    ],
    ids=lambda words: " ".join(words) if isinstance(words, list) else "",
)  # fmt: skip
def test_an_unknown_name_is_told_with_the_nearest(lee, words, said):
    found = lee(*words)

    assert found.exit_code == 1
    assert said in found.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["statsu"], "there is no command 'statsu'; did you mean status?"),
        (["runs", "strat", "bikes"], "there is no `runs strat`; did you mean `runs start`?"),
        (["versions"], "Missing argument 'MODEL'"),
        (["decisions", "--kind", "wrong"], "'wrong' is not one of 'retrain'"),
        (["alerts", "--limit", "0"], "0 is not in the range"),
        (["why"], "Missing argument 'ID'"),
        (["validate"], "Missing argument 'FILE...'"),
        (["log", "nowhere.csv", "--model", "bikes"], "'nowhere.csv' does not exist"),
    ],
    ids=lambda words: " ".join(words) if isinstance(words, list) else "",
)  # fmt: skip
def test_wrong_usage_is_status_2(lee, words, said):
    found = lee(*words)

    assert found.exit_code == 2
    assert said in found.stderr


def test_ctrl_c_ends_quietly_with_130(lee, monkeypatch):
    def interrupted(self):
        raise KeyboardInterrupt

    monkeypatch.setattr("connectors.client.http.Connection.verify_audit", interrupted)

    found = lee("audit", "verify")

    assert (found.exit_code, found.output) == (130, "")


def test_colour_stays_away_where_it_is_not_wanted(served, lee):
    words = ["status", "--server", served.address, "--token", "lee_owner"]

    assert "\x1b[" in CliRunner().invoke(main, words, color=True, env={"NO_COLOR": None}).stdout
    assert "\x1b[" not in CliRunner().invoke(main, words, color=True, env={"NO_COLOR": "1"}).stdout
    assert "\x1b[" not in lee("status").stdout


def completed(served, words: str, last: str) -> list[str]:
    """What a shell is offered after these words."""
    env = {
        "_LEEBOARD_COMPLETE": "bash_complete", "COMP_WORDS": f"leeboard {words} {last}",
        "COMP_CWORD": str(len(words.split()) + 1), "LEEBOARD_SERVER": served.address,
        "LEEBOARD_TOKEN": "lee_owner",
    }  # fmt: skip
    found = CliRunner().invoke(main, prog_name="leeboard", env=env)
    return [line.partition(",")[2] for line in found.stdout.split()]


def test_names_are_completed_from_the_server(served):
    assert completed(served, "versions show", "") == ["bikes", "boats"]
    assert completed(served, "versions show bikes", "v") == ["v1", "v2", "v3", "v4", "v5"]
    assert completed(served, "decisions approve", "d_w") == ["d_wait5"]
    assert completed(served, "why", "a_") == ["a_2", "a_1"]
    assert completed(served, "why", "bikes/v1") == ["bikes/v1"]
    assert completed(served, "runs log", "r_b") == ["r_bad"]
    assert completed(served, "trials show", "t_") == ["t_3", "t_2"]
    assert completed(served, "deliveries retry", "") == ["msg_1"]
    assert completed(served, "", "dec") == ["decisions"]
    assert completed(served, "alerts", "--st") == ["--state"]
    assert completed(served, "versions", "") == [
        "list",
        "promote",
        "register",
        "show",
        "bikes",
        "boats",
    ]
    assert completed(served, "versions", "bo") == ["boats"]
    assert completed(served, "status", "--js") == ["--json"]


def test_completion_is_silent_where_no_server_answers(served):
    served = type("Away", (), {"address": "http://127.0.0.1:9"})

    assert completed(served, "status", "") == []


def commands() -> list[tuple[str, click.Command]]:
    """Every command of the table, and those in groups."""
    found = []
    with click.Context(main) as ctx:
        for name in COMMANDS:
            command = main.get_command(ctx, name)
            assert command is not None
            found.append((name, command))
            if isinstance(command, click.Group):
                found += [(f"{name} {each}", inner) for each, inner in command.commands.items()]
    return found


@pytest.mark.parametrize("name", [name for name, _ in commands()])
def test_the_help_of_every_command_has_examples(name):
    found = CliRunner().invoke(main, [*name.split(), "--help"], prog_name="leeboard")

    assert found.exit_code == 0
    _, _, shown = found.stdout.partition("Examples:\n")
    assert f"leeboard {name.split(maxsplit=1)[0]}" in shown
