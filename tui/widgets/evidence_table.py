"""The facts that a decision cites: the record, what it said, its figures."""

from collections.abc import Sequence
from typing import Final

from textual.content import Content

from connectors.client import wire
from tui import palette
from tui.format import count, number, words
from tui.messages import Place
from tui.widgets.columns import Column
from tui.widgets.table import Row, Table

COLUMNS: Final = (
    Column(title="record"),
    Column(title="says", is_flexible=True, least=20, most=200),
    Column(title="figures", is_flexible=True, least=44, most=200),
    Column(title="id", rank=1),
)
_PLACES: Final = {
    "score": "window", "window": "window", "trial": "trial", "run": "run", "version": "version",
    "target": "version", "alert": "alert", "decision": "decision",
}  # fmt: skip


class EvidenceTable(Table):
    """A line for each cited record."""

    def __init__(self, *, id: str) -> None:  # noqa: A002 - Textual's word
        super().__init__(COLUMNS, id=id)

    def show_evidence(self, evidence: Sequence[wire.Evidence]) -> None:
        """Take these in place of those before."""
        self.show([_row(position, one) for position, one in enumerate(evidence)])


def place_of(evidence: wire.Evidence, model: str) -> Place | None:
    """Where the cited record is shown; None for what has no screen.

    >>> place_of(wire.Evidence(kind="score", id="w_1/0"), "bikes")
    Place(kind='window', model='bikes', id='w_1')
    """
    kind = _PLACES.get(evidence.kind)
    return None if kind is None else Place(kind=kind, model=model, id=evidence.id.split("/")[0])


def figures(of: wire.Evidence) -> str:
    """The figures on one line, counts of rows first.

    >>> figures(wire.Evidence(id="x", figures={"mae": 40.5919, "rows": 16207.0}))
    'rows 16,207 · mae 40.59'
    """
    return " · ".join(
        f"{words(name)} {count(int(value)) if name.startswith('rows') and value else number(value)}"
        for name, value in sorted(of.figures.items(), key=lambda one: not one[0].startswith("rows"))
    )


def _row(position: int, one: wire.Evidence) -> Row:
    return Row(
        key=str(position),
        cells=(
            Content.styled(words(one.kind), palette.STRONG),
            Content(one.says),
            Content.styled(figures(one), palette.MUTED_TEXT),
            Content.styled(one.id, palette.FAINT_TEXT),
        ),
    )
