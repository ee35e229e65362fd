"""A model on two files: its figures against scikit-learn's, what changed, and what is drawn of it."""

import numpy as np
import pyarrow as pa
import pytest
import sklearn.metrics
from scipy import stats

from detectors.comparison import correlations, curves, overview
from detectors.comparison.outcome import OTHERS, outcome
from detectors.comparison.quality import Both, Figure, compared, difference, figure, judged
from detectors.finding import Interval, Kind, Sample, Verdict
from detectors.intervals import wilson
from detectors.labelled import Given
from detectors.performance import Measure
from detectors.profile import hashing

ROWS = 400
GENERATOR = np.random.default_rng(20)
TRUTH = GENERATOR.random(ROWS) < 0.4
SCORE = np.clip(GENERATOR.normal(0.35 + 0.3 * TRUTH, 0.2), 0.0, 1.0)
DAY = np.full(ROWS, np.datetime64("2024-01-01", "us"))


def chunked(values) -> pa.ChunkedArray:
    return pa.chunked_array([pa.array(values)])


def binary(truth=TRUTH, score=SCORE) -> Given:
    words = np.array(["no", "yes"])
    told = [chunked(words[flags.astype(int)]) for flags in (truth, score >= 0.5)]
    return Given("binary", *told, {"yes": chunked(score)}, "yes")


def numbers(label, prediction) -> Given:
    return Given("regression", chunked(label), chunked(prediction))


def both(one: Given, two: Given) -> Both:
    return Both(one, two, (DAY[: len(one.label)], DAY[: len(two.label)]))


def test_the_interval_of_a_change_is_newcombes_of_two_shares() -> None:
    # 56 of 70 and 48 of 80 at 95 %: (0.0524, 0.3339), Newcombe 1998, table II, method 10.
    first, second = (
        Measure(value=hits / n, interval=wilson(hits / n, n, 0.95))
        for hits, n in ((48, 80), (56, 70))
    )
    found = difference(first, second)
    assert found is not None
    assert (found.low, found.high) == pytest.approx((0.0524, 0.3339), abs=5e-5)
    assert difference(Measure(value=1.0), second) is None


def test_figures_of_both_sides_are_scikit_learns_and_the_worse_one_is_told() -> None:
    noise = np.clip(SCORE + GENERATOR.normal(0.0, 0.5, ROWS), 0.0, 1.0)
    found = compared(
        both(binary(), binary(score=noise)), every=True, level=0.05, classes=["no", "yes"]
    )
    by = {each.metric: each for each in found.figures}
    for side, score in (("reference", SCORE), ("current", noise)):
        value = {name: getattr(by[name], side).value for name in by}
        assert value["roc_auc"] == pytest.approx(sklearn.metrics.roc_auc_score(TRUTH, score))
        assert value["f1"] == pytest.approx(sklearn.metrics.f1_score(TRUTH, score >= 0.5))
        assert value["brier"] == pytest.approx(sklearn.metrics.brier_score_loss(TRUTH, score))
    assert {by[name].says for name in ("roc_auc", "log_loss", "brier", "accuracy")} == {"worse"}
    assert by["roc_auc"].change == pytest.approx(
        by["roc_auc"].current.value - by["roc_auc"].reference.value
    )
    assert (found.finding.detector, found.finding.verdict) == ("log_loss", Verdict.FAILED)
    no, yes = sorted(found.classes, key=lambda one: one.name)
    assert (yes.rows.reference, no.rows.reference) == (TRUTH.sum(), ROWS - TRUTH.sum())
    recall = {one.metric: one for one in no.figures}["recall"].reference.value
    assert recall == pytest.approx(sklearn.metrics.recall_score(~TRUTH, SCORE < 0.5))


def test_a_figure_that_should_be_near_one_is_worse_further_off_on_either_side() -> None:
    label = GENERATOR.normal(size=ROWS)
    given = [numbers(label, label + shift) for shift in (0.1, -1.0, 0.0)]
    assert figure("bias", both(given[0], given[1])).says == "worse"
    assert figure("bias", both(given[0], given[2])).says == "better"


def test_a_loss_fails_by_chance_and_margin_both() -> None:
    def found(rise: float, half: float) -> Verdict:
        before, now = (
            Measure(value=v, interval=Interval(v - half, v + half), rows=ROWS)
            for v in (1.0, 1.0 + rise)
        )
        one = Figure(
            metric="mae", direction="down", reference=before, current=now, change=rise,
            interval=difference(before, now),
        )  # fmt: skip
        return judged(one, "regression", 0.05).verdict

    assert found(0.04, 0.001) is Verdict.PASSED  # certain, and too little to matter
    assert found(0.06, 0.001) is Verdict.FAILED
    assert found(0.06, 0.1) is Verdict.PASSED  # enough, and chance
    assert found(-0.5, 0.001) is Verdict.PASSED


