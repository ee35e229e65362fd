"""The first model file of a data set: what must be said, and every default as a comment."""

from typing import Final

from controlplane.domain.schema import Schema, Task
from controlplane.policy.defaults import default_loss, default_metric
from controlplane.policy.metrics import Outputs
from controlplane.policy.writing import quoted

_REST: Final = """\
# time_zone: UTC                    # for windows, day blocks and schedules

# windows: {{every: 7d, lateness: 6h}}  # left out: the shortest of 1h, 1d, 7d, 28d, 91d that the data fill
# reference: training               # or {{from: 2024-01-01, to: 2024-03-01}}
# false_alarms: 1 per 90d           # the budget that every monitor of this model shares

# monitors:                         # naming one of the first four switches the others off
#   drift: {{columns: all, minimum_effect: small}}    # small, medium, large, none
#   quality: {{}}
#   performance: {{metric: {metric}, estimate: true}}   # {metrics}
#   stream: {{detector: auto, on: error}}

# retrain:
#   when:                           # any one of them
#     - performance: {{worse_by: 20%}}
#     - drift: {{share: 0.3, for: 2 windows}}
#   cooldown: 14d                   # left out: two windows, at least 7d
#   at_most: 4 per 90d
#   data: {{last: 90d}}               # left out: as long as the first training span
#   approval: none                  # or required

# trial:
#   metric: {loss}                  # {losses}
#   margin: 5%                      # of the champion's loss
#   hold_out: 14d
#   confidence: 0.95
#   stop: {{age: 28d}}
# promote: {{when: better, approval: none}}     # or not_worse; or required
# guard: {{for: 14d, margin: 5%, then: rollback}}

# alerts:                           # receivers are named in the server's leeboard.yaml
#   - {{to: ops, from: warning}}
"""


def starter(model: str, schema: Schema, *, label: str) -> str:
    """The text of a model file for rows of this schema whose truth stands in column `label`.

    What is not commented out is what data showed; every comment with a key in it is a default or,
    where the line says so, an example, and may be uncommented as it stands.
    """
    scored = bool(schema.scores) or schema.task is not Task.MULTICLASS
    outputs = Outputs(schema.task, scored)
    rest = _REST.format(
        loss=default_loss(outputs),
        metric=default_metric(outputs),
        metrics=", ".join(outputs.metrics),
        losses=", ".join(outputs.losses),
    )
    return "\n".join([*_head(model, schema, label), rest])


def _head(model: str, schema: Schema, label: str) -> list[str]:
    features = [f"  {quoted(column.name)}: {column.kind}" for column in schema.features]
    return [
        f"# What is watched of {model}, and what may be done about it.",
        f"model: {quoted(model)}",
        f"task: {schema.task}",
        _label(schema, label),
        "# trainer: builtin                # or one of the server's leeboard.yaml; none: only watch",
        *(["features:", *features] if features else []),
        f"prediction: {quoted(schema.prediction)}",
        *_scores(schema),
        "",
    ]


def _label(schema: Schema, label: str) -> str:
    column = quoted(label)
    if schema.positive is None:
        return f"label: {{column: {column}, delay: 1d}}"
    return f"label: {{column: {column}, positive: {quoted(schema.positive)}, delay: 1d}}"


def _scores(schema: Schema) -> list[str]:
    if schema.task is Task.REGRESSION or not schema.scores:
        return []
    if schema.task is Task.BINARY:
        return [f"score: {quoted(next(iter(schema.scores.values())))}"]
    return ["score:", *(f"  {quoted(k)}: {quoted(v)}" for k, v in schema.scores.items())]
