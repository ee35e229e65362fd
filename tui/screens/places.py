"""Which screen shows what: the one table that knows all screens."""

from collections.abc import Callable, Mapping
from typing import Final

from tui.feed import Feed
from tui.messages import Place
from tui.screens.alert import AlertScreen, AlertsScreen
from tui.screens.budget import BudgetScreen
from tui.screens.causes import CausesScreen
from tui.screens.column import ColumnScreen
from tui.screens.decision import DecisionScreen, DecisionsScreen
from tui.screens.file import FileScreen
from tui.screens.fleet import FleetScreen
from tui.screens.followed import Followed
from tui.screens.model import ModelScreen
from tui.screens.run import RunScreen, RunsScreen
from tui.screens.trial import TrialScreen, TrialsScreen
from tui.screens.version import VersionScreen, VersionsScreen
from tui.screens.window import WindowScreen

FIRST: Final[Mapping[str, Callable[[Feed], Followed]]] = {
    "fleet": FleetScreen,
    "alerts": lambda feed: AlertsScreen(feed, None),
    "decisions": lambda feed: DecisionsScreen(feed, None),
}
"""The screens that begin a mode."""

SCREENS: Final[Mapping[str, Callable[[Feed, Place], Followed]]] = {
    "model": lambda feed, at: ModelScreen(feed, at.model),
    "file": lambda feed, at: FileScreen(feed, at.model),
    "window": lambda feed, at: WindowScreen(feed, at.model, at.id, at.column),
    "column": ColumnScreen,
    "causes": lambda feed, at: CausesScreen(feed, at.model, at.id),
    "budget": lambda feed, at: BudgetScreen(feed, at.model, at.column),
    "versions": lambda feed, at: VersionsScreen(feed, at.model),
    "version": lambda feed, at: VersionScreen(feed, at.model, at.id),
    "trials": lambda feed, at: TrialsScreen(feed, at.model),
    "trial": lambda feed, at: TrialScreen(feed, at.model, at.id),
    "runs": lambda feed, at: RunsScreen(feed, at.model),
    "run": lambda feed, at: RunScreen(feed, at.model, at.id),
    "decisions": lambda feed, at: DecisionsScreen(feed, at.model),
    "decision": lambda feed, at: DecisionScreen(feed, at.id),
    "alerts": lambda feed, at: AlertsScreen(feed, at.model),
    "alert": lambda feed, at: AlertScreen(feed, at.id),
}


def screen_of(place: Place, feed: Feed) -> Followed:
    """A new screen for a place."""
    return SCREENS[place.kind](feed, place)
