"""The dashboard: its modes, its keys, its theme; it knows no more than the connection."""

from collections.abc import Callable
from datetime import datetime
from typing import ClassVar

from textual.app import App
from textual.binding import Binding, BindingType
from textual.command import Provider
from textual.screen import Screen

from connectors.client.http_async import AsyncConnection
from tui.commands import Places
from tui.feed import Feed
from tui.messages import PlaceOpened
from tui.palette import THEME
from tui.screens.help import HelpScreen
from tui.screens.places import FIRST, screen_of


class LeeboardApp(App[None]):
    """Three ways in (fleet, alerts, decisions); every other screen is opened from another."""

    TITLE = "Leeboard"
    CSS_PATH = "styles/app.tcss"
    COMMANDS: ClassVar[set[type[Provider] | Callable[[], type[Provider]]]] = {Places}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("1", "switch_mode('fleet')", "Fleet", show=False),
        Binding("2", "switch_mode('alerts')", "Alerts", show=False),
        Binding("3", "switch_mode('decisions')", "Decisions", show=False),
        Binding("question_mark", "help", "Help", key_display="?"),
        Binding("ctrl+p,colon", "command_palette", "Commands", key_display=":"),
        Binding("q", "quit", "Quit"),
    ]

    def __init__(self, feed: Feed) -> None:
        super().__init__()
        self.feed = feed

    def on_mount(self) -> None:
        """Begin with the fleet."""
        self.register_theme(THEME)
        self.theme = THEME.name
        for name, first in FIRST.items():
            self.add_mode(name, self._opener(first))
        _ = self.switch_mode("fleet")

    def on_place_opened(self, event: PlaceOpened) -> None:
        """Show what somebody wants to see; one that begins a mode is gone back to."""
        if event.place.kind in FIRST and not event.place.model:
            _ = self.switch_mode(event.place.kind)
            return
        _ = self.push_screen(screen_of(event.place, self.feed))

    def action_help(self) -> None:
        """Every key of the screen that is shown."""
        if not isinstance(self.screen, HelpScreen):
            _ = self.push_screen(HelpScreen(self.screen))

    async def on_unmount(self) -> None:
        """Close the connection."""
        await self.feed.close()

    def _opener(self, first: Callable[[Feed], Screen[None]]) -> Callable[[], Screen[None]]:
        return lambda: first(self.feed)


def main(server: str | None, token: str | None, *, is_read_only: bool = False) -> None:
    """Run it in this terminal until it is left."""
    connection = AsyncConnection(server, token, timeout=10.0)
    LeeboardApp(Feed(connection, _now, is_read_only=is_read_only)).run()


def _now() -> datetime:
    return datetime.now().astimezone()  # noqa: TID251 - the one look at the wall clock
