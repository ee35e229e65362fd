"""Whether a champion performs worse than it may: conditions on realised performance."""

from collections.abc import Mapping
from typing import Final

from controlplane.domain.holding import Condition, Facts, cite, figure, untold
from controlplane.domain.policy import Policy, Trigger
from controlplane.domain.windows import FEWEST_DAYS, Realised, Score
from detectors.finding import Interval

HIGHER_IS_BETTER: Final = frozenset(
    {"r2", "explained_variance", "d2_absolute", "pearson", "spearman", "brier_skill", "accuracy",
     "balanced_accuracy", "precision", "recall", "specificity", "npv", "f1", "f_half", "f2",
     "jaccard", "mcc", "kappa", "roc_auc", "gini", "average_precision", "ks", "precision_top_10",
     "recall_top_10", "lift_top_10", "f1_macro", "f1_weighted", "f1_micro", "precision_macro",
     "precision_weighted", "recall_macro", "recall_weighted", "jaccard_macro", "roc_auc_weighted",
     "top_2_accuracy", "top_3_accuracy", "top_5_accuracy"}
)  # fmt: skip


def worse_by(policy: Policy, trigger: Trigger, facts: Facts) -> Condition:
    champion = facts.champion
    assert champion is not None
    metric = policy.trial.metric
    score, found = _performance(facts, metric)
    if score is None or found is None:
        return untold("performance", f"no window with labels of {champion.version} is closed yet")
    if champion.scale is None:
        return untold("performance", f"{champion.version} has no reference loss to compare with")
    reference = champion.scale.reference_loss
    limit = reference * (1.0 + trigger.amount)
    interval = as_loss(metric, found.interval)
    says = (
        f"{metric} {figure(found.value)} {_bounds(found.interval)} on {_rows(score, found)}; "
        f"{champion.version}'s reference loss {figure(reference)}, allowed {figure(limit)}"
    )
    figures = {"reference_loss": reference, "limit": limit}
    holds = None if interval is None else interval.low > limit
    return _performing(score, found, says=says, holds=holds, figures=figures)


def worse_than(policy: Policy, trigger: Trigger, facts: Facts) -> Condition:
    champion, monitor = facts.champion, policy.monitors.performance
    assert champion is not None
    metric = policy.trial.metric if monitor is None else monitor.metric
    score, found = _performance(facts, metric)
    if score is None or found is None:
        return untold("performance", f"no window with labels of {champion.version} is closed yet")
    says = (
        f"{metric} {figure(found.value)} {_bounds(found.interval)} on {_rows(score, found)}; "
        f"the limit is {figure(trigger.amount)}"
    )
    holds: bool | None = None
    if found.interval is not None and metric in HIGHER_IS_BETTER:
        holds = found.interval.high < trigger.amount
    elif found.interval is not None:
        holds = found.interval.low > trigger.amount
    return _performing(score, found, says=says, holds=holds, figures={"limit": trigger.amount})


def _performance(facts: Facts, metric: str) -> tuple[Score | None, Realised | None]:
    """The champion's figure in the newest window whose labels are closed; of short windows that
    of the week up to its end."""
    assert facts.champion is not None
    for score in reversed(facts.scores):
        if score.revision != 1:
            continue
        is_short = score.end - score.start < FEWEST_DAYS
        for found in score.recent if is_short else score.realised:
            if (found.version, found.metric) == (facts.champion.version, metric):
                return score, found
    return None, None


def _performing(
    score: Score, found: Realised, *, says: str, holds: bool | None,
    figures: Mapping[str, float | None],
) -> Condition:  # fmt: skip
    low, high = (found.interval.low, found.interval.high) if found.interval else (None, None)
    facts = {"value": found.value, "low": low, "high": high, "rows": float(found.rows), **figures}
    return Condition(
        name="performance", holds=holds, window=score.window, says=says,
        evidence=(cite(score, says, facts),),
    )  # fmt: skip


def as_loss(metric: str, interval: Interval | None) -> Interval | None:
    """An interval in the units of the mean loss: `rmse` is the root of a mean squared error."""
    if interval is None or metric != "rmse":
        return interval
    return Interval(max(interval.low, 0.0) ** 2, interval.high**2, interval.level)


def _bounds(interval: Interval | None) -> str:
    return "without interval" if interval is None else f"[{interval.low:.4g}, {interval.high:.4g}]"


def _rows(score: Score, found: Realised) -> str:
    days = f" of the week to {score.end:%Y-%m-%d}" if found in score.recent else ""
    return f"{found.rows} rows{days}"
