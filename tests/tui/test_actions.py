"""Nothing is changed before it is confirmed; a refusal is shown in the server's words."""

from typing import Any

import pytest

from tests.tui.canned import (
    a_busy_server,
    a_decision,
    a_detail,
    a_run,
    a_summary,
    a_version,
    an_alert,
    week,
)
from tests.tui.conftest import Session, dashboard
from tests.tui.double import page, problem
from tui import questions
from tui.widgets.confirm import Confirm

BACK = "/v1/models/bikes/rollback"


async def at_the_model(it: Session) -> None:
    await it.sees("bikes")
    await it.press("enter")
    await it.sees("▸ trial of v4")
    await it.until(lambda: "versions" in it.screen.known)


async def test_a_rollback_says_what_stops_and_what_serves_and_sends_the_reason() -> None:
    server = a_busy_server()
    server.replies[BACK] = a_decision("roll_back", 3, says="take v3 back and serve v2 again")
    async with dashboard(server) as it:
        await at_the_model(it)
        await it.press("R")
        await it.sees(
            "Roll bikes back from v3 to v2",
            "v3 stops serving; it has served since 2023-12-25.",
            "v2 serves instead; it served from 2023-10-30 to 2023-12-25",
            "recorded in the journal",
        )
        await it.types("it is worse")
        await it.press("enter")
        await it.sees("bikes goes back to v2: take v3 back")
        assert server.sent == [(BACK, {"reason": "it is worse"})]


async def test_a_rollback_without_a_reason_sends_nothing() -> None:
    server = a_busy_server()
    async with dashboard(server) as it:
        await at_the_model(it)
        await it.press("R")
        await it.until(lambda: isinstance(it.app.screen, Confirm))
        await it.press("enter")
        await it.sees("A reason is needed")
        assert server.sent == []


@pytest.mark.parametrize("keys", [["escape"], ["x", "tab", "tab", "enter"]])
async def test_leaving_the_question_sends_nothing(keys: list[str]) -> None:
    server = a_busy_server()
    async with dashboard(server) as it:
        await at_the_model(it)
        await it.press("R")
        await it.until(lambda: isinstance(it.app.screen, Confirm))
        await it.press(*keys)
        await it.until(lambda: not isinstance(it.app.screen, Confirm))
        assert server.sent == []


async def test_a_refusal_is_shown_in_the_servers_words() -> None:
    server = a_busy_server()
    server.replies[BACK] = problem(409, "a guard is watching v3; nothing moves until it ends")
    async with dashboard(server) as it:
        await at_the_model(it)
        await it.press("R")
        await it.types("why")
        await it.press("enter")
        await it.sees("a guard is watching v3; nothing moves")


async def test_a_first_champion_has_nothing_to_go_back_to() -> None:
    server = a_busy_server()
    server.answers["/v1/models/bikes/versions"] = page(a_version(3))
    async with dashboard(server) as it:
        await at_the_model(it)
        await it.press("R")
        await it.sees("No version served before this one")
        assert server.sent == []


async def test_promoting_a_version_that_its_trial_turned_away_says_so() -> None:
    server = a_busy_server()
    server.answers["/v1/models/bikes/versions"] = page(a_version(4, state="rejected"))
    path = "/v1/models/bikes/versions/v4/promote"
    server.replies[path] = a_decision("promote", 4)
    async with dashboard(server) as it:
        await at_the_model(it)
        await it.press("v")
        await it.sees("rejected")
        await it.press("P")
        await it.sees("v3 stops serving", "v4 serves instead", "goes against the evidence")
        await it.types("tested by hand")
        await it.press("enter")
        await it.sees("v4 of bikes is to serve")
        assert server.sent == [(path, {"reason": "tested by hand"})]


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        (["shift+tab"], None),
        (["shift+tab", "shift+tab"], {"verdict": "true_alarm", "note": ""}),
        (["tab"], {"verdict": "false_alarm", "note": ""}),
    ],
)
async def test_an_alert_is_acknowledged_as_true_false_or_neither(
    keys: list[str], said: Any
) -> None:
    server = a_busy_server()
    server.replies["/v1/alerts/a_1/acknowledge"] = server.answers["/v1/alerts/a_1"]
    async with dashboard(server) as it:
        await it.press("2")
        await it.sees("critical")
        await it.press("A")
        await it.sees("Acknowledge the critical alert of churn", "It keeps firing",
                      "False alarm", "True alarm", "Not known yet")  # fmt: skip
        assert server.sent == []
        await it.press(*keys, "enter")
        await it.until(lambda: server.sent == [("/v1/alerts/a_1/acknowledge", said)])


