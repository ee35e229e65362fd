"""Why a window is as it is, from its findings and rows and from rows of before; asked on demand.

Nothing is stored. At most 20,000 rows of each side are read off evenly, so that the cost is
bounded: a second or two for a model of some fifty features.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
import numpy as np
import pyarrow as pa

from controlplane.domain.models import Model
from controlplane.domain.names import seed_of
from controlplane.domain.schema import Task
from controlplane.domain.windows import Score, Window
from controlplane.monitor.asked import scope_of
from controlplane.monitor.dates import compared, dated_from
from controlplane.monitor.earlier import FEWEST, labelled_now, rows_before, served_now
from controlplane.monitor.performance import losses_of
from controlplane.monitor.rows import scores_of
from controlplane.monitor.scope import Scope
from controlplane.monitor.weights import PARTS, weighed
from controlplane.store.ports import Snapshot
from detectors import reading, slicing
from detectors.attribution import credit, moved, slices
from detectors.attribution.credit import Credit
from detectors.attribution.moved import Moved
from detectors.attribution.slices import Side, Slice
from detectors.binning import freeze
from detectors.estimation.shift import Inputs
from detectors.finding import Kind, Sample
from detectors.reading import Floats

NO_LABELS: Final = "no label of this window is known"


class Cause(msgspec.Struct, frozen=True, kw_only=True):
    """A slice by name, with its figures."""

    name: str
    slice: Slice


class Causes(msgspec.Struct, frozen=True, kw_only=True):
    """What was found of a window; `expected` says that the losses are those that the scores
    themselves foretell. `loss` is None where it could not be compared; the notes say why."""

    window: Window
    version: str | None
    metric: str
    expected: bool = False
    rows: int = 0
    rows_reference: int = 0
    loss: float | None = None
    loss_reference: float | None = None
    moved: tuple[Moved, ...] = ()
    slices: tuple[Cause, ...] = ()
    credit: Credit | None = None
    importance_rests_on: str | None = None
    importance_state: str | None = None
    notes: tuple[str, ...] = ()


class Compared(msgspec.Struct, frozen=True):
    """Rows of before and of the window, with their losses; `cuts` are how columns are cut."""

    before: Mapping[str, Sample]
    now: Mapping[str, Sample]
    losses: tuple[Floats, Floats]
    cuts: Sequence[slicing.Scale]


def causes(view: Snapshot, model: Model, window: Window, score: Score) -> Causes:
    """What moved in a scored window, where it hurts, and whether inputs or answers did it."""
    scope = scope_of(view, model, score)
    notes: list[str] = []
    now = labelled_now(view, scope, window)
    expected = now.num_rows == 0
    if expected:
        notes.append(f"{NO_LABELS}; losses are those that the scores themselves foretell")
        now = served_now(view, scope, window)
    before, told = rows_before(view, scope, window, score, labelled=not expected)
    notes += [told] if told else []
    both = _compared(scope, before, now, expected=expected)
    if isinstance(both, str):
        notes.append(both)
    weights = weighed(view, scope, window, score, now)
    columns = _moved(scope, score, weights.values)
    found = Causes(
        window=window, version=score.champion, metric=scope.loss, expected=expected,
        rows=now.num_rows, rows_reference=before.num_rows, moved=columns,
        importance_rests_on=weights.rests_on, importance_state=weights.state,
        notes=(*notes, *weights.says),
    )  # fmt: skip
    return found if isinstance(both, str) else _told(found, both)


def _moved(
    scope: Scope, score: Score, importance: Mapping[str, float] | None
) -> tuple[Moved, ...]:  # fmt: skip
    """The features, of dates what is compared in their stead; a date itself where its share of
    missing values has a score."""
    dated = dated_from(scope.schema)
    mine = [f for f in score.findings if f.column in dated or f.column in scope.features]
    replaced = {dated[finding.column] for finding in mine if finding.column in dated}
    found = moved.moved(mine, importance)
    return tuple(row for row in found if row.z is not None or row.column not in replaced)


def _told(found: Causes, both: Compared) -> Causes:
    cuts = both.cuts
    sides = [
        Side(losses, [slicing.codes(cut, rows[cut.column].values) for cut in cuts])
        for rows, losses in zip((both.before, both.now), both.losses, strict=True)
    ]
    worst = slices.worst(sides[0], sides[1], [len(cut.parts) for cut in cuts])
    inputs = [_inputs(cuts, rows) for rows in (both.before, both.now)]
    shared = credit.credit(
        (inputs[0], both.losses[0]), (inputs[1], both.losses[1]),
        seed=seed_of(f"causes {found.window.id}"),
    ) if cuts else None  # fmt: skip
    return msgspec.structs.replace(
        found, loss=float(both.losses[1].mean()), rows=both.losses[1].size,
        rows_reference=both.losses[0].size, loss_reference=float(both.losses[0].mean()),
        slices=tuple(Cause(name=_name(cuts, each), slice=each) for each in worst), credit=shared,
    )  # fmt: skip


def _compared(scope: Scope, before: pa.Table, now: pa.Table, *, expected: bool) -> Compared | str:
    """Both sides with the losses that are known, or why they cannot be compared."""
    sides = []
    for rows, whose in ((before, "before"), (now, "of the window")):
        each = _expected(scope, rows) if expected else losses_of(scope, rows)
        if isinstance(each, str):
            return each
        known = np.isfinite(each)
        if np.count_nonzero(known) < FEWEST:
            return (
                f"{np.count_nonzero(known)} rows {whose} have a loss; {FEWEST} are needed to tell "
                "where it rose"
            )
        sides.append((rows.filter(pa.array(known)), each[known]))
    (first, losses), (second, after) = sides
    then = compared(scope, first)
    frozen = [freeze(sample) for sample in then.values()]
    cuts = [cut for bins in frozen if (cut := slicing.scale(bins, parts=PARTS)) is not None]
    return Compared(then, compared(scope, second, then), (losses, after), cuts)


def _expected(scope: Scope, rows: pa.Table) -> Floats | str:
    """The log-loss that a score expects of itself: the entropy of its probabilities."""
    scores = scores_of(scope.schema, rows)
    if scope.schema.task is Task.REGRESSION or not scores:
        return "without labels there is no loss of numbers, nor of classes without scores"
    given = np.column_stack([reading.numbers(column) for column in scores.values()])
    if given.shape[1] == 1:
        given = np.column_stack([given, 1.0 - given])
    held = np.clip(given, 1e-6, 1.0)
    found: Floats = -(given * np.log(held)).sum(axis=1)
    return found


def _inputs(cuts: Sequence[slicing.Scale], rows: Mapping[str, Sample]) -> Inputs:
    """Numbers as they are, levels by their number."""
    is_level = [rows[cut.column].kind is not Kind.NUMERIC for cut in cuts]
    columns = [
        slicing.codes(cut, rows[cut.column].values).astype(np.float64) if level
        else reading.numbers(rows[cut.column].values)
        for cut, level in zip(cuts, is_level, strict=True)
    ]  # fmt: skip
    return Inputs(np.column_stack(columns), np.array(is_level))


def _name(cuts: Sequence[slicing.Scale], found: Slice) -> str:
    """What a slice is called: `carrier=AA, distance=below 300`."""
    return ", ".join(
        f"{cuts[column].column}={cuts[column].parts[part]}" for column, part in found.places
    )