def test_without_a_change_the_p_value_of_the_loss_is_about_uniform() -> None:
    generator = np.random.default_rng(3)
    found = []
    for _ in range(300):
        label = generator.exponential(size=200)
        given = [
            numbers(part, part + generator.normal(size=100)) for part in (label[:100], label[100:])
        ]
        found.append(compared(both(*given), every=False, level=0.05).finding.p_value)
    shares = [np.mean(np.array(found) <= level) for level in (0.05, 0.5)]
    assert 0.02 <= shares[0] <= 0.09
    assert 0.42 <= shares[1] <= 0.58


@pytest.mark.parametrize("lost", ["labels", "positives"])
def test_a_side_without_labels_or_of_one_class_is_not_judged_by_what_it_lacks(lost) -> None:
    one = binary(truth=np.zeros(ROWS, dtype=bool))
    if lost == "labels":
        one = Given(
            "binary", chunked([None] * ROWS).cast(pa.string()), one.prediction, one.scores, "yes"
        )
    found = outcome(both(binary(), one), ["no", "yes"], every=True, level=0.05)
    by = {each.metric: each for each in found.quality.figures}
    assert by["roc_auc"].current.value is None
    assert by["roc_auc"].current.reason
    assert found.scored is not None
    assert found.scored[1].roc.x == ()
    expected = Verdict.INCONCLUSIVE if lost == "labels" else Verdict.FAILED
    assert found.quality.finding.verdict in {expected, Verdict.PASSED}


def test_the_highest_tenth_that_is_all_positive_is_as_certain_as_its_rows() -> None:
    truth = np.arange(1000) >= 600
    found = figure("precision_top_10", Both(
        *[binary(truth, np.linspace(0.0, 1.0, 1000))] * 2, (np.full(1000, DAY[0]),) * 2
    )).reference  # fmt: skip
    assert found.value == 1.0
    assert found.interval is not None
    assert found.interval.low == pytest.approx(wilson(1.0, 100).low)


def test_curves_are_scikit_learns_at_every_point() -> None:
    score = np.round(SCORE, 2)
    fpr, tpr, _ = sklearn.metrics.roc_curve(TRUTH, score, drop_intermediate=False)
    found = curves.roc(TRUTH, score)
    assert np.allclose(found.x, fpr)
    assert np.allclose(found.y, tpr)
    precision, recall, _ = sklearn.metrics.precision_recall_curve(TRUTH, score)
    drawn = curves.precision_recall(TRUTH, score)
    assert np.allclose(drawn.x, recall[:-1][::-1][: len(drawn.x)])
    assert np.allclose(drawn.y, precision[:-1][::-1][: len(drawn.y)])
    many = curves.roc(np.tile(TRUTH, 50), GENERATOR.random(ROWS * 50))
    assert len(many.x) <= 202
    assert (many.x[0], many.y[0], many.x[-1], many.y[-1]) == (0.0, 0.0, 1.0, 1.0)


def test_bins_of_a_score_and_thresholds_count_every_row() -> None:
    bins = curves.reliability(TRUTH, SCORE)
    assert sum(one.rows for one in bins) == ROWS
    assert sum(one.share * one.rows for one in bins) == pytest.approx(TRUTH.sum())
    half = next(one for one in curves.thresholds(TRUTH, SCORE) if one.threshold == 0.5)
    assert half.precision == pytest.approx(sklearn.metrics.precision_score(TRUTH, SCORE >= 0.5))
    assert half.recall == pytest.approx(sklearn.metrics.recall_score(TRUTH, SCORE >= 0.5))
    negative, positive = curves.by_truth(TRUTH, SCORE)
    assert (negative.sum(), positive.sum()) == (ROWS - TRUTH.sum(), TRUTH.sum())


def test_a_matrix_of_many_classes_keeps_the_frequent_ones_and_every_row() -> None:
    names = [f"c{at:02}" for at in range(30)]
    label = np.sort(GENERATOR.zipf(1.5, 3000) % 30)
    said = np.where(GENERATOR.random(3000) < 0.7, label, 29 - label)
    given = Given("multiclass", *(chunked([names[at] for at in codes]) for codes in (label, said)))
    days = (np.full(3000, DAY[0]),) * 2
    found = outcome(Both(given, given, days), names, every=True, level=0.05).matrices
    assert found is not None
    assert found[0].names[-1] == OTHERS
    assert len(found[0].names) == 13
    assert np.sum(found[0].counts) == 3000
    at = found[0].names.index("c01")
    assert found[0].counts[at][at] == np.sum((label == 1) & (said == 1))


