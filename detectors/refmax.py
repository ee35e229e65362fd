"""The false-alarm budget made thresholds: REFMAX, over all columns and scores of a family.

Every calibration window is scored against the reference without itself, every score standardised
by the other windows, and the greatest of a window kept. The height that these maxima pass with the
window's share of the budget judges the windows to come. So the threshold knows the stream's own
wander and how its columns hang together, and no law of independent rows is assumed (maximum
statistics: Westfall and Young 1993). An alarm must also be large enough to matter.

Windows of another size than usual are never compared as they are: of larger ones as many rows are
drawn as is usual, and for smaller ones the law of calibration windows thinned to their size is
kept. A share goes by its binomial variance instead.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from detectors import answers, judging, reach, rhythms, seasons, thinning, wanders
from detectors.answers import MIN_ROWS
from detectors.bins import Bins, Tally
from detectors.calibration import fit, smaller_laws
from detectors.counted import Column, columns_of, spread, taken
from detectors.detectable import detectable, detectable_rates
from detectors.finding import Basis, Finding, Reason, Verdict
from detectors.laws import PLAIN, Calibration, Law, Options
from detectors.reading import Counts, Floats
from detectors.scores import Form, Name, Scores, score
from detectors.seasons import Rhythm
from detectors.thresholds import FEWEST_WINDOWS

__all__ = ["Calibration", "Options", "calibrate", "calibrate_rates", "judge", "judge_rates"]

MOST_THINNED: Final = 60
"""So many calibration windows are thinned to each smaller size; of more, every so many-th."""
SEED: Final = 2203
NO_GROUPS: Final[Mapping[str, int]] = MappingProxyType({})
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
    options: Options = PLAIN,
) -> Calibration:
    """A family's threshold from calibration windows: `windows[i][j]` is window i on `bins[j]`.

    `inside[i]` says whether window i's rows are part of the reference. `alpha` is the probability
    that one window without change alarms, over all columns: the family's share of the budget over
    the windows of its period. About 5 ms a window of 300 columns; thinning and shifting windows
    cost some hundred windows more.
    """
    found = calibrate_columns(
        columns_of(bins, windows, inside) if windows else [], family=family, alpha=alpha,
        options=options,
    )  # fmt: skip
    if windows or all(frozen.reason is not None for frozen in bins):
        return found
    return msgspec.structs.replace(found, needs=FEWEST_WINDOWS)


def calibrate_columns(
    columns: Sequence[Column], *, family: str, alpha: float, options: Options = PLAIN
) -> Calibration:
    """The same from columns that are arrays already."""
    if not columns:
        return fit([], family=family, alpha=alpha, options=options)
    inside, season = columns[0].inside, None
    name = seasons.chosen(options.groupings, seasons.means_of(columns), inside)
    if name is not None:
        labels = options.groupings[name]
        season = seasons.season_of(name, columns, labels)
        columns = seasons.within(season, columns, labels)
    usual = [thinning.usual_rows(column) for column in columns]
    columns = thinning.matched(columns, usual, SEED, MIN_ROWS)
    memory = {} if options.pseudo else wanders.of_columns(columns, options.groupings)
    own = score(columns)
    alone = sum(len(found.names) for found in own)
    joint = [
        rhythms.learned(msgspec.structs.replace(s, places=(alone + n,)), options.groupings)
        for n, s in enumerate(options.joint)
    ]
    every = wanders.remembered(own + [one for _, one in joint], memory, inside, options.groupings)
    found = fit(
        every, family=family, alpha=alpha, options=options,
        sized=() if options.bare else _sized(columns, usual, memory),
    )  # fmt: skip
    found = reach.told(_rhythmical(found, [None] * alone + [r for r, _ in joint]), columns)
    return msgspec.structs.replace(
        found, usual={c.bins.column: rows for c, rows in zip(columns, usual, strict=True)},
        mode="pooled" if season is None else "matched", season=season,
        detectable=() if options.bare else detectable(found, columns),
    )  # fmt: skip


def window_scores(
    calibration: Calibration, columns: Sequence[Column], seed: int, groups: Mapping[str, int]
) -> list[Scores]:
    """The scores of windows to come, each brought to a size that was calibrated."""
    season = calibration.season
    if season is not None and _has_season(calibration, groups):
        held = [column for column in columns if column.bins.column in season.columns]
        columns = seasons.within(season, held, [groups[season.name]] * len(held[0].counts))
    usual = [calibration.usual.get(column.bins.column, 0.0) for column in columns]
    if not thinning.to_draw(columns, usual):
        return score(columns)
    drawn = thinning.matched(columns, usual, seed, MIN_ROWS, draws=thinning.DRAWS)
    return score(drawn, draws=thinning.DRAWS)


def _has_season(calibration: Calibration, groups: Mapping[str, int]) -> bool:
    season = calibration.season
    return season is None or groups.get(season.name) in season.groups


def _unjudged(finding: Finding) -> Finding:
    return msgspec.structs.replace(
        finding, verdict=Verdict.INCONCLUSIVE, reason=str(Reason.UNCALIBRATED), basis=None
    )


def _sized(
    columns: Sequence[Column], usual: Sequence[float], memory: Mapping[str, float]
) -> list[list[list[Law | None]]]:
    """The laws of calibration windows thinned to each smaller size, the largest first.

    A window that was smaller before, or a size of too few rows, has no score.
    """
    generator = np.random.default_rng(SEED)
    some = spread(len(columns[0].counts), MOST_THINNED)
    thinner = [taken(column, some) for column in columns]
    sizes = [thinning.sizes_of(rows, MIN_ROWS) for rows in usual]
    found = []
    for level in range(max(map(len, sizes), default=0)):
        wanted = [known[level] if level < len(known) else 0 for known in sizes]
        rows = [
            np.where(column.bucket == 0, size, 0)
            for column, size in zip(thinner, wanted, strict=True)
        ]
        thinner = thinning.drawn(thinner, rows, generator)
        scored = wanders.likewise(score(thinner), memory, columns[0].inside[some])
        found.append([smaller_laws(scores) for scores in scored])
    return found


def judge(
    calibration: Calibration,
    bins: Sequence[Bins],
    tallies: Sequence[Tally],
    *,
    seed: int = 0,
    groups: Mapping[str, int] = NO_GROUPS,
    joint: Sequence[Scores] = (),
) -> list[Finding]:
    """What a window shows against its family's calibration: a finding a column and score.

    The statistic is the standardised score, the threshold the family's height; the effect is what
    is left after the mean effect without change: of `a1` reference standard deviations moved
    (area between distribution functions for heavy tails), of `jensen_shannon` the distance, of
    `share` and `unseen` shares. The p-value is that of this score alone, by Student's law over
    the calibration windows. Failed where the statistic passes the threshold and the effect its
    floor. A share that stood still in all calibration windows is judged by the binomial law,
    once it leaves what they ever had; that is provisional.

    `seed` draws the rows of a window much larger or smaller than usual; `groups` says in which
    group of each season the window lies. One that lies in none that was calibrated is
    uncalibrated. `joint` are the window's scores that no column has alone; of those that were
    calibrated there are findings too.
    """
    if len(bins) != len(tallies):
        raise ValueError(f"{len(bins)} columns have bins and {len(tallies)} a tally; expected both")
    scores = window_scores(calibration, columns_of(bins, [tallies], [False]), seed, groups)
    found = judging.findings(calibration, scores)
    if scores and not _has_season(calibration, groups):
        found = [_unjudged(finding) for finding in found]
    scored = {finding.column for finding in found}
    known = {(fitted.column, fitted.detector) for fitted in calibration.scales}
    return found + [
        answers.unjudged(
            "jensen_shannon",
            frozen.column,
            frozen.reason or Reason.INSUFFICIENT,
            rows=tally.valid,
        )
        for frozen, tally in zip(bins, tallies, strict=True)
        if frozen.column not in scored
    ] + [finding for one in joint if one.names[0][:2] in known
         for finding in _rhythmic(calibration, one, groups)]  # fmt: skip


def calibrate_rates(
    names: Sequence[str],
    windows: Floats,
    *,
    family: str,
    alpha: float,
    rows: Counts | None = None,
    options: Options = PLAIN,
) -> Calibration:
    """A family's threshold for rates: `windows` has shape (windows, names), NaN where not known.

    A name is a detector, or `detector:column`. All are shares in [0, 1] and may leave the usual
    both ways, but `volume`: that is rows, and changes are relative. `rows`, shape (windows,), lets
    smaller windows be noisier; windows of fewer than 30 then calibrate the volume alone. A rate
    that its season explains is held against those of its hour or day (`detectors.rhythms`).

    >>> generator = np.random.default_rng(6)
    >>> usual = np.column_stack([generator.poisson(500, 60), generator.binomial(500, 0.1, 60) / 500])
    >>> calibration = calibrate_rates(["volume", "missing:x"], usual, family="quality", alpha=0.01)
    >>> [(f.column, f.detector, str(f.verdict), round(f.effect, 2))
    ...     for f in judge_rates(calibration, np.array([350.0, 0.11]), rows=350)]
    [('*', 'volume', 'failed', -0.3), ('x', 'missing', 'passed', 0.01)]
    """
    sizes = np.zeros(windows.shape[0], dtype=np.int64) if rows is None else rows
    few = (sizes < answers.MIN_ROWS) & (rows is not None)
    learned = [
        rhythms.learned(_rate(name, windows[:, at], sizes, few, at), options.groupings)
        for at, name in enumerate(names)
    ]
    scores = wanders.in_themselves([one for _, one in learned], options.groupings)
    found = fit(scores, family=family, alpha=alpha, options=options)
    found = _rhythmical(found, [rhythm for rhythm, _ in learned])
    return msgspec.structs.replace(
        found, detectable=detectable_rates(found),
        mode="matched" if any(rhythm is not None for rhythm, _ in learned) else "pooled",
    )  # fmt: skip


def judge_rates(
    calibration: Calibration, values: Floats, rows: int, *, names: Sequence[str] | None = None,
    groups: Mapping[str, int] = NO_GROUPS,
) -> list[Finding]:  # fmt: skip
    """What a window's rates show, in the order in which they were calibrated, or that of `names`.

    NaN is inconclusive, and so is every share of fewer than 30 rows; no rows at all fail the
    volume on a hard basis. `groups` says in which group of each season the window lies; a rate
    with a rhythm is uncalibrated in a group that was not.
    """
    known = names or [f"{s.detector}:{s.column}" for s in calibration.scales]
    sizes, few = np.array([rows]), np.array([rows < answers.MIN_ROWS])
    found: list[Finding] = []
    for name, value in zip(known, values.tolist(), strict=True):
        scores = _rate(name, np.array([value]), sizes, few)
        if scores.names[0].detector == VOLUME and rows == 0:
            found.append(_silent(calibration))
        else:
            found.extend(_rhythmic(calibration, scores, groups))
    return found


def _rhythmical(found: Calibration, learned: Sequence[Rhythm | None]) -> Calibration:
    scales = zip(found.scales, learned, strict=True)
    return msgspec.structs.replace(
        found, scales=tuple(msgspec.structs.replace(s, rhythm=rhythm) for s, rhythm in scales)
    )


def _rhythmic(calibration: Calibration, scores: Scores, groups: Mapping[str, int]) -> list[Finding]:
    scales = calibration.scales
    column, detector, _ = scores.names[0]
    fitted = next((s for s in scales if (s.column, s.detector) == (column, detector)), None)
    if fitted is None or fitted.rhythm is None:
        return judging.findings(calibration, [scores])
    left = rhythms.taken_out(fitted.rhythm, scores, groups)
    if left is None:
        return [_unjudged(finding) for finding in judging.findings(calibration, [scores])]
    return judging.findings(calibration, [left])


def _rate(
    name: str, values: Floats, rows: Counts, few: NDArray[np.bool_], place: int = 0
) -> Scores:
    detector, _, column = name.partition(":")
    counted = detector == VOLUME
    known = values if counted else np.where(few, np.nan, values)
    none = np.zeros_like(rows)[None]
    return Scores(
        names=(Name(column or "*", detector),), places=(place,),
        form=Form.COUNT if counted else Form.SHARE, values=known[None], effects=known[None],
        rows=rows[None], drawn=rows[None], rows_reference=none, bucket=none,
        floors=np.array([FLOORS.get(detector, FLOOR)]),
    )  # fmt: skip


def _silent(calibration: Calibration) -> Finding:
    return Finding(
        column="*", detector=VOLUME, threshold=calibration.threshold, effect=-1.0,
        verdict=Verdict.FAILED, basis=Basis.HARD,
    )  # fmt: skip
