"""Both files cut by the levels of a column, or by ranges of its numbers."""

import math
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec
import numpy as np
import pyarrow as pa

from controlplane.cli.compare.concluding import Asking, Measured, Part, concluded
from controlplane.cli.compare.source import Source, kinds_of, plain
from controlplane.domain.errors import BadInput
from detectors import binning, slicing
from detectors.bins import Bins
from detectors.comparison import measuring
from detectors.comparison.measuring import Asked
from detectors.comparison.parted import Parts, held_parts, parts_of
from detectors.comparison.result import ComparedColumn, Comparison, Rows
from detectors.finding import Kind, Sample
from detectors.reading import Counts

NAMED: Final = 12
"""Levels of those that are compared together that a note names."""


class Cut(msgspec.Struct, frozen=True):
    """The parts of both files, of which both have rows, and what is to be said of them."""

    column: str
    labels: tuple[str, ...]
    reference: Parts
    current: Parts
    notes: tuple[str, ...] = ()

    def measured(
        self, whole: ComparedColumn, samples: tuple[Sample, Sample], asked: Asked
    ) -> Measured:
        """A column that is measured as a whole, with the same of each part, unjudged."""
        before, now = (
            held_parts(sample, parts)
            for sample, parts in zip(samples, (self.reference, self.current), strict=True)
        )
        is_key = whole.note == measuring.ROW_NUMBER
        return Measured(whole, parts=tuple(
            measuring.measured(first, second, asked, is_key=is_key)
            for first, second in zip(before, now, strict=True)
        ))  # fmt: skip

    def concluded(self, asking: Asking, found: Sequence[Measured]) -> Comparison:
        """The comparison with that of each part."""
        rows = zip(self.labels, self.reference.rows, self.current.rows, strict=True)
        parts = [Part(self.column, label, Rows(before, now)) for label, before, now in rows]
        asking = msgspec.structs.replace(asking, notes=(*asking.notes, *self.notes))
        return concluded(asking, found, parts)


def cut_by(name: str, reference: Source, current: Source) -> Cut:
    """Both files cut alike: by the twenty most frequent levels that the reference has of a column,
    the others together, and the rows without a value. Numbers are cut by value, or where these are
    more than twenty into four ranges of about as many rows each.

    Raises BadInput where the column gives no parts that both files have.
    """
    values = [_values(file, name) for file in (reference, current)]
    kind = kinds_of(*values)
    if kind is None:
        message = (
            f"--by {name}: it is of one kind in the reference and of another in the current file"
        )
        raise BadInput(message)
    bins = binning.freeze(Sample(name, kind, values[0]))
    scale = None if bins.reason is not None else slicing.scale(bins)
    if scale is None:
        message = f"--by {name}: it holds {_instead(bins)}; expected numbers, or levels that many rows share"
        raise BadInput(message)
    codes = [slicing.codes(scale, each) for each in values]
    first, second = (np.bincount(each, minlength=len(scale.parts)) for each in codes)
    held = (first, second)
    common = np.flatnonzero((held[0] > 0) & (held[1] > 0)).tolist()
    both = sorted(common, key=lambda at: _place(scale.parts[at]))
    if not both:
        message = f"--by {name}: the files have no level of it in common"
        raise BadInput(message)
    places = np.full(len(scale.parts), -1)
    places[both] = np.arange(len(both))
    parts = [parts_of(places[each], len(both)) for each in codes]
    return Cut(
        name, tuple(scale.parts[at] for at in both), parts[0], parts[1],
        (*_together(bins, scale), *_apart(name, scale.parts, held)),
    )  # fmt: skip


def _place(level: str) -> float:
    """Where a part stands: numbers by value, after them what is none, as it stands."""
    try:
        value = float(level)
    except ValueError:
        return math.inf
    return math.inf if math.isnan(value) else value


def _values(file: Source, name: str) -> pa.ChunkedArray:
    if name not in file.types:
        message = f"--by {name}: {file.path} has no such column"
        raise BadInput(message)
    held = file.read([name])[name]
    values = plain(held)
    if values is None:
        message = f"--by {name}: {file.path} holds {held.type} in it; expected numbers or text"
        raise BadInput(message)
    return values


def _instead(bins: Bins) -> str:
    if bins.kind is Kind.DATETIME:
        return "dates, for which there is --time"
    return "a level of its own in most rows" if bins.valid else "no values in the reference"


def _together(bins: Bins, scale: slicing.Scale) -> Iterator[str]:
    """Which levels of the reference are compared together."""
    if bins.kind is Kind.NUMERIC or bins.distinct <= len(scale.levels):
        return
    kept = set(scale.levels)
    others = [name for name in (*bins.levels, *(bins.rare or ())) if name not in kept]
    more = bins.distinct - len(kept) - min(len(others), NAMED)
    named = ", ".join(others[:NAMED]) + (f" and {more:,} more" if more > 0 else "")
    yield (
        f"the {len(kept)} most frequent levels of {bins.column} are compared one by one, the others "
        f"together as {slicing.OTHERS}: {named}"
    )


def _apart(name: str, labels: Sequence[str], held: tuple[Counts, Counts]) -> Iterator[str]:
    """What only one of the files has."""
    for side, (rows, beside) in (("reference", held), ("current file", held[::-1])):
        places = np.flatnonzero((rows > 0) & (beside == 0))
        alone = [f"{labels[at]} ({rows[at]:,} rows)" for at in places.tolist()]
        if alone:
            yield (
                f"only the {side} has these parts of {name}, so they are not compared: "
                f"{', '.join(alone)}"
            )
