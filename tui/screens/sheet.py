"""A screen that is a sheet of facts about one thing."""

from abc import abstractmethod
from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from typing_extensions import override

from tui.screens.followed import Followed
from tui.widgets.facts import Facts, FactSheet


class Sheet(Followed):
    """Facts in groups, scrolled where there are more than fit."""

    CSS_PATH = "../styles/sheet.tcss"

    @abstractmethod
    def facts(self) -> Sequence[Facts] | None:
        """What is known of it; None while nothing is."""

    @override
    def compose_body(self) -> ComposeResult:
        with VerticalScroll(id="body"):
            yield FactSheet(id="facts")

    @override
    def draw(self) -> None:
        facts = self.facts()
        if facts is not None:
            self.query_one(FactSheet).show(facts)
