"""One window: every finding, and the column under the cursor beside the reference."""

from collections.abc import Sequence
from typing import ClassVar, Final

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import Static
from typing_extensions import override

from connectors.client import wire
from tui import palette, questions
from tui.feed import Feed
from tui.format import count, day, interval, number, plural, words
from tui.messages import Known, Objection, RowHighlighted, RowOpened
from tui.questions import Wanted
from tui.resting import with_notes
from tui.screens.filtered import Filtered
from tui.screens.listing import WIDE
from tui.widgets.columns import Column
from tui.widgets.empty import empty
from tui.widgets.histogram import Histogram
from tui.widgets.table import Row, Table
from tui.widgets.verdict_badge import badge

ORDER: Final = ("error", "failed", "inconclusive", "passed")
COLUMNS: Final = (
    Column(title="column", most=18),
    Column(title="detector", is_flexible=True, least=8),
    Column(title="verdict"),
    Column(title="statistic", is_right=True),
    Column(title="threshold", is_right=True),
    Column(title="effect", is_right=True),
    Column(title="p", is_right=True, rank=3),
    Column(title="interval", rank=5),
    Column(title="rows", is_right=True),
    Column(title="reference", is_right=True, rank=4),
    Column(title="reason", rank=1),
    Column(title="basis", rank=2),
)
PARTS: Final = (
    Column(title="segment", most=24),
    Column(title="column", most=18),
    Column(title="detector", is_flexible=True, least=12),
    Column(title="verdict"),
    Column(title="statistic", is_right=True, rank=6),
    Column(title="effect", is_right=True),
    Column(title="p", is_right=True, rank=3),
    Column(title="interval", rank=4),
    Column(title="rows", is_right=True, rank=1),
    Column(title="reference", is_right=True, rank=5),
    Column(title="reason", rank=2, most=40),
)
NO_PARTS: Final = (
    "Nothing was found of segments.",
    (
        "Segments are named in the model file (`segments: [carrier]`); their figures come with each "
        "window and never alarm."
    ),
)


