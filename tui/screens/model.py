"""One model: its metric, its columns, what wants attention."""

from collections.abc import Sequence
from functools import partial
from typing import Any, ClassVar, Final

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Static
from typing_extensions import override

from connectors.client import wire
from tui import palette, questions
from tui.feed import Feed
from tui.format import date, day
from tui.messages import CellHighlighted, CellOpened, Known, RowOpened
from tui.parts import COLUMNS, WHOLE, parts_of, rows_of
from tui.questions import Wanted
from tui.screens import asking
from tui.screens.attention import Concern, concerns
from tui.screens.decision import kind_of
from tui.screens.followed import Followed
from tui.screens.listing import stamp
from tui.screens.readout import no_windows, readout, standing
from tui.timeline import MOVES, Heat, Timeline, heat_of, timeline
from tui.widgets.choose import Choose
from tui.widgets.columns import Column
from tui.widgets.empty import empty
from tui.widgets.heatmap import ALL_ROWS, LEGEND, HeatMap
from tui.widgets.sequence import SequenceChart
from tui.widgets.series import CHART_LEGEND, SeriesChart
from tui.widgets.table import Row, Table

WIDE: Final = 120
"""Cells from which on there is a second column."""
BEFORE_LAID_OUT: Final = 60
CONCERNS: Final = (Column(title="attention"), Column(title="", is_flexible=True, most=400))
RECENT: Final = (
    Column(title="decided"),
    Column(title="what"),
    Column(title="says", is_flexible=True, least=16, most=200),
)


