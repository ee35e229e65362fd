"""How much each column matters to a version: as the version said when it was asked, else as the
predictions that were logged show."""

from collections.abc import Mapping
from typing import Final

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from controlplane.domain.importances import LOSS, Importance, importance_id
from controlplane.domain.schema import Task
from controlplane.domain.states import ImportanceState
from controlplane.domain.versions import Version
from controlplane.domain.windows import Score, Window
from controlplane.monitor.dates import compared, dated_from
from controlplane.monitor.earlier import FEWEST
from controlplane.monitor.rows import scores_of
from controlplane.monitor.scope import Scope
from controlplane.store.ports import Snapshot
from detectors import reading, slicing
from detectors.attribution import moved
from detectors.binning import freeze
from detectors.reading import Floats

PARTS: Final = 10
LOGGED: Final = "logged"


class Weights(msgspec.Struct, frozen=True, kw_only=True):
    """The importance of columns on any scale, what it rests on, and what is to be said of it.

    `values` is None where it is not known; `state` says how far the version was asked."""

    values: Mapping[str, float] | None
    rests_on: str | None
    state: str | None
    says: tuple[str, ...]


def weighed(view: Snapshot, scope: Scope, window: Window, score: Score, now: pa.Table) -> Weights:
    """What the version said of a window; else what its logged predictions show, with the reason."""
    name = score.champion or ""
    asked = view.ledger.get(Importance, importance_id(window.id, name))
    if asked is not None and asked.state is ImportanceState.MADE and any(asked.values.values()):
        return _as_asked(scope, asked)
    values = _logged(scope, now)
    state = None if asked is None else str(asked.state)
    if values is None:
        said = "importance is not known: the logged predictions do not vary, or are too few"
    else:
        said = (
            "importance is the share of the variance of the logged predictions that a column "
            "explains by itself; it orders the columns and tests nothing"
        )
    return Weights(
        values=values, rests_on=None if values is None else LOGGED, state=state,
        says=(said, *_why_not(view, scope, name, asked)),
    )  # fmt: skip


def _as_asked(scope: Scope, asked: Importance) -> Weights:
    dated = dated_from(scope.schema)
    both = {name: asked.values[of] for name, of in dated.items() if of in asked.values}
    times = "once" if asked.repeats == 1 else f"{asked.repeats} times"
    asking = f"{asked.rows} rows, {times}, and {asked.version} is asked again"
    if asked.rests_on == LOSS:
        said = (
            f"importance is by how much {asked.metric} changes when a column's values are shuffled "
            f"among {asking}; it orders the columns and tests nothing"
        )
    else:
        said = (
            f"importance is how far the answers move when a column's values are shuffled among "
            f"{asking}, as no label was known; it orders the columns and tests nothing"
        )
    return Weights(
        values={**asked.values, **both}, rests_on=asked.rests_on, state=str(asked.state),
        says=(said,),
    )  # fmt: skip


def _why_not(
    view: Snapshot, scope: Scope, name: str, asked: Importance | None
) -> tuple[str, ...]:  # fmt: skip
    """Why the version did not say it itself, and how it can."""
    if asked is not None and asked.state is ImportanceState.ASKED:
        return (f"{name} is being asked how much it depends on each column",)
    if asked is not None and asked.state is ImportanceState.FAILED:
        return (f"{name} was asked how much it depends on each column and could not say: {asked.reason}",)  # fmt: skip
    if asked is not None:
        return (f"{name} was asked how much it depends on each column: on none of them",)
    if name and view.ledger.get(Version, f"{scope.name}/{name}") is None:
        return (
            f"{name} is not registered here, so it cannot be asked how much it depends on them",
        )
    return (f"`leeboard causes WINDOW --importance` asks {name} itself",) if name else ()


def _logged(scope: Scope, rows: pa.Table) -> dict[str, float] | None:
    answers = _answers(scope, rows)
    known = np.isfinite(answers)
    if np.count_nonzero(known) < FEWEST:
        return None
    columns = compared(scope, rows.filter(pa.array(known)))
    cuts = [
        cut for sample in columns.values()
        if (cut := slicing.scale(freeze(sample), parts=PARTS)) is not None
    ]  # fmt: skip
    codes = [slicing.codes(cut, columns[cut.column].values) for cut in cuts]
    effects = moved.main_effects(codes, answers[known])
    found = {cut.column: effect for cut, effect in zip(cuts, effects, strict=True)}
    return found if any(found.values()) else None


def _answers(scope: Scope, rows: pa.Table) -> Floats:
    """What was predicted as a number: the prediction, a score, or whether it is the commonest."""
    if scope.schema.task is Task.REGRESSION:
        return reading.numbers(rows["prediction"])
    for column in scores_of(scope.schema, rows).values():
        if column.null_count < len(column):
            return reading.numbers(column)
    counts = pc.value_counts(rows["prediction"].drop_null()).sort(order="descending", by="counts")
    if not len(counts):
        return np.full(rows.num_rows, np.nan)
    return reading.numbers(pc.equal(rows["prediction"], counts[0]["values"]))
