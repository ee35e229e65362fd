"""The fleet: a line a model."""

from collections.abc import Sequence
from typing import ClassVar, Final

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Static
from typing_extensions import override

from connectors.client import wire
from tui import palette, questions
from tui.format import count, day, interval, number, plural
from tui.messages import Known, RowOpened
from tui.questions import Wanted
from tui.screens.filtered import Filtered
from tui.widgets.columns import Column
from tui.widgets.empty import empty
from tui.widgets.table import Row, Table
from tui.widgets.verdict_badge import badge, severity

COLUMNS: Final = (
    Column(title="model", most=32),
    Column(title="verdict"),
    Column(title="champion", most=14),
    Column(title="metric", rank=6),
    Column(title="value", is_right=True),
    Column(title="interval"),
    Column(title="reference", is_right=True, rank=2),
    Column(title="going on", is_flexible=True, least=12, most=40),
    Column(title="alerts"),
    Column(title="rows", is_right=True, rank=4),
    Column(title="labels", is_right=True, rank=5),
    Column(title="model time", rank=3),
)
NONE_YET: Final = (
    "No model yet.",
    "`leeboard demo` shows the whole loop on two years of real bike rides.",
    "`leeboard replay FILE --time … --label …` does the same with a history of yours.",
    "`leeboard apply FILE` begins with a model file of yours.",
)


class FleetScreen(Filtered):
    """Every model: its verdict, its champion, how well it does, what is going on."""

    CSS_PATH = "../styles/fleet.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "back", "Back", show=False)]

    @property
    @override
    def crumb(self) -> str:
        return "fleet"

    @override
    def wants(self, known: Known) -> Sequence[Wanted]:
        return [Wanted(key="models", call=questions.fleet())]

    @override
    def compose_body(self) -> ComposeResult:
        yield Static("", id="summary")
        yield Table(COLUMNS, id="rows")
        yield Static("", id="empty")

    @override
    def draw(self) -> None:
        models: list[wire.ModelSummary] = self.items("models")
        self.set_class(not models, "-empty")
        if not models and "models" in self.known:
            self.query_one("#empty", Static).update(empty(*NONE_YET))
        self.query_one(Table).show([_row(model) for model in models])
        self.query_one("#summary", Static).update(_summary(models))

    def on_row_opened(self, event: RowOpened) -> None:
        """Look at a model."""
        self.open("model", model=event.key)


def _row(model: wire.ModelSummary) -> Row:
    figure = model.realised or wire.Figure()
    return Row(
        key=model.name,
        cells=(
            Content.styled(model.name, palette.STRONG),
            badge(model.verdict),
            Content(model.champion or "none"),
            Content.styled(model.metric, palette.MUTED_TEXT),
            Content.styled(number(figure.value), palette.STRONG),
            Content.styled(interval(figure.low, figure.high), palette.MUTED_TEXT),
            Content.styled(number(model.reference_loss), palette.MUTED_TEXT),
            going_on(model),
            _alerts(model),
            Content(count(model.rows.predictions)),
            Content(count(model.rows.labels)),
            Content.styled(day(model.model_time), palette.MUTED_TEXT),
        ),
    )


def going_on(model: wire.ModelSummary) -> Content:
    """What a model is at, a stop before anything else."""
    if model.frozen:
        return Content.styled(f"■ {model.frozen}", palette.BAD_TEXT)
    if model.retraining_stopped:
        return Content.styled("■ retraining stopped", palette.BAD_TEXT)
    if model.activity in {"", "watching", "no champion yet"}:
        return Content.styled(model.activity, palette.MUTED_TEXT)
    return Content.styled(f"▸ {model.activity}", palette.ACCENT_TEXT)


def _alerts(model: wire.ModelSummary) -> Content:
    if not model.open_alerts:
        return Content.styled("none", palette.FAINT_TEXT)
    return severity(model.worst_alert, f"{model.open_alerts} {model.worst_alert or ''}")


def _summary(models: Sequence[wire.ModelSummary]) -> Content:
    """The fleet in one line."""
    if not models:
        return Content("")
    failed = sum(model.verdict in {"failed", "error"} for model in models)
    alerts = sum(model.open_alerts for model in models)
    stopped = sum(bool(model.retraining_stopped or model.frozen) for model in models)
    parts: list[Content | str] = [Content.styled(plural(len(models), "model"), palette.STRONG)]
    for n, says, style in (
        (failed, f"■ {failed} failed", palette.BAD_TEXT),
        (alerts, f"▲ {plural(alerts, 'open alert')}", palette.WARM_TEXT),
        (stopped, f"■ {stopped} stopped", palette.BAD_TEXT),
    ):
        if n:
            parts += ["   ", Content.styled(says, style)]
    if not failed and not alerts and not stopped:
        parts += ["   ", Content.styled("● nothing wants attention", palette.GOOD_TEXT)]
    return Content.assemble(*parts)
