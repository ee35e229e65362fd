"""Follows the server: the only file that awaits the network.

A screen says what it wants to know as values (`questions.Wanted`), given what it knows already;
the feed asks, and posts what came. It asks again every second, for what is on the screen alone,
and what cannot have changed is not asked again.
"""

import asyncio
from collections.abc import Callable, Hashable, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

from textual.message import Message

from connectors.client.calls import Call
from connectors.client.http_async import AsyncConnection
from connectors.client.problems import BadAnswer, ServerAway, ServerSaid
from tui.messages import (
    ActionDone,
    ActionRefused,
    Answered,
    Heard,
    Known,
    Objection,
    ServerWentAway,
)
from tui.questions import Wanted

PAUSE: Final = 1.0
LONGEST_PAUSE: Final = 15.0
AT_ONCE: Final = 6
"""Requests that may be under way together."""
SETTLED: Final = frozenset({404, 409, 410, 422})
"""Answers that will not change by asking again the same."""

Wants = Callable[[Known], Sequence[Wanted]]
Post = Callable[[Message], object]


class Feed:
    """A connection, and whether the server is there."""

    def __init__(
        self, connection: AsyncConnection, clock: Callable[[], datetime], *,
        is_read_only: bool = False,
    ) -> None:  # fmt: skip
        self.connection = connection
        self.is_read_only = is_read_only
        self._clock = clock
        self._away_since: datetime | None = None

    @property
    def server(self) -> str:
        """Its address."""
        return self.connection.server

    async def follow(self, wants: Wants, known: Known, nudge: asyncio.Event, post: Post) -> None:
        """Keep asking what is wanted, and post it, until cancelled; a nudge ends a pause."""
        memory = _Memory(dict(known))
        pause = PAUSE
        while True:
            nudge.clear()
            try:
                await self._round(wants, memory, post)
            except ServerAway as error:
                self._away_since = self._away_since or self._clock()
                post(ServerWentAway(self.server, error.why, self._away_since, pause))
                pause = min(pause * 2, LONGEST_PAUSE)
            else:
                pause = PAUSE
            await _pause(nudge, pause if self._away_since is None else pause / 2)

    async def act(self, call: Call[Any], asked: str, done: str, post: Post) -> None:
        """Ask for something to be done, once; post what came of it."""
        if self.is_read_only:
            post(ActionRefused(asked, "this dashboard is read-only"))
            return
        try:
            answer = await self.connection.ask(call)
        except (ServerAway, ServerSaid, BadAnswer) as error:
            post(ActionRefused(asked, _told(error)))
            return
        says = getattr(answer, "outcome", None) or getattr(answer, "says", "")
        post(ActionDone(f"{done}: {says}" if says else done))

    async def close(self) -> None:
        """Give the sockets back."""
        await self.connection.close()

    async def _round(self, wants: Wants, memory: "_Memory", post: Post) -> None:
        """Ask everything due; what an answer makes wanted is asked in the same round."""
        done: set[str] = set()
        while due := memory.due(wants, done):
            answers = await asyncio.gather(*(self._ask(w) for w in due))
            self._away_since = None
            done.update(wanted.key for wanted in due)
            if memory.learn(due, answers):
                post(Answered(MappingProxyType(dict(memory.known))))
            post(Heard(self._clock()))

    async def _ask(self, wanted: Wanted) -> object:
        try:
            return await self.connection.ask(wanted.call)
        except ServerSaid as error:
            return Objection(error.status, _told(error))
        except BadAnswer as error:
            return Objection(0, str(error))


class _Memory:
    """What a screen knows, and as of which of its reasons each thing was last asked."""

    def __init__(self, known: dict[str, object]) -> None:
        self.known = known
        self._asked: dict[str, Hashable] = {}

    def due(self, wants: Wants, done: set[str]) -> list[Wanted]:
        """What is to be asked now, at most so many things as may be under way."""
        open_wants = (
            w for w in wants(self.known)
            if w.key not in done and (w.when is None or self._asked.get(w.key) != w.when)
        )  # fmt: skip
        return [wanted for wanted, _ in zip(open_wants, range(AT_ONCE), strict=False)]

    def learn(self, wanted: Sequence[Wanted], answers: Sequence[object]) -> bool:
        """Take answers in; whether anything is new."""
        news = False
        for want, answer in zip(wanted, answers, strict=True):
            if not isinstance(answer, Objection) or answer.status in SETTLED:
                self._asked[want.key] = want.when
            before = self.known.get(want.key)
            value = answer if want.fold is None else want.fold(before, answer)
            if value != before:
                self.known[want.key] = value
                news = True
        return news


async def _pause(nudge: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await nudge.wait()
    except TimeoutError:
        return


def _told(error: ServerAway | ServerSaid | BadAnswer) -> str:
    """What went wrong, for a person."""
    match error:
        case ServerSaid(problem=problem):
            places = [f"{e.pointer}: {e.message}" for e in problem.errors[:5]]
            return "\n".join([problem.detail or problem.title, *places])
        case _:
            return str(error)
