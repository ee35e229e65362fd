"""What every detector does with the columns that are no plain numbers or levels, case by case."""

import math
from datetime import UTC, date, datetime, time
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
from scipy import stats

from detectors import binning, counting, numeric_bins, reading
from detectors.arrivals import (
    DuplicatesParams,
    FreshnessParams,
    duplicates,
    freshness,
    longest_silence,
    repeats,
)
from detectors.catalogue import CATALOGUE
from detectors.finding import Kind, Reason, Sample
from detectors.instants import derived
from detectors.jensen_shannon import jensen_shannon
from detectors.ks import ks
from detectors.psi import psi
from detectors.texts import TextParams, distinct, histogram, text_length
from detectors.unparsable import UnparsableParams, counted, unparsable
from tests.columns import booleans, chunked, levels, numeric

COMPARING = {
    name: entry
    for name, entry in CATALOGUE.items()
    if entry.kinds and not entry.of_table and (entry.shown or entry.asked)
}
NUMBERS = [name for name, entry in COMPARING.items() if Kind.NUMERIC in entry.kinds]
OF_VALUES = [name for name in NUMBERS if name != "unparsable"]
OF_LEVELS = [
    name
    for name, entry in COMPARING.items()
    if Kind.CATEGORICAL in entry.kinds and name not in {"text_length", "distinct"}
]
GENERATOR = np.random.default_rng(5)
USUAL, NOW = GENERATOR.normal(size=300), GENERATOR.normal(0.4, 1.2, size=200)


def ask(name, reference, sample):
    return COMPARING[name].function(reference, sample)


@pytest.mark.parametrize("name", OF_VALUES)
@pytest.mark.parametrize("missing", [None, math.nan])
def test_missing_values_change_nothing_but_their_own_test(name, missing) -> None:
    plain = ask(name, numeric(USUAL), numeric(NOW))
    holes = ask(name, numeric([*USUAL, missing]), numeric([missing] * 50 + NOW.tolist()))
    assert holes == plain
    lost = CATALOGUE["missing"].function(numeric(USUAL), numeric([missing] * 50 + NOW.tolist()))
    assert lost.statistic == pytest.approx(0.2)


ARITHMETIC = {"wasserstein", "wasserstein_iqr", "energy", "mean_shift", "spread_shift", "welch"}


@pytest.mark.parametrize("name", OF_VALUES)
def test_infinities_are_ordered_and_not_reckoned_with(name) -> None:
    far = numeric([*NOW, math.inf, -math.inf])
    found = ask(name, numeric(USUAL), far)
    if name in ARITHMETIC:
        assert found == ask(name, numeric(USUAL), numeric(NOW))
    else:
        near = numeric([*NOW, 1e9, -1e9])
        assert found == ask(name, numeric(USUAL), near)


@pytest.mark.parametrize("name", list(COMPARING))
def test_fewer_than_thirty_values_are_insufficient(name) -> None:
    few = {
        Kind.NUMERIC: (numeric(USUAL), numeric(NOW[:29])),
        Kind.CATEGORICAL: (levels(list("ab") * 100), levels(list("ab") * 14 + ["a"])),
        Kind.BOOLEAN: (booleans([True, False] * 100), booleans([True] * 29)),
    }
    for kind in COMPARING[name].kinds:
        assert ask(name, *few[kind]).reason == Reason.INSUFFICIENT
        assert ask(name, few[kind][0], few[kind][1]).verdict == "inconclusive"


@pytest.mark.parametrize("name", OF_VALUES)
def test_a_window_without_values_has_no_figure_and_a_reference_without_is_not_applicable(
    name,
) -> None:
    empty = numeric([None] * 60)
    found = ask(name, numeric(USUAL), empty)
    assert (found.statistic, found.reason, found.rows) == (None, Reason.INSUFFICIENT, 0)
    assert ask(name, empty, numeric(NOW)).reason in {Reason.NOT_APPLICABLE, Reason.INSUFFICIENT}
    bins = binning.freeze(empty)
    assert bins.reason == Reason.NOT_APPLICABLE
    [event] = CATALOGUE["constant"].function([bins], [binning.tally(bins, numeric(NOW))])
    assert (event.detector, event.verdict, event.basis) == ("schema", "failed", "hard")


NO_SCALE = {"wasserstein", "wasserstein_iqr", "mean_shift", "spread_shift", "welch"}


