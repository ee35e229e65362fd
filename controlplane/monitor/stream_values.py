"""What a stream reads: the errors, scores, predictions or a column of the champion's own rows."""

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from controlplane.domain.reigns import Reign
from controlplane.domain.schema import Task
from controlplane.domain.streams import ERROR, PREDICTION, SCORE
from controlplane.monitor.material import UPLOADED, gather, reference_in_force
from controlplane.monitor.performance import losses_of
from controlplane.monitor.rows import Contents, micros, scores_of
from controlplane.monitor.scope import Scope
from controlplane.store.ports import Known, Snapshot
from detectors.performance import losses


class Read(msgspec.Struct, frozen=True, kw_only=True):
    """Known values by (at, id): event times in microseconds, ids, values in their own units."""

    at: NDArray[np.int64]
    ids: NDArray[np.object_]
    values: NDArray[np.float64]

    def after(self, mark: tuple[int, str]) -> "Read":
        """The rows that come after one in the order (at, id)."""
        at, name = mark
        later = (self.at > at) | ((self.at == at) & (self.ids > name))
        return Read(at=self.at[later], ids=self.ids[later], values=self.values[later])


def is_right_or_wrong(scope: Scope, detector_reads: str) -> bool:
    """Whether what is read is 0 or 1 a row: wrong answers, for detectors that read nothing else."""
    return detector_reads in {"errors", "answers"} and scope.schema.task is not Task.REGRESSION


def live(scope: Scope, found: Contents, reign: Reign, on: str, *, wrong: bool) -> Read:
    """A window's rows of the version that serves: its labelled ones where errors are read."""
    rows = found.labelled if on == ERROR else found.rows
    return values_of(scope, rows.filter(pc.equal(rows["version"], reign.version)), on, wrong=wrong)


def reference(view: Snapshot, scope: Scope, reign: Reign, on: str, *, wrong: bool) -> Read:
    """The same of the version's reference: out of sample where predictions are needed.

    Errors, scores and predictions are of rows that the version answered before it served; a
    column is the reference sample's.
    """
    found = reference_in_force(view, scope, reign.since)
    if found is None:
        return _nothing()
    if on not in {ERROR, SCORE, PREDICTION}:
        return values_of(scope, gather(view, scope, found).sample, on, wrong=wrong)
    answers = gather(view, scope, found).answers
    if on != ERROR:
        return values_of(scope, answers, on, wrong=wrong)
    roles = UPLOADED if found.uploaded else ("live",)
    known = Known(by=min(reign.since, scope.instant))
    labels = view.events.labelled(scope.name, [], known, roles=roles).select(["id", "at", "label"])
    names = [name for name in answers.column_names if name not in {"at", "label", "label_known_at"}]
    both = answers.select(names).join(labels, "id", join_type="inner")
    ordered = both.sort_by([("at", "ascending"), ("id", "ascending")])
    return values_of(scope, ordered, on, wrong=wrong)


def values_of(scope: Scope, rows: pa.Table, on: str, *, wrong: bool) -> Read:
    """What a stream on `on` reads of rows by (at, id); `wrong`: of errors 0 and 1 a row."""
    if rows.num_rows == 0:
        return _nothing()
    values = _values(scope, rows, on, wrong=wrong)
    known = np.flatnonzero(np.isfinite(values))
    ids = rows["id"].cast(pa.string()).to_numpy(zero_copy_only=False)
    return Read(at=micros(rows["at"])[known], ids=ids[known], values=values[known])


def _values(scope: Scope, rows: pa.Table, on: str, *, wrong: bool) -> NDArray[np.float64]:
    if on == ERROR and wrong:
        task, scores = str(scope.schema.task), scores_of(scope.schema, rows)
        return losses(task, "accuracy", rows["label"], rows["prediction"], scores)
    if on == ERROR:
        return losses_of(scope, rows)
    column = column_of(scope, on)
    if column not in rows.column_names:
        return np.full(rows.num_rows, np.nan)
    found: NDArray[np.float64] = (
        rows[column].cast(pa.float64()).to_numpy(zero_copy_only=False).astype(np.float64)
    )
    return found


def column_of(scope: Scope, on: str) -> str:
    """The column of rows that a stream on scores, predictions or a feature reads."""
    if on == SCORE:
        return f"score:{scope.schema.positive or next(iter(scope.schema.scores), '')}"
    return on


def _nothing() -> Read:
    return Read(
        at=np.empty(0, np.int64), ids=np.empty(0, np.object_), values=np.empty(0, np.float64)
    )
