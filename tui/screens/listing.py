"""A list of one kind of thing, newest first, with what is known of the one under the cursor."""

from abc import abstractmethod
from collections.abc import Hashable, Sequence
from typing import Any, ClassVar, Final

from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.widgets import Static
from typing_extensions import override

from connectors.client import wire
from connectors.client.calls import Call
from tui import questions
from tui.feed import Feed
from tui.format import plural
from tui.messages import EndNeared, Known, RowHighlighted, RowOpened
from tui.questions import Wanted
from tui.screens.filtered import Filtered
from tui.widgets.columns import Column
from tui.widgets.empty import empty
from tui.widgets.facts import Facts, FactSheet
from tui.widgets.table import Row, Table

MOST_PAGES: Final = 20
WIDE: Final = 130
"""Cells from which on the facts stand beside the list."""


class Listing(Filtered):
    """One page at first; more as the cursor comes near the end of what is loaded."""

    CSS_PATH = "../styles/listing.tcss"
    COLUMNS: ClassVar[Sequence[Column]]
    KIND: ClassVar[str]
    """What the place of an item is called."""
    NONE_YET: ClassVar[Sequence[str]]

    def __init__(self, feed: Feed, model: str | None) -> None:
        super().__init__(feed)
        self.model = model
        self._pages = 1

    @abstractmethod
    def page(self, cursor: str | None) -> Call[Any]:
        """The call for a page."""

    @abstractmethod
    def row(self, item: Any) -> Row:  # noqa: ANN401 - of any kind of item
        """The line of an item."""

    @abstractmethod
    def facts(self, item: Any) -> Sequence[Facts]:  # noqa: ANN401 - of any kind of item
        """What is known of an item."""

    def changes_with(self, known: Known) -> Hashable:  # noqa: ARG002 - for those that look
        """When the first page is worth asking again; None: every round."""
        return None

    @override
    def wants(self, known: Known) -> Sequence[Wanted]:
        found = [Wanted(key="page 0", call=self.page(None), when=self.changes_with(known))]
        for number in range(1, self._pages):
            before = known.get(f"page {number - 1}")
            if not isinstance(before, wire.Page) or before.next is None:
                break
            found.append(
                Wanted(key=f"page {number}", call=self.page(before.next), when=before.next)
            )
        return found

    @override
    def compose_body(self) -> ComposeResult:
        yield Static("", id="empty")
        with Horizontal(id="both"):
            yield Table(self.COLUMNS, id="rows")
            with VerticalScroll(id="beside", can_focus=False):
                yield from self.compose_beside()

    def compose_beside(self) -> ComposeResult:
        """What tells of the item under the cursor."""
        yield FactSheet(id="facts")

    @property
    def everything(self) -> list[Any]:
        """The items of all pages, each once: a first page that moved on may repeat some."""
        found = {
            self.row(item).key: item
            for number in range(self._pages)
            for item in reversed(self.items(f"page {number}"))
        }
        in_order = [item for number in range(self._pages) for item in self.items(f"page {number}")]
        return [found.pop(key) for item in in_order if (key := self.row(item).key) in found]

    def item(self) -> Any | None:  # noqa: ANN401 - of any kind of item
        """The one under the cursor."""
        key = self.query_one("#rows", Table).key
        return next((i for i in self.everything if self.row(i).key == key), None)

    @override
    def draw(self) -> None:
        found = self.everything
        is_empty = not found and "page 0" in self.known
        self.set_class(is_empty, "-empty")
        if is_empty:
            self.query_one("#empty", Static).update(empty(*self.NONE_YET))
        self.query_one("#rows", Table).show([self.row(item) for item in found])
        self.draw_note(len(found))
        self.draw_beside()

    def draw_note(self, n: int) -> None:
        """How many are loaded, and whether there are more."""
        page = self.get(f"page {self._pages - 1}", wire.Page)
        more = " and more" if page is not None and page.next else ""
        self.note(plural(n, self.KIND) + more if n else "")

    def draw_beside(self) -> None:
        """Tell of the item under the cursor."""
        item = self.item()
        self.query_one("#facts", FactSheet).show([] if item is None else self.facts(item))

    def on_row_highlighted(self, event: RowHighlighted) -> None:
        """Another item is under the cursor."""
        if event.table == "rows":
            self.draw_beside()

    def on_row_opened(self, event: RowOpened) -> None:
        """A screen of its own."""
        item = self.item()
        if item is not None and event.table == "rows":
            self.open_item(item)

    def open_item(self, item: Any) -> None:  # noqa: ANN401 - of any kind of item
        """Go to the item's screen."""
        self.open(self.KIND, model=item.model, id=item.id)

    def on_end_neared(self, _: EndNeared) -> None:
        """Load another page, if there is one."""
        page = self.get(f"page {self._pages - 1}", wire.Page)
        if page is not None and page.next is not None and self._pages < MOST_PAGES:
            self._pages += 1
            self.nudge()

    def on_resize(self) -> None:
        """The facts stand beside the list where there is room."""
        self.set_class(self.size.width >= WIDE, "-wide")


class OfModel(Listing):
    """A list that can have changed only when its model has; so only the model is polled."""

    model: str

    @override
    def wants(self, known: Known) -> Sequence[Wanted]:
        return [
            Wanted(key="model", call=questions.model(self.model)),
            *(super().wants(known) if isinstance(known.get("model"), wire.ModelDetail) else []),
        ]

    @override
    def changes_with(self, known: Known) -> Hashable:
        return stamp(known.get("model"))


def stamp(detail: object) -> Hashable:
    """What changes whenever something was stored, judged or decided of a model."""
    if not isinstance(detail, wire.ModelDetail):
        return ""
    summary = detail.summary
    trial, guard, run = detail.trial, detail.guard, detail.run
    return (
        summary.model_time, summary.champion, summary.activity, summary.verdict,
        summary.generation, summary.rows.predictions, summary.rows.labels, summary.open_alerts,
        None if trial is None else (trial.id, trial.blocks, trial.state),
        None if guard is None else (guard.id, guard.rows, guard.state),
        None if run is None else (run.id, run.state),
        summary.retraining_stopped, summary.frozen,
        tuple(alert.acknowledged_by for alert in detail.open_alerts),
    )  # fmt: skip
