"""What holds of detectors whatever the columns are."""

import math

import msgspec
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.spatial import distance as spatial

from detectors import wasserstein
from detectors.binning import Bins, Tally, freeze, tally
from detectors.counted import columns_of
from detectors.finding import Finding, Kind, Sample
from detectors.jensen_shannon import distance as js_distance
from detectors.jensen_shannon import jensen_shannon
from detectors.ks import distance as ks_distance
from detectors.ks import ks
from detectors.multiplicity import holm
from detectors.psi import index, psi
from detectors.refmax import calibrate, judge
from detectors.scores import score
from tests.columns import chunked, numeric

FINITE = st.floats(-1e6, 1e6, allow_nan=False).map(lambda x: round(x, 3))
ANY = st.floats(allow_nan=True, allow_infinity=True) | st.none() | st.sampled_from([0.0, 1.0])
NUMBERS = st.lists(ANY, max_size=80)
TEXTS = st.lists(st.sampled_from(["a", "A", "", "b", "c", None]) | st.text(max_size=2), max_size=80)
SAMPLES = st.lists(FINITE, min_size=1, max_size=60).map(np.array)
COUNTS = st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), min_size=2, max_size=12)


def column(kind: Kind, values: list) -> Sample:
    typed = pa.array(
        values, pa.float64() if kind is Kind.NUMERIC else pa.string(), from_pandas=False
    )
    return Sample("x", kind, chunked(typed))


@st.composite
def columns(draw) -> tuple[Kind, list, list]:
    kind = draw(st.sampled_from([Kind.NUMERIC, Kind.CATEGORICAL, Kind.BOOLEAN]))
    values = NUMBERS if kind is Kind.NUMERIC else TEXTS
    return kind, draw(values), draw(values)


@given(SAMPLES.filter(lambda values: values.size > 1), SAMPLES)
@settings(deadline=None)
def test_ks_is_scipys(first, second) -> None:
    expected = stats.ks_2samp(first, second, method="asymp").statistic
    assert ks_distance(first, second) == pytest.approx(expected, abs=1e-12)


@given(SAMPLES, SAMPLES)
@settings(deadline=None)
def test_wasserstein_is_scipys(first, second) -> None:
    expected = stats.wasserstein_distance(first, second)
    assert wasserstein.distance(first, second) == pytest.approx(expected, rel=1e-9, abs=1e-9)


@given(COUNTS.filter(lambda pairs: all(sum(side) for side in zip(*pairs, strict=True))))
@settings(deadline=None)
def test_jensen_shannon_is_scipys_symmetric_and_bounded_by_total_variation(pairs) -> None:
    first, second = np.array(pairs).T
    found = float(js_distance(first, second))
    assert found == pytest.approx(spatial.jensenshannon(first, second, base=2), abs=1e-7)
    assert found == pytest.approx(float(js_distance(second, first)), abs=1e-12)
    p, q = first / first.sum(), second / second.sum()
    variation = 0.5 * np.abs(p - q).sum()
    assert found**2 <= variation + 1e-9
    hellinger = math.sqrt(max(0.0, 1.0 - np.sqrt(p * q).sum()))
    assert hellinger**2 <= variation + 1e-9
    assert variation <= hellinger * math.sqrt(2.0) + 1e-7


@given(COUNTS)
@settings(deadline=None)
def test_psi_is_never_negative_and_nought_for_equal_shares(pairs) -> None:
    first, second = np.array(pairs).T
    assert index(first, second) >= 0.0
    assert index(first, first) == 0.0
    assert index(first, second) == pytest.approx(index(second, first))


@given(columns())
@settings(deadline=None, max_examples=150)
def test_every_finding_is_finite_and_explains_itself(drawn) -> None:
    kind, reference, values = drawn
    for detector in (ks, psi, jensen_shannon, wasserstein.wasserstein):
        found = detector(column(kind, reference), column(kind, values))
        assert msgspec.json.decode(msgspec.json.encode(found), type=Finding) == found
        assert found.verdict == "inconclusive"
        assert found.reason


@given(columns(), st.integers(1, 6), st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=150)
def test_any_partition_of_a_window_adds_up_to_it(drawn, parts, random) -> None:
    kind, reference, values = drawn
    bins = freeze(column(kind, reference))
    whole = tally(bins, column(kind, values))
    pieces: list[list] = [[] for _ in range(parts)]
    for value in values:
        random.choice(pieces).append(value)
    total = tally(bins, column(kind, pieces[0]))
    for piece in pieces[1:]:
        total = total + tally(bins, column(kind, piece))
    for name in ("counts", "rows", "missing", "posinf", "neginf", "unseen", "outside", "far",
                 "minimum", "maximum"):  # fmt: skip
        assert getattr(total, name) == getattr(whole, name), name
    assert total.own <= whole.own
    assert msgspec.json.decode(msgspec.json.encode(whole), type=Tally) == whole
    if total.own == whole.own:  # levels never seen are counted in each part
        for scores in score(columns_of([bins], [[whole], [total]], [False, False])):
            first, second = scores.values.T
            assert second == pytest.approx(first, rel=1e-12, abs=1e-12, nan_ok=True)


