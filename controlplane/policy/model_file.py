"""A model file to a checked policy: `parse` reads all of it and tells all that is wrong at once.

Each section has a module of its own; what needs two sections is checked where the later one is read.
"""

import re
from collections.abc import Set as AbstractSet
from typing import Final

import msgspec

from controlplane.domain.errors import BadName, ModelFileErrors
from controlplane.domain.names import model_name
from controlplane.domain.policy import Policy
from controlplane.domain.schema import Task
from controlplane.policy.alerts import read_alerts
from controlplane.policy.columns import (
    check_apart,
    column,
    read_features,
    read_label,
    read_scores,
    read_segments,
)
from controlplane.policy.defaults import TRAINER
from controlplane.policy.faults import Faults, Wrong, one_of
from controlplane.policy.fields import boolean, choice, known_name, text
from controlplane.policy.metrics import Outputs
from controlplane.policy.monitors import read_monitors
from controlplane.policy.retrain import read_retrain
from controlplane.policy.section import Section, is_empty
from controlplane.policy.timing import (
    read_false_alarms,
    read_reference,
    read_windows,
    time_zone,
)
from controlplane.policy.tree import Node, Place
from controlplane.policy.trial import read_guard, read_promote, read_trial
from controlplane.policy.yaml import load

KEYS: Final = (
    "model", "task", "trainer", "features", "prediction", "score", "label", "segments", "time_zone",
    "windows", "reference", "false_alarms", "monitors", "retrain", "trial", "promote", "guard",
    "alerts", "dry_run",
)  # fmt: skip
"""Every key of the top, in the order in which a file is best read."""


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """The names that the server's own file defines, and what is installed beside it.

    None: not known here, so not checked.
    """

    trainers: frozenset[str] | None = None
    receivers: frozenset[str] | None = None
    detectors: frozenset[str] | None = None


UNCHECKED: Final = Known()
_MODEL: Final = "a name of 1 to 63 lower-case letters, digits, '.', '_' and '-'"
_TASK: Final = one_of(Task)


def parse(data: str | bytes, *, source: str, known: Known = UNCHECKED) -> Policy:
    """The policy of a model file, in YAML or JSON; `source` is what errors call the file.

    Raises ModelFileErrors with everything that is wrong, each with line and column.
    """
    faults = Faults()
    root = load(data, faults=faults)
    if root is None or is_empty(root):
        if not faults:
            faults.add(
                Place(1, 1), "", "the file is empty; expected at least model, task and label"
            )
        faults.raise_if_any(source, ModelFileErrors)
    policy = _policy(Section.of(root, "", faults=faults), known)
    faults.raise_if_any(source, ModelFileErrors)
    return policy


def _policy(top: Section, known: Known) -> Policy:
    for key in KEYS:
        top.node(key)
    model = top.need("model", _model, expected=_MODEL)
    named = top.need("task", choice(*Task), expected=_TASK)
    task = Task(named) if named else None
    features = read_features(top)
    label = read_label(top, task)
    scores = read_scores(top, task)
    zone = top.read("time_zone", time_zone, default="UTC")
    windows = read_windows(top)
    scored = bool(scores) or top.has("score") or task is not Task.MULTICLASS
    outputs = Outputs(task, scored)
    monitors = read_monitors(top, outputs, features, known.detectors)
    trial = read_trial(top, outputs)
    prediction = top.read("prediction", column, default="prediction")
    score_columns = [scores] if isinstance(scores, str) else list(scores.values())
    used = [("label", label.column), ("prediction", prediction)]
    check_apart(top, [*used, *(("score", name) for name in score_columns)])
    policy = Policy(
        model=model or "",
        task=task or Task.REGRESSION,
        label=label,
        trainer=_trainer(top, known.trainers),
        features=features,
        prediction=prediction,
        scores=scores,
        segments=read_segments(top, features),
        time_zone=zone,
        windows=windows,
        reference=read_reference(top, zone, windows),
        false_alarms=read_false_alarms(top),
        monitors=monitors,
        retrain=read_retrain(top, monitors),
        trial=trial,
        promote=read_promote(top),
        guard=read_guard(top, trial),
        alerts=read_alerts(top, known.receivers),
        dry_run=top.read("dry_run", boolean, default=False),
    )
    top.close()
    return policy


def _model(node: Node) -> str:
    found = text(_MODEL)(node)
    try:
        return model_name(found)
    except BadName:
        meant = re.sub(r"[^a-z0-9._-]+", "-", found.lower()).strip("._-")[:63]
        raise Wrong(_MODEL, meant or None) from None


def _trainer(top: Section, trainers: AbstractSet[str] | None) -> str | None:
    reader = text("the name of a trainer, builtin or none")
    if trainers is not None:
        reader = known_name({*trainers, TRAINER, "none"}, "a trainer of leeboard.yaml")
    found = top.read("trainer", reader, default=TRAINER)
    return None if found == "none" else found
