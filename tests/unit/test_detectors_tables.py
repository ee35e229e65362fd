"""Detectors of rows with all their columns, against brute force and scikit-learn."""

import math

import msgspec
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from sklearn.decomposition import PCA
from sklearn.metrics import roc_auc_score

from detectors import energy as one_column
from detectors.finding import Kind, Reason, Sample
from detectors.ks import ks
from detectors.mann_whitney import u
from detectors.tables import linear_mmd, mmd, reconstruction
from detectors.tables.c2st import C2stParams, c2st
from detectors.tables.catalogue import TABLES
from detectors.tables.encoding import encode, freeze, thinned
from detectors.tables.joint_energy import JointEnergyParams, joint_energy
from detectors.tables.linear_mmd import LinearMmdParams
from detectors.tables.mmd import MmdParams
from detectors.tables.reconstruction import ReconstructionParams
from detectors.tables.table import Table
from tests.columns import booleans, levels, numeric


def table(points, **more):
    columns = [numeric(column, f"x{at}") for at, column in enumerate(np.asarray(points).T)]
    return Table((*columns, *(levels(values, name) for name, values in more.items())))


def normals(seed, rows=400, correlation=0.8, shift=0.0, columns=3):
    covariance = np.full((columns, columns), correlation) + (1 - correlation) * np.eye(columns)
    return np.random.default_rng(seed).multivariate_normal(
        np.full(columns, shift), covariance, rows
    )


def exact_mmd(x, y, wide):
    """The quadratic discrepancy with the Gaussian kernel, biased and unbiased."""

    def kernel(a, b):
        apart = np.square(a[:, None, :] - b[None, :, :]).sum(axis=2)
        return np.exp(-apart / (2 * wide * wide))

    one, two, across = kernel(x, x), kernel(y, y), kernel(x, y)
    m, n = len(x), len(y)
    off = [(k.sum() - len(k)) / (len(k) * (len(k) - 1)) for k in (one, two)]
    return one.mean() + two.mean() - 2 * across.mean(), sum(off) - 2 * across.mean(), m + n


def test_mmd_is_the_exact_one_up_to_the_random_features() -> None:
    for seed, shift in ((1, 0.0), (2, 0.3), (3, 1.0)):
        first, second = table(normals(seed)), table(normals(seed + 50, 300, shift=shift))
        features = mmd.made_of(first, seed=7)
        found = mmd.discrepancy(features, mmd.sums(features, second), 300)
        points = [encode(features.encoding, t) for t in (first, second)]
        biased, unbiased, _ = exact_mmd(*points, features.width)
        assert found.biased == pytest.approx(biased, abs=1 / math.sqrt(256) / 3)
        many = mmd.made_of(first, seed=7, features=4000)
        close = mmd.discrepancy(many, mmd.sums(many, second), 300)
        assert close.biased == pytest.approx(biased, abs=0.006)
        assert close.unbiased == pytest.approx(unbiased, abs=0.006)


def test_mmd_takes_off_what_chance_gives() -> None:
    effects = []
    for seed in range(30):
        first, second = table(normals(seed, 300)), table(normals(seed + 100, 200))
        features = mmd.made_of(first, seed=seed)
        effects.append(mmd.discrepancy(features, mmd.sums(features, second), 200))
    chance = np.mean([e.biased for e in effects])
    assert abs(np.mean([e.unbiased for e in effects])) < 0.1 * chance


def test_sums_of_windows_add_up_and_a_window_can_be_taken_out_of_the_reference() -> None:
    points = normals(5, 900)
    whole, rest = table(points), table(points[200:])
    features = mmd.made_of(whole, seed=1)
    window = mmd.sums(features, table(points[:200]))
    parts = sum(mmd.sums(features, table(points[at : at + 100])) for at in range(0, 900, 100))
    assert parts == pytest.approx(np.array(features.sums))
    out = msgspec.structs.replace(features, sums=tuple(mmd.sums(features, rest).tolist()), rows=700)
    taken = mmd.discrepancy(features, window, 200, inside=True)
    assert taken.biased == pytest.approx(mmd.discrepancy(out, window, 200).biased)
    assert msgspec.json.decode(msgspec.json.encode(features), type=mmd.Features) == features


def test_mmd_sees_what_no_column_shows_alone() -> None:
    first, second = table(normals(1, correlation=0.9)), table(normals(2, correlation=0.0))
    assert ks(first.columns[0], second.columns[0]).p_value > 0.01
    assert mmd.mmd(first, second).effect > 0.02
    assert mmd.mmd(first, second, MmdParams(threshold=0.01)).verdict == "failed"
    assert mmd.mmd(first, first).statistic == 0.0


