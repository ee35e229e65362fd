"""A window: what its figure rests on, its findings explained, its segments, its causes."""

import asyncio
from typing import Any

import httpx
import pytest

from connectors.client import wire
from connectors.client.http_async import AsyncConnection
from tests.tui.canned import (
    LACKS,
    a_budget,
    a_busy_server,
    a_window,
    a_window_without_labels,
    an_estimate,
    some_causes,
)
from tests.tui.conftest import Session, dashboard
from tests.tui.double import ADDRESS, NOON, page, problem
from tui.app import LeeboardApp
from tui.explained import because, explained, floor_of
from tui.feed import Feed
from tui.resting import resting, with_notes
from tui.screens.causes import CausesScreen
from tui.widgets.choose import Choose
from tui.widgets.table import Table

CAUSES = "/v1/windows/w_9/causes"


async def at_window_nine(it: Session) -> None:
    await it.sees("bikes")
    await it.press("enter")
    await it.until(lambda: "w_9" in it.screen.known)
    await it.press("pageup", *["left"] * 4, "down", "enter")
    await it.sees("7.25")


@pytest.mark.parametrize(
    ("told", "says"),
    [
        ({}, "no label is in; estimated by dle, assumes P(y|x) unchanged"),
        ({"estimated": None}, "no label is in; no estimate either"),
        ({"estimated": an_estimate(hidden="18% of the rows are new")},
         "no label is in; estimate hidden: 18% of the rows are new"),
        ({"labels": 42, "realised": wire.Figure(metric="mae", value=40.0, rows=42)},
         "labels of 25 % are in; expected before 39.5 [31, 48] by dle, assumes P(y|x) unchanged"),
        ({"estimated": an_estimate(is_apart=True, low=30.0, high=55.0, labels_wanted=1200)},
         "; 30 or 55 by the kind of change: 1,200 labels would tell"),
    ],
)  # fmt: skip
def test_a_window_says_what_its_figure_rests_on(told: dict[str, Any], says: str) -> None:
    assert says in resting(a_window_without_labels(23, **told)).plain


def test_a_window_with_all_labels_is_realised_and_no_more() -> None:
    assert resting(a_window(3)).plain == "realised, all labels in"


@pytest.mark.parametrize(
    ("told", "says"),
    [
        ({}, "expected mae 39.5 [31, 48]"),
        ({"estimated": an_estimate(interval=None)}, "expected mae 39.5"),
        ({"estimated": None}, "no labels yet"),
    ],
)
def test_a_window_stands_with_its_figure_and_what_it_lacks(told: dict[str, Any], says: str) -> None:
    lines = with_notes(a_window_without_labels(23, **told)).plain.splitlines()
    assert lines[0].endswith(says)
    assert lines[1].startswith("168 rows   labels 0 %")
    assert LACKS in lines[3:]


@pytest.mark.parametrize("width", [120, 126, 200])
async def test_the_legend_of_the_plot_is_whole_at_any_width(width: int) -> None:
    async with dashboard(a_busy_server(), (width, 40)) as it:
        await it.sees("bikes")
        await it.press("enter")
        await it.until(lambda: "w_0" in it.screen.known)
        said = it.text.replace("\u2800", " ")
        for mark in ("realised", "reference loss", "■ failed", "▲ promoted", "▼ rolled back"):
            assert mark in said


async def test_the_models_screen_tells_of_the_newest_window_that_it_is_only_expected() -> None:
    async with dashboard(a_busy_server()) as it:
        await it.sees("bikes")
        await it.press("enter")
        await it.sees("expected mae 39.5 [31, 48]", "estimated by dle, assumes P(y|x) unchanged")
        await it.press("left")
        await it.sees("realised, all labels in")


async def test_a_chart_without_any_figure_says_so() -> None:
    server = a_busy_server()
    server.answers["/v1/models/bikes/windows"] = page(a_window_without_labels(23, estimated=None))
    del server.answers["/v1/models/bikes/metrics/mae"]
    async with dashboard(server) as it:
        await it.sees("bikes")
        await it.press("enter")
        await it.sees("no label is in and nothing is estimated yet", "no estimate either")


