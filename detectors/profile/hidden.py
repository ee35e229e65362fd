"""What of a profile could point at people, taken out: names of levels hashed, extremes left out.

Hashes are keyed BLAKE2b of 64 bits: without the salt a name cannot be looked up in a list of
names. Whoever has the salt can, so it is a secret and long. Points stand for ten rows or so at
least. Counts, edges at quantiles, moments and the sums of bins stay: this is a pseudonym for
levels and a veil over extremes, and no promise that nobody in a small table can be told.
"""

import hashlib
from typing import Final

import msgspec
import pyarrow as pa

from detectors.bins import Bins
from detectors.finding import Kind
from detectors.profile import names, points
from detectors.profile.building import Values
from detectors.profile.form import ColumnProfile

ROWS_A_POINT: Final = 10
_HASH_BYTES: Final = 8


def salt_name(salt: bytes) -> str:
    """What tells salts apart without telling them; empty for none."""
    return _hashed(b"which salt", salt) if salt else ""


def hidden_values(values: Values, salt: bytes) -> Values:
    """The values with hashes in place of the names of their levels; numbers as they are.

    One hash a distinct level, about a microsecond each. Booleans keep their two names.
    """
    if values.levels is None or values.profile.kind is Kind.BOOLEAN:
        return values
    plain, held = values.levels
    hashed = pa.array([_hashed(name.encode(), salt) for name in plain.to_pylist()], pa.string())
    found = msgspec.structs.replace(names.named(hashed, held), lengths=())
    profile = msgspec.structs.replace(values.profile, names=found)
    return msgspec.structs.replace(values, profile=profile, levels=(hashed, held))


def hidden_bins(bins: Bins) -> Bins:
    """The bins with the outermost edges in place of the least and the greatest value."""
    if not bins.edges:
        return bins
    return msgspec.structs.replace(bins, minimum=bins.edges[0], maximum=bins.edges[-1])


def hidden_column(found: ColumnProfile) -> ColumnProfile:
    """The profile without least and greatest values, and with fewer points where rows are few."""
    tally, moments = found.tally, found.moments
    return msgspec.structs.replace(
        found,
        first=None,
        last=None,
        moments=moments and msgspec.structs.replace(moments, minimum=None, maximum=None),
        points=found.points and _thinned(found.points),
        tally=tally and msgspec.structs.replace(tally, minimum=None, maximum=None),
    )


def _thinned(found: points.Points) -> points.Points:
    runs = found.runs
    most = max(runs.rows // ROWS_A_POINT, 1)
    if most >= points.POINTS or not runs.rows:
        return found
    less = points.reduced(runs, most=0, points=most)
    return msgspec.structs.replace(
        less, rank_error=less.rank_error + found.rank_error, moved=less.moved + found.moved
    )


def _hashed(text: bytes, salt: bytes) -> str:
    key = hashlib.blake2b(salt).digest()
    return hashlib.blake2b(text, key=key, digest_size=_HASH_BYTES).hexdigest()
