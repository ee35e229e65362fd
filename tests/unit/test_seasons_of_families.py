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
