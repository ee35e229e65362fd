"""What three lines mean: everything that a model file need not say."""

from datetime import timedelta
from typing import Final

from controlplane.domain.policy import (
    Drift,
    Label,
    Monitors,
    Performance,
    Policy,
    Quality,
    Retrain,
    Stream,
    Trial,
    Trigger,
    TriggerKind,
)
from controlplane.domain.schema import Task
from controlplane.policy.metrics import Outputs

TRAINER: Final = "builtin"
"""The trainer that is always there."""
MONITORS: Final = ("drift", "quality", "performance", "stream")
"""What is watched where `monitors` names none of them."""
WORSE_BY: Final = 0.2
DRIFT_SHARE: Final = 0.3
DRIFT_WINDOWS: Final = 2
LABEL_DELAY: Final = timedelta(days=1)


def default_loss(outputs: Outputs) -> str:
    """What a trial compares unless the file says more; without scores, wrong answers.

    >>> default_loss(Outputs(Task.BINARY)), default_loss(Outputs(Task.MULTICLASS, scored=False))
    ('log_loss', 'error')
    """
    return outputs.losses[0]


def default_metric(outputs: Outputs) -> str:
    """What is followed unless the file says more; without scores, right answers.

    >>> default_metric(Outputs(Task.REGRESSION)), default_metric(Outputs(Task.BINARY))
    ('mae', 'log_loss')
    """
    return outputs.metrics[0]


def default_scores(task: Task) -> dict[str, str] | str:
    """The score column; a regression has none, and of more than two classes each is named."""
    return "score" if task is Task.BINARY else {}


def default_monitors(outputs: Outputs) -> Monitors:
    """Everything that needs no decision of the user."""
    return Monitors(
        drift=Drift(),
        quality=Quality(),
        performance=Performance(metric=default_metric(outputs)),
        stream=Stream(),
    )


def default_when(monitors: Monitors) -> tuple[Trigger, ...]:
    """A fifth worse than the reference, or 30% of the columns drifted two windows running.

    A trigger whose monitor is switched off is left out.
    """
    worse = Trigger(kind=TriggerKind.WORSE_BY, amount=WORSE_BY)
    drifted = Trigger(kind=TriggerKind.DRIFT, amount=DRIFT_SHARE, windows=DRIFT_WINDOWS)
    return (
        *((worse,) if monitors.performance else ()),
        *((drifted,) if monitors.drift else ()),
    )


def policy_of(model: str, task: Task, label: str) -> Policy:
    """The policy of a file of three lines."""
    scores = default_scores(task)
    outputs = Outputs(task, bool(scores) or task is Task.REGRESSION)
    monitors = default_monitors(outputs)
    return Policy(
        model=model,
        task=task,
        label=Label(column=label),
        trainer=TRAINER,
        scores=scores,
        monitors=monitors,
        retrain=Retrain(when=default_when(monitors)),
        trial=Trial(metric=default_loss(outputs)),
    )
