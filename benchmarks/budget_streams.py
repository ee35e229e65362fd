"""Streams in which nothing is wrong, and shifts sown into them, as counts on frozen bins.

Every column is a function of a standard normal figure, so that a wander, a season and a shift mean
the same for all kinds, and the counts of a window of independent rows are one multinomial draw.
Streams whose rows hang together are drawn row by row. A bin's rows are taken to keep its mean.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache

import msgspec
import numpy as np
import pyarrow as pa
from scipy.signal import lfilter
from scipy.special import ndtr, ndtri

from detectors.binning import freeze
from detectors.bins import Bins
from detectors.counted import Column, column
from detectors.finding import Kind, Sample

PHI = 0.9
"""Of rows that follow one another in `ar`, a thousand in a window: they are worth some fifty.

More or fewer rows are of the same time, so that they hang together more or less."""
USUAL = 1000
MIXED = ("normal", "lognormal", "heavy", "zeros", "rare", "levels")
LEARNED = 200_000
"""Rows from which the bins of a kind of column are frozen."""
LEVELS = np.array([0.35, 0.25, 0.2, 0.15, 0.05])


@dataclass(frozen=True)
class Stream:
    """What a model's rows are like: `rows` a window, columns of these kinds, and their wander."""

    kinds: tuple[str, ...]
    rows: int = 1000
    dependent: bool = False
    day: float = 0.0
    """Standard deviation of a mean that wanders from window to window, half of it in common."""
    memory: float = 0.5
    season: float = 0.0
    """Amplitude of a sine of the means, in every second column."""
    period: int = 7
    everywhere: bool = False
    """The sine is in every column."""


@dataclass
class Sown:
    """What is wrong with the first column from the first window on."""

    shift: float = 0.0
    scale: float = 1.0
    offsets: Sequence[float] = field(default_factory=tuple)
    """A shift of all columns by window, for what the reference lacks."""


@cache
def kind(name: str) -> tuple[Bins, np.ndarray, np.ndarray]:
    """Frozen bins of a kind, the limits between them as normal figures, and the bins' means."""
    z = ndtri((np.arange(LEARNED) + 0.5) / LEARNED)
    values: np.ndarray | list[str]
    if name == "rare":
        sample = Sample(name, Kind.BOOLEAN, pa.chunked_array([pa.array(z > ndtri(0.98))]))
    elif name == "levels":
        at = np.searchsorted(ndtri(np.cumsum(LEVELS)[:-1]), z)
        names = pa.array(list("abcde")).take(pa.array(at))
        sample = Sample(name, Kind.CATEGORICAL, pa.chunked_array([names]))
    else:
        values = {
            "normal": lambda: z,
            "lognormal": lambda: np.exp(1.5 * z),
            "heavy": lambda: np.sign(z) * np.expm1(np.abs(z) ** 2),
            "zeros": lambda: np.where(z < ndtri(0.8), 0.0, np.exp(z)),
        }[name]()
        sample = Sample(name, Kind.NUMERIC, pa.chunked_array([values]))
    bins = freeze(sample)
    shares = np.array(bins.counts) / sum(bins.counts)
    with np.errstate(divide="ignore"):
        limits = ndtri(np.clip(np.cumsum(shares)[:-1], 0.0, 1.0))
    means = np.array(bins.sums) / np.maximum(bins.counts, 1) if bins.sums else np.empty(0)
    return bins, limits, means


def means_of(stream: Stream, windows: int, generator: np.random.Generator) -> np.ndarray:
    """The mean of every column in every window, shape (windows, columns)."""
    columns = len(stream.kinds)
    found = np.zeros((windows, columns))
    if stream.day:
        spread = stream.day * np.sqrt(1.0 - stream.memory**2) * np.sqrt(0.5)
        steps = spread * (
            generator.normal(size=(windows, 1)) + generator.normal(size=(windows, columns))
        )
        found += lfilter([1.0], [1.0, -stream.memory], steps, axis=0)
    if stream.season:
        sine = stream.season * np.sin(np.arange(windows) / stream.period * 2 * np.pi)
        found[:, :: 1 if stream.everywhere else 2] += sine[:, None]
    return found


def counts_of(
    stream: Stream,
    means: np.ndarray,
    generator: np.random.Generator,
    *,
    sown: Sown | None = None,
    rows: int | None = None,
) -> list[np.ndarray]:
    """The counts of windows with these means, shape (windows, bins) a column."""
    wrong, size = sown or Sown(), rows or stream.rows
    means = means.copy()
    means[:, 0] += wrong.shift
    if len(wrong.offsets):
        means += np.asarray(wrong.offsets)[:, None]
    draw = _dependent if stream.dependent else _independent
    return [
        draw(kind(name)[1], means[:, at], wrong.scale if at == 0 else 1.0, size, generator)
        for at, name in enumerate(stream.kinds)
    ]


def _independent(
    limits: np.ndarray, means: np.ndarray, scale: float, rows: int, generator: np.random.Generator
) -> np.ndarray:
    below = ndtr((limits[None, :] - means[:, None]) / scale)
    shares = np.diff(below, prepend=0.0, append=1.0, axis=1)
    return generator.multinomial(rows, np.maximum(shares, 0.0) / shares.sum(axis=1, keepdims=True))


def _dependent(
    limits: np.ndarray, means: np.ndarray, scale: float, rows: int, generator: np.random.Generator
) -> np.ndarray:
    windows, bins, phi = means.size, limits.size + 1, PHI ** (USUAL / rows)
    steps = generator.normal(size=windows * rows) * np.sqrt(1.0 - phi**2)
    steps[0] /= np.sqrt(1.0 - phi**2)
    values = lfilter([1.0], [1.0, -phi], steps).reshape(windows, rows) * scale + means[:, None]
    at = np.searchsorted(limits, values.ravel(), side="right").reshape(windows, rows)
    flat = at + np.arange(windows)[:, None] * bins
    return np.bincount(flat.ravel(), minlength=windows * bins).reshape(windows, bins)


def reference_of(stream: Stream, counts: Sequence[np.ndarray]) -> list[Column]:
    """The columns of calibration windows, each with bins that hold all of them together."""
    found = []
    for at, (name, held) in enumerate(zip(stream.kinds, counts, strict=True)):
        bins, _, means = kind(name)
        whole = held.sum(axis=0)
        sums = tuple((whole * means).tolist()) if means.size else ()
        own = msgspec.structs.replace(
            bins, column=f"x{at}", counts=tuple(whole.tolist()), sums=sums, rows=int(whole.sum())
        )
        found.append(_column(own, held, means, inside=True))
    return found


def later(
    reference: Sequence[Column], stream: Stream, counts: Sequence[np.ndarray]
) -> list[Column]:
    """The columns of windows to come, on the bins of the reference."""
    return [
        _column(known.bins, held, kind(name)[2], inside=False)
        for known, name, held in zip(reference, stream.kinds, counts, strict=True)
    ]


def _column(bins: Bins, held: np.ndarray, means: np.ndarray, *, inside: bool) -> Column:
    sums = held * means if means.size else np.empty((len(held), 0))
    return column(bins, held, sums, np.full(len(held), inside))


def only(columns: Sequence[Column], kinds: Sequence[Kind]) -> list[Column]:
    """The columns of these kinds."""
    return [one for one in columns if one.bins.kind in kinds]
