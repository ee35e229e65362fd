"""What ids a table holds and at which moments: a quick superset, which an exact question confirms.

Fresh rows are sorted parts in memory; runs in files hold the rest, so that the answer needs
neither the table nor memory that grows with it. What was once taken in stays, also where its row
was deleted since: that makes a question more frequent, and nothing else.
"""

from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np

from controlplane.store.id_runs import (
    Found,
    Part,
    Run,
    found_in,
    merged_part,
)
from controlplane.store.id_sources import Source
from controlplane.store.row_hashes import Asked

FAN: Final = 4
"""So many runs of about one size are merged into one: there are 4 log4 of them at most, and a
row is written once a factor of 4 that the table grew."""


class Held(msgspec.Struct, frozen=True):
    """What an index holds at one moment: `fresh` parts still grow, `leaving` ones are on their way
    into a file, `runs` are files."""

    runs: tuple[Run, ...] = ()
    leaving: tuple[Part, ...] = ()
    fresh: tuple[Part, ...] = ()


class IdIndex:
    """The index of one table. One thread adds, any may ask; `held` changes as a whole."""

    def __init__(
        self, name: str, source: Source, runs: Sequence[Run] = (), covered: int = 0
    ) -> None:
        self.name = name
        self.source = source
        self.held = Held(tuple(runs))
        self.covered = covered
        """Rows below this arrival number are in the runs."""
        self.upto = covered
        """Rows below this one are in it at all."""
        self.token = ""
        """By which the database and the list of files name what the runs are."""
        self.agreed: tuple[Run, ...] = ()
        """The runs that this token names."""

    @property
    def is_empty(self) -> bool:
        """Whether nothing was ever taken in."""
        held = self.held
        return not (held.fresh or held.leaving or held.runs)

    @property
    def rows_fresh(self) -> int:
        """How many rows are in no file and not on their way there."""
        return sum(len(hashes) for hashes, _ in self.held.fresh)

    def find(self, asked: Asked) -> Found:
        """Everything that is kept of hashes: their places as they came, and packed moments."""
        held = self.held
        found = [found_in(part, asked.ordered) for part in (*held.fresh, *held.leaving)]
        found.extend(run.find(asked.ordered) for run in held.runs)
        if not found:
            return np.zeros(0, np.int64), np.zeros(0, np.uint64)
        numbers = np.concatenate([numbers for numbers, _ in found])
        return asked.order[numbers], np.concatenate([values for _, values in found])

    def add(self, part: Part, *, upto: int) -> None:
        """Take rows in, in the order of their hashes, of arrival numbers below `upto`."""
        self.upto = max(self.upto, upto)
        if not len(part[0]):
            return
        fresh = list(self.held.fresh)
        while fresh and len(fresh[-1][0]) < 2 * len(part[0]):
            part = merged_part(fresh.pop(), part)
        self.held = msgspec.structs.replace(self.held, fresh=(*fresh, part))

    def send_off(self) -> tuple[Part, ...]:
        """The fresh parts, which are on their way into a file from now on."""
        held = self.held
        self.held = Held(held.runs, held.fresh, ())
        return held.fresh

    def come_back(self) -> None:
        """What was on its way into a file did not get there."""
        held = self.held
        self.held = Held(held.runs, (), (*held.leaving, *held.fresh))

    @property
    def is_agreed(self) -> bool:
        """Whether the database knows of the files as they are."""
        return self.held.runs == self.agreed

    def arrived(self, runs: tuple[Run, ...], covered: int) -> None:
        """These are the files now; what was on its way is in them."""
        self.held = Held(runs, (), self.held.fresh)
        self.covered = covered


def to_merge(runs: Sequence[Run]) -> tuple[Run, ...]:
    """The runs of one size of which there are enough to merge, the smallest first; may be none.

    >>> to_merge([])
    ()
    """
    tiers: dict[int, list[Run]] = {}
    for run in runs:
        tiers.setdefault((max(run.rows, 1).bit_length() - 1) // 2, []).append(run)
    for tier in sorted(tiers):
        if len(tiers[tier]) >= FAN:
            return tuple(tiers[tier])
    return ()
