"""What scores are without change: the laws that windows are standardised by, and their threshold."""

from collections.abc import Sequence
from operator import attrgetter
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from detectors import remembering
from detectors.finding import Basis
from detectors.reading import Floats
from detectors.scores import Form, Scores
from detectors.seasons import Groupings, Rhythm, Season

MINIMUM_EFFECTS: Final = {"none": 0.0, "small": 1.0, "medium": 2.0, "large": 4.0}
LEAST_DISTANCE: Final = 1e-9
LEAST_COUNT: Final = 0.5
COUNT_WANDER: Final = 0.05
POWER: Final = 2.0 / 3.0
"""To which distances are taken where enough windows calibrate."""
_ADDED: Final = 0.375
ROUNDING: Final = 1e-9


class Law(msgspec.Struct, frozen=True, kw_only=True):
    """What a score is without change in windows of one size: mean and standard deviation.

    Of a distance's power (0: its logarithm), the logarithm of a count, the arcsine of a share's
    root, or a level; `effect` is the mean effect.
    """

    mean: float = 0.0
    sd: float = 0.0
    effect: float | None = None
    rows: float = 0.0
    """Values in the median window."""
    rows_reference: float = 0.0
    power: float = 0.0


class Scale(Law, frozen=True, kw_only=True):
    """What one score is without change: the law that a new window's is standardised by.

    `floor` is the least effect that matters. `reason` says why it has no part in the maximum:
    `degenerate`, `insufficient` (fewer than 8 windows with enough values). `smaller[k - 1]` is
    the law of windows smaller by 1.5 to the k, None where that is too few rows.
    """

    column: str
    detector: str
    part: str = ""
    form: Form
    floor: float = 0.0
    windows: int = 0
    least: float = 0.0
    greatest: float = 0.0
    reason: str | None = None
    smaller: tuple[Law | None, ...] = ()
    memory: float = 0.0
    """How much the score resembles itself one window before; `sd` is wider for it."""
    reach: float | None = None
    """The greatest that a distance can be, whatever the window holds; None: not known."""
    rhythm: Rhythm | None = None
    """Of a rate that its season explains: the law is then that of what is left."""

    @property
    def counted(self) -> int:
        """As how many windows that know nothing of each other its own tell its spread."""
        return remembering.counted_spread(self.memory, self.windows)


class Detectable(msgspec.Struct, frozen=True, kw_only=True):
    """The least shift of a column that one window would show in four cases of five.

    `shift` is in standard deviations of the reference for `unit` `sd`, in shares for `share`,
    relative to the usual for `relative`; None where even a whole standard deviation is missed.
    """

    column: str
    detector: str = "*"
    shift: float | None
    unit: str = "sd"


class Calibration(msgspec.Struct, frozen=True, kw_only=True):
    """The threshold of one family for one length of windows, and what it was made of; plain JSON.

    `threshold` is None, and `basis` too, while fewer than 8 windows can calibrate; `needs` is then
    how many are missing. `conformal` is the height by order statistics alone; `trustworthy` is
    False where the threshold lies more than 1 below it. `freedom` are the degrees of freedom that
    scores of fewer windows are brought to.
    """

    family: str
    windows: int
    mode: str = "pooled"
    """`pooled`, or `matched`: every window is compared with those of its own `season`; of rates,
    those that have a `rhythm`."""
    season: Season | None = None
    alpha: float
    threshold: float | None
    tail: str | None = None
    conformal: float | None = None
    trustworthy: bool = True
    needs: int = 0
    basis: Basis | None
    worth: int | None = None
    """As how many windows that know nothing of each other these count, for half of the scores or
    more: fewer where each resembles the one before. None of calibrations of before this was looked
    at."""
    freedom: int = 0
    usual: dict[str, float] = {}
    """Values in the median window, by column."""
    scales: tuple[Scale, ...]
    detectable: tuple[Detectable, ...] = ()


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """How a family is calibrated, beside its share of the budget.

    `minimum_effect` multiplies the floors: none, small, medium, large. `groupings` name the season
    of each calibration window. Calibration windows never overlap, whether those to come do or
    not. `joint` are scores of the same windows that no column has alone. `pseudo` says that the
    windows were drawn from blocks of a short reference, `bare` that only windows of the usual size
    will be judged and nobody asks what they would show: most of the work.
    """

    minimum_effect: str = "small"
    groupings: Groupings = {}
    joint: Sequence[Scores] = ()
    pseudo: bool = False
    bare: bool = False

    @property
    def factor(self) -> float:
        """What the floors are multiplied by; raises ValueError for a word that is none."""
        if self.minimum_effect not in MINIMUM_EFFECTS:
            known = ", ".join(MINIMUM_EFFECTS)
            raise ValueError(f"minimum_effect is {self.minimum_effect!r}; expected one of {known}")
        return MINIMUM_EFFECTS[self.minimum_effect]


PLAIN: Final = Options()


class Laws(msgspec.Struct, frozen=True):
    """The laws of several scores: arrays that broadcast to (scores, windows), as windows of
    different sizes have different ones; an effect is NaN where it is not known."""

    mean: Floats
    sd: Floats
    effect: Floats
    rows: Floats
    rows_reference: Floats
    power: Floats


_FIGURES: Final = attrgetter(*Laws.__struct_fields__)


def sides(form: Form) -> int:
    """In how many directions a score may leave the usual."""
    return 1 if form is Form.DISTANCE else 2


