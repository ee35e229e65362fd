"""`leeboard why`: the chain from what caused something to what came of it."""

import json

import pytest


def titles(lee, id_):
    return [c["title"] for c in json.loads(lee("why", id_, "--json").stdout)["chapters"]]


def test_a_version_is_told_from_what_asked_for_it_to_what_ended_it(lee):
    assert titles(lee, "bikes/v1") == ["Asked for", "Trained", "Promoted first", "While it served, 1 alert", "Replaced"]  # fmt: skip
    assert titles(lee, "bikes/v2") == ["Asked for", "What the monitors found", "Trained", "Put on trial", "Tried", "Turned away"]  # fmt: skip
    assert titles(lee, "bikes/v3") == ["Asked for", "Trained", "Put on trial", "Tried", "Promoted", "Replaced", "While it served, 1 alert", "Served again"]  # fmt: skip
    assert titles(lee, "bikes/v4") == ["Trained", "Promoted (made by the demonstration)", "Guarded", "While it served, 1 alert", "Taken back"]  # fmt: skip
    assert titles(lee, "bikes/v5") == ["Registered", "Promoted"]


def test_a_turned_away_version_has_its_figures_with_counts_and_intervals(lee):
    told = lee("why", "bikes/v2").stdout

    for sentence in (
        "retrain: mae 28.14 is beyond 22.51",
        "decided by the policy, under generation 2",
        "score w_1/1: 28.14 [22.72, 33.57] on 167 rows; limit 22.51",
        (
            "temp, jensen_shannon: failed, statistic 5.5, p value 0.001, effect 0.31, threshold 4.1, "
            "167 rows against 4,001 (calibrated)"
        ),
        "on 4,002 labelled rows from 2024-01-01 00:00 to 2024-01-27 00:00",
        "trial t_2: v2 against v1 by mae on 336 rows of 14 closed days",
        "v1 30, v2 39.5; gain -9.5 [-16, -3], above zero the candidate is better",
        "leeboard why t_2",
        "leeboard runs log r_2",
    ):
        assert sentence in told


def test_a_version_that_was_taken_back_says_what_its_guard_measured(lee):
    told = lee("why", "bikes/v4").stdout

    assert "v4 lost 9.5 a row more than v3 on 190 rows; allowed 1.023 more" in told
    assert "alarm level 10100; it would take back at 9720" in told
    assert "promote v4 in place of v3 by hand: agreed" in told
    assert "decided by anna, by hand, under generation 2" in told
    assert "take v4 back and serve v3 again" in told


def test_a_version_that_came_back_says_how_long_it_had_served(lee):
    told = lee("why", "bikes/v3").stdout

    assert "it had served for 20 days" in told
    assert "v4 was taken back, and this one served again" in told


def test_a_decision_says_when_by_whom_under_what_and_what_came_of_it(lee):
    told = lee("why", "d_ask2").stdout

    assert "2024-02-10 00:00 in model time, by the policy" in told
    assert "generation 2 of the model file" in told
    assert titles(lee, "d_ask2") == ["Because of score w_1/1", "What the monitors found", "Trained", "Put on trial", "Tried", "Turned away"]  # fmt: skip


def test_a_held_trigger_says_what_held_it_and_when_a_run_came_after_all(lee):
    story = json.loads(lee("why", "d_held", "--json").stdout)

    assert [c["ids"]["decision"] for c in story["chapters"]] == ["d_ask2", "d_ask3"]


def test_an_alert_says_what_it_rests_on_who_was_told_and_what_followed(lee):
    told = lee("why", "a_1").stdout

    assert "ops of fired: dead" in told
    assert "v3 was promoted" in told
    assert titles(lee, "a_1") == ["Because of score w_1/1", "What the monitors found", "Asked for", "Trained", "Put on trial", "Tried", "Turned away"]  # fmt: skip


def test_runs_trials_and_windows_have_a_story_too(lee):
    assert titles(lee, "r_bad") == ["Trained"]
    assert titles(lee, "t_2") == titles(lee, "r_2") == ["Asked for", "Trained", "Put on trial", "Tried", "Turned away"]  # fmt: skip
    assert titles(lee, "w_1") == ["What the monitors found", "Asked for", "Alerted"]


def test_figures_stand_in_the_document_as_they_are(lee):
    story = json.loads(lee("why", "d_ask2", "--json").stdout)

    assert story["chapters"][0]["figures"] == {"value": 28.14, "low": 22.72, "high": 33.57, "rows": 167.0, "limit": 22.51}  # fmt: skip
    assert story["next"][0] == "leeboard why w_1"


def test_the_beginning_of_an_id_is_enough_where_it_fits_one_thing(lee):
    assert lee("why", "d_hel").stdout == lee("why", "d_held").stdout
    several = lee("why", "d_ask")
    assert several.exit_code == 1
    assert "3 begin like that: d_ask" in several.stderr


@pytest.mark.parametrize(
    ("id_", "said"),
    [
        ("bikes/v9", "bikes has no version 'v9'"),
        ("bike/v1", "did you mean bikes?"),
        ("d_asc2", "did you mean d_ask2?"),
        ("w_9", "there is no window 'w_9'"),
        ("nonsense", "expected the id of a decision (d_…)"),
        ("v3", "which model's v3? Expected MODEL/v3; there are: bikes, boats"),
    ],
)
def test_what_names_nothing_is_told_with_what_could_be_meant(lee, id_, said):
    found = lee("why", id_)

    assert found.exit_code == 1
    assert said in found.stderr
    assert found.stdout == ""
