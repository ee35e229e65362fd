"""Rows with all their columns: what detectors of a window as a whole take."""

from collections.abc import Iterator
from typing import Final

import msgspec
import pyarrow as pa

from detectors import answers
from detectors.answers import Figures
from detectors.finding import Finding, Kind, Reason, Sample

WHOLE: Final = Sample("*", Kind.NUMERIC, pa.chunked_array([], pa.float64()))
"""What a finding about a window as a whole is named after."""


class Table(msgspec.Struct, frozen=True):
    """Columns of the same rows, in the order of event time.

    Raises ValueError where columns have different numbers of rows or one name twice.
    """

    columns: tuple[Sample, ...]

    def __post_init__(self) -> None:
        names = [sample.column for sample in self.columns]
        if len({len(sample.values) for sample in self.columns}) > 1:
            sizes = ", ".join(f"{s.column} {len(s.values)}" for s in self.columns)
            raise ValueError(f"columns of a table have different numbers of rows: {sizes}")
        if len(set(names)) < len(names):
            raise ValueError(f"a table has a column twice: {', '.join(names)}")

    @property
    def rows(self) -> int:
        """How many rows it has."""
        return len(self.columns[0].values) if self.columns else 0

    def cut(self, rows: int) -> Iterator["Table"]:
        """The table in pieces of so many rows, the last with what is left; no value is copied."""
        for start in range(0, self.rows, rows):
            yield Table(
                tuple(Sample(s.column, s.kind, s.values.slice(start, rows)) for s in self.columns)
            )

    def column(self, name: str) -> Sample:
        """A column by its name; raises ValueError where there is none."""
        found = next((sample for sample in self.columns if sample.column == name), None)
        if found is None:
            names = ", ".join(sample.column for sample in self.columns)
            raise ValueError(
                f"the window has no column {name}, which the reference has; it has {names}"
            )
        return found


def not_applicable(detector: str, rows: int) -> Finding:
    """The finding where no column of the reference can be compared."""
    return answers.unjudged(detector, WHOLE.column, Reason.NOT_APPLICABLE, rows=rows)


def answer(detector: str, figures: Figures, threshold: float | None) -> Finding:
    """A finding about a window as a whole, judged as one about a column is."""
    return answers.answer(detector, WHOLE, figures, threshold)
