"""Going from the fleet down to the rows that a number came from, and back."""

from datetime import UTC, datetime

import pytest
from msgspec import structs

from tests.tui.canned import BEGAN, a_busy_server, a_detail, a_summary, a_version, an_alert
from tests.tui.conftest import dashboard, way
from tests.tui.double import page
from tui.commands import Places
from tui.screens.help import HelpScreen
from tui.widgets.table import Table


async def test_the_fleet_shows_a_line_a_model_with_its_figures() -> None:
    async with dashboard(a_busy_server(), (160, 24)) as it:
        await it.sees("bikes", "churn", "fraud")
        [bikes] = [line for line in it.text.splitlines() if line.startswith(" bikes")]
        assert bikes.split() == [
            "bikes",
            "●",
            "passed",
            "v3",
            "mae",
            "41.25",
            "[36.5,",
            "46]",
            "38.2",
            "▸",
            "trial",
            "of",
            "v4",
            "none",
            "4,032",
            "3,864",
            "2024-02-19",
        ]
        assert "■ 1 failed" in it.text
        assert "1 open alert" in it.text
        assert "■ 1 critical" in it.text


async def test_a_number_can_be_opened_down_to_the_rows_that_it_came_from() -> None:
    async with dashboard(a_busy_server(), (110, 40)) as it:
        await it.sees("bikes")
        await it.press("enter")
        await it.sees("mae 41.25 [36.5, 46]", "reference 38.2", "4,032 predictions")
        await it.until(lambda: "w_9" in it.screen.known)
        await it.press("pageup", *["left"] * 4, "down")
        await it.sees("#9  2023-11-06 … 2023-11-13  ■ failed", "income  failed")
        await it.press("enter")
        await it.sees("window 9", "168 rows", "1 of 4 columns failed", "7.25")
        await it.press("enter")
        await it.sees("4,000 rows of the reference", "168 rows of the window", "79.4 %", "25 %")
        assert it.screen.crumb == "income"


async def test_escape_goes_back_the_way_that_one_came() -> None:
    async with dashboard(a_busy_server()) as it:
        await it.sees("bikes")
        await it.press("enter")
        await it.sees(way("Leeboard", "fleet", "bikes"))
        await it.press("v")
        await it.sees(way("Leeboard", "fleet", "bikes", "versions"))
        await it.press("escape")
        await it.sees("▸ trial of v4")
        await it.press("escape")
        await it.sees("churn")
        await it.press("escape")
        await it.sees("churn")


async def test_digits_lead_to_the_fleet_the_alerts_and_the_decisions() -> None:
    async with dashboard(a_busy_server()) as it:
        await it.sees("bikes")
        await it.press("2")
        await it.sees("auc 0.61 [0.58, 0.64]", "critical")
        await it.press("3")
        await it.sees("promote v3 in place of v2")
        await it.press("1")
        await it.sees("churn")


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("v", ["on trial", "retired", "2023-09-04"]),
        ("t", ["running", "+3.333", "12/28"]),
        ("r", ["running", "age", "4,000"]),
        ("d", ["promote v3 in place of v2", "better"]),
        ("a", ["auc 0.61"]),
        ("f", ["task: regression"]),
    ],
)
async def test_a_letter_opens_each_list_of_a_model(key: str, words: list[str]) -> None:
    async with dashboard(a_busy_server()) as it:
        await it.sees("bikes")
        await it.press("enter")
        await it.sees("▸ trial of v4")
        await it.press(key)
        await it.sees(*words)


async def test_a_decision_shows_its_evidence_and_leads_to_the_record_it_cites() -> None:
    async with dashboard(a_busy_server(), (100, 36)) as it:
        await it.press("3")
        await it.sees("promote v3")
        await it.press("enter")
        await it.sees("Evidence", "rows 336 · difference 4.1", "generation 2")
        await it.press("enter")
        await it.sees("v4 against v3", "288 labelled rows", "gain in mae")


async def test_a_decision_of_the_demonstrations_making_says_so() -> None:
    server = a_busy_server()
    [made] = [d for d in server.answers["/v1/decisions"]["items"] if d.id == "d_promote_3"]
    shown = structs.replace(made, made=True)
    server.answers["/v1/decisions/d_promote_3"] = shown
    server.answers["/v1/decisions"] = page(shown)
    async with dashboard(server) as it:
        await it.press("3")
        await it.sees("promote (made)")
        await it.press("enter")
        await it.sees("by the demonstration: this scene is made up")


async def test_a_runs_log_is_followed_from_where_it_ended() -> None:
    server = a_busy_server()
    async with dashboard(server) as it:
        await it.sees("bikes")
        await it.press("enter", "r")
        await it.sees("age")
        await it.press("enter")
        await it.sees("epoch 1")
        await it.press("ctrl+r")
        await it.sees("epoch 1\n epoch 2")
        server.answers["/v1/runs/r_4/log?offset=16"] = b"epoch 3\n"
        await it.press("ctrl+r")
        await it.sees("epoch 1\n epoch 2\n epoch 3")


async def test_a_slash_keeps_the_rows_that_hold_every_word() -> None:
    async with dashboard(a_busy_server()) as it:
        await it.sees("bikes", "churn")
        await it.press("slash")
        await it.types("fail guard")
        await it.until(lambda: it.screen.query_one(Table).count == 1)
        assert "churn" in it.text
        assert " bikes" not in it.text
        await it.press("enter", "enter")
        await it.until(lambda: it.screen.crumb == "churn")