@given(columns())
@settings(deadline=None, max_examples=150)
def test_the_reference_tallied_on_its_own_bins_gives_its_own_counts(drawn) -> None:
    kind, reference, _ = drawn
    sample = column(kind, reference)
    bins = freeze(sample)
    found = tally(bins, sample)
    assert found.counts == bins.counts
    assert (found.rows, found.missing) == (bins.rows, bins.missing)
    assert (found.unseen, found.far) == (0, found.posinf + found.neginf)
    assert sum(bins.counts) in {bins.valid, 0}
    assert msgspec.json.decode(msgspec.json.encode(bins), type=Bins) == bins


@given(columns(), st.randoms(use_true_random=False))
@settings(deadline=None)
def test_the_order_of_rows_does_not_matter(drawn, random) -> None:
    kind, reference, values = drawn
    shuffled = random.sample(reference, len(reference))
    bins, again = freeze(column(kind, reference)), freeze(column(kind, shuffled))
    assert (again.counts, again.edges, again.levels) == (bins.counts, bins.edges, bins.levels)
    backwards = tally(bins, column(kind, values[::-1]))
    assert backwards.counts == tally(bins, column(kind, values)).counts


@given(st.lists(FINITE, min_size=64, max_size=300), st.lists(FINITE, min_size=1, max_size=100))
@settings(deadline=None)
def test_the_distance_on_bins_is_close_below_the_exact_ks(reference, values) -> None:
    bins = freeze(numeric(reference))
    p, q = (np.array(c) / sum(c) for c in (bins.counts, tally(bins, numeric(values)).counts))
    binned = np.abs(np.cumsum(p) - np.cumsum(q)).max()
    exact = ks_distance(np.array(reference), np.array(values))
    assert binned <= exact + 1e-9
    assert exact <= binned + np.minimum(p, q).max() + 1e-9


@given(st.integers(0, 2**32 - 1), st.permutations(range(4)))
@settings(deadline=None, max_examples=20)
def test_shuffled_columns_and_windows_give_the_same_findings(seed, order) -> None:
    generator = np.random.default_rng(seed)
    windows = generator.normal(size=(12, 4, 40))
    samples = [[numeric(v, f"x{j}") for j, v in enumerate(window)] for window in windows]
    bins = [freeze(numeric(windows[:, j].ravel(), f"x{j}")) for j in range(4)]
    now = [numeric(generator.normal(size=40), f"x{j}") for j in range(4)]

    def findings(places, rows):
        frozen = [bins[j] for j in places]
        tallies = [[tally(bins[j], samples[i][j]) for j in places] for i in rows]
        found = judge(
            calibrate(frozen, tallies, [True] * 12, family="drift", alpha=0.01),
            frozen,
            [tally(bins[j], now[j]) for j in places],
        )
        return {(f.column, f.detector): f for f in found}

    plain, shuffled = findings(range(4), range(12)), findings(order, reversed(range(12)))
    assert plain.keys() == shuffled.keys()
    for key, one in plain.items():
        other = shuffled[key]
        assert (one.verdict, one.reason) == (other.verdict, other.reason)
        assert one.statistic == pytest.approx(other.statistic, rel=1e-6)
        assert one.threshold == pytest.approx(other.threshold, rel=1e-9)


@given(st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=20)
def test_the_reference_itself_never_fails(seed) -> None:
    generator = np.random.default_rng(seed)
    windows = generator.normal(size=(20, 40))
    reference = numeric(windows.ravel())
    bins = freeze(reference)
    tallies = [[tally(bins, numeric(w))] for w in windows]
    calibration = calibrate([bins], tallies, [True] * 20, family="drift", alpha=0.01)
    found = judge(calibration, [bins], [tally(bins, reference)])
    assert {f.verdict for f in found} == {"passed"}


@given(st.lists(st.floats(0.0, 1.0), max_size=30))
@settings(deadline=None)
def test_holm_keeps_the_order_and_lies_between_the_raw_figure_and_bonferronis(p_values) -> None:
    p, adjusted = np.array(p_values), holm(p_values)
    assert (adjusted >= p).all()
    assert (adjusted <= np.minimum(p * max(p.size, 1), 1.0) + 1e-12).all() or p.size == 0
    assert (np.diff(adjusted[np.argsort(p, kind="stable")]) >= 0.0).all()
