"""Columns of very many levels, compared over buckets that every level falls into by its name."""

import hashlib
from typing import Final

import msgspec
import numpy as np

from detectors import answers, jensen_shannon, reading
from detectors.answers import Figures
from detectors.finding import Finding, Kind, Reason, Sample
from detectors.reading import Counts

NAME: Final = "hashed_levels"
BUCKETS: Final = 64


class HashedLevelsParams(msgspec.Struct, frozen=True, kw_only=True):
    """`threshold` on the distance in [0, 1]; into how many buckets, mixed up by `seed`."""

    threshold: float | None = None
    buckets: int = BUCKETS
    seed: int = 0


_DEFAULT: Final = HashedLevelsParams()


def hashed_levels(
    reference: Sample, sample: Sample, params: HashedLevelsParams = _DEFAULT
) -> Finding:
    """The Jensen–Shannon distance over 64 buckets of levels, in [0, 1].

    A level's bucket depends on its name and the seed alone, so buckets are the same in every
    window, machine and version, and no table of levels is kept: made for columns of more levels
    than can each have a bin. The effect is the distance that is left once the divergence's mean
    under no change is taken off. O(n + m), and a hash for every distinct level.

    >>> import pyarrow as pa
    >>> a, b = (Sample("x", Kind.CATEGORICAL, pa.chunked_array([[f"k{i % many}" for i in range(900)]]))
    ...         for many in (300, 20))
    >>> round(hashed_levels(a, b).statistic, 3)
    0.686
    """
    kinds = {Kind.CATEGORICAL, Kind.BOOLEAN}
    if sample.kind not in kinds or reference.kind not in kinds:
        return answers.unjudged(NAME, sample.column, Reason.NOT_APPLICABLE)
    first, second = (buckets(s, params.buckets, params.seed) for s in (reference, sample))
    m, n = int(first.sum()), int(second.sum())
    if not m:
        return answers.unjudged(NAME, sample.column, Reason.NOT_APPLICABLE, rows=n)
    figures = Figures(rows=n, rows_reference=m)
    if min(m, n) > 1:
        found = float(jensen_shannon.distance(first, second))
        used = int(np.count_nonzero(first + second))
        effect = float(jensen_shannon.beyond_chance(found, used, m, n))
        figures = msgspec.structs.replace(figures, statistic=found, effect=effect)
    return answers.answer(NAME, sample, figures, params.threshold)


def buckets(sample: Sample, count: int, seed: int) -> Counts:
    """How many rows fall into each of `count` buckets, shape (count,); missing rows in none.

    Counts of windows add up. The hash is BLAKE2b of the level, keyed by the seed.
    """
    names, held, _ = reading.levels(sample)
    key = seed.to_bytes(8, "little", signed=True)
    digests = b"".join(
        hashlib.blake2b(name.encode(), digest_size=8, key=key).digest()
        for name in names.to_pylist()
    )
    at = np.frombuffer(digests, dtype="<u8") % np.uint64(count)
    return np.bincount(at.astype(np.int64), weights=held, minlength=count).astype(np.int64)