def test_the_mean_of_linear_mmd_over_pairings_is_the_exact_unbiased_one() -> None:
    first, second = table(normals(11, 120)), table(normals(12, 120, shift=0.5))
    encoding = freeze(first)
    x, y = encode(encoding, first), encode(encoding, second)
    wide = mmd.width(x)
    _, unbiased, _ = exact_mmd(x, y, wide)
    found = [
        linear_mmd.linear_mmd(first, second, LinearMmdParams(seed=s)).effect for s in range(400)
    ]
    assert np.mean(found) == pytest.approx(unbiased, abs=4 * np.std(found) / 20)
    many = [table(normals(seed, 3000, shift=shift)) for seed, shift in ((1, 0.0), (2, 0.5))]
    assert linear_mmd.linear_mmd(*many).p_value < 0.01


def test_linear_mmd_holds_its_level_without_change() -> None:
    p_values = [
        linear_mmd.linear_mmd(table(normals(s, 200)), table(normals(s + 900, 200))).p_value
        for s in range(200)
    ]
    assert 0.01 <= np.mean(np.array(p_values) < 0.05) <= 0.11


def test_joint_energy_of_one_column_is_the_square_of_its_energy_distance() -> None:
    first, second = normals(3, 300, columns=1), normals(4, 200, shift=0.4, columns=1)
    found = joint_energy(table(first), table(second))
    alone = one_column.distance(first[:, 0], second[:, 0]) ** 2 / first.std()
    assert found.statistic == pytest.approx(alone)


def test_joint_energy_is_the_mean_distances_of_points_and_its_p_value_their_exchange() -> None:
    first, second = normals(3, 60), normals(4, 50, shift=0.1)
    a, b = ((points - first.mean(axis=0)) / first.std(axis=0) for points in (first, second))
    across, one, two = (
        np.sqrt(np.square(p[:, None] - q[None]).sum(axis=2)).mean()
        for p, q in ((a, b), (a, a), (b, b))
    )
    many = JointEnergyParams(permutations=199, seed=2)
    found = joint_energy(table(first), table(second), many)
    assert found.statistic == pytest.approx(2 * across - one - two)
    assert 0.05 < found.p_value <= 1.0
    assert found == joint_energy(table(first), table(second), many)
    assert joint_energy(table(first), table(second + 2.0), many).p_value == 1 / 200
    assert joint_energy(table(first), table(second)).p_value is None
    fewer = joint_energy(table(first), table(second), JointEnergyParams(rows=20))
    assert fewer.rows == 50
    assert fewer.statistic != found.statistic


def test_c2st_tells_what_moved_together_and_not_what_stood_still() -> None:
    first, same = table(normals(1, 600)), table(normals(2, 600))
    apart = table(normals(3, 600, correlation=-0.3))
    quiet, loud = c2st(first, same), c2st(first, apart)
    assert abs(quiet.effect) < 0.05
    assert quiet.p_value > 0.01
    assert loud.effect > 0.15
    spread = math.sqrt(1201 / (12 * 600 * 600))
    assert loud.p_value == pytest.approx(2 * stats.norm.sf(loud.effect / spread))
    assert c2st(first, apart, C2stParams(threshold=0.55)).verdict == "failed"


def test_the_area_of_c2st_is_scikit_learns() -> None:
    generator = np.random.default_rng(5)
    scores, truth = generator.normal(size=300).round(1), generator.random(300) < 0.4
    found = u(scores[~truth], scores[truth]) / (truth.sum() * (~truth).sum())
    assert found == pytest.approx(roc_auc_score(truth, scores))


def test_the_exchange_of_stretches_knows_how_a_stream_wanders() -> None:
    generator = np.random.default_rng(9)
    wander = np.repeat(generator.normal(size=20), 30)[:, None]
    points = wander + 0.1 * generator.normal(size=(600, 1))
    first, second = table(points[:300]), table(points[300:])
    exchanged = c2st(first, second, C2stParams(permutations=9, seed=1))
    assert exchanged.p_value >= 0.1
    assert exchanged.statistic == c2st(first, second).statistic


def test_reconstruction_errors_are_those_of_scikit_learns_components() -> None:
    first, second = normals(21, 500, columns=5), normals(22, 200, 0.1, columns=5)
    components = reconstruction.made_of(table(first))
    a, b = ((points - first.mean(axis=0)) / first.std(axis=0) for points in (first, second))
    fitted = PCA(n_components=0.65).fit(a)
    expected = np.linalg.norm(b - fitted.inverse_transform(fitted.transform(b)), axis=1)
    assert reconstruction.errors(components, table(second)) == pytest.approx(expected)
    found = reconstruction.reconstruction(table(first), table(second))
    then = np.linalg.norm(a - fitted.inverse_transform(fitted.transform(a)), axis=1)
    assert found.effect == pytest.approx((expected.mean() - then.mean()) / then.std(ddof=1))
    assert found.p_value == pytest.approx(
        stats.ttest_ind(expected, then, equal_var=False).pvalue, abs=1e-12
    )


