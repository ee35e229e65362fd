"""The server goes away and comes back; a token is not known, or may not."""

import pytest

from tests.tui.canned import a_busy_server, a_summary
from tests.tui.conftest import dashboard, way
from tests.tui.double import ADDRESS, page, problem


async def test_a_server_that_was_never_there_is_told_with_address_time_and_what_to_do() -> None:
    server = a_busy_server()
    server.is_away = True
    async with dashboard(server) as it:
        await it.sees(
            f"▲ No answer from {ADDRESS} since 12:00:00", "leeboard serve", "nothing is known yet",
            "▲ away",
        )  # fmt: skip


async def test_what_was_known_stays_and_is_marked_as_old_until_the_server_is_back() -> None:
    server = a_busy_server()
    async with dashboard(server) as it:
        await it.sees("bikes", "● live")
        server.is_away = True
        await it.press("ctrl+r")
        await it.sees("▲ away", "what is shown is from 12:00:00", "bikes")
        assert it.screen.has_class("-old")
        server.is_away = False
        server.answers["/v1/models"] = page(a_summary(verdict="failed"))
        await it.press("ctrl+r")
        await it.sees("● live", "■ failed")
        assert "No answer" not in it.text
        assert not it.screen.has_class("-old")


async def test_a_server_that_is_away_is_told_on_the_next_screen_too() -> None:
    server = a_busy_server()
    async with dashboard(server) as it:
        await it.sees("bikes")
        server.is_away = True
        await it.press("enter")
        await it.sees(f"No answer from {ADDRESS}", way("fleet", "bikes"))
        server.is_away = False
        await it.press("ctrl+r")
        await it.sees("▸ trial of v4")


@pytest.mark.parametrize(
    ("status", "detail", "says"),
    [
        (401, "the token is not known here", "leeboard tui --token"),
        (403, "the token of guest lacks the scope 'read'", "with that scope"),
        (500, "the ledger is locked", "The server says"),
    ],
)
async def test_a_refusal_to_read_says_why_and_what_to_do(
    status: int, detail: str, says: str
) -> None:
    server = a_busy_server()
    told, server.answers["/v1/models"] = server.answers["/v1/models"], problem(status, detail)
    async with dashboard(server) as it:
        await it.sees(detail, says)
        server.answers["/v1/models"] = told
        await it.press("ctrl+r")
        await it.sees("bikes")
        assert detail not in it.text


async def test_a_model_that_is_gone_is_told() -> None:
    server = a_busy_server()
    async with dashboard(server) as it:
        await it.sees("bikes")
        server.answers["/v1/models/bikes"] = problem(404, "there is no model 'bikes'")
        await it.press("enter")
        await it.sees("there is no model 'bikes'")


async def test_an_answer_that_makes_no_sense_is_told_and_never_a_traceback() -> None:
    server = a_busy_server()
    server.answers["/v1/models"] = b"<html>a proxy</html>"
    async with dashboard(server) as it:
        await it.sees("is not what was expected")
        assert "Traceback" not in it.text
