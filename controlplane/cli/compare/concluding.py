"""What is concluded of measured columns: of all rows, and of each part of them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from detectors.comparison import rule
from detectors.comparison.measuring import Asked
from detectors.comparison.result import ComparedColumn, Comparison, Rows, Segment

if TYPE_CHECKING:
    from detectors.comparison.windowed import Counted


class Asking(msgspec.Struct, frozen=True, kw_only=True):
    """What was compared with what, as the asker named it, and how often it may fail by chance."""

    reference: str
    current: str
    rows: Rows
    asked: Asked
    level: float
    notes: tuple[str, ...] = ()


class Measured(msgspec.Struct, frozen=True):
    """A column, unjudged: of all rows, of each part, and counted by window."""

    whole: ComparedColumn
    parts: tuple[ComparedColumn, ...] = ()
    counted: "Counted | None" = None
    beside: "tuple[Measured, ...]" = ()
    """Of a column of dates, what is compared in its stead."""


class Part(msgspec.Struct, frozen=True):
    """The rows of both files that share a level of a column."""

    column: str
    level: str
    rows: Rows


def concluded(asking: Asking, found: Sequence[Measured], parts: Sequence[Part] = ()) -> Comparison:
    """The comparison with its verdicts: failed where any column failed, of all rows or of a part.

    The tests of the parts are put up together with those of all rows, so that a cut into many
    fails no more often without a change than one into none.
    """
    every = [column for each in found for column in (each.whole, *each.parts)]
    judged = iter([rule.only(column, asking.asked) for column in rule.judged(every, asking.level)])
    of = [[next(judged) for _ in (each.whole, *each.parts)] for each in found]
    columns = tuple(each[0] for each in of)
    sentence = rule.sentence(every, asking.level, parts=len(parts))
    segments = tuple(
        _segment(asking, part, tuple(each[at] for each in of if len(each) > at), sentence)
        for at, part in enumerate(parts, start=1)
    )  # fmt: skip
    verdicts = [column.verdict for column in columns]
    return Comparison(
        reference=asking.reference, current=asking.current, rows=asking.rows,
        verdict=rule.verdict_of([*verdicts, *(part.comparison.verdict for part in segments)]),
        columns=columns, rule=sentence, notes=asking.notes, segments=segments,
    )  # fmt: skip


def _segment(
    asking: Asking, part: Part, columns: tuple[ComparedColumn, ...], sentence: str
) -> Segment:
    name = f"{part.column}={part.level}"
    return Segment(column=part.column, level=part.level, comparison=Comparison(
        reference=asking.reference, current=asking.current, rows=part.rows,
        verdict=rule.verdict_of([column.verdict for column in columns]),
        columns=tuple(_of_part(column, name) for column in columns), rule=sentence,
    ))  # fmt: skip


def _of_part(column: ComparedColumn, name: str) -> ComparedColumn:
    """A column whose findings say of which rows they are."""
    found = tuple(msgspec.structs.replace(f, segment=name) for f in column.findings)
    return msgspec.structs.replace(column, findings=found)
