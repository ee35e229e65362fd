"""The budget's screen: what is allowed, what it rests on, what is missing, whether it was kept."""

from typing import Any

import pytest
from msgspec import structs

from connectors.client import wire
from tests.tui.canned import LACKS, a_budget, a_busy_server, a_detail, week
from tests.tui.conftest import Session, dashboard, way
from tui import allowed
from tui.screens.budget import BudgetScreen
from tui.widgets.table import Table


async def open_budget(it: Session) -> None:
    await it.sees("bikes")
    await it.press("enter")
    await it.sees("▸ trial of v4")
    await it.press("b")
    await it.until(lambda: "budget" in it.screen.known and "windows" in it.screen.known)


async def test_the_budget_is_told_in_words_with_each_familys_threshold() -> None:
    async with dashboard(a_busy_server(), (200, 60)) as it:
        await open_budget(it)
        assert way("bikes", "budget") in it.text
        await it.sees(
            "1 false alarm per 90 days", "0.5 at most", "59 windows of v3's reference",
            "feature drift  40 %", "3.9 sd, calibrated; by order alone 5.2, ■ too low",
            "59, compared with the whole reference", "5 calibration windows, there are 3",
            "0.04 measured on the model's own past rows, of 0.1 allowed",
            "● yes, 3 alerts since 2023-11-13: 2 true, 0 false, 1 not judged",
        )  # fmt: skip
        assert "broken" not in it.text


async def test_the_budget_says_which_verdicts_are_missing_and_from_when_on() -> None:
    async with dashboard(a_busy_server(), (200, 60)) as it:
        await open_budget(it)
        await it.sees("Not judged yet", LACKS[:60])
        assert "reads means over" not in it.text


async def test_each_column_shows_its_floor_and_the_least_shift_that_is_seen() -> None:
    async with dashboard(a_busy_server(), (200, 60)) as it:
        await open_budget(it)
        lines = [" ".join(line.split()) for line in it.text.splitlines()]
        assert any("age a1 0.1 0.25 sd 0.02 59" in line for line in lines)
        assert any("region share of north 0.04 –" in line and "hardly varied" in line
                   for line in lines)  # fmt: skip


async def test_windows_that_resemble_each_other_are_told_as_how_many_they_count() -> None:
    server, known = a_busy_server(), a_budget()
    server.answers["/v1/models/bikes/budget"] = a_budget(
        families=[structs.replace(one, counted_as=12) for one in known.families],
        columns=[structs.replace(one, counted_as=12) for one in known.columns],
    )
    async with dashboard(server, (200, 60)) as it:
        await open_budget(it)
        await it.sees("59 as 12, compared with the whole reference")
        lines = [" ".join(line.split()) for line in it.text.splitlines()]
        assert any("age a1 0.1 0.25 sd 0.02 59 as 12" in line for line in lines)


async def test_a_budget_that_was_broken_says_so_above_everything() -> None:
    server = a_busy_server()
    audit = wire.BudgetAudit(since=week(10), periods=1.2, alerts=6, false_alarms=5, rate=4.6,
                             low=2.1, high=8.2, is_broken=True)  # fmt: skip
    server.answers["/v1/models/bikes/budget"] = a_budget(audit=audit)
    async with dashboard(server, (80, 24)) as it:
        await open_budget(it)
        assert "■ The budget is broken: 2.1 to 8.2 false alarms" in it.text.splitlines()[1]
        await it.sees("leeboard budget recalibrate bikes", "■ no, 6 alerts")


async def test_the_budget_is_opened_at_the_column_of_a_finding() -> None:
    async with dashboard(a_busy_server(), (110, 40)) as it:
        await it.sees("bikes")
        await it.press("enter")
        await it.until(lambda: "w_9" in it.screen.known)
        await it.press("pageup", *["left"] * 4, "down", "enter")
        await it.sees("7.25")
        await it.press("b")
        await it.until(lambda: isinstance(it.app.screen, BudgetScreen))
        await it.until(lambda: it.screen.query_one("#rows", Table).count == 3)
        await it.until(lambda: it.screen.query_one("#rows", Table).key == "1")


async def test_a_model_without_a_reference_has_a_budget_without_columns() -> None:
    server = a_busy_server()
    server.answers["/v1/models/bikes"] = a_detail(champion=None)
    server.answers["/v1/models/bikes/budget"] = a_budget(
        columns=[], version=None, calibration_windows=0, audit=None
    )
    async with dashboard(server, (80, 24)) as it:
        await open_budget(it)
        await it.sees("no reference yet", "nothing to tell yet")
        assert "must reach" not in it.text


@pytest.mark.parametrize(
    ("told", "says"),
    [
        ({"mode": "matched", "season": "hour of the day"}, "compared with those of the same hour"),
        ({"basis": "provisional", "conformal": None}, "3.9 sd, provisional"),
        ({"trustworthy": True}, "by order alone 5.2, it agrees"),
    ],
)
def test_a_family_tells_what_its_threshold_rests_on(told: dict[str, Any], says: str) -> None:
    family = structs.replace(a_budget().families[0], **told)
    budget = a_budget(families=[family], ledger=[])
    text = " ".join(str(line) for facts in allowed.sheet(budget, [], timed=True)
                    for _, line in facts.lines)  # fmt: skip
    assert says in text


def test_thresholds_by_hand_and_windows_added_by_hand_are_told() -> None:
    budget = a_budget(fixed={"psi": 0.2}, confirmed_windows=3, recalibrated_at=week(20))
    text = " ".join(str(line) for facts in allowed.sheet(budget, [], timed=True)
                    for _, line in facts.lines)  # fmt: skip
    assert "above 0.2, set by hand" in text
    assert "3 of them added by hand, 2024-01-22" in text


@pytest.mark.parametrize(
    ("told", "says"),
    [
        ({"alerts": 0, "true_alarms": 0, "unjudged": 0}, "0 alerts since 2023-11-13: nothing"),
        ({"true_alarms": 0, "unjudged": 3}, "3 alerts since 2023-11-13, none judged"),
    ],
)
def test_an_audit_without_verdicts_says_how_to_give_them(told: dict[str, Any], says: str) -> None:
    audit = a_budget().audit
    assert audit is not None
    facts = allowed.sheet(a_budget(audit=structs.replace(audit, **told)), [], timed=True)
    assert says in str(dict(facts[0].lines)["kept"])
