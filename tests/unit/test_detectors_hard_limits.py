"""Limits that need no calibration: what is lost, far out, stuck, absent or silent."""

import math

import msgspec
import numpy as np
import pytest

from detectors import range as range_
from detectors import schema
from detectors.binning import freeze, tally
from detectors.finding import Basis, Reason, Verdict
from detectors.intervals import wilson
from detectors.label_feed import label_feed
from detectors.missing import MissingParams, missing
from detectors.range import RangeParams, value_range
from detectors.volume import VolumeParams, volume
from tests.columns import levels, numeric

SOME = np.random.default_rng(1).normal(size=400)


def limits(reference, sample) -> dict[str, Verdict]:
    bins = freeze(reference)
    found = schema.hard_limits([bins], [tally(bins, sample)])
    assert all(f.basis is Basis.HARD for f in found)
    return {f.detector: f.verdict for f in found}


def test_a_usual_window_breaks_no_limit() -> None:
    assert limits(numeric(SOME), numeric(SOME[:100])) == {
        "missing": "passed", "range": "passed", "constant": "passed"}  # fmt: skip
    assert limits(levels(list("ab") * 50), levels(list("ab") * 20)) == {"missing": "passed"}


def test_twenty_points_more_missing_is_the_limit() -> None:
    full = numeric(SOME)
    for lost, verdict in ((20, Verdict.PASSED), (21, Verdict.FAILED)):
        sample = numeric([None] * lost + SOME[: 100 - lost].tolist())
        found = missing(full, sample)
        assert (found.verdict, found.threshold, found.basis) == (verdict, 0.2, Basis.HARD)
        assert (found.statistic, found.effect) == (lost / 100, lost / 100)
        assert limits(full, sample)["missing"] is verdict
    assert missing(full, sample, MissingParams(limit=0.5)).verdict is Verdict.PASSED


def test_missing_is_judged_against_what_was_missing_before() -> None:
    half = numeric([None] * 50 + SOME[:50].tolist())
    assert missing(half, numeric([None] * 60 + SOME[:40].tolist())).verdict is Verdict.PASSED
    fewer = missing(half, numeric(SOME[:100]))
    assert (fewer.statistic, fewer.verdict) == (-0.5, Verdict.PASSED)
    assert missing(numeric([]), half).reason == Reason.INSUFFICIENT
    assert missing(half, numeric([None] * 29)).reason == Reason.INSUFFICIENT
    lost = numeric([None] * 100)
    assert missing(numeric(SOME[:29]), lost).reason == Reason.INSUFFICIENT
    assert missing(numeric(SOME[:30]), lost).verdict is Verdict.FAILED


def test_a_window_without_any_value_fails_as_missing_alone() -> None:
    assert limits(numeric(SOME), numeric([None] * 100)) == {"missing": Verdict.FAILED}


def test_codes_for_nothing_and_wrong_units_are_far_outside() -> None:
    reference = numeric(np.linspace(0.0, 40.0, 200))
    coded = numeric([-999.0] * 10 + [20.0] * 90)
    found = value_range(reference, coded)
    assert (found.verdict, found.statistic) == (Verdict.FAILED, 0.1)
    assert limits(reference, coded)["range"] is Verdict.FAILED
    assert value_range(reference, numeric([math.inf] * 10 + [20.0] * 90)).verdict is Verdict.FAILED
    assert value_range(reference, coded, RangeParams(limit=0.2)).verdict is Verdict.PASSED


def test_infinities_that_the_reference_held_are_usual() -> None:
    reference = numeric([math.inf, -math.inf] * 10 + SOME[:180].tolist())
    bins = freeze(reference)
    for infinite, verdict in ((10, Verdict.PASSED), (14, Verdict.PASSED), (16, Verdict.FAILED)):
        window = numeric([math.inf] * infinite + SOME[: 100 - infinite].tolist())
        found = value_range(reference, window)
        assert found.verdict is verdict
        assert found.statistic == pytest.approx(max(0.0, (infinite - 10) / 100))
        assert range_.beyond(bins, tally(bins, window)) == msgspec.structs.replace(
            found, rows_reference=200
        )
    coded = numeric([math.inf] * 10 + [1e9] * 6 + SOME[:84].tolist())
    assert value_range(reference, coded).statistic == pytest.approx(0.06)


