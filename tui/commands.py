"""What the command palette offers: every place that can be gone to by name."""

from collections.abc import Iterator
from functools import partial
from typing import NamedTuple

from textual.command import DiscoveryHit, Hit, Hits, Provider
from typing_extensions import override

from connectors.client import wire
from tui.messages import Place, PlaceOpened
from tui.screens.fleet import FleetScreen
from tui.screens.followed import Followed

OF_A_MODEL = ("versions", "trials", "runs", "decisions", "alerts", "budget")


class Command(NamedTuple):
    """A line of the palette, and where it leads."""

    says: str
    help: str
    place: Place | None


class Places(Provider):
    """The fleet, alerts, decisions, each model, and the lists of the model that is shown."""

    @override
    async def discover(self) -> Hits:
        for command in self._commands():
            yield DiscoveryHit(command.says, partial(self._go, command), help=command.help)

    @override
    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for command in self._commands():
            if (score := matcher.match(command.says)) > 0:
                yield Hit(
                    score, matcher.highlight(command.says), partial(self._go, command),
                    help=command.help,
                )  # fmt: skip

    def _commands(self) -> Iterator[Command]:
        yield Command("Go to the fleet", "Every model at a glance", Place(kind="fleet"))
        yield Command("Go to alerts", "Of every model", Place(kind="alerts"))
        yield Command("Go to decisions", "Of every model", Place(kind="decisions"))
        model = getattr(self.screen, "model", None)
        if isinstance(model, str):
            for kind in OF_A_MODEL:
                yield Command(f"Go to the {kind} of {model}", "", Place(kind=kind, model=model))
        for name in self._models():
            yield Command(f"Open model {name}", "Its metric, its columns, what wants attention",
                          Place(kind="model", model=name))  # fmt: skip
        yield Command("Show the keys", "Of the screen that is shown", None)

    def _models(self) -> list[str]:
        """The models that the fleet knows; it is at the bottom of its mode."""
        for screen in [*self.app.screen_stack, self.screen]:
            if isinstance(screen, FleetScreen):
                found: list[wire.ModelSummary] = screen.items("models")
                return [model.name for model in found]
        return []

    async def _go(self, command: Command) -> None:
        if command.place is None:
            await self.app.run_action("help")
        elif isinstance(self.screen, Followed):
            self.screen.post_message(PlaceOpened(command.place))