def test_reconstruction_says_which_way_and_judges_both() -> None:
    first, apart = table(normals(1, correlation=0.9)), table(normals(2, correlation=0.0))
    fixed = ReconstructionParams(threshold=0.5)
    there = reconstruction.reconstruction(first, apart, fixed)
    back = reconstruction.reconstruction(first, table(0.2 * normals(3, correlation=0.9)), fixed)
    assert (there.verdict, back.verdict) == ("failed", "failed")
    assert there.effect > 0.5
    assert back.effect < -0.5
    constant = table(np.ones((50, 2)))
    assert reconstruction.reconstruction(constant, constant).reason == Reason.DEGENERATE


def test_missing_values_are_the_middle_and_told_by_an_indicator() -> None:
    reference = Table((
        numeric([1.0, 2.0, 9.0, None] * 10), levels(["a", "a", "b", None] * 10),
        booleans([True, True, False, None] * 10),
    ))  # fmt: skip
    encoding = freeze(reference)
    points = encode(encoding, reference)
    assert points.shape == (40, encoding.size)
    row = points[3]
    assert row[:2] == pytest.approx([(2.0 - 4.0) / np.std([1.0, 2.0, 9.0]), 1.0])
    assert row[2:].tolist() == [1.0, 0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 1.0]
    lost = Table((
        numeric([None] * 40), levels([None] * 40), booleans([True, True, False, None] * 10)
    ))  # fmt: skip
    for name in ("mmd", "reconstruction", "joint_energy", "c2st"):
        assert TABLES[name].function(reference, lost).effect > 0.05, name


def test_places_hold_the_frequent_levels_and_one_all_others() -> None:
    names = [f"k{i}" for i in range(14) for _ in range(30 - i)]
    encoding = freeze(Table((levels(names),)))
    assert encoding.levels[0].levels == tuple(f"k{i}" for i in range(10))
    found = encode(encoding, Table((levels(["k0", "k12", "new"]),)))
    assert found[:, 10].tolist() == [0.0, 1.0, 1.0]
    assert found.sum(axis=1).tolist() == [1.0, 1.0, 1.0]


def test_dates_identifiers_and_empty_columns_have_no_place() -> None:
    dates = Sample("d", Kind.DATETIME, pa.chunked_array([pa.array(range(50), pa.timestamp("us"))]))
    names, empty = levels([f"id{i}" for i in range(50)]), numeric([None] * 50, "e")
    bare = Table((dates, names, empty))
    assert freeze(bare).size == 0
    for entry in TABLES.values():
        found = entry.function(bare, bare)
        assert (found.column, found.reason) == ("*", Reason.NOT_APPLICABLE)


AWKWARD = {
    "infinite": [math.inf, -math.inf, 0.0, 1.0] * 20,
    "huge": [1.7e308, -1.7e308, 0.0, 1.0] * 20,
    "constant": [3.0] * 80,
    "all missing": [None] * 80,
    "text": ["1", "x", None, "2.5"] * 20,
}


@pytest.mark.parametrize("detector", list(TABLES))
@pytest.mark.parametrize("name", list(AWKWARD))
def test_awkward_tables_give_a_figure_or_a_reason(detector, name) -> None:
    usual = Table((numeric(np.random.default_rng(1).normal(size=80)), levels(list("ab") * 40)))
    awkward = Table((numeric(AWKWARD[name]), levels(list("ab") * 40)))
    function = TABLES[detector].function
    for pair in ((usual, awkward), (awkward, usual), (awkward, awkward)):
        found = function(*pair)
        figures = [found.statistic, found.p_value, found.effect]
        assert all(x is None or math.isfinite(x) for x in figures)
        assert found.column == "*"
        assert found.reason is not None


@pytest.mark.parametrize("detector", list(TABLES))
def test_few_rows_are_insufficient_and_the_wrong_columns_an_error(detector) -> None:
    function = TABLES[detector].function
    full, few, one = (table(normals(1, rows)) for rows in (60, 29, 1))
    assert function(full, few).reason == Reason.INSUFFICIENT
    assert function(full, one).statistic is None
    assert function(full, Table(())).rows == 0
    with pytest.raises(ValueError, match="the window has no column x0, which the reference has"):
        function(full, Table((numeric(np.arange(60.0), "other"),)))


def test_a_table_has_columns_of_one_length_and_each_name_once() -> None:
    with pytest.raises(ValueError, match="different numbers of rows: x 2, c 1"):
        Table((numeric([1.0, 2.0]), levels(["a"])))
    with pytest.raises(ValueError, match="a column twice: x, x"):
        Table((numeric([1.0]), numeric([2.0])))


@given(st.integers(1, 400), st.integers(2, 50))
def test_thinned_rows_are_spread_evenly_and_keep_their_order(rows, most) -> None:
    found = thinned(Table((numeric(np.arange(float(rows))),)), most)
    kept = found.columns[0].values.to_numpy()
    assert found.rows == min(rows, most)
    assert kept.tolist() == sorted(kept.tolist())
    assert (kept[0], kept[-1]) == (0.0, rows - 1.0)