class WindowScreen(Filtered):
    """One window: what each detector said of each column, and on how many rows."""

    CSS_PATH = "../styles/window.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("c", "causes", "Causes"),
        Binding("p", "parts", "Segments"),
        Binding("s", "shown", "All figures"),
        Binding("e", "file_order", "By column"),
        Binding("b", "budget", "Budget"),
    ]

    def __init__(self, feed: Feed, model: str, window: str, column: str = "") -> None:
        super().__init__(feed)
        self.model = model
        self.window_id = window
        self._column = column
        self._with_shown = False
        self._by_column = False
        self._of_parts = False

    @property
    @override
    def crumb(self) -> str:
        window = self.get("window", wire.Window)
        return f"window {window.number}" if window else "window"

    @override
    def wants(self, known: Known) -> Sequence[Wanted]:
        window = known.get("window")
        found = [
            Wanted(key="model", call=questions.model(self.model), when="once"),
            Wanted(key="window", call=questions.window(self.window_id)),
        ]
        if isinstance(window, wire.Window) and window.revision >= 0:
            call = questions.findings(window.id)
            found.append(Wanted(key="findings", call=call, when=window.revision))
        if (column := self._pictured()) is not None:
            call_ = questions.column(self.model, column, self.window_id)
            key = f"column {column}"
            found.append(Wanted(key=key, call=call_, when="once", is_optional=True))
        return found

    @override
    def compose_body(self) -> ComposeResult:
        yield Static("", id="standing")
        yield Static("", id="empty")
        with Horizontal(id="both"):
            yield Table(COLUMNS, id="rows")
            with VerticalScroll(id="beside", can_focus=False):
                yield Static("", id="column")
                yield Histogram(id="histogram")

    @override
    def draw(self) -> None:
        window, found = self.get("window", wire.Window), self.get("findings", wire.WindowFindings)
        if window is None:
            return
        self.query_one("#standing", Static).update(with_notes(window, timed=self.timed))
        self.set_class(window.revision < 0, "-empty")
        if window.revision < 0:
            self.query_one("#empty", Static).update(empty(
                "This window is not judged yet.",
                f"It closes when rows after {day(window.end, timed=self.timed)} have come.",
            ))  # fmt: skip
        if found is not None:
            in_order = self._in_order(found)
            self.note(plural(len(in_order), "finding") + (" of segments" if self._of_parts else ""))
            table = self.query_one("#rows", Table)
            table.use(PARTS if self._of_parts else COLUMNS)
            row = _part_row if self._of_parts else _row
            table.show([row(i, f) for i, f in in_order])
            self.set_class(not in_order, "-none")
            if not in_order:
                self.query_one("#empty", Static).update(empty(*NO_PARTS))
            if self._column:
                first = next(
                    (i for i, f in self._in_order(found) if f.column == self._column), None
                )
                self._column = ""
                if first is not None:
                    table.go_to(str(first))
        self._draw_column()

    def _in_order(self, found: wire.WindowFindings) -> list[tuple[int, wire.Finding]]:
        judged = [
            (i, f) for i, f in enumerate(found.findings)
            if (f.segment is not None) == self._of_parts
            and (self._of_parts or self._with_shown or f.reason != "shown")
        ]  # fmt: skip
        if self._of_parts:
            return sorted(judged, key=lambda one: _by_part(one[1]))
        if self._by_column:
            return judged
        return sorted(
            judged, key=lambda one: (one[1].reason == "shown", ORDER.index(one[1].verdict))
        )

    def _finding(self) -> wire.Finding | None:
        found, key = self.get("findings", wire.WindowFindings), self.query_one("#rows", Table).key
        return found.findings[int(key)] if found is not None and key is not None else None

    def _pictured(self) -> str | None:
        """The column that is drawn beside the findings, where there is room and it is a feature."""
        if not self.is_mounted or not self.has_class("-wide"):
            return None
        finding, detail = self._finding(), self.get("model", wire.ModelDetail)
        if finding is None or detail is None or finding.column not in detail.features:
            return None
        return finding.column

    def _draw_column(self) -> None:
        finding = self._finding()
        if finding is None:
            return
        found = self.known.get(f"column {finding.column}")
        picture = found if isinstance(found, wire.ColumnPicture) else None
        says = (words(picture.kind) if picture else found.says if isinstance(found, Objection)
                else "" if self._pictured() else "is not a feature: it has no picture")  # fmt: skip
        name = "all rows" if finding.column == "*" else finding.column
        head = Content.assemble((f"{name}  ", palette.STRONG), (says, palette.MUTED_TEXT))
        self.query_one("#column", Static).update(head)
        self.query_one(Histogram).show(picture)

    def on_row_highlighted(self, _: RowHighlighted) -> None:
        """Another column is looked at."""
        self._draw_column()
        self.nudge()

    def on_row_opened(self, _: RowOpened) -> None:
        """A screen for the column, where it is explained."""
        finding = self._finding()
        if finding is not None:
            self.open("column", model=self.model, id=self.window_id, column=finding.column,
                      detector=finding.detector, segment=finding.segment or "")  # fmt: skip

    def on_resize(self) -> None:
        """The column stands beside the findings where there is room."""
        self.set_class(self.size.width >= WIDE, "-wide")
        self.nudge()

    def action_causes(self) -> None:
        """Look for why it is as it is."""
        self.open("causes", model=self.model, id=self.window_id)

    def action_parts(self) -> None:
        """The findings of segments in place of those of whole columns, or back."""
        self._of_parts = not self._of_parts
        self.draw()

    def action_budget(self) -> None:
        """Where the thresholds come from."""
        finding = self._finding()
        self.open("budget", model=self.model, column=finding.column if finding else "")

    def action_shown(self) -> None:
        """With the figures that judge nothing, or without."""
        self._with_shown = not self._with_shown
        self.draw()

    def action_file_order(self) -> None:
        """By column, or the gravest first."""
        self._by_column = not self._by_column
        self.draw()


def _by_part(f: wire.Finding) -> tuple[str, bool, int]:
    """A segment's parts together, how many rows each has first, gravest of the rest first."""
    return f.segment or "", f.detector != "segment", ORDER.index(f.verdict)


def _row(index: int, f: wire.Finding) -> Row:
    is_shown = f.reason == "shown"
    bounds = "" if f.interval is None else interval(f.interval.low, f.interval.high)
    return Row(
        key=str(index),
        cells=(
            Content.styled("all rows" if f.column == "*" else f.column, palette.STRONG),
            Content(words(f.detector)),
            Content.styled("shown only", palette.FAINT_TEXT) if is_shown else badge(f.verdict),
            Content(number(f.statistic)),
            Content.styled(number(f.threshold), palette.MUTED_TEXT),
            Content(number(f.effect)),
            Content.styled(number(f.p_value), palette.MUTED_TEXT),
            Content.styled(bounds, palette.MUTED_TEXT),
            Content(count(f.rows)),
            Content.styled(count(f.rows_reference), palette.MUTED_TEXT),
            Content.styled(
                "" if is_shown or f.reason is None else words(f.reason), palette.MUTED_TEXT
            ),
            Content.styled(f.basis or "", palette.MUTED_TEXT),
        ),
    )


def _part_row(index: int, f: wire.Finding) -> Row:
    """The same of a segment, whose findings have no threshold of their own."""
    name, detector, verdict, statistic, _, effect, p, bounds, rows, reference, reason, _ = _row(
        index, f
    ).cells
    part = Content.styled(f.segment or "", palette.STRONG)
    return Row(
        key=str(index),
        cells=(
            part, Content(name.plain), detector, verdict, statistic, effect, p, bounds, rows,
            reference, reason,
        ),
    )  # fmt: skip
