"""Why a window is as it is, in words and figures: pure."""

from collections.abc import Iterator, Sequence
from typing import Final

from textual.content import Content

from connectors.client import wire
from tui import palette
from tui.format import count, number, share, signed, words
from tui.widgets.columns import Column
from tui.widgets.facts import Facts
from tui.widgets.table import Row

MOVED: Final = (
    Column(title="what moved", is_flexible=True, least=12, most=30),
    Column(title="share", is_right=True),
    Column(title="", rank=2),
    Column(title="effect", is_right=True),
    Column(title="z", is_right=True),
    Column(title="p (Holm)", is_right=True, rank=3),
    Column(title="does it matter", is_right=True),
    Column(title="", rank=1),
)
SLICES: Final = (
    Column(title="where it hurts", is_flexible=True, least=20, most=60),
    Column(title="rows", is_right=True),
    Column(title="loss", is_right=True),
    Column(title="before", is_right=True),
    Column(title="change within", is_right=True),
    Column(title="of mix", is_right=True),
    Column(title="effect", is_right=True, rank=1),
    Column(title="p", is_right=True, rank=2),
)
BAR: Final = 10


def sheet(found: wire.Causes) -> list[Facts]:
    """The loss, its change shared out between inputs and answers, and what is not known."""
    return [
        Facts("", [*_loss(found), *_split(found)]),
        Facts("To know", [("", Content.styled(note, palette.MUTED_TEXT)) for note in found.notes]),
    ]


def _loss(found: wire.Causes) -> Iterator[tuple[str, Content | str]]:
    if found.loss is None or found.loss_reference is None:
        return
    kind = "expected, no label is known" if found.expected else "realised"
    yield (
        found.metric or "loss",
        Content.assemble(
            (number(found.loss), palette.STRONG),
            f" over {count(found.rows)} rows, before {number(found.loss_reference)} over "
            f"{count(found.rows_reference)}: {signed(found.loss - found.loss_reference)} ",
            (f"({kind})", palette.MUTED_TEXT),
        ),
    )


def _split(found: wire.Causes) -> Iterator[tuple[str, Content | str]]:
    """Other inputs, or other answers to them."""
    credit = found.credit
    if credit is None:
        return
    if credit.inputs is None or credit.answers is None:
        yield "inputs, answers", f"cannot be told apart: {credit.reason or 'no reason given'}"
        return
    yield "by inputs", f"{signed(credit.inputs)} since other rows came"
    yield "by answers", f"{signed(credit.answers)} since like rows turn out otherwise"
    worth = f"{signed(credit.change)} in all; the weighted rows are worth {share(credit.effective)}"
    yield "of", Content.styled(worth, palette.MUTED_TEXT)


def moved(columns: Sequence[wire.MovedColumn]) -> list[Row]:
    """A line a column, with its part of all that moved."""
    return [
        Row(
            key=one.column,
            cells=(
                Content.styled(one.column, palette.STRONG),
                Content(share(one.share)),
                Content.styled(bar(one.share), palette.BLUE_TEXT),
                Content(number(one.effect)),
                Content(number(one.z)),
                Content.styled(number(one.p_value), palette.MUTED_TEXT),
                Content(share(one.importance)),
                Content.styled("◆ stands out" if one.stands_out else "", palette.WARM_TEXT),
            ),
        )
        for one in columns
    ]


def bar(part: float) -> str:
    """A share as a bar.

    >>> bar(0.5)
    '█████'
    """
    return "█" * round(BAR * min(max(part, 0.0), 1.0))


def slices(found: wire.Causes) -> list[Row]:
    """A line a slice: what its own loss gives to the change, and what its share of rows gives."""
    return [
        Row(
            key=str(position),
            cells=(
                Content.styled(words(one.slice), palette.STRONG),
                Content(count(one.rows)),
                Content(number(one.loss)),
                Content.styled(number(one.loss_reference), palette.MUTED_TEXT),
                Content(signed(one.within)),
                Content(signed(one.mix)),
                Content(number(one.effect)),
                Content.styled(number(one.p_value), palette.MUTED_TEXT),
            ),
        )
        for position, one in enumerate(found.slices)
    ]


def no_slice(found: wire.Causes) -> str:
    """Why there is none."""
    if found.loss is None:
        return "Where it hurts cannot be told; what is to know above says why."
    return "There is no slice in which the loss rose more than in the rest of the window."
