"""Rates and counts of windows, judged both ways by the false-alarm budget."""

import numpy as np
import pytest

from detectors.finding import Basis, Reason, Verdict
from detectors.refmax import calibrate_rates, judge_rates

NAMES = ("volume", "missing:x", "labels")


def usual(windows: int = 60, seed: int = 1) -> np.ndarray:
    generator = np.random.default_rng(seed)
    return np.column_stack(
        [
            generator.poisson(500, windows),
            generator.binomial(500, 0.1, windows) / 500,
            generator.binomial(500, 0.9, windows) / 500,
        ]
    )


def judged(values, rows: int = 500, windows=None):
    calibration = calibrate_rates(
        NAMES, usual() if windows is None else windows, family="quality", alpha=0.01
    )
    found = judge_rates(calibration, np.array(values, dtype=float), rows, names=NAMES)
    return {finding.detector: finding for finding in found}


def test_usual_rates_pass_on_a_calibrated_basis() -> None:
    found = judged([505.0, 0.11, 0.9])
    assert [(f.column, f.detector) for f in found.values()] == [
        ("*", "volume"), ("x", "missing"), ("*", "labels")]  # fmt: skip
    assert {(f.verdict, f.basis) for f in found.values()} == {(Verdict.PASSED, Basis.CALIBRATED)}


@pytest.mark.parametrize(("rows", "change"), [(250.0, -0.5), (750.0, 0.5)])
def test_half_as_many_rows_fail_and_so_do_half_as_many_more(rows, change) -> None:
    found = judged([rows, 0.1, 0.9])["volume"]
    assert found.verdict is Verdict.FAILED
    assert found.effect == pytest.approx(change, abs=0.02)


def test_a_missing_share_that_rose_fails_by_its_own_column() -> None:
    found = judged([500.0, 0.2, 0.9])
    assert (found["missing"].column, found["missing"].verdict) == ("x", Verdict.FAILED)
    assert found["missing"].effect == pytest.approx(0.1, abs=0.01)
    assert found["labels"].verdict is Verdict.PASSED


def test_no_rows_at_all_fail_hard_and_leave_the_shares_open() -> None:
    found = judged([0.0, np.nan, np.nan], rows=0)
    assert (found["volume"].verdict, found["volume"].basis) == (Verdict.FAILED, Basis.HARD)
    assert (found["volume"].effect, found["volume"].rows) == (-1.0, 0)
    assert {found[n].reason for n in ("missing", "labels")} == {Reason.INSUFFICIENT}


def test_shares_of_fewer_than_thirty_rows_are_not_judged() -> None:
    found = judged([29.0, 1.0, 0.0], rows=29)
    assert found["missing"].reason == found["labels"].reason == Reason.INSUFFICIENT
    assert found["volume"].verdict is Verdict.FAILED


def test_a_stream_of_always_the_same_count_alarms_at_a_change_that_matters_only() -> None:
    windows = usual()
    windows[:, 0] = 168.0
    verdicts = {rows: judged([rows, 0.1, 0.9], windows=windows)["volume"].verdict
                for rows in (168.0, 160.0, 120.0)}  # fmt: skip
    assert list(verdicts.values()) == [Verdict.PASSED, Verdict.PASSED, Verdict.FAILED]


def test_a_share_that_was_always_nought_alarms_once_it_is_not() -> None:
    windows = usual()
    windows[:, 1] = 0.0
    assert judged([500.0, 0.0, 0.9], windows=windows)["missing"].verdict is Verdict.PASSED
    found = judged([500.0, 0.1, 0.9], windows=windows)["missing"]
    assert (found.verdict, found.basis) == (Verdict.FAILED, Basis.PROVISIONAL)


def test_windows_whose_rate_is_not_known_do_not_calibrate_it() -> None:
    windows = usual(12)
    windows[:6, 2] = np.nan
    calibration = calibrate_rates(NAMES, windows, family="quality", alpha=0.01)
    assert [s.windows for s in calibration.scales] == [12, 12, 6]
    assert [s.reason for s in calibration.scales] == [None, None, Reason.INSUFFICIENT]
    found = judge_rates(calibration, np.array([500.0, 0.1, 0.5]), 500)
    assert found[2].reason == Reason.UNCALIBRATED
    assert found[0].basis is Basis.PROVISIONAL


def test_without_windows_nothing_is_calibrated_and_nothing_judged() -> None:
    calibration = calibrate_rates(NAMES, np.empty((0, 3)), family="quality", alpha=0.01)
    assert (calibration.threshold, calibration.needs) == (None, 8)
    found = judge_rates(calibration, np.array([500.0, 0.1, 0.9]), 500, names=NAMES)
    assert {f.verdict for f in found} == {Verdict.INCONCLUSIVE}


def test_given_their_rows_small_windows_may_be_noisier_and_tiny_ones_do_not_calibrate() -> None:
    windows, rows = usual(), np.full(60, 500)
    rows[:4] = 20
    calibration = calibrate_rates(NAMES, windows, family="quality", alpha=0.01, rows=rows)
    assert [s.windows for s in calibration.scales] == [60, 56, 56]
    values = np.array([500.0, 0.2, 0.9])
    small = judge_rates(calibration, values, 40, names=NAMES)[1]
    large = judge_rates(calibration, values, 500, names=NAMES)[1]
    assert (small.verdict, large.verdict) == (Verdict.PASSED, Verdict.FAILED)
    assert small.statistic < large.statistic