def transformed(scores: Scores, laws: Laws) -> Floats:
    """A distance, brought to the law's size, by its power or logarithm; the logarithm of a count;
    a share evened; a level as it is."""
    match scores.form:
        case Form.SHARE:
            return evened(scores)
        case Form.COUNT:
            return logarithm(scores.values, LEAST_COUNT)
        case Form.LEVEL:
            return scores.values
        case Form.DISTANCE:
            return straightened(scores.values / stretch(scores, laws), laws.power)


def straightened(distances: Floats, power: Floats) -> Floats:
    """Distances to a power, or where that is 0 their logarithm.

    Squared distances are sums of weighted squares, whose cube root is nearly normal (Wilson and
    Hilferty 1931). A logarithm is skewed the other way: distances have a greatest value, of which
    it makes so little in small windows that no shift whatever would pass the threshold. It is for
    few windows alone, whose spread is little known and whose thresholds need that reserve.
    """
    found: Floats = logarithm(distances, LEAST_DISTANCE)
    if (power > 0.0).any():
        found = np.where(power > 0.0, np.power(np.maximum(distances, 0.0), power), found)
    return found


def evened(scores: Scores) -> Floats:
    """Shares on a scale on which their variance is 1 / 4n wherever they lie, and hardly skewed.

    The arcsine of the root, with three eighths of a row added (Anscombe 1948): the share of a rare
    value is skewed as it is, and would alarm too often upwards.
    """
    rows = np.maximum(scores.rows, 0)
    added = np.where(rows > 0, _ADDED, 0.0)
    hits = (scores.values * np.maximum(rows, 1) + added) / (np.maximum(rows, 1) + 2.0 * added)
    found: Floats = np.arcsin(np.sqrt(np.clip(hits, 0.0, 1.0)))
    return found


def uneven(levels: Floats, rows: NDArray[np.int64]) -> Floats:
    """The shares that `evened` puts at these levels in windows of so many rows."""
    added = np.where(rows > 0, _ADDED, 0.0)
    size = np.maximum(rows, 1)
    hits = np.square(np.sin(np.clip(levels, 0.0, np.pi / 2.0)))
    found: Floats = (hits * (size + 2.0 * added) - added) / size
    return found


def logarithm(values: Floats, least: float) -> Floats:
    """The natural logarithm, of `least` for all that is smaller."""
    found: Floats = np.log(np.maximum(values, least))
    return found


def stretch(scores: Scores, laws: Laws) -> Floats:
    """By how much chance makes a distance larger than in the law's windows; never below 1.

    Takes up what is left between two sizes to which windows are thinned.
    """
    now = 1.0 / np.maximum(scores.drawn, 1) + 1.0 / np.maximum(scores.rows_reference, 1)
    then = 1.0 / np.maximum(laws.rows, 1.0) + 1.0 / np.maximum(laws.rows_reference, 1.0)
    found: Floats = np.sqrt(np.maximum(now / then, 1.0))
    return found


def more_variance(scores: Scores, laws: Laws) -> Floats:
    """The variance of a share or a level in a smaller window beyond that in the median one.

    A count gets that of a wander of 5 %: streams of so many rows an hour have none at all.
    """
    if scores.form is Form.COUNT:
        return np.full(scores.values.shape, COUNT_WANDER**2)
    if scores.form is Form.DISTANCE:
        return np.zeros(scores.values.shape)
    fewer = 1.0 / np.maximum(scores.rows, 1) - 1.0 / np.maximum(laws.rows, 1.0)
    of_one = 1.0 if scores.form is Form.LEVEL else 0.25
    found: Floats = np.where(laws.rows > 0.0, of_one * np.maximum(fewer, 0.0), 0.0)
    return found


def standardised(scales: Sequence[Scale], scores: Scores, laws: Laws) -> Floats:
    """Later windows' scores by the laws of their size, without sign where both ways count."""
    of_all, memory = (
        np.array([[getattr(fitted, name)] for fitted in scales]) for name in ("windows", "memory")
    )
    windows = remembering.counted_mean(memory, of_all)
    variance = np.square(laws.sd) + more_variance(scores, laws)
    spread = np.sqrt(np.maximum(variance * (1.0 + 1.0 / windows), ROUNDING**2))
    z: Floats = (transformed(scores, laws) - laws.mean) / spread
    return np.abs(z) if sides(scores.form) > 1 else z


def laws_of(scales: Sequence[Scale], bucket: NDArray[np.int64]) -> Laws:
    """The law of each score, and of each window by its size: that, or the nearest that is known."""
    sizes = int(bucket.max(initial=0)) + 1
    found = [_FIGURES(law_of(fitted, size)) for fitted in scales for size in range(sizes)]
    table = np.array(found, dtype=np.float64).reshape(len(scales), sizes, -1)  # None becomes NaN
    if sizes > 1:
        table = table[np.arange(len(scales))[:, None], bucket]
    return Laws(*np.moveaxis(table, 2, 0))


def as_laws(laws: Sequence[Law]) -> Laws:
    """One law a score as arrays of shape (scores, 1)."""
    table = np.array([_FIGURES(law) for law in laws], dtype=np.float64)
    return Laws(*table.T[:, :, None])


def law_of(fitted: Scale, bucket: int) -> Law:
    """The law of windows of this size, or of the nearest that is known."""
    at = min(bucket, len(fitted.smaller))
    found = next((law for law in fitted.smaller[:at][::-1] if law is not None), None)
    return found or fitted
