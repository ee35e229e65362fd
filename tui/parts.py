"""The parts of the rows that a model file's segments make, as a window's findings name them: pure."""

from collections.abc import Iterable, Sequence
from typing import Final

from textual.content import Content

from connectors.client import wire
from tui import palette
from tui.format import count, share, signed
from tui.widgets.columns import Column
from tui.widgets.table import Row

SIZE: Final = "segment"
"""The finding that tells a part's share of the rows; its effect is by how much that changed."""
WHOLE: Final = "all rows"
COLUMNS: Final = (
    Column(title="part of the rows", is_flexible=True, least=20),
    Column(title="rows", is_right=True),
    Column(title="share", is_right=True),
    Column(title="points since the reference", is_right=True, rank=1),
)


def parts_of(newest_first: Iterable[wire.WindowFindings | None]) -> list[wire.Finding]:
    """A finding a part, of the newest window that has any."""
    for found in newest_first:
        parts = [f for f in found.findings if f.detector == SIZE and f.segment] if found else []
        if parts:
            return parts
    return []


def rows_of(parts: Sequence[wire.Finding]) -> list[Row]:
    """All rows, then a line a part."""
    whole = Row(key=WHOLE, cells=(Content.styled(WHOLE, palette.STRONG), *[Content("")] * 3))
    return [whole, *(_row(part) for part in parts)]


def _row(part: wire.Finding) -> Row:
    change = "" if part.effect is None else signed(round(part.effect * 100, 1))
    return Row(
        key=part.segment or "",
        cells=(
            Content.styled(part.segment or "", palette.STRONG),
            Content(count(part.rows)),
            Content(share(part.statistic)),
            Content.styled(change, palette.MUTED_TEXT),
        ),
    )