class ModelScreen(Followed):
    """One model: its metric over the windows, its columns by windows, what wants attention."""

    CSS_PATH = "../styles/model.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("v", "list('versions')", "Versions"),
        Binding("t", "list('trials')", "Trials"),
        Binding("r", "list('runs')", "Runs"),
        Binding("d", "list('decisions')", "Decisions"),
        Binding("a", "list('alerts')", "Alerts"),
        Binding("b", "list('budget')", "Budget"),
        Binding("p", "part", "Segments"),
        Binding("f", "list('file')", "File"),
        Binding("R", "rollback", "Roll back"),
        Binding("T", "train", "Train"),
        Binding("G", "go", "Go", show=False),
        Binding("tab", "app.focus_next", "Next part", show=False),
    ]
    WRITES = frozenset({"rollback", "train", "go"})

    def __init__(self, feed: Feed, model: str) -> None:
        super().__init__(feed)
        self.model = model
        self._segment: str | None = None
        self._timeline = Timeline()
        self._concerns: Sequence[Concern] = ()

    @property
    @override
    def crumb(self) -> str:
        return self.model

    @property
    def detail(self) -> wire.ModelDetail | None:
        """The model, as last told."""
        return self.get("model", wire.ModelDetail)

    @override
    def wants(self, known: Known) -> Sequence[Wanted]:
        found = [Wanted(key="model", call=questions.model(self.model))]
        detail = known.get("model")
        if not isinstance(detail, wire.ModelDetail):
            return found
        now = stamp(detail)
        once = partial(Wanted, when=now, is_optional=True)
        found += [
            once(key="windows", call=questions.windows(self.model)),
            once(key="versions", call=questions.versions(self.model)),
            once(key="recent", call=questions.decisions(self.model)),
        ]
        if detail.summary.metric:
            metric = questions.metric(self.model, detail.summary.metric, self._segment)
            found.append(
                Wanted(key="metric", call=metric, when=(now, self._segment), is_optional=True)
            )
        moved = (detail.summary.champion, len(_items(known, "recent")))
        found += [
            Wanted(key=kind, call=questions.decisions(self.model, kind), when=moved,
                   is_optional=True)
            for kind in MOVES
        ]  # fmt: skip
        return [*found, *self._findings_wanted(known)]

    def _findings_wanted(self, known: Known) -> list[Wanted]:
        """Of the windows that are shown, the newest first; a revision never changes."""
        windows: list[wire.Window] = sorted(_items(known, "windows"), key=lambda w: w.start)
        shown = slice(-BEFORE_LAID_OUT, None)
        if self.is_mounted and self._timeline.windows:
            at = self.query_one(HeatMap).layout_shown
            shown = slice(at.first, at.first + at.shown)
        return [
            Wanted(key=window.id, call=questions.findings(window.id), when=window.revision,
                   is_optional=True)
            for window in reversed(windows[shown])
            if window.revision >= 0
        ]  # fmt: skip

    @override
    def compose_body(self) -> ComposeResult:
        yield Static("", id="standing")
        yield Static("", id="empty")
        with Horizontal(id="parts"):
            with Vertical(id="left"):
                yield Static(CHART_LEGEND, id="chart-legend")
                yield SeriesChart(id="series")
                yield Static(LEGEND, id="legend")
                yield HeatMap(id="heat")
                yield Static("", id="readout")
            with Vertical(id="right"):
                yield Table(CONCERNS, id="concerns", is_headed=False)
                yield SequenceChart(id="sequence")
                yield Table(RECENT, id="recent")

    def on_mount(self) -> None:
        """Begin in the heat map."""
        self.query_one(HeatMap).focus()

    def on_resize(self) -> None:
        """Two columns where there is room, the second below the first where there is not."""
        self.set_class(self.size.width >= WIDE, "-wide")
        self.set_class(self.size.height >= 40, "-tall")  # noqa: PLR2004 - lines
        if (detail := self.detail) is not None:
            self.query_one("#standing", Static).update(standing(detail, self.size.width))

    @override
    def draw(self) -> None:
        detail = self.detail
        if detail is None:
            return
        part = "" if self._segment is None else f"{detail.summary.metric} of {self._segment}, "
        self.note(part + day(detail.summary.model_time, timed=detail.timed))
        self.query_one("#standing", Static).update(standing(detail, self.size.width))
        self._draw_windows(detail)
        self._concerns = concerns(detail, self.items("recent"), self.items("windows"))
        self.query_one("#concerns", Table).show(_concern_rows(self._concerns))
        self.query_one(SequenceChart).show(detail.trial, timed=detail.timed)
        self.query_one("#recent", Table).show(
            [_recent(decision, timed=detail.timed) for decision in self.items("recent")]
        )

    def _draw_windows(self, detail: wire.ModelDetail) -> None:
        windows: list[wire.Window] = self.items("windows")
        nothing = "windows" in self.known and not any(w.revision >= 0 for w in windows)
        self.set_class(nothing, "-empty")
        if nothing:
            self.query_one("#empty", Static).update(empty(*no_windows(detail, windows)))
            return
        moves = [decision for kind in MOVES for decision in self.items(kind)]
        metric = self.get("metric", wire.Metric)
        self._timeline = timeline(detail, windows, metric, self.items("versions"), moves)
        heat = [self._heat(window) for window in self._timeline.windows]
        judged = [i for i, w in enumerate(self._timeline.windows) if w.revision >= 0]
        self.query_one(HeatMap).show(_columns(detail, heat), heat, judged[-1] if judged else -1)
        self._draw_cursor()

    def _heat(self, window: wire.Window) -> dict[str, Heat] | None:
        found = self.get(window.id, wire.WindowFindings)
        if found is not None:
            return dict(heat_of(found.findings))
        return {} if window.revision < 0 else None

    def _draw_cursor(self) -> None:
        heat = self.query_one(HeatMap)
        self.query_one(SeriesChart).show(self._timeline, heat.window)
        if 0 <= heat.window < len(self._timeline.windows):
            window = self._timeline.windows[heat.window]
            found = self.get(window.id, wire.WindowFindings)
            says = readout(self._timeline, heat.window, heat.column, found)
            self.query_one("#readout", Static).update(says)

    def on_cell_highlighted(self, _: CellHighlighted) -> None:
        """The chart goes along; windows that came into sight are asked for."""
        self._draw_cursor()
        self.nudge()

    def on_cell_opened(self, event: CellOpened) -> None:
        """Look into a window."""
        window = self._timeline.windows[event.window]
        self.open("window", model=self.model, id=window.id, column=event.column)

    def on_row_opened(self, event: RowOpened) -> None:
        """Look at what wants attention, or at a decision."""
        if event.table == "recent":
            self.open("decision", model=self.model, id=event.key)
        elif event.key.isdigit() and (place := self._concerns[int(event.key)].place) is not None:
            self.open(place.kind, model=place.model, id=place.id)

    def action_list(self, kind: str) -> None:
        """One of the model's lists."""
        self.open(kind, model=self.model)

    def action_part(self) -> None:
        """Choose of which part of the rows the metric is shown."""
        judged = reversed(self._timeline.windows)
        found = parts_of(self.get(window.id, wire.WindowFindings) for window in judged)
        if not found:
            self.notify("The model file names no segments, or no window is judged yet.",
                        severity="warning", markup=False)  # fmt: skip
            return
        title = "Of which rows is the metric to be shown?"
        choose = Choose(title, COLUMNS, rows_of(found), self._segment or WHOLE)
        _ = self.app.push_screen(choose, self._show_part)

    def _show_part(self, chosen: str | None) -> None:
        if chosen is not None:
            self._segment = None if chosen == WHOLE else chosen
            self.draw()
            self.nudge()

    def action_rollback(self) -> None:
        """Go back to the version that served before, once that is confirmed."""
        if self.detail is not None:
            asking.rollback(self, self.detail, self.items("versions"))

    def action_train(self) -> None:
        """Ask for a run, once that is confirmed."""
        if self.detail is not None:
            asking.train(self, self.detail)

    def action_go(self) -> None:
        """Let a stopped model go on, once that is confirmed."""
        if self.detail is not None:
            asking.go(self, self.detail)


def _items(known: Known, key: str) -> list[Any]:
    page = known.get(key)
    return page.items if isinstance(page, wire.Page) else []


def _columns(detail: wire.ModelDetail, heat: Sequence[dict[str, Heat] | None]) -> list[str]:
    """Features as the model has them, then what else was judged, all rows at the end."""
    seen = {column for found in heat if found for column in found}
    rest = sorted(seen - set(detail.features) - {ALL_ROWS})
    return [*detail.features, *rest, ALL_ROWS]


def _concern_rows(found: Sequence[Concern]) -> list[Row]:
    if not found:
        quiet = Content.styled("● quiet", palette.GOOD_TEXT)
        return [Row(key="quiet", cells=(quiet, Content("nothing wants attention")))]
    return [Row(key=str(i), cells=(one.sign, one.says)) for i, one in enumerate(found)]


def _recent(decision: wire.Decision, *, timed: bool) -> Row:
    return Row(
        key=decision.id,
        cells=(
            Content.styled(date(decision.model_time, timed=timed), palette.MUTED_TEXT),
            kind_of(decision),
            Content(decision.says),
        ),
    )
