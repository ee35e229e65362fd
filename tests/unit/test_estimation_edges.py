"""Estimates where there is little to go by: one class, one value, no rows, many rows."""

import math

import numpy as np
import pytest

from detectors.estimation import expected, figures, multiclass, regression, residual, sampling
from detectors.estimation import shift as shifts
from detectors.estimation.figures import Drawn
from detectors.estimation.shift import Inputs
from detectors.estimation.support import support
from detectors.estimation.wandering import drawn_again

NONE = np.zeros(2, dtype=bool)
ONE = np.array([0.5])


def test_what_nothing_is_below_the_stroke_of_is_not_a_number() -> None:
    assert math.isnan(expected.auc(ONE, ONE))
    assert math.isnan(expected.average_precision(np.zeros(3), np.arange(3.0)))
    found = figures.shown("f1", (float("nan"), None), Drawn(sampling=1.0, calibration=0.0),
                          method="cbpe", rows=3)  # fmt: skip
    assert (found.value, found.hidden) == (None, "it is not defined for these rows")
    wide = figures.shown("f1", (0.5, None), Drawn(sampling=math.inf, calibration=0.0),
                         method="cbpe", rows=3)  # fmt: skip
    assert (wide.value, wide.interval) == (0.5, None)


def test_one_class_alone_has_no_spread_of_what_needs_both() -> None:
    truth, said = np.ones(40, dtype=bool), np.zeros(40, dtype=bool)
    found = sampling.binary(~truth, said, np.linspace(0, 1, 40))
    for name in ("roc_auc", "average_precision", "recall", "precision"):
        assert math.isnan(found[name].sd)
        assert found[name].error(100) == math.inf
    mostly = np.arange(40) > 5
    assert sampling.of("roc_auc", mostly, mostly, np.linspace(0, 1, 40)).share == pytest.approx(
        6 / 40
    )


def test_scores_of_one_value_are_one_knot() -> None:
    maps = drawn_again(np.full(50, 0.3), np.arange(50) % 3 == 0, form="isotonic", seed=1)
    assert maps.knots.tolist() == [0.3]
    assert [mass.tolist() for mass in maps.spread_over(np.full(7, 0.3))] == [[7.0]]


def test_cohorts_that_never_moved_judge_nothing() -> None:
    known = residual.usual(np.zeros(20), loss=1.0, rows=200)
    found = residual.judged("residual", known, np.ones(5), alpha=0.01, rows=50)
    assert found.reason == "degenerate"


def test_a_perfect_regression_has_no_error_to_foretell() -> None:
    x = np.random.default_rng(1).normal(size=(300, 2))
    fitted = regression.fit(Inputs(x, NONE), x[:, 0], x[:, 0], ("mae", "rmse"), "mae", seed=1)
    found = regression.estimate(fitted, x[:50], ("mae", "rmse"))
    assert [f.value for f in found] == [0.0, 0.0]
    assert sampling.errors("rmse", x[:, 0], x[:, 0]).sd == 0.0


def test_of_many_rows_some_are_learned_from(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shifts, "MOST_ROWS", 300)
    generator = np.random.default_rng(2)
    before, now = (Inputs(generator.normal(m, 1, (900, 2)), NONE) for m in (0.0, 1.0))
    found = shifts.shift(before, now, seed=1)
    assert found.weights.size == 900
    assert found.separable > 0.7


def test_rows_of_a_kind_that_hardly_came_before_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = np.random.default_rng(3)
    flags = np.array([True, False])
    levels = np.where(generator.random(1500) < 0.003, 1.0, 0.0)
    before = Inputs(np.column_stack([levels, generator.normal(size=1500)]), flags)
    now = Inputs(np.column_stack([np.ones(400), generator.normal(size=400)]), flags)
    found = support(before, now, seed=1)
    assert found.hidden is None or "hardly any like them" in found.hidden
    assert found.shift.extreme > 0.1


def several(rows: int, seed: int, mean: float = 0.0) -> tuple[multiclass.Rows, np.ndarray]:
    generator = np.random.default_rng(seed)
    z = generator.normal(mean, 1.0, (rows, 3)) * [1.0, 1.0, 0.2]
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    truth = np.minimum((generator.random(rows)[:, None] > np.cumsum(p, axis=1)).sum(axis=1), 2)
    found = multiclass.Rows(inputs=Inputs(z[:, :2], NONE), score=p, predicted=p.argmax(axis=1))
    return found, truth


def test_several_classes_shifted_are_weighted_and_strange_ones_hidden() -> None:
    fitted = multiclass.fit(*several(2000, 1), seed=1)
    window, truth = several(1500, 2, mean=0.5)
    told = multiclass.estimate(fitted, window, ("accuracy", "error", "log_loss"), seed=1)
    assert {f.method for f in told.figures} == {"pape"}
    right = (truth == window.predicted).mean()
    assert told.figures[0].value == pytest.approx(right, abs=0.05)
    assert told.figures[1].value == pytest.approx(1.0 - told.figures[0].value)
    assert multiclass.losses("error", told.p, window).mean() == pytest.approx(told.figures[1].value)
    strange, _ = several(300, 3, mean=9.0)
    hidden = multiclass.estimate(fitted, strange, ("accuracy",), seed=1)
    assert (hidden.figures[0].value, "beyond all" in hidden.figures[0].hidden) == (None, True)
    none, _ = several(0, 3)
    assert (
        multiclass.estimate(fitted, none, ("accuracy",), seed=1).figures[0].hidden
        == "there are no rows"
    )
    assert multiclass.calibration_error(fitted.maps, none, "accuracy") == 0.0


def test_infinite_inputs_part_two_sides_as_great_numbers_do() -> None:
    generator = np.random.default_rng(6)
    before, now = (generator.normal(size=(400, 2)) for _ in range(2))
    before[::8, 0], now[::2, 0] = -np.inf, np.inf
    held = [np.clip(side, -1e9, 1e9) for side in (before, now)]

    found, expected_ = (
        shifts.shift(Inputs(one, NONE), Inputs(two, NONE), seed=3)
        for one, two in ((before, now), held)
    )

    assert found.separable == expected_.separable > 0.7
    assert found.effective == expected_.effective
