"""How rows arrive: repeated ones, and how long none came."""

from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from detectors import answers
from detectors.finding import Basis, Finding, Reason, Sample, Verdict
from detectors.reading import Floats

DUPLICATES: Final = "duplicates"
FRESHNESS: Final = "freshness"
WHOLE: Final = "*"


class DuplicatesParams(msgspec.Struct, frozen=True, kw_only=True):
    """`limit`: by how much the share of repeated rows may rise; None to judge nothing."""

    limit: float | None = None


class FreshnessParams(msgspec.Struct, frozen=True, kw_only=True):
    """`limit`: how many times the usual silence may last; None to judge nothing."""

    limit: float | None = None


_DUPLICATES: Final = DuplicatesParams()
_FRESHNESS: Final = FreshnessParams()


def duplicates(
    repeated: int, rows: int, usual: Floats, params: DuplicatesParams = _DUPLICATES
) -> Finding:
    """The share of rows that say word for word what another row of the window says.

    `repeated` comes from `repeats`, `usual` are the shares of other windows of the length, NaN
    where not known. The statistic is the share less the usual median, the effect the share.
    Without rows or other windows: insufficient.

    >>> found = duplicates(30, 100, np.array([0.01, 0.02, 0.03]), DuplicatesParams(limit=0.1))
    >>> round(found.statistic, 2), found.effect, str(found.verdict)
    (0.28, 0.3, 'failed')
    """
    known = usual[np.isfinite(usual)]
    if not rows or not known.size:
        return answers.unjudged(DUPLICATES, WHOLE, Reason.INSUFFICIENT, rows=rows)
    share = repeated / rows
    return _judged(DUPLICATES, rows, (share - float(np.median(known)), share), params.limit)


def freshness(
    silence_seconds: float | None, rows: int, usual: Floats, params: FreshnessParams = _FRESHNESS
) -> Finding:
    """The longest silence within a window against that of other windows.

    `silence_seconds` comes from `longest_silence`, None where it is not known; `usual` are those
    of other windows. The statistic is how many times the usual median it is, the effect the
    seconds themselves. A usual silence of 0 seconds is degenerate.

    >>> found = freshness(7200.0, 50, np.array([600.0, 900.0, 900.0]), FreshnessParams(limit=4.0))
    >>> found.statistic, found.effect, str(found.verdict)
    (8.0, 7200.0, 'failed')
    """
    known = usual[np.isfinite(usual)]
    if silence_seconds is None or not known.size:
        return answers.unjudged(FRESHNESS, WHOLE, Reason.INSUFFICIENT, rows=rows)
    median = float(np.median(known))
    if median <= 0.0:
        return answers.unjudged(FRESHNESS, WHOLE, Reason.DEGENERATE, rows=rows)
    return _judged(FRESHNESS, rows, (silence_seconds / median, silence_seconds), params.limit)


def repeats(columns: Sequence[Sample]) -> int:
    """How many rows say in all these columns what an earlier row says; nulls are alike.

    O(rows) in a hash table. No columns: 0.
    """
    if not columns or not len(columns[0].values):
        return 0
    names = [f"c{at}" for at in range(len(columns))]
    table = pa.table([_plain(sample.values) for sample in columns], names=names)
    apart: int = table.group_by(names).aggregate([]).num_rows
    return int(table.num_rows) - apart


def longest_silence(at: NDArray[np.int64], end: int) -> float | None:
    """The longest time in seconds between neighbours in `at`, and from the last to `end`.

    Times are microseconds since 1970, in any order; None without rows.
    """
    if not at.size:
        return None
    ordered = np.append(np.sort(at), max(end, int(at.max())))
    return float(np.diff(ordered).max()) / 1e6


def _plain(values: pa.ChunkedArray) -> pa.ChunkedArray:
    kind = values.type
    plain = values.cast(kind.value_type) if pa.types.is_dictionary(kind) else values
    return pc.cast(plain, pa.string()) if pa.types.is_null(kind) else plain


def _judged(name: str, rows: int, figures: tuple[float, float], limit: float | None) -> Finding:
    statistic, effect = figures
    verdict = Verdict.INCONCLUSIVE
    if limit is not None:
        verdict = Verdict.FAILED if statistic > limit else Verdict.PASSED
    return Finding(
        column=WHOLE,
        detector=name,
        statistic=statistic,
        threshold=limit,
        effect=effect,
        rows=rows,
        verdict=verdict,
        reason=str(Reason.SHOWN) if limit is None else None,
        basis=None if limit is None else Basis.FIXED,
    )
