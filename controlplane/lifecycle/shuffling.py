"""The rows on which a version is asked how much it depends on its features, and what it says.

A bounded sample of a window's rows stands once as it is and once for each feature and repeat with
that feature shuffled; all of it is one table, so that the version is started once.
"""

from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from controlplane.domain.importances import ANSWERS, LOSS
from controlplane.domain.names import seed_of
from controlplane.domain.policy import Policy
from controlplane.domain.schema import Schema, Task
from controlplane.domain.windows import Score, Window
from controlplane.store.counted_rows import own_rows
from controlplane.store.ports import Known, Snapshot
from detectors.attribution import permuted
from detectors.attribution.moved import moved
from detectors.attribution.permuted import Reliance
from detectors.performance import losses
from detectors.reading import Floats

MOST_ROWS: Final = 1_000
FEWEST: Final = 50
"""Rows, below which a version is not asked."""
MOST_REPEATS: Final = 5
MOST_FEATURES: Final = 100
"""Features that are shuffled; of more those that moved most in the window."""
MOST_CELLS: Final = 20_000_000
"""Values that the version is given, all copies together: some 160 MB of numbers."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What a version is asked: `repeats` copies of `rows` rows for each of `features`."""

    features: tuple[str, ...]
    rows: int
    repeats: int
    metric: str
    rests_on: str

    @property
    def copies(self) -> int:
        """How often the rows stand in the table, as they are and shuffled."""
        return 1 + len(self.features) * self.repeats


def sample_of(view: Snapshot, window: Window, schema: Schema, score: Score) -> pa.Table:
    """The window's rows with their features, by (at, id), as known when it was scored: those with a
    label where there are enough of them, with the column `label`; else those that were served."""
    known = Known(start=window.start, end=window.end, by=score.scored_at)
    features = [column.name for column in schema.features]
    (rows,) = own_rows(view, window, view.events.labelled(window.model, features, known))
    if rows.num_rows >= FEWEST:
        return rows.filter(pc.is_valid(rows["label"])).select(["at", *features, "label"])
    (rows,) = own_rows(view, window, view.events.rows(window.model, features, known))
    return rows.filter(pc.is_valid(rows["prediction"])).select(["at", *features])


def plan_of(rows: pa.Table, schema: Schema, policy: Policy, score: Score) -> Plan:
    """How many of the rows a version is asked about, how often, and which features."""
    features = [column.name for column in schema.features]
    if len(features) > MOST_FEATURES:
        findings = [f for f in score.findings if f.column in features]
        order = [row.column for row in moved(findings, None)]
        features = list(dict.fromkeys([*order, *features]))[:MOST_FEATURES]
    lines = MOST_CELLS // max(len(schema.features), 1)
    count = min(rows.num_rows, MOST_ROWS, max(lines // (len(features) + 1), FEWEST))
    repeats = (lines // count - 1) // max(len(features), 1)
    return Plan(
        features=tuple(features), rows=count, repeats=min(max(repeats, 1), MOST_REPEATS),
        metric=policy.trial.metric, rests_on=LOSS if "label" in rows.column_names else ANSWERS,
    )  # fmt: skip


def thinned(rows: pa.Table, plan: Plan) -> pa.Table:
    """As many rows as are planned, evenly over time."""
    places = np.linspace(0, rows.num_rows - 1, plan.rows).round().astype(np.int64)
    return rows.take(pa.array(places)).combine_chunks()


def shuffled(rows: pa.Table, plan: Plan, name: str) -> pa.Table:
    """The rows and their copies, `id` counting through; `name` is what the orders belong to."""
    given = rows.drop_columns([name for name in ("label",) if name in rows.column_names])
    orders = permuted.orders(plan.rows, plan.copies - 1, seed_of(f"importance {name}"))
    copies = [given]
    for copy, order in enumerate(orders):
        feature = plan.features[copy // plan.repeats]
        place = given.schema.get_field_index(feature)
        copies.append(given.set_column(place, feature, given[feature].take(pa.array(order))))
    ids = pa.array(np.arange(plan.copies * plan.rows)).cast(pa.string())
    return pa.concat_tables(copies).add_column(0, "id", ids)


def reliances(
    plan: Plan, schema: Schema, labels: pa.ChunkedArray | None, scored: pa.Table
) -> dict[str, Reliance]:
    """How much the version depends on each feature. `scored` is its answer, a line an id, in any
    order; `labels` are those of the sample, None where the plan rests on answers."""
    order = np.argsort(scored["id"].cast(pa.int64()).to_numpy())
    scored = scored.take(pa.array(order))
    if plan.rests_on == LOSS:
        assert labels is not None
        truth = pa.chunked_array([chunk for _ in range(plan.copies) for chunk in labels.chunks])
        scores = {label: scored[f"score:{label}"] for label in _scored_classes(schema, scored)}
        each = losses(str(schema.task), plan.metric, truth, scored["prediction"], scores)
        by_copy = each.reshape(plan.copies, plan.rows)
        return {
            feature: permuted.by_loss(by_copy[0], part)
            for feature, part in zip(plan.features, _parts(plan, by_copy), strict=True)
        }
    answers = _answers(schema, scored).reshape(plan.copies, plan.rows, -1)
    return {
        feature: permuted.by_answers(answers[0], part)
        for feature, part in zip(plan.features, _parts(plan, answers), strict=True)
    }


def _parts(plan: Plan, by_copy: Floats) -> Sequence[Floats]:
    return [
        by_copy[1 + at * plan.repeats : 1 + (at + 1) * plan.repeats]
        for at in range(len(plan.features))
    ]


def _scored_classes(schema: Schema, scored: pa.Table) -> list[str]:
    """The classes that the version gave a score of."""
    return [label for label in schema.scores if not scored[f"score:{label}"].null_count]


def _answers(schema: Schema, scored: pa.Table) -> Floats:
    """The answers as numbers, shape (lines, outputs): the number, the scores, or which class."""
    if schema.task is Task.REGRESSION:
        return np.asarray(scored["prediction"].to_numpy(), dtype=np.float64)[:, None]
    classes = _scored_classes(schema, scored)
    if classes:
        return np.column_stack([scored[f"score:{label}"].to_numpy() for label in classes])
    coded = scored["prediction"].combine_chunks().dictionary_encode()
    found: Floats = np.eye(len(coded.dictionary))[coded.indices.to_numpy()]
    return found
