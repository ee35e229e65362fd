"""How many rows a window has; hard: none where there were some."""

from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from detectors import answers
from detectors.finding import Basis, Finding, Reason, Verdict

NAME: Final = "volume"


class VolumeParams(msgspec.Struct, frozen=True, kw_only=True):
    """`change`: the share by which rows may differ from the usual; None judges only their absence."""

    change: float | None = None


_DEFAULT: Final = VolumeParams()


def volume(rows: int, usual: NDArray[np.int64], params: VolumeParams = _DEFAULT) -> Finding:
    """A window's rows against the rows of other windows of its length.

    The statistic is |rows / median - 1|, the effect rows / median - 1. No rows at all, where the
    median window has some, fail on a hard basis. Without other windows: insufficient; where they
    are empty too: degenerate. What the false-alarm budget judges is `refmax.judge_rates` under
    the name `volume`.

    >>> found = volume(0, np.array([160, 168, 171]))
    >>> str(found.verdict), str(found.basis), found.effect, found.rows_reference
    ('failed', 'hard', -1.0, 168)
    """
    median = float(np.median(usual)) if usual.size else 0.0
    if median <= 0.0:
        reason = Reason.DEGENERATE if usual.size else Reason.INSUFFICIENT
        return answers.unjudged(NAME, "*", reason, rows=rows)
    change = rows / median - 1.0
    verdict, basis = _judged(rows, change, params)
    return Finding(
        column="*",
        detector=NAME,
        statistic=abs(change),
        threshold=params.change,
        effect=change,
        rows=rows,
        rows_reference=round(median),
        verdict=verdict,
        reason=str(Reason.SHOWN) if basis is None else None,
        basis=basis,
    )


def _judged(rows: int, change: float, params: VolumeParams) -> tuple[Verdict, Basis | None]:
    if rows == 0:
        return Verdict.FAILED, Basis.HARD
    if params.change is None:
        return Verdict.INCONCLUSIVE, None
    return Verdict.FAILED if abs(change) > params.change else Verdict.PASSED, Basis.FIXED