async def test_an_alert_that_is_over_can_still_be_called_false() -> None:
    server = a_busy_server()
    over = an_alert(state="resolved", resolved_at=week(24), verdict="true_alarm",
                    acknowledged_by="ada", note="a strike")  # fmt: skip
    server.answers["/v1/alerts"] = page(over)
    server.answers["/v1/alerts/a_1"] = server.replies["/v1/alerts/a_1/acknowledge"] = over
    async with dashboard(server, (160, 30)) as it:
        await it.press("2")
        await it.sees("■ true alarm")
        await it.press("enter")
        await it.sees("a strike")
        await it.press("A")
        await it.sees("It is resolved.", "It was called a true alarm; another word replaces that.")
        await it.press("tab", "enter")
        await it.until(lambda: [body for _, body in server.sent] == [
            {"verdict": "false_alarm", "note": ""}
        ])  # fmt: skip


async def test_a_run_is_asked_for_with_a_reason() -> None:
    server = a_busy_server()
    server.replies["/v1/models/bikes/runs"] = a_run()
    async with dashboard(server) as it:
        await at_the_model(it)
        await it.press("T")
        await it.sees("Train a new version of bikes", "the champion is not touched")
        await it.types("new data")
        await it.press("enter")
        await it.until(lambda: server.sent == [("/v1/models/bikes/runs", {"reason": "new data"})])


async def test_a_run_under_way_can_be_cancelled() -> None:
    server = a_busy_server()
    server.replies["/v1/runs/r_4/cancel"] = a_run(state="cancelled")
    async with dashboard(server) as it:
        await at_the_model(it)
        await it.press("r")
        await it.sees("age")
        await it.press("enter")
        await it.sees("epoch 1", "X Cancel it")
        await it.press("X")
        await it.sees("it makes no version")
        await it.press("shift+tab", "enter")
        await it.until(lambda: server.sent == [("/v1/runs/r_4/cancel", None)])


async def test_a_stopped_model_goes_on_when_told() -> None:
    server = a_busy_server()
    stopped = a_summary(retraining_stopped="three runs failed in a row")
    server.answers["/v1/models/bikes"] = a_detail(summary=stopped)
    server.replies["/v1/models/bikes/resume"] = stopped
    async with dashboard(server) as it:
        await it.sees("bikes")
        await it.press("enter")
        await it.sees("■ no retraining", "three runs failed in a row; G says go")
        await it.press("G")
        await it.sees("It was stopped: three runs failed in a row.")
        await it.press("shift+tab", "enter")
        await it.until(lambda: server.sent == [("/v1/models/bikes/resume", None)])


@pytest.mark.parametrize(("key", "verb"), [("Y", "approve"), ("N", "reject")])
async def test_a_decision_that_waits_is_answered(key: str, verb: str) -> None:
    server = a_busy_server()
    waiting = a_decision("promote", 4, state="awaiting_approval", verdict=None)
    server.answers["/v1/decisions"] = page(waiting)
    server.replies[f"/v1/decisions/{waiting.id}/{verb}"] = waiting
    async with dashboard(server) as it:
        await it.press("3")
        await it.sees("◇ awaiting approval", "Y Approve")
        await it.press(key)
        await it.until(lambda: isinstance(it.app.screen, Confirm))
        await it.press("shift+tab", "enter")
        await it.until(lambda: [path for path, _ in server.sent] == [
            f"/v1/decisions/{waiting.id}/{verb}"
        ])  # fmt: skip


async def test_a_decision_that_waits_for_nobody_has_no_such_keys() -> None:
    async with dashboard(a_busy_server()) as it:
        await it.press("3")
        await it.sees("promote v3")
        assert "Approve" not in it.text


async def test_read_only_has_no_key_that_changes_anything() -> None:
    server = a_busy_server()
    server.replies[BACK] = a_decision("roll_back", 3)
    async with dashboard(server, (120, 40), is_read_only=True) as it:
        await at_the_model(it)
        assert "read-only" in it.text
        assert "Roll back" not in it.text
        for key in ("R", "T", "G"):
            await it.press(key)
            assert it.app.screen is it.screen
        await it.press("question_mark")
        await it.sees("Versions")
        assert "Roll back" not in it.text
        assert server.sent == []


async def test_a_read_only_feed_sends_nothing_whoever_asks() -> None:
    server = a_busy_server()
    feed = server.feed(is_read_only=True)
    said: list[object] = []
    await feed.act(questions.rollback("bikes", "why"), "Roll back", "done", said.append)
    assert [getattr(one, "says", "") for one in said] == ["this dashboard is read-only"]
    assert server.sent == []