async def test_what_cannot_be_judged_yet_wants_attention_with_its_date() -> None:
    server = a_busy_server()
    async with dashboard(server, (200, 60)) as it:
        await it.sees("bikes")
        await it.press("enter")
        await it.sees("▹ not yet", LACKS[:40])


async def test_the_metric_of_a_segment_is_chosen_from_those_that_were_found() -> None:
    async with dashboard(a_busy_server(), (120, 40)) as it:
        await it.sees("bikes")
        await it.press("enter")
        await it.until(lambda: "w_23" in it.screen.known)
        await it.press("p")
        await it.until(lambda: isinstance(it.app.screen, Choose))
        await it.sees("region=north", "42", "25 %", "+5")
        await it.press("down", "enter")
        await it.sees("mae of region=north", "of region=north; p chooses another part")
        await it.press("left")
        await it.sees("mae 92 [60, 100]  42 rows")
        await it.press("p")
        await it.until(lambda: isinstance(it.app.screen, Choose))
        await it.press("up", "enter")
        await it.sees("realised, all labels in")


async def test_a_model_without_segments_says_that_there_are_none() -> None:
    server = a_busy_server()
    for path, found in server.answers.items():
        if isinstance(found, wire.WindowFindings):
            whole = [f for f in found.findings if f.segment is None]
            server.answers[path] = wire.WindowFindings(
                window=found.window, scored_at=found.scored_at, findings=whole
            )
    async with dashboard(server) as it:
        await it.sees("bikes")
        await it.press("enter")
        await it.until(lambda: "w_23" in it.screen.known)
        await it.press("p")
        await it.sees("names no segments")
        await it.press("enter")
        await it.sees("window 23")
        await it.press("p")
        await it.sees("Nothing was found of segments.")


async def test_findings_of_segments_are_a_list_of_their_own() -> None:
    async with dashboard(a_busy_server(), (120, 40)) as it:
        await at_window_nine(it)
        assert "region=north" not in it.text
        await it.press("p")
        await it.sees("region=north", "segment drift", "2 findings of segments")
        assert it.screen.query_one("#rows", Table).count == 2
        assert "7.25" not in it.text
        await it.press("p")
        await it.sees("7.25")


async def test_a_finding_that_is_opened_says_why_it_failed() -> None:
    async with dashboard(a_busy_server(), (110, 40)) as it:
        await at_window_nine(it)
        await it.press("enter")
        await it.sees(
            "■ failed: the statistic is above its threshold and the effect is large enough",
            "7.25 against threshold 3.9, 1.86 times as high", "0.31, floor 0.1",
            "calibrated on the model's own windows", "a shift of 0.5 sd, in one window",
        )  # fmt: skip


async def test_a_finding_of_all_rows_opens_without_a_picture() -> None:
    async with dashboard(a_busy_server(), (110, 40)) as it:
        await at_window_nine(it)
        await it.press("end", "enter")
        await it.sees("all rows", "not a feature", "● passed: the statistic is within")
        assert it.screen.crumb == "all rows"


@pytest.mark.parametrize(
    ("told", "says"),
    [
        ({"reason": "shown"}, "it judges nothing"),
        ({"reason": "insufficient"}, "too few values to tell"),
        ({"reason": "the column is gone"}, "the column is gone"),
        ({"statistic": 4.5, "effect": 0.05}, "but the effect is below its floor"),
        ({"statistic": None}, "p judges it"),
        ({"threshold": None}, ""),
        ({"statistic": 4.5, "effect": None}, ""),
    ],
)
def test_every_verdict_has_its_reason(told: dict[str, Any], says: str) -> None:
    finding = wire.Finding(**({"column": "age", "detector": "a1", "statistic": 0.4, "effect": 0.3,
                               "threshold": 3.9, "verdict": "passed"} | told))  # fmt: skip
    reason = because(finding, floor_of(finding, a_budget()))
    assert says in reason
    assert bool(reason) == bool(says)