def test_a_warmer_season_is_outside_but_not_far() -> None:
    found = value_range(numeric(np.linspace(0.0, 40.0, 200)), numeric(np.linspace(35.0, 60.0, 100)))
    assert (found.statistic, found.verdict) == (0.0, Verdict.PASSED)
    assert found.effect == 0.8


def test_a_range_needs_numbers_on_both_sides_and_thirty_of_them() -> None:
    assert value_range(numeric([None] * 40), numeric(SOME)).reason == Reason.NOT_APPLICABLE
    assert value_range(levels(["a"]), levels(["a"])).reason == Reason.NOT_APPLICABLE
    assert value_range(numeric(SOME), numeric(SOME[:29])).reason == Reason.INSUFFICIENT
    far = numeric(SOME + 100.0)
    assert value_range(numeric(SOME[:1]), far).reason == Reason.INSUFFICIENT
    assert value_range(numeric(SOME[:29]), far).reason == Reason.INSUFFICIENT
    assert value_range(numeric(SOME[:30]), far).verdict is Verdict.FAILED


def test_a_sensor_that_stopped_moving_fails_as_constant() -> None:
    stuck = limits(numeric(SOME), numeric([0.25] * 100))
    assert stuck["constant"] is Verdict.FAILED
    assert limits(numeric(SOME), numeric([0.25] * 99 + [math.inf]))["constant"] is Verdict.PASSED


def test_a_column_of_few_values_may_stand_still() -> None:
    months = limits(numeric(list(range(1, 13)) * 20), numeric([7] * 100))
    assert "constant" not in months


def test_a_column_that_was_always_empty_must_stay_so() -> None:
    empty = numeric([None] * 100)
    assert limits(empty, numeric([None] * 60 + [1.0] * 40)) == {"schema": Verdict.FAILED}
    assert limits(empty, numeric([None] * 100)) == {}


def test_windows_of_fewer_than_thirty_rows_break_no_limit() -> None:
    assert limits(numeric(SOME), numeric([None] * 29)) == {}
    assert limits(numeric([]), numeric(SOME)) == {}
    assert limits(numeric(SOME[:29]), numeric([None] * 100)) == {}
    assert limits(numeric([*SOME[:29], *[None] * 9]), numeric(SOME)) == {"missing": "passed"}


def test_absent_columns_fail_and_unknown_ones_are_named() -> None:
    found = {f.column: (f.verdict, f.reason) for f in schema.columns(["a", "b"], ["b", "x", "y"])}
    assert found == {
        "a": (Verdict.FAILED, None),
        "x": (Verdict.INCONCLUSIVE, Reason.SHOWN),
        "y": (Verdict.INCONCLUSIVE, Reason.SHOWN),
    }


def test_no_rows_are_a_hard_failure_where_there_were_some() -> None:
    usual = np.array([160, 168, 180])
    none = volume(0, usual)
    assert (none.verdict, none.basis, none.column) == (Verdict.FAILED, Basis.HARD, "*")
    shown = volume(84, usual)
    assert (shown.verdict, shown.reason, shown.effect) == (Verdict.INCONCLUSIVE, "shown", -0.5)
    params = VolumeParams(change=0.4)
    assert volume(84, usual, params).verdict is Verdict.FAILED
    assert volume(150, usual, params).verdict is Verdict.PASSED
    assert volume(0, np.array([], dtype=np.int64)).reason == Reason.INSUFFICIENT
    assert volume(0, np.array([0, 0])).reason == Reason.DEGENERATE


def test_no_label_is_a_hard_failure_where_five_were_due() -> None:
    usual = np.array([0.1, 0.1, np.nan])
    silent = label_feed(0, 100, usual)
    assert (silent.verdict, silent.basis, silent.reason) == (Verdict.FAILED, Basis.HARD, None)
    few = label_feed(0, 40, usual)
    assert (few.verdict, few.reason) == (Verdict.INCONCLUSIVE, Reason.SHOWN)
    some = label_feed(7, 100, usual)
    assert (some.statistic, some.interval) == (0.07, wilson(0.07, 100))
    assert some.effect == pytest.approx(-0.03)
    assert label_feed(0, 0, usual).reason == Reason.INSUFFICIENT
    assert label_feed(5, 50, np.array([np.nan])).reason == Reason.INSUFFICIENT
