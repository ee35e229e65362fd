"""Rows with all their columns in the budget: what no column shows alone, and that calm stays calm."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pytest
from scipy.signal import lfilter

from detectors import refmax
from detectors.binning import freeze, tally
from detectors.finding import Finding, Kind, Sample, Verdict
from detectors.laws import Calibration, Options
from detectors.tables import summed, together
from detectors.tables.summed import Frozen, Sums
from detectors.tables.table import Table

COLUMNS, ROWS, WINDOWS = 5, 200, 40
ALPHA = 0.5 / 30


def table(values: np.ndarray) -> Table:
    return Table(
        tuple(
            Sample(f"x{at}", Kind.NUMERIC, pa.chunked_array([np.ascontiguousarray(one)]))
            for at, one in enumerate(values.T)
        )
    )


def values(
    seed: int, windows: int, *, correlation: float = 0.5, memory: float = 0.0,
    columns: int = COLUMNS, rows: int = ROWS,
) -> np.ndarray:  # fmt: skip
    """Rows of columns that are standard normal whatever their correlation, shape (rows, columns)."""
    generator = np.random.default_rng(seed)
    noise = generator.normal(size=(windows * rows, columns))
    common = generator.normal(size=(windows * rows, 1))
    found = np.sqrt(1.0 - correlation) * noise + np.sqrt(correlation) * common
    return lfilter([np.sqrt(1.0 - memory**2)], [1.0, -memory], found, axis=0)


def cut(rows: np.ndarray, size: int = ROWS) -> list[Table]:
    return [table(rows[at : at + size]) for at in range(0, len(rows), size)]


class Model:
    """A reference of windows, what is frozen of it, and its calibration."""

    def __init__(self, rows: np.ndarray, groupings: dict[str, Sequence[int]] | None = None):
        self.windows, self.whole = cut(rows), table(rows)
        self.bins = [freeze(sample) for sample in self.whole.columns]
        self.frozen: Frozen = summed.made_of(self.whole, seed=0)
        inside = [True] * len(self.windows)
        sums = together.calibrating(self.frozen, self.whole, self.windows, inside)
        self.calibration: Calibration = refmax.calibrate(
            self.bins, [self.tallies(w) for w in self.windows], inside, family="drift",
            alpha=ALPHA, options=Options(
                joint=together.scores(self.frozen, sums, inside), groupings=groupings or {}
            ),
        )  # fmt: skip

    def tallies(self, window: Table) -> list:
        return [tally(b, s) for b, s in zip(self.bins, window.columns, strict=True)]

    def judge(self, window: Table, groups: dict[str, int] | None = None) -> list[Finding]:
        sums = summed.counted(self.frozen, window)
        return refmax.judge(
            self.calibration, self.bins, self.tallies(window), groups=groups or {},
            joint=together.scores(self.frozen, [sums], [False]),
        )  # fmt: skip

    def failed(self, window: Table) -> set[str]:
        return {f.column for f in self.judge(window) if f.verdict is Verdict.FAILED}


@pytest.fixture(scope="module", params=[0.0, 0.8], ids=["iid", "ar"])
def model(request: pytest.FixtureRequest) -> tuple[Model, float]:
    return Model(values(1, WINDOWS, memory=request.param)), request.param


def test_calm_windows_keep_the_budget(model: tuple[Model, float]) -> None:
    found, memory = model
    later = cut(values(2, 60, memory=memory))
    # At this level one alarm is expected in sixty windows.
    assert sum(bool(found.failed(window)) for window in later) <= 3


def test_a_correlation_that_changed_alone_is_seen_by_nothing_else(
    model: tuple[Model, float],
) -> None:
    found, memory = model
    sown = cut(values(3, 12, correlation=0.95, memory=memory))
    failed = [found.failed(window) for window in sown]
    assert sum(together.COLUMN in one for one in failed) >= 10
    assert sum(bool(one - {together.COLUMN}) for one in failed) <= 1


def test_columns_that_come_apart_have_an_effect_above_nought_and_the_others_below() -> None:
    found = Model(values(1, WINDOWS))
    effects = {}
    for correlation in (0.0, 0.9):
        [window] = cut(values(4, 1, correlation=correlation))
        [one] = [f for f in found.judge(window) if f.detector == "reconstruction"]
        assert one.verdict is Verdict.FAILED
        effects[correlation] = one.effect
    assert effects[0.0] > 0.1
    assert effects[0.9] < -0.1


def test_errors_of_calibration_windows_are_those_of_windows_to_come() -> None:
    """Many columns, few rows: components fit their own rows better than any others."""
    rows = values(5, 80, columns=30, rows=50)
    before, after = cut(rows[: 20 * 50], 50), cut(rows[20 * 50 :], 50)
    whole = table(rows[: 20 * 50])
    frozen = summed.made_of(whole, seed=0)

    def mean(sums: Sequence[Sums]) -> tuple[float, float]:
        level = together.scores(frozen, sums, [False] * len(sums))[1].values
        return float(level.mean()), float(level.std(ddof=1) / np.sqrt(level.size))

    to_come, error = mean([summed.counted(frozen, window) for window in after])
    own, _ = mean([summed.counted(frozen, window) for window in before])
    crossed, _ = mean(together.calibrating(frozen, whole, before, [True] * 20))
    assert own < to_come - 8.0 * error
    assert abs(crossed - to_come) < 4.0 * error


def test_a_window_of_the_reference_is_compared_with_the_rest() -> None:
    rows = values(6, 3)
    [first, *_], whole = cut(rows), summed.made_of(table(rows), seed=0)
    own = summed.counted(whole, first)
    rest = summed.as_reference(whole, summed.counted(whole, table(rows[ROWS:])))
    [inside, _] = together.scores(whole, [own], [True])
    [outside, _] = together.scores(rest, [own], [False])
    assert inside.values == pytest.approx(outside.values, rel=1e-6)
    assert inside.rows_reference.tolist() == outside.rows_reference.tolist() == [[2 * ROWS]]


def test_windows_add_up_from_their_steps() -> None:
    frozen = summed.made_of(table(values(1, 5)), seed=0)
    rows = values(7, 1)
    parts = summed.merge([summed.counted(frozen, table(rows[at])) for at in (
        slice(0, 70), slice(70, 71), slice(71, ROWS),
    )])  # fmt: skip
    for one, other in zip(
        together.scores(frozen, [parts], [False]),
        together.scores(frozen, [summed.counted(frozen, table(rows))], [False]),
        strict=True,
    ):
        assert one.values == pytest.approx(other.values, rel=1e-9)


def test_fewer_rows_are_noisier_and_no_alarm() -> None:
    found = Model(values(1, WINDOWS))
    assert sum(together.COLUMN in found.failed(w) for w in cut(values(8, 30, rows=40), 40)) <= 1


def test_one_column_has_nothing_between_columns() -> None:
    frozen = summed.made_of(table(values(1, 2, columns=1)), seed=0)
    sums = summed.counted(frozen, table(values(2, 1, columns=1)))
    assert together.scores(frozen, [sums], [False]) == []
    assert together.scores(summed.made_of(table(values(1, 2)), seed=0), [], []) == []


def test_fewer_than_thirty_rows_and_a_still_reference_have_no_scores() -> None:
    frozen = summed.made_of(table(values(1, 2)), seed=0)
    few = together.scores(frozen, [summed.counted(frozen, table(values(2, 1)[:29]))], [False])
    assert all(np.isnan(one.values).all() for one in few)
    still = np.ones((2 * ROWS, 3))
    frozen = summed.made_of(table(still), seed=0)
    [_, errors] = together.scores(frozen, [summed.counted(frozen, table(still[:50]))], [False])
    assert np.isnan(errors.values).all()


def test_what_was_not_calibrated_is_not_judged() -> None:
    found = Model(values(1, WINDOWS))
    found.calibration = refmax.calibrate(
        found.bins, [found.tallies(w) for w in found.windows], [True] * WINDOWS, family="drift",
        alpha=ALPHA,
    )  # fmt: skip
    [window] = cut(values(4, 1, correlation=0.0))
    assert {f.column for f in found.judge(window)} == {f"x{at}" for at in range(COLUMNS)}


def test_a_rhythm_of_correlations_is_taken_out() -> None:
    """Columns come apart in every other window: usual there, and no alarm."""
    by_turns = [(0.2, 0.8)[at % 2] for at in range(WINDOWS)]
    rows = np.concatenate([values(10 + at, 1, correlation=c) for at, c in enumerate(by_turns)])
    found = Model(rows, {"turn": [at % 2 for at in range(WINDOWS)]})
    kept = {s.detector: s.rhythm for s in found.calibration.scales if s.column == together.COLUMN}
    assert kept["reconstruction"] is not None
    [apart] = cut(values(90, 1, correlation=0.2))
    verdicts = {
        turn: f.verdict
        for turn in (0, 1)
        for f in found.judge(apart, {"turn": turn})
        if f.detector == "reconstruction"
    }
    assert verdicts == {0: Verdict.PASSED, 1: Verdict.FAILED}
