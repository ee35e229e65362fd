"""Every family of monitors is compared with its season: features, predictions, rows, missing values."""

from datetime import timedelta

import numpy as np
import pyarrow as pa
import pytest

from controlplane.domain.policy import Windows
from controlplane.domain.windows import calendar_of
from controlplane.monitor.material import Part
from controlplane.monitor.scope import Scope
from controlplane.monitor.season import HOUR as BY_HOUR
from controlplane.monitor.yardstick import Counted, Yardstick, calibrated
from detectors.refmax import Options, calibrate_rates, judge_rates
from tests.columns import frozen, numeric
from tests.watched import DAY, HOUR, SCHEMA, SERVED, a_model, a_policy

DAYS, LONG = 16, 4 * HOUR
HOURS = np.arange(6 * DAYS) % 6
SWING = 0.6 * np.sin(HOURS / 6 * 2 * np.pi)


def hourly(model_every: timedelta = LONG) -> Scope:
    policy, model = a_policy(windows=Windows(every=model_every)), a_model()
    return Scope(
        model=model, policy=policy, schema=SCHEMA, calendar=calendar_of(model, policy), reigns=(),
        instant=SERVED + 40 * DAY,
    )  # fmt: skip


def parts(rows: np.ndarray) -> tuple[Part, ...]:
    starts = [SERVED + k * LONG for k in range(rows.size)]
    return tuple(
        Part(
            rows=pa.table({"at": pa.repeat(pa.scalar(start, pa.timestamp("us", "UTC")), int(n))}),
            inside=True, unlabelled=None,
        )
        for start, n in zip(starts, rows.tolist(), strict=True)
    )  # fmt: skip


@pytest.fixture(scope="module")
def yardstick() -> Yardstick:
    generator = np.random.default_rng(5)
    steady, swinging = np.zeros(HOURS.size), SWING
    columns = [[numeric(generator.normal(m, 1.0, 60), "wind")] for m in steady]
    answers = [[numeric(generator.normal(m, 1.0, 60), "prediction")] for m in swinging]
    bins, tallies = frozen(columns)
    answer_bins, answer_tallies = frozen(answers)
    held = parts(np.full(HOURS.size, 60))
    return calibrated(
        hourly(),
        Counted(
            bins=bins, windows=tallies, parts=held, answers=answer_bins,
            answer_windows=answer_tallies, answer_firsts=[part.first for part in held],
        ),
        "made",
    )  # fmt: skip


def test_predictions_are_compared_with_their_hour_where_that_explains_them(yardstick) -> None:
    assert yardstick.drift.mode == "pooled"
    assert yardstick.answer_drift.mode == "matched"
    assert yardstick.answer_drift.season.name == BY_HOUR


def test_rows_and_missing_shares_are_held_against_their_own_hour_where_that_explains_them() -> None:
    generator = np.random.default_rng(6)
    night = HOURS < 2
    volume = generator.poisson(np.where(night, 60, 600))
    share = generator.binomial(volume, np.where(night, 0.4, 0.05)) / volume
    steady = generator.binomial(volume, 0.1) / volume
    names = ("volume", "missing:x", "missing:y")
    windows = np.column_stack([volume, share, steady])
    groups = {BY_HOUR: tuple(HOURS.tolist())}
    options = Options(groupings=groups)
    found = calibrate_rates(
        names, windows, family="quality", alpha=0.01, rows=volume, options=options
    )
    assert found.mode == "matched"
    assert [scale.rhythm is not None for scale in found.scales] == [True, True, False]

    def failing(hour: int, *values: float, rows: int) -> set[str]:
        judged = judge_rates(found, np.array(values), rows, names=names, groups={BY_HOUR: hour})
        return {f.column if f.column != "*" else "rows" for f in judged if f.verdict == "failed"}

    assert failing(0, 60, 0.4, 0.1, rows=60) == failing(4, 600, 0.05, 0.1, rows=600) == set()
    assert failing(4, 250, 0.05, 0.1, rows=250) == {"rows"}
    assert failing(4, 600, 0.2, 0.1, rows=600) == {"x"}
    pooled = calibrate_rates(names, windows, family="quality", alpha=0.01, rows=volume)
    assert not [
        f for f in judge_rates(pooled, np.array([250, 0.2, 0.1]), 250, names=names)
        if f.verdict == "failed"
    ]  # fmt: skip
    [rows, x, y] = judge_rates(
        found, np.array([250, 0.2, 0.1]), 250, names=names, groups={BY_HOUR: 77}
    )
    assert (rows.reason, x.reason, y.verdict) == ("uncalibrated", "uncalibrated", "passed")
    low = judge_rates(found, np.array([300, 0.05, 0.1]), 300, names=names, groups={BY_HOUR: 4})[0]
    assert low.effect == pytest.approx(-0.5, abs=0.02)


def test_a_season_keeps_the_budget_of_rates_and_noise_has_none() -> None:
    alarms, rhythms = 0, 0
    for seed in range(3):
        generator = np.random.default_rng(seed)
        hours = np.arange(6 * 40) % 6
        usual = generator.poisson(np.where(hours < 2, 80, 500))
        share = generator.binomial(usual, np.where(hours < 2, 0.3, 0.1)) / usual
        flat = generator.binomial(usual, 0.2) / usual
        known = slice(0, 6 * 20)
        found = calibrate_rates(
            ("volume", "missing:x", "missing:y"), np.column_stack([usual, share, flat])[known],
            family="quality", alpha=0.01, rows=usual[known],
            options=Options(groupings={BY_HOUR: hours[known].tolist()}),
        )  # fmt: skip
        rhythms += sum(scale.rhythm is not None for scale in found.scales)
        alarms += sum(
            any(f.verdict == "failed" for f in judge_rates(
                found, np.array([usual[at], share[at], flat[at]]), int(usual[at]),
                groups={BY_HOUR: int(hours[at])},
            ))
            for at in range(6 * 20, 6 * 40)
        )  # fmt: skip
    assert rhythms == 6
    assert alarms / (3 * 120) <= 0.02


def test_the_rows_and_missing_values_of_a_model_have_their_hours_too(yardstick) -> None:
    generator = np.random.default_rng(7)
    held = parts(np.where(HOURS < 2, 40, 400))
    columns = [[numeric(generator.normal(0.0, 1.0, part.rows.num_rows), "wind")] for part in held]
    bins, tallies = frozen(columns)
    made = calibrated(hourly(), Counted(bins=bins, windows=tallies, parts=held), "made")
    assert (made.rates.inputs.mode, made.rates.inputs.scales[0].rhythm.season) == (
        "matched",
        BY_HOUR,
    )
    assert yardstick.rates.inputs.mode == "pooled"