@pytest.mark.parametrize("name", OF_VALUES)
def test_a_constant_reference_has_three_bins_and_no_scale(name) -> None:
    constant, moved = numeric([0.1] * 60), numeric([0.1] * 20 + [0.0] * 10 + [5.0] * 30)
    found = ask(name, constant, moved)
    if name in NO_SCALE - {"welch"}:
        assert (found.statistic, found.reason) == (None, Reason.DEGENERATE)
    else:
        assert found.statistic > 0.0
    first, second = counting.side_by_side(constant, moved)
    assert (first.tolist(), second.tolist()) == ([0, 60, 0], [10, 20, 30])


@pytest.mark.parametrize("name", OF_VALUES)
def test_the_same_constant_on_both_sides_is_no_change(name) -> None:
    constant = numeric([0.1] * 60)
    found = ask(name, constant, constant)
    if name in NO_SCALE:
        assert (found.statistic, found.reason) == (None, Reason.DEGENERATE)
        return
    assert found.reason == Reason.SHOWN
    assert found.p_value in {None, 1.0}
    if name not in {"anderson_darling", "cramer_von_mises"}:
        assert found.statistic == pytest.approx(0.0, abs=1e-9)
    assert found.effect in {0.0, 0.5}


def test_nine_of_ten_rows_of_one_value_do_not_make_the_bins_blind() -> None:
    generator = np.random.default_rng(3)
    stuck, freed = (
        numeric(np.where(generator.random(1000) < share, 0.5, generator.normal(1.5, 0.2, 1000)))
        for share in (0.95, 0.7)
    )
    for detector in (psi, jensen_shannon):
        assert detector(stuck, freed).effect > 0.2
        assert detector(stuck, stuck).statistic == 0.0
    edges = numeric_bins.decile_edges(np.sort(stuck.values.to_numpy()))
    assert edges.tolist() == [0.5, np.nextafter(0.5, 1.0)]


def test_whole_numbers_of_few_values_are_compared_value_by_value_and_in_their_order() -> None:
    first, second = (GENERATOR.poisson(rate, size=400).astype(float) for rate in (2.0, 3.0))
    counts = counting.side_by_side(numeric(first), numeric(second))
    values = np.unique(first)
    held = [[int((s == v).sum()) for v in values] for s in (first, second)]
    kept = [counts[0] > 0]
    assert counts[0][kept[0]].tolist() == held[0]
    assert counts[1][kept[0]].tolist() == held[1]
    assert counts[1].sum() == 400
    assert ks(numeric(first), numeric(second)).statistic == pytest.approx(
        stats.ks_2samp(first, second).statistic
    )


@pytest.mark.parametrize("name", list(COMPARING))
def test_booleans_are_levels_and_never_numbers(name) -> None:
    flags = booleans([True, False] * 50)
    reads = Kind.BOOLEAN in COMPARING[name].kinds
    assert (ask(name, flags, flags).reason != Reason.NOT_APPLICABLE) == reads


@pytest.mark.parametrize("name", list(COMPARING))
def test_dates_are_never_compared_as_they_are(name) -> None:
    for kind in (pa.timestamp("us"), pa.date32(), pa.date64(), pa.time32("s"), pa.time64("us")):
        days = pa.array(range(60), pa.int32() if kind.bit_width == 32 else pa.int64()).cast(kind)
        dates = Sample("d", Kind.DATETIME, chunked(days))
        assert ask(name, dates, dates).reason == Reason.NOT_APPLICABLE


def test_dates_that_are_read_as_numbers_count_in_their_own_unit() -> None:
    assert reading.numbers(chunked([date(1970, 1, 3), None])).tolist()[0] == 2.0
    assert reading.numbers(chunked(pa.array([90, None], pa.time32("s")))).tolist()[0] == 90.0
    assert reading.numbers(chunked(pa.array([7], pa.time64("us")))).tolist() == [7.0]
    assert ks(numeric(pa.array(range(40), pa.int32()).cast(pa.date32())), numeric(NOW)).rows == 200