async def test_escape_ends_the_filter_before_it_goes_back() -> None:
    async with dashboard(a_busy_server()) as it:
        await it.sees("bikes")
        await it.press("slash")
        await it.types("churn")
        await it.until(lambda: it.screen.query_one(Table).count == 1)
        await it.press("escape")
        await it.until(lambda: it.screen.query_one(Table).count == 3)


async def test_help_lists_the_keys_of_the_screen_that_it_was_opened_from() -> None:
    async with dashboard(a_busy_server(), (100, 60)) as it:
        await it.sees("bikes")
        await it.press("enter")
        await it.sees("▸ trial of v4")
        await it.press("question_mark")
        await it.until(lambda: isinstance(it.app.screen, HelpScreen))
        await it.sees("Next window", "Versions", "Roll back", "Signs", "ask first")
        await it.press("escape")
        await it.sees("▸ trial of v4")


async def test_the_palette_opens_a_model_by_its_name() -> None:
    async with dashboard(a_busy_server()) as it:
        await it.sees("bikes")
        await it.press("colon")
        await it.sees("Open model churn")
        await it.types("model bikes")
        await it.sees("Open model bikes")
        await it.press("enter")
        await it.until(lambda: getattr(it.app.screen, "crumb", "") == "bikes")


async def test_no_model_yet_says_what_to_do() -> None:
    server = a_busy_server()
    server.answers["/v1/models"] = page()
    async with dashboard(server) as it:
        await it.sees("No model yet.", "leeboard demo", "leeboard apply FILE")


async def test_no_window_yet_says_when_the_first_one_closes() -> None:
    server = a_busy_server()
    new = a_summary("fraud", verdict=None, champion=None, realised=None)
    server.answers["/v1/models"] = page(new)
    window = server.answers["/v1/windows/w_0"]
    opened = type(window)(id="w_x", model="fraud", start=window.start, end=window.end,
                          state="open", revision=-1)  # fmt: skip
    server.answers["/v1/models/fraud/windows"] = page(opened)
    server.answers["/v1/models/fraud"] = a_detail(summary=new, champion=None, trial=None)
    async with dashboard(server) as it:
        await it.sees("fraud")
        await it.press("enter")
        await it.sees("No window is scored yet.", "closes when rows after 2023-09-11 have come")


@pytest.mark.parametrize(
    ("key", "path", "says"),
    [
        ("v", "versions", "No version yet."),
        ("t", "trials", "No trial yet."),
        ("r", "runs", "No run yet."),
    ],
)
async def test_an_empty_list_says_what_fills_it(key: str, path: str, says: str) -> None:
    server = a_busy_server()
    server.answers[f"/v1/models/bikes/{path}"] = page()
    async with dashboard(server) as it:
        await it.sees("bikes")
        await it.press("enter")
        await it.sees("▸ trial of v4")
        await it.press(key)
        await it.sees(says)


async def test_a_longer_list_is_loaded_a_page_at_a_time() -> None:
    server = a_busy_server()
    alerts = [structs.replace(an_alert(), id=f"a_{n}") for n in range(30)]
    server.answers["/v1/alerts"] = page(*alerts[:20], following="more")
    server.answers["/v1/alerts?cursor=more"] = page(*alerts[20:])
    async with dashboard(server) as it:
        await it.press("2")
        await it.until(lambda: it.screen.query_one(Table).count == 20)
        await it.press("end")
        await it.until(lambda: it.screen.query_one(Table).count == 30)


async def test_what_cannot_have_changed_is_not_asked_again() -> None:
    server = a_busy_server()
    async with dashboard(server) as it:
        await it.sees("bikes")
        await it.press("enter")
        await it.until(lambda: server.asked.count("/v1/windows/w_0/findings") == 1)
        before = server.asked.count("/v1/models/bikes")
        await it.press("ctrl+r")
        await it.until(lambda: server.asked.count("/v1/models/bikes") > before)
        assert server.asked.count("/v1/windows/w_0/findings") == 1
        assert server.asked.count("/v1/models/bikes/windows") == 1


async def test_what_a_server_says_is_never_read_as_markup() -> None:
    server = a_busy_server()
    server.answers["/v1/models/bikes/versions"] = page(a_version(3, origin="[red]run[/nothing]"))
    async with dashboard(server, (170, 30)) as it:
        await it.sees("bikes")
        await it.press("enter")
        await it.sees("▸ trial of v4")
        await it.press("v")
        await it.sees("[red]run[/nothing]")


async def test_a_history_without_times_speaks_of_rows() -> None:
    server = a_busy_server()
    back = BEGAN - datetime(1970, 1, 5, tzinfo=UTC)
    windows = [
        structs.replace(window, start=window.start - back, end=window.end - back)
        for window in server.answers["/v1/models/bikes/windows"]["items"]
    ]
    server.answers["/v1/models/bikes/windows"] = page(*windows)
    server.answers["/v1/models/bikes"] = a_detail(timed=False)
    async with dashboard(server) as it:
        await it.sees("bikes")
        await it.press("enter")
        await it.sees("#23  row 3,864 … row 4,032", "╵row 0")


async def test_the_palette_offers_the_lists_of_the_model_that_is_shown() -> None:
    async with dashboard(a_busy_server()) as it:
        await it.sees("bikes")
        offered = [hit.text async for hit in Places(it.screen).discover()]
        assert "Go to the trials of bikes" not in offered
        await it.press("enter")
        await it.sees("▸ trial of v4")
        offered = [hit.text async for hit in Places(it.screen).discover()]
        assert offered[3] == "Go to the versions of bikes"
        assert offered[-4:] == [
            "Open model bikes", "Open model churn", "Open model fraud", "Show the keys",
        ]  # fmt: skip
