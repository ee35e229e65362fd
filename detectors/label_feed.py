"""Which share of a window's rows has its label; hard: none where some were due."""

from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from detectors import answers, intervals
from detectors.finding import Basis, Finding, Reason, Verdict

NAME: Final = "label_feed"


class LabelFeedParams(msgspec.Struct, frozen=True, kw_only=True):
    """`fewest_due`: no labels are an alarm only where at least so many were to be expected."""

    fewest_due: float = 5.0


_DEFAULT: Final = LabelFeedParams()


def label_feed(
    labelled: int,
    rows: int,
    usual: NDArray[np.float64],
    params: LabelFeedParams = _DEFAULT,
) -> Finding:
    """The share of rows with a label, against the shares of other windows once theirs had closed.

    The statistic is the share, with its 90 % interval; the effect the share less the usual
    median. No label at all where `fewest_due` were to be expected fails on a hard basis. What
    the false-alarm budget judges is `refmax.judge_rates` under the name `labels`.

    >>> found = label_feed(0, 168, np.array([1.0, 0.98, 0.97]))
    >>> str(found.verdict), str(found.basis), found.effect
    ('failed', 'hard', -0.98)
    """
    known = usual[np.isfinite(usual)]
    if not rows or not known.size:
        return answers.unjudged(NAME, "*", Reason.INSUFFICIENT, rows=rows)
    share, expected = labelled / rows, float(np.median(known))
    silent = labelled == 0 and expected * rows >= params.fewest_due
    return Finding(
        column="*",
        detector=NAME,
        statistic=share,
        interval=intervals.wilson(share, rows),
        effect=share - expected,
        rows=rows,
        verdict=Verdict.FAILED if silent else Verdict.INCONCLUSIVE,
        reason=None if silent else str(Reason.SHOWN),
        basis=Basis.HARD if silent else None,
    )
