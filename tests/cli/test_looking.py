"""The commands that only look: what they say, in what form, and with which exit status."""

import json

import pytest

from connectors.client import wire
from connectors.client.http import Connection


def test_the_fleet_is_a_table_and_a_critical_alert_is_bad_news(lee):
    found = lee("status")

    assert found.exit_code == 3
    titles, bikes, boats = found.stdout.splitlines()
    assert titles.split() == [
        "model", "verdict", "champion", "metric", "newest", "reference", "alerts", "activity",
        "model", "time",
    ]  # fmt: skip
    assert bikes.split()[:4] == ["bikes", "failed", "v3", "mae"]
    assert "28.14 [22.72, 33.57] on 167" in bikes
    assert "1 critical" in bikes
    assert "2024-05-10 00:00" in bikes
    assert "the last 3 runs failed" in boats


def test_one_model_says_what_is_open_and_where_to_read_on(lee):
    found = lee("status", "boats")

    assert found.exit_code == 3
    assert "retraining has stopped: leeboard runs resume boats" in found.stdout
    assert "v4 was taken back: leeboard why a_2" in lee("status", "bikes").stdout


@pytest.mark.parametrize(
    "words",
    [
        ["status"], ["status", "bikes"], ["why", "bikes/v4"], ["why", "d_ask2"], ["why", "a_1"],
        ["versions", "bikes"], ["versions", "show", "bikes", "v3"], ["runs", "bikes"],
        ["runs", "show", "r_bad"], ["runs", "log", "r_1"], ["trials", "bikes"],
        ["trials", "show", "t_3"], ["decisions"], ["decisions", "show", "d_ask2"], ["alerts"],
        ["alerts", "show", "a_1"], ["deliveries"], ["audit"], ["audit", "verify"],
    ],
    ids=" ".join,
)  # fmt: skip
def test_with_json_standard_output_is_one_document_and_nothing_else(lee, actions, words):
    found = lee(*words, "--json")

    assert found.exit_code == (3 if words[0] == "status" else 0)
    assert isinstance(json.loads(found.stdout), dict)
    assert found.stdout.count("\n") == 1
    assert found.stderr == ""


@pytest.mark.parametrize(
    ("words", "first", "last"),
    [
        (["versions", "bikes"], "v5       candidate", "v1       retired"),
        (["runs", "bikes"], "r_bad  failed", "r_1    succeeded"),
        (["trials", "bikes"], "t_3    better", "t_2    worse"),
        (["alerts"], "a_2    critical  firing", "a_1    warning   resolved"),
        (["deliveries"], "msg_1     dead   ops", "msg_1     dead   ops"),
        (["decisions", "bikes"], "d_wait5   2024-05-09 00:00  bikes  promote", "d_ask1    2024-01-21 00:00"),
        (["audit"], "3      2024-01-21 00:00", "1      2026-06-19 00:00"),
    ],
    ids=lambda words: " ".join(words) if isinstance(words, list) else "",
)  # fmt: skip
def test_a_list_begins_with_the_newest(lee, words, first, last):
    lines = lee(*words).stdout.splitlines()

    assert lines[1].startswith(first)
    assert lines[-1].startswith(last)


def test_a_list_that_is_cut_says_how_to_see_more(lee):
    found = lee("decisions", "bikes", "--limit", 2)

    assert len(found.stdout.splitlines()) == 3
    assert found.stderr == "the newest 2; --limit 20 shows more\n"
    assert json.loads(lee("decisions", "--limit", 2, "--json").stdout)["more"] is True


def test_lists_are_narrowed_by_kind_and_state(lee):
    kinds = lee("decisions", "bikes", "--kind", "hold").stdout.splitlines()
    firing = lee("alerts", "bikes", "--state", "firing").stdout.splitlines()

    assert [line.split()[0] for line in kinds] == ["decision", "d_held"]
    assert [line.split()[0] for line in firing] == ["alert", "a_2"]


def test_an_empty_list_says_so_on_standard_error(lee):
    assert lee("versions", "boats").stderr == (
        "boats has no version yet: `leeboard runs start boats` trains one\n"
    )
    assert lee("deliveries", "--state", "queued").stderr == "no message is queued\n"
    assert lee("deliveries", "--state", "queued").stdout == ""


def test_a_version_is_shown_with_its_lineage(lee):
    shown = lee("versions", "show", "bikes", "v3").stdout

    for part in ("v3  champion", "r_3", "4,003", "2024-01-01 00:00 to 2024-02-16 00:00", "3" * 64,
                 "mae 30.5", "20.46", "leeboard why bikes/v3"):  # fmt: skip
        assert part in shown


def test_a_trial_is_shown_day_by_day(lee):
    shown = lee("trials", "show", "t_3").stdout

    assert "v1 30, v3 20.9" in shown
    assert "9.1 [0.55, 17.7]" in shown
    assert shown.splitlines()[-2].split() == ["2024-03-01", "00:00", "14", "14", "336", "9.1", "[0.55,", "17.7]", "days"]  # fmt: skip


def test_a_log_comes_as_it_was_printed(lee, actions):
    actions.log = b"epoch 1\nepoch 2\n"
    try:
        assert lee("runs", "log", "r_1").stdout == "epoch 1\nepoch 2\n"
        assert lee("runs", "log", "r_1", "--follow").stdout == "epoch 1\nepoch 2\n"
        assert json.loads(lee("runs", "log", "r_1", "--json").stdout)["log"] == "epoch 1\nepoch 2\n"
        followed = lee("runs", "log", "r_bad", "--follow")
    finally:
        actions.log = b""
    assert followed.exit_code == 1
    assert "run r_bad has failed: exit status 2" in followed.stderr
    assert lee("runs", "log", "r_1", "--follow", "--json").exit_code == 2


def test_the_chain_of_a_journal_with_two_clocks_holds(lee):
    found = lee("audit", "verify")

    assert (found.exit_code, found.stdout) == (0, "the chain holds: 3 entries\n")


def test_a_broken_chain_is_bad_news(monkeypatch, lee):
    broken = wire.Chain(holds=False, entries=3, broken_at="000000000002")
    monkeypatch.setattr(Connection, "verify_audit", lambda self: broken)

    found = lee("audit", "verify")

    assert found.exit_code == 3
    assert "broken at entry 000000000002 of 3" in found.stdout
    assert json.loads(lee("audit", "verify", "--json").stdout)["holds"] is False
