"""What a trial's days prove: better, not better, worse, or nothing by the stop."""

import math

import numpy as np
import pytest

from controlplane.domain.states import TrialEvent
from controlplane.domain.trials import FEWEST_BLOCKS, Block, Progress, judge
from controlplane.lifecycle.gains import progress_of
from controlplane.lifecycle.trying import scale_from
from detectors.sequences import lower_bound
from tests.builders import a_block, a_progress, a_trial


def days(gains: list[float], champion: float = 1.0) -> tuple[Block, ...]:
    return tuple(a_block(n, champion, champion - gain) for n, gain in enumerate(gains))


def of_days(blocks: tuple[Block, ...], confidence: float = 0.95) -> Progress:
    return progress_of(a_trial(blocks=blocks, confidence=confidence))


def judged(low: float | None, high: float | None, closed: int = 14, **changes: object):
    found = judge(a_trial(series=(a_progress(low, high),), **changes), closed)
    return None if found is None else found[0]


@pytest.mark.parametrize(
    ("low", "high", "event"),
    [
        (0.001, 0.3, TrialEvent.PROVED_BETTER),
        (0.0, 0.3, None),
        (-0.3, 0.0, TrialEvent.PROVED_NOT_BETTER),
        (-0.3, 0.001, None),
        (-0.3, -0.05, TrialEvent.PROVED_NOT_BETTER),
        (-0.3, -0.0501, TrialEvent.PROVED_WORSE),
    ],
)
def test_the_bounds_decide_at_the_gain_and_at_minus_the_margin(low, high, event) -> None:
    assert judged(low, high) is event


def test_a_gain_that_is_asked_for_has_to_be_passed() -> None:
    assert judged(0.04, 0.3, gain=0.05) is None
    assert judged(0.051, 0.3, gain=0.05) is TrialEvent.PROVED_BETTER
    assert judged(-0.1, 0.05, gain=0.05) is TrialEvent.PROVED_NOT_BETTER


def test_the_margin_is_a_share_of_the_champions_loss_on_the_trials_rows() -> None:
    progress = a_progress(-3.0, -0.09, loss_champion=2.0)
    assert judge(a_trial(series=(progress,)), 14)[0] is TrialEvent.PROVED_NOT_BETTER
    progress = a_progress(-3.0, -0.11, loss_champion=2.0)
    assert judge(a_trial(series=(progress,)), 14)[0] is TrialEvent.PROVED_WORSE
    absolute = a_trial(series=(progress,), margin_share=None, margin_absolute=0.2)
    assert judge(absolute, 14)[0] is TrialEvent.PROVED_NOT_BETTER


def test_at_the_stop_what_is_undecided_is_inconclusive_and_what_is_proved_is_not() -> None:
    assert judged(-0.1, 0.2, closed=27) is None
    assert judged(-0.1, 0.2, closed=28) is TrialEvent.STOPPED
    assert judged(0.1, 0.2, closed=28) is TrialEvent.PROVED_BETTER
    assert judged(-0.1, 0.2, closed=14, stop_rows=336) is TrialEvent.STOPPED
    assert judged(-0.1, 0.2, closed=14, stop_rows=337) is None


def test_a_trial_without_any_labelled_row_ends_at_its_stop_too() -> None:
    assert judge(a_trial(), 27) is None
    assert judge(a_trial(), 28) == (
        TrialEvent.STOPPED, "28 days decided nothing about v2, 0 of them with labelled rows",
    )  # fmt: skip


@pytest.mark.parametrize("count", [1, 7, FEWEST_BLOCKS - 1])
def test_before_the_burn_in_nothing_is_proved_however_large_the_gain(count: int) -> None:
    progress = of_days(days([0.9] * count))
    assert (progress.low, progress.high) == (None, None)
    assert progress.difference == pytest.approx(0.9)
    assert judge(a_trial(series=(progress,)), count) is None


def test_the_burn_in_is_longer_than_a_week() -> None:
    assert FEWEST_BLOCKS >= 7


def test_the_bounds_are_the_one_sided_confidence_sequence_of_day_means() -> None:
    gains = np.random.default_rng(5).normal(0.05, 0.1, 20)
    progress = of_days(days(gains.tolist()))
    mean, sd = gains.mean(), gains.std(ddof=1)
    assert progress.blocks == 20
    assert progress.rows == 480
    assert progress.difference == pytest.approx(mean)
    assert progress.low == pytest.approx(
        lower_bound(mean, sd, 20, alpha=0.05, tightest_at=FEWEST_BLOCKS)
    )
    assert progress.high - mean == pytest.approx(mean - progress.low)
    assert (round(progress.low, 6), round(progress.high, 6)) == (-0.029014, 0.090268)


def test_the_bounds_follow_the_formula_of_the_published_boundary() -> None:
    """Written out once more, from the paper's closed form with its tuning."""
    progress = of_days(days([0.1, -0.1] * 8))
    n, sd, alpha = 16, np.std([0.1, -0.1] * 8, ddof=1), 0.05
    double = -2.0 * math.log(2.0 * alpha)
    spread = (double + math.log(1.0 + double)) / FEWEST_BLOCKS
    grown = n * spread + 1.0
    radius = sd * math.sqrt(
        2.0 * grown / (n**2 * spread) * math.log(1.0 + math.sqrt(grown) / (2.0 * alpha))
    )
    assert progress.high == pytest.approx(radius)
    assert progress.low == pytest.approx(-radius)


def test_days_weigh_the_same_whatever_their_rows() -> None:
    blocks = (a_block(0, 1.0, 0.0, rows=1), a_block(1, 1.0, 2.0, rows=1_000))
    assert of_days(blocks).difference == 0.0
    assert of_days(blocks).rows == 1_001


def test_equal_versions_are_not_better_and_more_confidence_is_wider() -> None:
    progress = of_days(days([0.0] * 14))
    assert judge(a_trial(series=(progress,)), 14)[0] is TrialEvent.PROVED_NOT_BETTER
    gains = [0.1, 0.0] * 10
    careful, usual = of_days(days(gains), 0.99), of_days(days(gains))
    assert careful.low < usual.low < usual.high < careful.high


def test_the_loss_scale_is_the_mean_and_the_highest_but_five_in_a_thousand() -> None:
    scale = scale_from(np.arange(1_001.0))
    assert (scale.reference_loss, scale.loss_cap, scale.rows) == (500.0, 995.0, 1_001)
    assert scale_from(np.array([])) is None


def test_a_loss_that_hardly_any_row_has_is_capped_at_the_greatest() -> None:
    rare = np.arange(1_000) < 4
    assert scale_from(rare.astype(float)).loss_cap == 1.0
    assert scale_from(rare * 7.0).loss_cap == 7.0
    assert scale_from(np.zeros(100)).loss_cap == 1.0
