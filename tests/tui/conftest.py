"""The dashboard in a terminal of a given size, before a server in memory."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from textual.pilot import Pilot
from textual.widgets import Input, Static

from tests.tui.double import Double
from tui.app import LeeboardApp
from tui.screens.followed import Followed
from tui.widgets.masthead import SEPARATOR

MOMENT, PATIENCE = 0.005, 1000
"""Seconds between looks, and looks before it is given up."""


class Session:
    """A dashboard that somebody sits at."""

    def __init__(self, app: LeeboardApp, pilot: Pilot[None]) -> None:
        self.app = app
        self.pilot = pilot

    @property
    def screen(self) -> Followed:
        assert isinstance(self.app.screen, Followed), self.app.screen
        return self.app.screen

    @property
    def text(self) -> str:
        """Everything on the screen."""
        lines = self.app.screen._compositor.render_strips()
        return "\n".join(strip.text.rstrip() for strip in lines)

    @property
    def told(self) -> str:
        """What is on the screen, and its texts and what popped up without their line breaks."""
        texts = [str(static.content) for static in self.app.screen.query(Static)]
        popped = [notification.message for notification in self.app._notifications]
        return "\n".join([self.text, *texts, *popped])

    async def until(self, holds: Callable[[], bool]) -> None:
        """Let messages go round until it holds, and then until all of them are handled."""
        for _ in range(PATIENCE):
            if holds():
                await self.pilot.pause()
                return
            await asyncio.sleep(MOMENT)
            self.app.screen._on_timer_update()
        raise AssertionError(f"it never came; on the screen is\n{self.text}")

    async def sees(self, *words: str) -> None:
        """Wait until all of it is on the screen."""
        await self.until(lambda: all(word in self.told for word in words))

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)

    async def types(self, text: str) -> None:
        await self.pilot.press(*("space" if letter == " " else letter for letter in text))


@asynccontextmanager
async def dashboard(
    server: Double, size: tuple[int, int] = (100, 30), *, is_read_only: bool = False
) -> AsyncIterator[Session]:
    """Opened, with nothing asked yet."""
    app = LeeboardApp(server.feed(is_read_only=is_read_only))
    app.animation_level = "none"
    async with app.run_test(size=size) as pilot:
        yield Session(app, pilot)


@pytest.fixture(autouse=True)
def _still_cursors(monkeypatch: pytest.MonkeyPatch) -> None:
    """A cursor that blinks is in one picture and not in the next."""
    monkeypatch.setattr(Input.cursor_blink, "_default", False)


def way(*crumbs: str) -> str:
    """The way to a screen as its first line tells it."""
    return SEPARATOR.join(crumbs)