def test_a_date_becomes_its_age_its_hour_and_its_day_of_the_week() -> None:
    texts = ["2024-03-01T23:30:00", "2024-03-04", None, "2024-03-06"]
    written = pa.array(texts).cast(pa.timestamp("us"))
    at = chunked(pa.array([datetime(2024, 3, 5, tzinfo=UTC)] * 4, pa.timestamp("us", "UTC")))
    age, hour, weekday = derived(Sample("booked", Kind.DATETIME, chunked(written)), at)
    assert [(s.column, s.kind) for s in (age, hour, weekday)] == [
        ("booked (age)", Kind.NUMERIC),
        ("booked (hour)", Kind.CATEGORICAL),
        ("booked (weekday)", Kind.CATEGORICAL),
    ]
    assert age.values.to_pylist() == [3 * 86400 + 1800.0, 86400.0, None, -86400.0]
    assert hour.values.to_pylist() == ["23", "00", None, "00"]
    assert weekday.values.to_pylist() == ["Friday", "Monday", None, "Wednesday"]
    _, there, day = derived(
        Sample("booked", Kind.DATETIME, chunked(written)), at, zone="Europe/Lisbon"
    )
    assert there.values.to_pylist()[0] == "23"
    _, there, day = derived(
        Sample("booked", Kind.DATETIME, chunked(written)), at, zone="Asia/Tokyo"
    )
    assert (there.values.to_pylist()[0], day.values.to_pylist()[0]) == ("08", "Saturday")


def test_whole_days_have_no_hour_and_times_of_day_nothing_else() -> None:
    at = chunked(pa.array([date(2024, 3, 5)] * 2).cast(pa.timestamp("ns")))
    days = Sample("d", Kind.DATETIME, chunked([date(2024, 3, 4), None]))
    assert [(s.column, s.values.to_pylist()) for s in derived(days, at, zone="Asia/Tokyo")] == [
        ("d (age)", [86400.0, None]),
        ("d (weekday)", ["Monday", None]),
    ]
    clock = Sample("t", Kind.DATETIME, chunked([time(7, 5), time(19)]))
    assert [(s.column, s.values.to_pylist()) for s in derived(clock, at)] == [
        ("t (hour)", ["07", "19"])
    ]
    with pytest.raises(ValueError, match="x holds double; expected dates or times"):
        derived(numeric([1.0, 2.0]), at)
    with pytest.raises(ValueError, match="d has 2 rows and the event times 1"):
        derived(days, at.slice(0, 1))


