"""The feed by itself: what it asks, when, and what it says of a server that is away."""

import asyncio
from collections.abc import Sequence
from typing import Any

from connectors.client import wire
from tests.tui.canned import a_busy_server
from tests.tui.double import Double, problem
from tui import questions
from tui.feed import AT_ONCE, LONGEST_PAUSE, PAUSE
from tui.messages import Answered, Heard, Known, Objection, ServerWentAway
from tui.questions import Wanted


class Follower:
    """Nudges the feed whenever it has said something that ends a round, so many times."""

    def __init__(self, server: Double, rounds: int) -> None:
        self.server = server
        self.posted: list[Any] = []
        self._nudge = asyncio.Event()
        self._left = rounds
        self._over = asyncio.Event()

    async def follow(self, wants: Sequence[Wanted]) -> None:
        feed = self.server.feed()
        following = asyncio.create_task(feed.follow(lambda _: wants, {}, self._nudge, self.post))
        over = asyncio.create_task(self._over.wait())
        await asyncio.wait({over, following}, return_when=asyncio.FIRST_COMPLETED)
        assert not following.done(), following.exception()
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
        await feed.close()

    def post(self, message: object) -> None:
        self.posted.append(message)
        if isinstance(message, Heard | ServerWentAway):
            self._left -= 1
            (self._nudge if self._left else self._over).set()

    def of(self, kind: type[Any]) -> list[Any]:
        return [one for one in self.posted if isinstance(one, kind)]


async def test_an_answer_that_says_nothing_new_is_not_posted() -> None:
    follower = Follower(a_busy_server(), rounds=3)
    await follower.follow([Wanted(key="models", call=questions.fleet())])
    assert follower.server.asked == ["/v1/models"] * 3
    assert len(follower.of(Answered)) == 1


async def test_a_server_that_stays_away_is_asked_less_and_less_often() -> None:
    server = a_busy_server()
    server.is_away = True
    follower = Follower(server, rounds=7)
    await follower.follow([Wanted(key="models", call=questions.fleet())])
    pauses = [message.again_in for message in follower.of(ServerWentAway)]
    assert pauses == [PAUSE, 2.0, 4.0, 8.0, LONGEST_PAUSE, LONGEST_PAUSE, LONGEST_PAUSE]
    assert len({message.since for message in follower.of(ServerWentAway)}) == 1


async def test_many_questions_are_asked_a_few_at_a_time() -> None:
    server = a_busy_server()
    wants = [Wanted(key=f"w_{n}", call=questions.findings(f"w_{n}"), when=1) for n in range(15)]
    follower = Follower(server, rounds=3)
    await follower.follow(wants)
    assert [len(message.known) for message in follower.of(Answered)] == [
        AT_ONCE, 2 * AT_ONCE, 15,
    ]  # fmt: skip


async def test_what_is_gone_is_asked_once_and_what_failed_again() -> None:
    server = a_busy_server()
    server.answers["/v1/windows/w_0"] = problem(404, "gone")
    server.answers["/v1/windows/w_1"] = problem(500, "not now")
    follower = Follower(server, rounds=3)
    await follower.follow(
        [Wanted(key=f"w_{n}", call=questions.window(f"w_{n}"), when=1) for n in (0, 1)]
    )
    assert server.asked.count("/v1/windows/w_0") == 1
    assert server.asked.count("/v1/windows/w_1") == 3
    known: Known = follower.of(Answered)[0].known
    assert known["w_0"] == Objection(404, "gone")
    assert not isinstance(known["w_1"], wire.Window)
