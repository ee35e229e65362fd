"""A profile: what is kept of a table, column by column, in the form in which it is written."""

from typing import Final

import msgspec

from detectors.bins import Bins, Tally
from detectors.finding import Kind
from detectors.profile.moments import Moments
from detectors.profile.names import Names
from detectors.profile.points import Points

FORM: Final = 1
"""Goes up with every change that an older reader would take wrongly."""


class ColumnProfile(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept of a column.

    `missing` counts rows without a value, those among them that could not be read as a number in
    `unparsable`. Numbers have `moments` and `points`, levels have `names`, dates their `first` and
    `last` as ISO 8601. `bins` are those of the reference that it was counted on, its own where
    there was none, and `tally` is the count; both are None only while a profile is being gathered.
    `edges` is the version of the bins: tallies add where it is equal, and never else.
    """

    column: str
    kind: Kind
    rows: int
    missing: int
    unparsable: int = 0
    moments: Moments | None = None
    points: Points | None = None
    names: Names | None = None
    first: str | None = None
    last: str | None = None
    edges: str = ""
    bins: Bins | None = None
    tally: Tally | None = None

    @property
    def valid(self) -> int:
        """Rows that hold a value."""
        return self.rows - self.missing

    @property
    def infinite(self) -> int:
        """Rows that hold plus or minus infinity."""
        return 0 if self.tally is None else self.tally.posinf + self.tally.neginf


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """A table's columns in their order. `source` says what it was made of; `salt` tells salts
    apart where the levels are hashes of names, and is empty where they are the names."""

    form: int = FORM
    source: str = ""
    rows: int
    salt: str = ""
    columns: tuple[ColumnProfile, ...]

    def column(self, name: str) -> ColumnProfile | None:
        """The column of that name, None where there is none."""
        return next((column for column in self.columns if column.column == name), None)