def test_levels_have_a_floor_each_and_a_hard_limit_none() -> None:
    shares = [wire.BudgetColumn(family="f", column="region", detector=f"share of {name}", floor=floor)
              for name, floor in (("north", 0.04), ("south", 0.06))]  # fmt: skip
    finding = wire.Finding(column="region", detector="share", effect=0.1, verdict="passed",
                           basis="hard", interval=wire.Interval(0.0, 0.2))  # fmt: skip
    lines = dict(explained(finding, a_budget(columns=shares)).lines)
    assert str(lines["effect"]) == "0.1, floors 0.04 to 0.06, a level each"
    assert lines["basis"] == "a hard limit: an event that is outside the budget"
    assert lines["interval"] == "[0, 0.2] with 90%"
    assert floor_of(wire.Finding(column="*", detector="volume"), a_budget()) is None


async def test_causes_are_asked_for_when_they_are_opened_and_told_in_parts() -> None:
    server = a_busy_server()
    async with dashboard(server, (120, 40)) as it:
        await at_window_nine(it)
        assert CAUSES not in server.asked
        await it.press("c")
        await it.sees(
            "44 over 168 rows, before 38 over 600: +6", "+1.5 since other rows came",
            "+4.5 since like rows turn out otherwise", "62 %", "compared with 600 labelled rows",
        )  # fmt: skip
        lines = [" ".join(line.split()) for line in it.text.splitlines()]
        assert any(line.startswith("income 80 %") and "7.25" in line and "100 %" in line
                   and line.endswith("◆ stands out") for line in lines)  # fmt: skip
        assert any(line.startswith("income > 20 100 52 41 +4.5 -0.75 0.6 0.002") for line in lines)
        await it.press("ctrl+r")
        await it.until(lambda: server.asked.count("/v1/windows/w_9") > 1)
        assert server.asked.count(CAUSES) == 1


async def test_causes_without_labels_say_what_they_rest_on_instead() -> None:
    server = a_busy_server()
    blind = wire.Credit(change=6.0, reason="inputs differ too much to be weighted alike")
    server.answers[CAUSES] = some_causes(expected=True, credit=blind, slices=[])
    async with dashboard(server, (120, 40)) as it:
        await at_window_nine(it)
        await it.press("c")
        await it.sees("expected, no label is known", "cannot be told apart: inputs differ too much",
                      "There is no slice in which the loss rose more")  # fmt: skip


async def test_causes_that_cannot_be_told_say_why_and_can_be_asked_for_again() -> None:
    server = a_busy_server()
    server.answers[CAUSES] = problem(409, "the rows of this window are gone")
    async with dashboard(server) as it:
        await at_window_nine(it)
        await it.press("c")
        await it.sees("No causes can be told.", "The rows of this window are gone.")
        server.answers[CAUSES] = some_causes()
        await it.press("ctrl+r")
        await it.sees("◆ stands out")


async def test_the_version_is_asked_what_it_depends_on_once_that_is_confirmed() -> None:
    server = a_busy_server()
    where = "/v1/windows/w_9/importance"
    server.replies[where] = wire.Importance(
        window="w_9", model="bikes", version="v3", state="asked", asked_at=NOON
    )
    async with dashboard(server, (120, 40)) as it:
        await at_window_nine(it)
        await it.press("c")
        await it.sees("◆ stands out")
        await it.press("i")
        await it.sees("how much it depends on each column", "recorded in the journal")
        await it.press("shift+tab", "enter")
        await it.until(lambda: server.sent == [(where, {})])


async def test_while_causes_are_looked_for_the_screen_says_so() -> None:
    server, gate = a_busy_server(), asyncio.Event()

    async def slowly(request: httpx.Request) -> httpx.Response:
        if request.url.path == CAUSES:
            await gate.wait()
        return server(request)

    connection = AsyncConnection(ADDRESS, "token", transport=httpx.MockTransport(slowly))
    app = LeeboardApp(Feed(connection, lambda: NOON))
    app.animation_level = "none"
    async with app.run_test(size=(120, 40)) as pilot:
        it = Session(app, pilot)
        await at_window_nine(it)
        await it.press("c")
        await it.sees("▸ Looking for causes", "The server reads the 168 rows of the window")
        assert isinstance(it.app.screen, CausesScreen)
        it.app.screen.tell_that_it_works()
        await it.sees("s so far")
        gate.set()
        await it.sees("◆ stands out")
        assert "Looking for causes" not in it.text
