"""What a model file of the user's own says of the file of history, and what it leaves open."""

from collections.abc import Mapping
from pathlib import Path

import msgspec

from controlplane.cli.replay.asked import Asked
from controlplane.cli.replay.history import History
from controlplane.domain.errors import BadInput
from controlplane.domain.policy import Policy
from controlplane.domain.schema import Task
from controlplane.policy.writing import document


def read_text(path: Path) -> str:
    """The text of a model file; raises BadInput where it is none."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except (UnicodeDecodeError, OSError) as error:
        message = f"{path} is not readable as a model file: {error}"
        raise BadInput(message) from error


def with_file(told: Asked, policy: Policy) -> Asked:
    """What the command line says, and where it is silent the model file."""
    return msgspec.structs.replace(
        told,
        label=told.label or policy.label.column,
        task=told.task or str(policy.task),
        positive=told.positive or policy.label.positive,
        delay=policy.label.delay if told.delay is None else told.delay,
        declared=policy.features,
        outputs=frozenset({policy.prediction, *_score_columns(policy)}),
        time_zone=policy.time_zone if told.time_zone == "UTC" else told.time_zone,
        has_file=True,
    )


def with_positive(policy: Policy, history: History) -> Policy:
    """A binary model's policy with the class that the history found to be meant, where it names
    none: the server sees no label before it has to know."""
    if history.task is not Task.BINARY or policy.label.positive is not None:
        return policy
    label = msgspec.structs.replace(policy.label, positive=history.labels.positive)
    return msgspec.structs.replace(policy, label=label)


def as_text(policy: Policy) -> str:
    """A policy as the text of a model file."""
    return msgspec.json.format(msgspec.json.encode(document(policy)), indent=2).decode()


def wire_names(policy: Policy, history: History) -> Mapping[str, str]:
    """What predictions and scores are called in the rows that are logged."""
    names = {"prediction": policy.prediction}
    match history.task:
        case Task.REGRESSION:
            return names
        case Task.BINARY:
            score = _score_columns(policy)
            return names | {f"score:{history.labels.positive}": next(iter(score), "score")}
        case Task.MULTICLASS:
            prefix = policy.scores if isinstance(policy.scores, str) else "score"
            called = policy.scores if isinstance(policy.scores, dict) else {}
            return names | {
                f"score:{name}": called.get(name, f"{prefix}_{name}")
                for name in history.labels.classes
            }


def _score_columns(policy: Policy) -> list[str]:
    return [policy.scores] if isinstance(policy.scores, str) else list(policy.scores.values())