def test_errors_are_drawn_of_every_row() -> None:
    label = GENERATOR.lognormal(size=ROWS)
    given = [numbers(label, label * GENERATOR.lognormal(0.0, s, ROWS)) for s in (0.1, 0.8)]
    found = outcome(both(*given), [], every=True, level=0.05).errors
    assert found is not None
    assert [np.sum(grid.counts) for grid in found.grids] == [ROWS, ROWS]
    assert len(found.means[0]) == len(found.edges) + 1 == 10
    assert found.histogram is not None
    still = outcome(both(*[numbers(np.ones(ROWS), np.ones(ROWS))] * 2), [], every=True, level=0.05)
    assert still.errors is not None
    assert still.errors.grids[0].counts == ()


def test_correlations_are_spearmans_and_those_that_came_apart_are_told() -> None:
    x = GENERATOR.normal(size=(1000, 4))
    x[:, 1] += x[:, 0]
    y = GENERATOR.normal(size=(1000, 4))
    x[::7, 3] = np.nan
    x[:, 2] = np.round(x[:, 2])
    one, other = ({f"c{at}": side[:, at] for at in range(4)} for side in (x, y))
    found = correlations.correlations(one, other, level=0.05)
    assert found is not None
    for a in range(3):
        for b in range(3):
            expected = stats.spearmanr(x[:, a], x[:, b]).statistic
            assert found.reference[a][b] == pytest.approx(expected)
    assert [(pair.one, pair.other) for pair in found.pairs if pair.plain] == [("c0", "c1")]
    assert correlations.correlations({"a": x[:, 0]}, {"a": y[:, 0]}, level=0.05) is None
    still = correlations.correlations(
        {"a": x[:, 0], "b": np.ones(1000)}, {"a": y[:, 0], "b": y[:, 1]}, level=0.05
    )
    assert still is not None
    assert [(pair.reference, pair.plain) for pair in still.pairs] == [(None, False)]


def test_correlations_that_stayed_are_seldom_told() -> None:
    generator = np.random.default_rng(9)
    told = 0
    for _ in range(60):
        sides = [generator.normal(size=(300, 6)) @ np.full((6, 6), 0.4) for _ in range(2)]
        noisy = [side + generator.normal(size=side.shape) for side in sides]
        one, other = ({str(at): side[:, at] for at in range(6)} for side in noisy)
        found = correlations.correlations(one, other, level=0.05)
        assert found is not None
        told += any(pair.plain for pair in found.pairs)
    assert told <= 9


def test_rows_that_repeat_are_counted_as_a_hash_table_counts_them() -> None:
    number = GENERATOR.integers(0, 4, 300).astype(float)
    number[::9] = np.nan
    text = pa.array([None if at % 11 == 0 else f"t{at % 5}" for at in range(300)])
    samples = [
        Sample("n", Kind.NUMERIC, chunked(number)), Sample("t", Kind.CATEGORICAL, chunked(text)),
        Sample("b", Kind.BOOLEAN, chunked(number == 1.0)),
    ]  # fmt: skip
    words = [overview.words(sample) for sample in samples]
    rows = sum(hashing.mixed(w ^ np.uint64(k)) for k, (w, _) in enumerate(words, start=1))
    table = pa.table({s.column: s.values for s in samples})
    apart = table.group_by(["n", "t", "b"]).aggregate([]).num_rows
    nulls = {str(v) for v in zip(np.isnan(number), text.is_valid().to_pylist(), strict=True)}
    assert len(nulls) == 4
    assert overview.repeated(rows) == 300 - apart
    assert [(~known).sum() for _, known in words] == [np.isnan(number).sum(), text.null_count, 0]
    again = overview.words(Sample("m", Kind.NUMERIC, chunked(number)))[0]
    assert overview.over_rows(again) == overview.over_rows(words[0][0])
    assert overview.over_rows(np.roll(again, 1)) != overview.over_rows(again)


@pytest.mark.parametrize(
    ("kind", "one", "other"),
    [
        (Kind.BOOLEAN, [True, None, False], ["True ", None, "0"]),
        (Kind.BOOLEAN, [True, None, False], [1.0, float("nan"), 0.0]),
        (Kind.CATEGORICAL, ["a", None, ""], pa.DictionaryArray.from_arrays([0, 1, 2], ["a", None, ""])),
        (Kind.CATEGORICAL, ["1", None, "2.5"], [1.0, float("nan"), 2.5]),
    ],
    ids=["texts", "numbers", "dictionary", "floats"],
)  # fmt: skip
def test_a_level_has_one_word_however_it_is_written(kind, one, other) -> None:
    found = [overview.words(Sample("x", kind, chunked(values))) for values in (one, other)]
    assert found[0][0].tolist() == found[1][0].tolist()
    assert len(set(found[0][0].tolist())) == 3
    assert [known.tolist() for _, known in found] == [[True, False, True]] * 2
