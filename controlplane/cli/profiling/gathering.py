"""Data files of any size to a profile, in memory that does not grow with them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

import msgspec
import pyarrow as pa

from controlplane.cli.tables.kinds import kind_of
from controlplane.cli.tables.opening import Columns, DataFile, opened, plain_or_none
from controlplane.cli.tables.texts import NotSoThroughout
from controlplane.domain.errors import BadInput
from detectors.bins import Bins, Tally
from detectors.finding import Kind, Sample
from detectors.profile import building, frozen, hidden, merging
from detectors.profile.building import Values
from detectors.profile.form import ColumnProfile, Profile

MOST_WAITING: Final = 64
"""Profiles of pieces that are held before they are merged."""

TOGETHER: Final = 1_000_000
"""Values of columns that are read at once, where files keep them apart: opening costs too."""

Advance = Callable[[int], None]


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """Which columns of which files, and on whose bins: a profile's, else the files' own."""

    files: tuple[DataFile, ...]
    columns: tuple[str, ...]
    like: Profile | None = None
    salt: bytes = b""
    """Where there is one, names of levels are hashed with it and extremes are left out."""


def profiled(asked: Asked, advance: Advance = lambda _: None) -> tuple[Profile, list[str]]:
    """The profile of all files' rows together, and remarks; raises BadInput.

    Files that keep columns apart are read a column at a time, or a few where they are small; others
    all columns at once. Where
    the columns have no bins yet and do not fit into one piece, the rows are read a second time.
    """
    while True:
        try:
            return _once(asked, advance)
        except NotSoThroughout as changed:
            files = tuple(_as_text(file, changed.column) for file in asked.files)
            asked = msgspec.structs.replace(asked, files=files)


def _as_text(file: DataFile, column: str) -> DataFile:
    if file.by_column:
        return file
    return opened(file.path, as_text=file.as_text | {column})


def _once(asked: Asked, advance: Advance) -> tuple[Profile, list[str]]:
    found: dict[str, ColumnProfile] = {}
    remarks = [remark for file in asked.files for remark in file.remarks]
    for group in _groups(asked):
        found |= _Gathering(asked, group, advance, remarks).done()
    if not found:
        files = ", ".join(str(file.path) for file in asked.files)
        why = "; ".join(remarks) or f"{files} holds no rows"
        message = f"there is nothing to profile: {why}"
        raise BadInput(message)
    rows = next(iter(found.values())).rows
    source = " + ".join(file.path.name for file in asked.files)
    columns = tuple(found.values())
    if asked.salt:
        columns = tuple(hidden.hidden_column(column) for column in columns)
    salt = hidden.salt_name(asked.salt)
    return Profile(source=source, rows=rows, salt=salt, columns=columns), remarks


def _groups(asked: Asked) -> list[tuple[str, ...]]:
    """The columns that are read together."""
    if not all(file.by_column for file in asked.files):
        return [asked.columns]
    rows = max(file.size // max(len(file.names), 1) for file in asked.files)
    many = max(TOGETHER // max(rows, 1), 1)
    return [asked.columns[at : at + many] for at in range(0, len(asked.columns), many)]


class _Gathering:
    """Some columns of the files, read together."""

    def __init__(
        self, asked: Asked, names: Sequence[str], advance: Advance, remarks: list[str]
    ) -> None:
        self.asked, self.names, self.advance, self.remarks = asked, names, advance, remarks
        self.kinds: dict[str, Kind] = {}
        self.bins = _bins_of(asked.like)

    def done(self) -> dict[str, ColumnProfile]:
        """The columns that can be profiled."""
        gathered: dict[str, list[ColumnProfile]] = {}
        single: dict[str, Values] = {}
        for at, piece in enumerate(self._pieces()):
            single = self._gather(piece, gathered) if at == 0 else {}
            if at:
                self._gather(piece, gathered)
        whole = {name: merging.column(parts) for name, parts in gathered.items()}
        if self.bins is not None or not whole:
            return whole
        if single:
            bins = {name: self._own(building.own_bins(found)) for name, found in single.items()}
            return {
                name: building.on_bins(
                    found.profile, bins[name], building.counted(bins[name], found)
                )
                for name, found in single.items()
            }
        return self._counted(whole)

    def _gather(
        self, piece: Columns, gathered: dict[str, list[ColumnProfile]]
    ) -> dict[str, Values]:
        """Add a piece to what is gathered; its values are given back where they may be all."""
        read: dict[str, Values] = {}
        for name, sample in self._samples(piece):
            values = self._read(sample)
            found = values.profile
            if self.bins is not None:
                bins = self.bins[name]
                found = building.on_bins(found, bins, building.counted(bins, values))
            else:
                read[name] = values
            parts = gathered.setdefault(name, [])
            parts.append(found)
            if len(parts) == MOST_WAITING:
                parts[:] = [merging.column(parts)]
        return read

    def _counted(self, whole: Mapping[str, ColumnProfile]) -> dict[str, ColumnProfile]:
        """The second pass: rows counted on bins that the first one gave."""
        bins = {name: self._own(frozen.of_gathered(found)) for name, found in whole.items()}
        tallies: dict[str, Tally] = {}
        for piece in self._pieces():
            for name, sample in self._samples(piece):
                found = building.counted(bins[name], self._read(sample))
                tallies[name] = tallies[name] + found if name in tallies else found
        return {
            name: building.on_bins(found, bins[name], tallies[name])
            for name, found in whole.items()
        }

    def _read(self, sample: Sample) -> Values:
        values = building.read(sample)
        return hidden.hidden_values(values, self.asked.salt) if self.asked.salt else values

    def _own(self, bins: Bins) -> Bins:
        return hidden.hidden_bins(bins) if self.asked.salt else bins

    def _pieces(self) -> Iterator[Columns]:
        for file in self.asked.files:
            yield from file.pieces(self.names, self.advance)

    def _samples(self, piece: Columns) -> Iterator[tuple[str, Sample]]:
        """The piece's columns as samples; those of values in several parts are told once."""
        for name, values in piece.items():
            if _is_coded(values.type) and self._kind(name, values) is Kind.CATEGORICAL:
                yield name, Sample(name, Kind.CATEGORICAL, values)
                continue
            plain = plain_or_none(values)
            if plain is None:
                if name not in self.kinds:
                    self.remarks.append(f"{name} is left out: it holds {values.type}")
                    self.kinds[name] = Kind.CATEGORICAL
                continue
            kind = self._kind(name, plain)
            yield name, Sample(name, kind, plain)

    def _kind(self, name: str, values: pa.ChunkedArray) -> Kind:
        if self.bins is not None:
            return self.bins[name].kind
        return self.kinds.setdefault(name, kind_of(values))


def _is_coded(kind: pa.DataType) -> bool:
    """Whether values are codes of texts, which are counted as they are."""
    return bool(pa.types.is_dictionary(kind) and pa.types.is_string(kind.value_type))


def _bins_of(like: Profile | None) -> dict[str, Bins] | None:
    if like is None:
        return None
    return {c.column: c.bins for c in like.columns if c.bins is not None}
