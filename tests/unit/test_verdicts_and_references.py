"""How findings make a verdict, and which windows calibrate."""

from datetime import timedelta
from itertools import pairwise

import pytest

from controlplane.domain.policy import Reference as Asked
from controlplane.domain.references import (
    WANTED,
    calibration_slices,
    calibration_spans,
    reference_of,
)
from controlplane.domain.verdicts import headline, window_verdict
from controlplane.domain.windows import Calendar
from detectors.finding import Basis, Finding, Reason, Verdict
from tests.watched import DAY, SERVED, TRAINED, WEEK, a_policy, a_version

PASSED, FAILED, ERROR = Verdict.PASSED, Verdict.FAILED, Verdict.ERROR
CALENDAR = Calendar(model="boats", origin=SERVED, every=WEEK)


def a_finding(verdict: Verdict, column: str = "wind", **facts: object) -> Finding:
    return Finding(column=column, detector="a1", verdict=verdict, **facts)


SHOWN = a_finding(Verdict.INCONCLUSIVE, reason=str(Reason.SHOWN))
BROKEN = a_finding(ERROR, reason="it raised ValueError", basis=Basis.FIXED)
UNJUDGED = a_finding(Verdict.INCONCLUSIVE, reason=str(Reason.INSUFFICIENT))


@pytest.mark.parametrize(
    ("found", "verdict"),
    [
        ([], Verdict.INCONCLUSIVE),
        ([SHOWN, UNJUDGED], Verdict.INCONCLUSIVE),
        ([UNJUDGED, a_finding(PASSED)], PASSED),
        ([a_finding(PASSED), a_finding(FAILED)], FAILED),
        ([a_finding(FAILED), BROKEN, a_finding(PASSED)], ERROR),
        ([a_finding(ERROR)], Verdict.INCONCLUSIVE),
        ([a_finding(ERROR), a_finding(PASSED)], PASSED),
        ([a_finding(ERROR), a_finding(FAILED)], FAILED),
        ([a_finding(PASSED, basis=Basis.HARD)], Verdict.INCONCLUSIVE),
        ([a_finding(FAILED, basis=Basis.HARD)], FAILED),
    ],
)
def test_the_worst_that_was_judged_is_the_windows_verdict(found: list, verdict: Verdict) -> None:
    assert window_verdict(found) is verdict


def test_a_column_failed_with_any_finding_and_was_judged_with_any() -> None:
    found = headline([
        a_finding(PASSED, "a"), a_finding(FAILED, "a"), a_finding(PASSED, "b"),
        a_finding(Verdict.INCONCLUSIVE, "b"), a_finding(Verdict.INCONCLUSIVE, "c"),
    ])  # fmt: skip
    assert (found.failed, found.judged, found.unjudged) == (1, 2, 1)


def test_the_reference_is_the_training_span_unless_the_file_fixes_one() -> None:
    training = reference_of(a_policy(), a_version(), SERVED)
    assert (training.id, training.start, training.end) == ("boats/v1", TRAINED, SERVED)
    asked = Asked(kind="fixed", start=TRAINED, end=TRAINED + WEEK)
    fixed = reference_of(a_policy(reference=asked), a_version(), SERVED)
    assert (fixed.start, fixed.end) == (TRAINED, TRAINED + WEEK)
    assert fixed.id.startswith("boats/v1:")
    unknown = a_version(trained_from=None, trained_to=None)
    assert reference_of(a_policy(), unknown, SERVED) is None


def test_windows_inside_the_span_calibrate_and_those_before_fill_up_to_sixty() -> None:
    reference = reference_of(a_policy(), a_version(), SERVED)
    spans = calibration_spans(CALENDAR, reference, TRAINED - 20 * WEEK)
    assert [s.inside for s in spans] == [False] * 20 + [True] * 10
    assert all(a.end == b.start for a, b in pairwise(spans))
    far = calibration_spans(CALENDAR, reference, TRAINED - 500 * WEEK)
    assert len(far) == WANTED


def test_a_window_across_the_beginning_of_the_span_does_not_calibrate() -> None:
    version = a_version(trained_from=TRAINED + 3 * DAY)
    reference = reference_of(a_policy(), version, SERVED)
    spans = calibration_spans(CALENDAR, reference, TRAINED - 2 * WEEK)
    assert [(s.start, s.inside) for s in spans[:3]] == [
        (TRAINED - 2 * WEEK, False), (TRAINED - WEEK, False), (TRAINED + WEEK, True),
    ]  # fmt: skip


def test_a_long_span_calibrates_with_all_of_its_windows() -> None:
    version = a_version(trained_from=SERVED - timedelta(days=700))
    reference = reference_of(a_policy(), version, SERVED)
    assert len(calibration_spans(CALENDAR, reference, SERVED - timedelta(days=900))) == 100


def test_counted_windows_are_cut_backwards_and_none_lies_across_the_beginning() -> None:
    inside = [False] * 25 + [True] * 47
    assert calibration_slices(inside, 10) == [
        (5, 15), (15, 25), (32, 42), (42, 52), (52, 62), (62, 72),
    ]  # fmt: skip
    assert calibration_slices([True] * 9, 10) == []
    assert len(calibration_slices([False] * 2000 + [True] * 100, 10)) == WANTED