def test_a_date_that_stays_as_old_does_not_drift_and_one_that_falls_behind_does() -> None:
    day = 86_400_000_000

    def booked(begin, lead):
        at = begin * day + np.arange(200) * (day // 24)
        dates = pa.array(at - lead * day, pa.timestamp("us"))
        return derived(Sample("booked", Kind.DATETIME, chunked(dates)),
                       chunked(pa.array(at, pa.timestamp("us"))))  # fmt: skip

    then, same, late = booked(100, 3), booked(400, 3), booked(400, 9)
    assert ks(then[0], same[0]).statistic == 0.0
    assert ks(then[0], late[0]).statistic == 1.0
    assert jensen_shannon(then[1], late[1]).effect == 0.0


def test_texts_that_are_no_numbers_have_their_own_test() -> None:
    written = [str(v) for v in USUAL]
    mixed = written[:70] + ["1,5", "n/a", "12 kg"] * 10 + [None, "", "NaN"] * 5
    assert counted(numeric(mixed)) == (30, 100)
    assert counted(numeric(pa.array(mixed).dictionary_encode())) == (30, 100)
    assert counted(numeric([1.0, math.nan, None])) == (0, 1)
    assert counted(numeric([1, 2, None])) == (0, 2)
    found = unparsable(numeric(written), numeric(mixed))
    assert (found.statistic, found.verdict, found.basis) == (0.3, "failed", "hard")
    assert unparsable(numeric(written), numeric(written)).verdict == "passed"
    shown = unparsable(numeric(written), numeric(mixed), UnparsableParams(limit=None))
    assert (shown.verdict, shown.reason) == ("inconclusive", Reason.SHOWN)
    assert ks(numeric(USUAL), numeric(mixed)).rows == 70


def test_identifiers_are_left_to_their_lengths_and_how_many_differ() -> None:
    then = levels([f"A-{i:06}" for i in range(400)])
    now = levels([f"B-{i:09}" for i in range(200)])
    assert binning.freeze(then).reason == Reason.NOT_APPLICABLE
    moved = text_length(then, now, TextParams(threshold=0.5))
    assert (moved.statistic, moved.effect, moved.verdict) == (1.0, 3.0, "failed")
    assert distinct(then, now).effect == 0.0
    repeating = levels([f"A-{i % 20:06}" for i in range(200)])
    assert distinct(then, repeating).effect == pytest.approx(-0.9)
    assert text_length(then, repeating).statistic == 0.0
    lengths = np.array([0, 1, 7, 8, 5000])
    assert histogram(lengths).sum() == 5
    assert histogram(lengths)[[0, 1, 7, 8, -1]].tolist() == [1, 1, 1, 1, 1]


@pytest.mark.parametrize("name", OF_LEVELS)
def test_one_level_on_both_sides_is_no_change_and_unseen_ones_are(name) -> None:
    one = levels(["a"] * 60)
    same = ask(name, one, one)
    assert (same.statistic, same.reason) == (0.0, Reason.SHOWN)
    assert same.p_value in {None, 1.0}
    assert ask(name, one, levels(["a"] * 30 + ["new"] * 30)).effect > 0.2


@pytest.mark.parametrize("name", OF_VALUES)
def test_decimals_whole_numbers_texts_and_dictionaries_are_the_same_numbers(name) -> None:
    whole = [GENERATOR.integers(-50, 50, size=size) for size in (200, 150)]
    plain = ask(name, *(numeric(values.astype(float)) for values in whole))
    for written in (
        lambda v: pa.array([Decimal(int(x)) for x in v], pa.decimal128(12, 2)),
        lambda v: pa.array([str(x) for x in v]),
        lambda v: pa.array(v.astype(float)).dictionary_encode(),
        lambda v: pa.array(v, pa.int16()),
        lambda v: pa.array(v, pa.float32()),
        lambda v: pa.array([f" {x}.0 " for x in v], pa.large_string()),
    ):
        assert ask(name, *(numeric(written(values)) for values in whole)) == plain


@pytest.mark.parametrize("name", ["ks", "mann_whitney", "cramer_von_mises", "anderson_darling"])
def test_large_whole_numbers_keep_their_order_to_the_double(name) -> None:
    first = np.arange(2**62, 2**62 + 60 * 2048, 2048)
    found = ask(name, numeric(pa.array(first)), numeric(pa.array(first + 20 * 2048)))
    plain = np.arange(60.0)
    assert found == ask(name, numeric(plain), numeric(plain + 20))


@pytest.mark.parametrize("name", OF_LEVELS)
def test_a_hundred_thousand_levels_give_a_figure_or_a_reason(name) -> None:
    names = np.char.add("k", np.arange(100_000).astype(str))
    wide = levels(np.concatenate([names, names]))
    found = ask(name, wide, levels(names[:5000]))
    assert found.statistic is None or math.isfinite(found.statistic)
    assert found.rows in {0, 5000}


def test_repeated_rows_are_counted_over_all_columns() -> None:
    columns = [
        numeric([1.0, 1.0, 2.0, None, None, 1.0]),
        levels(pa.array(["a", "a", "a", None, None, "b"]).dictionary_encode()),
        numeric(pa.nulls(6), "nothing"),
    ]
    assert repeats(columns) == 2
    assert repeats(columns[:1]) == 3
    assert repeats([]) == 0
    usual = np.array([0.0, 0.02, np.nan])
    found = duplicates(2, 6, usual)
    assert (found.column, found.reason, found.effect) == ("*", Reason.SHOWN, pytest.approx(1 / 3))
    assert duplicates(2, 6, usual, DuplicatesParams(limit=0.5)).verdict == "passed"
    assert duplicates(2, 6, np.array([])).reason == Reason.INSUFFICIENT
    assert duplicates(0, 0, usual).reason == Reason.INSUFFICIENT


def test_the_longest_silence_reaches_to_the_end_of_the_window() -> None:
    at = np.array([30, 0, 10]) * 1_000_000
    assert longest_silence(at, 35_000_000) == 20.0
    assert longest_silence(at, 95_000_000) == 65.0
    assert longest_silence(at, 5_000_000) == 20.0
    assert longest_silence(np.array([], dtype=np.int64), 5) is None
    usual = np.array([10.0, 20.0, 30.0])
    assert freshness(65.0, 3, usual).statistic == pytest.approx(3.25)
    assert freshness(65.0, 3, usual, FreshnessParams(limit=3.0)).verdict == "failed"
    assert freshness(None, 0, usual).reason == Reason.INSUFFICIENT
    assert freshness(1.0, 3, np.zeros(3)).reason == Reason.DEGENERATE
