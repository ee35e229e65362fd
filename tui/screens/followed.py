"""What every screen that shows the server's answers has: it follows, and keeps the last known."""

import asyncio
from abc import abstractmethod
from collections.abc import Sequence
from functools import partial
from typing import Any, ClassVar, TypeVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.screen import Screen
from textual.worker import Worker
from typing_extensions import override

from connectors.client import wire
from connectors.client.calls import Call
from tui.feed import Feed
from tui.format import clock
from tui.messages import (
    ActionDone,
    ActionRefused,
    Answered,
    Heard,
    Known,
    Objection,
    Place,
    PlaceOpened,
    ServerWentAway,
)
from tui.questions import Wanted
from tui.widgets.banner import Banner
from tui.widgets.confirm import Asked, Confirm
from tui.widgets.keys import Keys
from tui.widgets.masthead import Masthead

Answer = TypeVar("Answer")


class Followed(Screen[None]):
    """A screen that says what it wants and draws what is known; only the one on top asks."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "Back"),
        Binding("ctrl+r", "again", "Ask again", show=False),
    ]
    WRITES: ClassVar[frozenset[str]] = frozenset()
    """The actions that change something; a read-only dashboard has none of them."""

    def __init__(self, feed: Feed) -> None:
        super().__init__()
        self.feed = feed
        self.known: Known = {}
        self._nudge = asyncio.Event()
        self._following: Worker[None] | None = None
        self._heard_at: str | None = None

    @property
    @abstractmethod
    def crumb(self) -> str:
        """The screen's name on the way to it."""

    @abstractmethod
    def wants(self, known: Known) -> Sequence[Wanted]:
        """What to ask, given what is known."""

    @abstractmethod
    def draw(self) -> None:
        """Show what is known."""

    @abstractmethod
    def compose_body(self) -> ComposeResult:
        """What is between the first line and the last."""

    @override
    def compose(self) -> ComposeResult:
        yield Masthead()
        yield Banner()
        yield from self.compose_body()
        yield Keys()

    @property
    def timed(self) -> bool:
        """Whether the rows of the model that is shown have times; else they are counted."""
        detail = self.get("model", wire.ModelDetail)
        return detail is None or detail.timed

    def get(self, key: str, kind: type[Answer]) -> Answer | None:
        """What is known by this name, where the server told it."""
        found = self.known.get(key)
        return found if isinstance(found, kind) else None

    def items(self, key: str) -> list[Any]:
        """The items of a list that is known."""
        page = self.get(key, wire.Page)
        return [] if page is None else page.items

    def note(self, text: str) -> None:
        """Say something of the whole screen in its first line."""
        self.query_one(Masthead).note = text

    def nudge(self) -> None:
        """Ask now what is wanted now."""
        self._nudge.set()

    def open(self, kind: str, **where: str) -> None:
        """Go to the screen of something."""
        self.post_message(PlaceOpened(Place(kind=kind, **where)))

    def confirm(self, asked: Asked, call: Any, done: str) -> None:  # noqa: ANN401 - Call of anything
        """Ask whether to; `call` is made from the reason once that is clear."""

        def decided(reason: str | None) -> None:
            if reason is not None:
                made: Call[Any] = call(reason)
                self.run_worker(self.feed.act(made, asked.title, done, self._post))

        _ = self.app.push_screen(Confirm(asked), decided)

    @override
    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return not (action in self.WRITES and self.feed.is_read_only)

    def on_screen_resume(self) -> None:
        """On top again: follow."""
        self._say_where()
        mast = self.query_one(Masthead)
        mast.server = self.feed.server
        mast.is_read_only = self.feed.is_read_only
        self._stop()
        self._following = self.run_worker(
            partial(self.feed.follow, self.wants, self.known, self._nudge, self._post),
            name="follow",
        )

    def on_screen_suspend(self) -> None:
        """Something else is on top: rest."""
        self._stop()

    def on_answered(self, event: Answered) -> None:
        """Draw what is new, and say what was refused."""
        self.known = event.known
        self._say_refused()
        self._say_where()
        self.draw()
        self.refresh_bindings()

    def on_heard(self, event: Heard) -> None:
        """The server is there."""
        self._heard_at = clock(event.at)
        if self.query_one(Masthead).is_away:
            self.query_one(Masthead).is_away = False
            self.remove_class("-old")
            self.query_one(Banner).clear()
            self._say_refused()

    def on_server_went_away(self, event: ServerWentAway) -> None:
        """Keep what is known, and say that it is old."""
        self.query_one(Masthead).is_away = True
        self.set_class(bool(self.known), "-old")
        self.query_one(Banner).tell_away(event, self._heard_at)

    def on_action_done(self, event: ActionDone) -> None:
        """Say so, and look at once."""
        self.notify(event.says, markup=False, timeout=6)
        self.nudge()

    def on_action_refused(self, event: ActionRefused) -> None:
        """Say what the server says."""
        self.notify(event.says, title=event.asked, severity="error", markup=False, timeout=12)

    def action_back(self) -> None:
        """To the screen before."""
        if len(self.app.screen_stack) > 1:
            _ = self.app.pop_screen()

    def action_again(self) -> None:
        """Ask now."""
        self.nudge()

    def _say_where(self) -> None:
        stack = self.app.screen_stack
        crumbs = ("Leeboard", *(s.crumb for s in stack if isinstance(s, Followed)))
        self.query_one(Masthead).crumbs = crumbs

    def _say_refused(self) -> None:
        banner = self.query_one(Banner)
        objections = [
            found for wanted in self.wants(self.known)
            if isinstance(found := self.known.get(wanted.key), Objection)
            and not wanted.is_optional
        ]  # fmt: skip
        if objections:
            banner.tell_refused(objections[0], self.feed.server)
        elif not self.query_one(Masthead).is_away:
            banner.clear()

    def _stop(self) -> None:
        if self._following is not None:
            self._following.cancel()
            self._following = None

    def _post(self, message: Message) -> None:
        self.post_message(message)
