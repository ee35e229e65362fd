"""The false-alarm budget made thresholds: REFMAX, over all columns and scores of a family.

Every calibration window is scored against the reference without itself, every score standardised
by the other windows, and the greatest of a window kept. The height that these maxima pass with the
window's share of the budget judges the windows to come. So the threshold knows the stream's own
wander and how its columns hang together, and no law of independent rows is assumed (maximum
statistics: Westfall and Young 1993). An alarm must also be large enough to matter.

Windows smaller than the median one are brought to its size: a distance by the square root of
1/n + 1/m, which takes all of it for chance and so errs to the silent side; a share by its binomial
variance. Larger windows are taken as they are, silent too.
"""

from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from detectors import answers, judging
from detectors.bins import Bins, Tally
from detectors.calibration import Calibration, fit
from detectors.finding import Basis, Finding, Reason, Verdict
from detectors.reading import Counts, Floats
from detectors.scores import Form, Scores, score
from detectors.thresholds import FEWEST_WINDOWS

__all__ = ["Calibration", "calibrate", "calibrate_rates", "judge", "judge_rates"]

VOLUME: Final = "volume"
FLOORS: Final = {"missing": 0.01, "unseen": 0.005, "labels": 0.05, VOLUME: 0.1}
"""The least change of a rate that matters, by detector; a share of the usual for the volume."""
FLOOR: Final = 0.01


def calibrate(
    bins: Sequence[Bins],
    windows: Sequence[Sequence[Tally]],
    inside: Sequence[bool],
    *,
    family: str,
    alpha: float,
    minimum_effect: str = "small",
) -> Calibration:
    """A family's threshold from calibration windows: `windows[i][j]` is window i on `bins[j]`.

    `inside[i]` says whether window i's rows are part of the reference. `alpha` is the probability
    that one window without change alarms, over all columns: the family's share of the budget over
    the windows of its period. `minimum_effect` multiplies the floors: none, small, medium, large.
    """
    scores = score(bins, windows, inside) if windows else []
    found = fit(scores, family=family, alpha=alpha, minimum_effect=minimum_effect)
    if windows or all(frozen.reason is not None for frozen in bins):
        return found
    return msgspec.structs.replace(found, needs=FEWEST_WINDOWS)


def judge(
    calibration: Calibration, bins: Sequence[Bins], tallies: Sequence[Tally]
) -> list[Finding]:
    """What a window shows against its family's calibration: a finding a column and score.

    The statistic is the standardised score, the threshold the family's height; the effect is what
    is left after the mean effect without change: of `a1` reference standard deviations moved
    (area between distribution functions for heavy tails), of `jensen_shannon` the distance, of
    `share` and `unseen` shares. The p-value is that of this score alone, by Student's law over
    the calibration windows. Failed where the statistic passes the threshold and the effect its
    floor. A share that stood still in all calibration windows is judged by the binomial law,
    once it leaves what they ever had; that is provisional.
    """
    if len(bins) != len(tallies):
        raise ValueError(f"{len(bins)} columns have bins and {len(tallies)} a tally; expected both")
    found = judging.findings(calibration, score(bins, [tallies], [False]))
    scored = {finding.column for finding in found}
    return found + [
        answers.unjudged(
            "jensen_shannon",
            frozen.column,
            frozen.reason or Reason.INSUFFICIENT,
            rows=tally.valid,
        )
        for frozen, tally in zip(bins, tallies, strict=True)
        if frozen.column not in scored
    ]


def calibrate_rates(
    names: Sequence[str],
    windows: Floats,
    *,
    family: str,
    alpha: float,
    rows: Counts | None = None,
    minimum_effect: str = "small",
) -> Calibration:
    """A family's threshold for rates: `windows` has shape (windows, names), NaN where not known.

    A name is a detector, or `detector:column`. All are shares in [0, 1] and may leave the usual
    both ways, but `volume`: that is rows, and changes are relative. `rows`, shape (windows,), lets
    smaller windows be noisier; windows of fewer than 30 then calibrate the volume alone.

    >>> generator = np.random.default_rng(6)
    >>> usual = np.column_stack([generator.poisson(500, 60), generator.binomial(500, 0.1, 60) / 500])
    >>> calibration = calibrate_rates(["volume", "missing:x"], usual, family="quality", alpha=0.01)
    >>> [(f.column, f.detector, str(f.verdict), round(f.effect, 2))
    ...     for f in judge_rates(calibration, np.array([350.0, 0.11]), rows=350)]
    [('*', 'volume', 'failed', -0.3), ('x', 'missing', 'passed', 0.01)]
    """
    sizes = np.zeros(windows.shape[0], dtype=np.int64) if rows is None else rows
    few = (sizes < answers.MIN_ROWS) & (rows is not None)
    scores = [_rate(name, windows[:, at], sizes, few) for at, name in enumerate(names)]
    return fit(scores, family=family, alpha=alpha, minimum_effect=minimum_effect)


def judge_rates(
    calibration: Calibration, values: Floats, rows: int, *, names: Sequence[str] | None = None
) -> list[Finding]:
    """What a window's rates show, in the order in which they were calibrated, or that of `names`.

    NaN is inconclusive, and so is every share of fewer than 30 rows; no rows at all fail the
    volume on a hard basis.
    """
    known = names or [f"{s.detector}:{s.column}" for s in calibration.scales]
    sizes, few = np.array([rows]), np.array([rows < answers.MIN_ROWS])
    found: list[Finding] = []
    for name, value in zip(known, values.tolist(), strict=True):
        scores = _rate(name, np.array([value]), sizes, few)
        if scores.detector == VOLUME and rows == 0:
            found.append(_silent(calibration))
        else:
            found.extend(judging.findings(calibration, [scores]))
    return found


def _rate(name: str, values: Floats, rows: Counts, few: NDArray[np.bool_]) -> Scores:
    detector, _, column = name.partition(":")
    counted = detector == VOLUME
    known = values if counted else np.where(few, np.nan, values)
    return Scores(
        column=column or "*",
        detector=detector,
        form=Form.COUNT if counted else Form.SHARE,
        values=known,
        effects=known,
        rows=rows,
        rows_reference=np.zeros_like(rows),
        floor=FLOORS.get(detector, FLOOR),
    )


def _silent(calibration: Calibration) -> Finding:
    return Finding(
        column="*",
        detector=VOLUME,
        threshold=calibration.threshold,
        effect=-1.0,
        verdict=Verdict.FAILED,
        basis=Basis.HARD,
    )
