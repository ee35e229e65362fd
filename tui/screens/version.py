"""Versions: where each came from, how it measured itself, when it served."""

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from typing_extensions import override

from connectors.client import wire
from connectors.client.calls import Call
from tui import palette, questions
from tui.feed import Feed
from tui.format import NOTHING, count, day, number, span
from tui.messages import Known
from tui.questions import Wanted
from tui.screens import asking
from tui.screens.listing import OfModel
from tui.screens.sheet import Sheet
from tui.widgets.columns import Column
from tui.widgets.facts import Facts
from tui.widgets.table import Row
from tui.widgets.verdict_badge import badge


def facts_of(version: wire.Version, *, timed: bool = True) -> Sequence[Facts]:
    """All that is known of a version."""
    served = NOTHING
    if version.promoted_at is not None:
        until = day(version.ended_at, timed=timed) if version.ended_at else "now"
        served = f"{day(version.promoted_at, timed=timed)} … {until}"
    return [
        Facts(
            version.version,
            [
                ("state", badge(version.state)),
                ("served", served),
                (
                    "origin",
                    version.origin + (f", after {version.parent}" if version.parent else ""),
                ),
                *([("made", "by the demonstration, to show a refusal")] if version.made else []),
                ("reference loss", f"{number(version.reference_loss)}, on rows it never saw"),
            ],
        ),
        Facts(
            "Training",
            [
                ("made", day(version.made_at, timed=timed)),
                ("trainer", version.trainer or NOTHING),
                ("rows", count(version.rows_trained)),
                ("span", span(version.trained_from, version.trained_to, timed=timed)),
                ("code", version.code or NOTHING),
                ("run", version.run or NOTHING),
            ],
        ),
        Facts("It measured", [(k, number(v)) for k, v in version.metrics.items()]),
        Facts("Parameters", list(version.parameters.items())),
        Facts("Environment", list(version.environment.items())),
        Facts(
            "Hashes",
            [("artifact", version.sha256), ("data", version.data_sha256 or NOTHING)],
        ),
    ]


class VersionsScreen(OfModel):
    """Every version of a model."""

    KIND = "version"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("P", "promote", "Promote")]
    WRITES = frozenset({"promote"})
    COLUMNS = (
        Column(title="version", most=20),
        Column(title="state"),
        Column(title="served from"),
        Column(title="to"),
        Column(title="reference", is_right=True),
        Column(title="trained on", rank=2),
        Column(title="rows", is_right=True, rank=1),
        Column(title="origin", rank=3),
        Column(title="measured", rank=4, is_flexible=True),
    )
    NONE_YET = (
        "No version yet.",
        "The first run makes one; a version trained elsewhere is registered with",
        "`leeboard versions register MODEL FOLDER`",
    )

    @property
    @override
    def crumb(self) -> str:
        return "versions"

    @override
    def page(self, cursor: str | None) -> Call[wire.Page[wire.Version]]:
        return questions.versions(self.model, cursor)

    @override
    def row(self, item: wire.Version) -> Row:
        measured = "  ".join(f"{k} {number(v)}" for k, v in item.metrics.items())
        return Row(
            key=item.version,
            cells=(
                Content.styled(item.version, palette.STRONG),
                badge(item.state),
                Content(day(item.promoted_at, timed=self.timed)),
                Content(day(item.ended_at, timed=self.timed) if item.ended_at else
                        "now" if item.state == "champion" else NOTHING),
                Content(number(item.reference_loss)),
                Content.styled(span(item.trained_from, item.trained_to, timed=self.timed), palette.MUTED_TEXT),
                Content(count(item.rows_trained)),
                Content.styled(item.origin + (", made" if item.made else ""), palette.MUTED_TEXT),
                Content.styled(measured, palette.MUTED_TEXT),
            ),
        )  # fmt: skip

    @override
    def facts(self, item: wire.Version) -> Sequence[Facts]:
        return facts_of(item, timed=self.timed)

    @override
    def open_item(self, item: wire.Version) -> None:
        self.open("version", model=self.model, id=item.version)

    def action_promote(self) -> None:
        """Make the one under the cursor champion, once that is confirmed."""
        item = self.item()
        detail = self.get("model", wire.ModelDetail)
        if item is not None and detail is not None:
            asking.promote(self, detail, item)


class VersionScreen(Sheet):
    """One version."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("P", "promote", "Promote"),
        Binding("r", "run", "Its run"),
    ]
    WRITES = frozenset({"promote"})

    def __init__(self, feed: Feed, model: str, version: str) -> None:
        super().__init__(feed)
        self.model = model
        self.version = version

    @property
    @override
    def crumb(self) -> str:
        return self.version

    @override
    def wants(self, known: Known) -> Sequence[Wanted]:
        return [
            Wanted(key="version", call=questions.version(self.model, self.version)),
            Wanted(key="model", call=questions.model(self.model)),
        ]

    @override
    def facts(self) -> Sequence[Facts] | None:
        found = self.get("version", wire.Version)
        return None if found is None else facts_of(found, timed=self.timed)

    def action_promote(self) -> None:
        """Make it champion, once that is confirmed."""
        found, detail = self.get("version", wire.Version), self.get("model", wire.ModelDetail)
        if found is not None and detail is not None:
            asking.promote(self, detail, found)

    def action_run(self) -> None:
        """The run that made it."""
        found = self.get("version", wire.Version)
        if found is not None and found.run is not None:
            self.open("run", model=self.model, id=found.run)
