"""What is kept of a reference and of a window: bins, and counts on them."""

from typing import Final

import msgspec

from detectors.finding import Kind

LARGEST: Final = 1.7976931348623157e308
"""Sums stop here: JSON holds no infinity."""
FAR_WIDTHS: Final = 3.0
"""Beyond so many reference ranges a number counts as far outside."""


class Bins(msgspec.Struct, frozen=True, kw_only=True):
    """The bins of a column, and the reference counted on them; plain JSON.

    A numeric column has `len(edges) + 1` bins, a column of levels `len(levels) + 2`: the last two
    are rare levels and unseen ones. `sums` are the sums of the finite values in each numeric bin.
    `coarse` holds the first bin of each of about ten groups of equal mass. `reason` says why the
    distribution is not compared: `not_applicable` (no values, a date, an identifier).
    """

    column: str
    kind: Kind
    rows: int
    missing: int
    reason: str | None = None
    counts: tuple[int, ...] = ()
    edges: tuple[float, ...] = ()
    atoms: tuple[float, ...] = ()
    exact: bool = False
    """Whether every value of the reference has a bin of its own."""
    coarse: tuple[int, ...] = ()
    sums: tuple[float, ...] = ()
    mean: float | None = None
    std: float | None = None
    kurtosis: float | None = None
    minimum: float | None = None
    maximum: float | None = None
    levels: tuple[str, ...] = ()
    rare: tuple[str, ...] | None = ()
    """Levels too rare for a bin; None where there are too many to keep, and then nothing counts
    as unseen."""
    rare_counts: tuple[int, ...] = ()
    infinite: int = 0
    """Rows of the reference that hold plus or minus infinity, in the outer bins."""
    distinct: int = 0
    once: int = 0
    """How many levels the reference holds exactly once."""

    @property
    def valid(self) -> int:
        """Rows that hold a value."""
        return self.rows - self.missing


class Tally(msgspec.Struct, frozen=True, kw_only=True):
    """A window counted on the bins of a reference; plain JSON, added with `+`.

    `own` counts rows whose level stands in this window alone, given that the window is part of the
    reference; of a sum of windows it is a lower bound. `outside` counts numbers beyond the
    reference's least and greatest, `far` those more than three reference ranges beyond.
    """

    column: str
    counts: tuple[int, ...] = ()
    rows: int = 0
    missing: int = 0
    posinf: int = 0
    neginf: int = 0
    unseen: int = 0
    own: int = 0
    outside: int = 0
    far: int = 0
    sums: tuple[float, ...] = ()
    powers: tuple[float, ...] = ()
    """Of numbers the sums of the finite values' distances from the reference's mean, and of the
    second to fourth powers of these: with them the moments of any sum of windows are known."""
    minimum: float | None = None
    maximum: float | None = None

    @property
    def valid(self) -> int:
        """Rows that hold a value."""
        return self.rows - self.missing

    def __add__(self, other: "Tally") -> "Tally":
        """The tally of both windows together."""
        if self.column != other.column or len(self.counts) != len(other.counts):
            raise ValueError(
                f"tallies of {self.column} ({len(self.counts)} bins) and {other.column} "
                f"({len(other.counts)} bins) were made on different bins and cannot be added"
            )
        return Tally(
            column=self.column,
            counts=tuple(a + b for a, b in zip(self.counts, other.counts, strict=True)),
            rows=self.rows + other.rows,
            missing=self.missing + other.missing,
            posinf=self.posinf + other.posinf,
            neginf=self.neginf + other.neginf,
            unseen=self.unseen + other.unseen,
            own=self.own + other.own,
            outside=self.outside + other.outside,
            far=self.far + other.far,
            sums=_summed(self.sums, other.sums),
            powers=_summed(self.powers, other.powers),
            minimum=min(_known(self.minimum, other.minimum), default=None),
            maximum=max(_known(self.maximum, other.maximum), default=None),
        )


def _summed(one: tuple[float, ...], other: tuple[float, ...]) -> tuple[float, ...]:
    """Sums of both; none where one of them has none."""
    both = zip(one, other, strict=True) if one and other else ()
    return tuple(min(max(a + b, -LARGEST), LARGEST) for a, b in both)


def _known(*values: float | None) -> list[float]:
    return [value for value in values if value is not None]
