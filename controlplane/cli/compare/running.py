"""Two sources compared column by column, on two threads where there is enough to do."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Final

import msgspec
import pyarrow as pa

from controlplane.cli.compare.concluding import Asking, Measured, concluded
from controlplane.cli.compare.source import (
    Source,
    comparable,
    kind_of,
    kind_of_type,
    kinds_of,
    plain,
)
from controlplane.domain.errors import BadInput
from detectors import reading
from detectors.comparison import measuring, rule
from detectors.comparison.course import counts_up, course
from detectors.comparison.held import held
from detectors.comparison.keyed import names_rows
from detectors.comparison.measuring import Asked
from detectors.comparison.result import ComparedColumn, Comparison, Rows, Side
from detectors.finding import Kind, Sample, Verdict
from detectors.ordered import in_order

if TYPE_CHECKING:
    from controlplane.cli.compare.cutting import Cut
    from controlplane.cli.compare.outcomes import Named
    from controlplane.cli.compare.together import Together
    from controlplane.cli.compare.windows import Windows
    from detectors.comparison.outcome import Outcome

THREADS: Final = 2
CELLS_AT_ONCE: Final = 1_000_000
"""Values that are read together: single columns of a small file would cost more than their rows."""
CELLS_FOR_THREADS: Final = 2_000_000
"""Values of one side below which a second thread costs more than it helps."""

Columns = Mapping[str, pa.ChunkedArray]


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """What is compared with what, and how; cut by a column or a time, into windows `every` so long."""

    reference: Source
    current: Source
    asked: Asked
    columns: tuple[str, ...] | None = None
    drop: frozenset[str] = frozenset()
    level: float = rule.LEVEL
    by: str | None = None
    time: str | None = None
    every: timedelta | None = None
    model: "Named | None" = None
    """The columns in which the model's predictions and their labels stand."""
    folding: bool = False
    """Whether rows are looked at for repetitions, however many they are."""
    together: "Together | None" = None
    """Made anew for each comparison."""

    @property
    def rows(self) -> Rows:
        """The rows of both."""
        return Rows(self.reference.rows, self.current.rows)

    @property
    def names(self) -> list[str]:
        """The columns of the reference that are looked at, then those of the current file alone."""
        both = dict.fromkeys([*self.reference.types, *self.current.types])
        wanted = both if self.columns is None else dict.fromkeys(self.columns)
        return [name for name in both if name in wanted and name not in self.drop]


def compared(job: Job) -> Comparison:
    """The comparison; raises BadInput where a file has no rows, or no column is left."""
    for file in (job.reference, job.current):
        if not file.rows:
            message = f"{file.path} holds no rows, so nothing can be compared"
            raise BadInput(message)
    names = job.names
    if not names:
        message = "no column is left to be compared"
        raise BadInput(message)
    job = msgspec.structs.replace(job, together=_together(job, len(names)))
    outcome, level = _outcome(job)
    cut = _cut(job)
    found = _measured(job, names, cut)
    asking = Asking(
        reference=job.reference.path, current=job.current.path, rows=job.rows, asked=job.asked,
        level=level, notes=_remarks(job),
    )  # fmt: skip
    known = concluded(asking, found) if cut is None else cut.concluded(asking, found)
    if job.together is None and outcome is None:
        return known
    from controlplane.cli.compare.completing import Beside, completed  # noqa: PLC0415 - with either

    roles = {} if job.model is None else job.model.roles
    return completed(
        known, found, Beside(together=job.together, outcome=outcome, roles=roles, level=level)
    )


def _together(job: Job, columns: int) -> "Together | None":
    if not job.asked.pictures:
        return None
    from controlplane.cli.compare.together import MOST_FOLDED, Together  # noqa: PLC0415 - for people

    cells = columns * max(job.rows.reference, job.rows.current)
    return Together(
        job.rows, columns, folding=job.columns is None and (job.folding or cells <= MOST_FOLDED)
    )


def _outcome(job: Job) -> "tuple[Outcome | None, float]":
    """What the model's predictions come to, and how often the columns may fail by chance: half as
    often where the model is judged as well."""
    if job.model is None:
        return None, job.level
    from controlplane.cli.compare.outcomes import outcome_of  # noqa: PLC0415 - where it is asked

    half = job.level / 2.0
    files = (job.reference, job.current)
    outcome = outcome_of(job.model, files, every=job.folding, level=half)
    return outcome, job.level if outcome is None else half


def _remarks(job: Job) -> tuple[str, ...]:
    """What was to be said about reading both, and of columns whose names differ in spelling alone."""
    before, now = job.reference.types, job.current.types
    gone = {_spelt(name): name for name in before if name not in now}
    renamed = [
        (gone[_spelt(name)], name) for name in now if name not in before and _spelt(name) in gone
    ]
    notes = [
        f"{first!r} of the reference and {second!r} of the current file differ in spelling alone, and are not compared"
        for first, second in renamed
    ]  # fmt: skip
    return tuple(dict.fromkeys([*job.reference.remarks, *job.current.remarks, *notes]))


def _spelt(name: str) -> str:
    """What is left of a name without case, blanks and signs."""
    return "".join(c for c in name.casefold() if c.isalnum()) or name


def _cut(job: Job) -> "Cut | Windows | None":
    if job.by is not None:
        from controlplane.cli.compare.cutting import cut_by  # noqa: PLC0415 - where it is asked

        return cut_by(job.by, job.reference, job.current)
    if job.time is not None:
        from controlplane.cli.compare.windows import windows_of  # noqa: PLC0415 - likewise

        return windows_of(job.time, job.every, job.reference, job.current)
    return None


def _measured(job: Job, names: Sequence[str], cut: "Cut | Windows | None") -> list[Measured]:
    """Every column, unjudged, in the order of the names."""
    found: dict[str, Measured] = {}
    common: list[str] = []
    for name in names:
        unlike = _left_out(job, name)
        if unlike is None:
            common.append(name)
        else:
            found[name] = Measured(unlike)
    most = max(job.rows.reference, job.rows.current)
    size = max(1, CELLS_AT_ONCE // most)
    groups = [common[at : at + size] for at in range(0, len(common), size)]
    for columns in _mapped(
        partial(_group, job, cut), groups, threads=len(common) * most >= CELLS_FOR_THREADS
    ):
        found.update((each.whole.column, each) for each in columns)
    return [each for name in names for each in (found[name], *found[name].beside)]


def _mapped(
    work: Callable[[list[str]], list[Measured]], groups: list[list[str]], *, threads: bool
) -> Iterable[list[Measured]]:
    if not threads:
        return map(work, groups)
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 - small files need no pool

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(work, groups))


def _left_out(job: Job, name: str) -> ComparedColumn | None:
    """A column that only one file has, or that holds what is not compared."""
    before, now = job.reference.types.get(name), job.current.types.get(name)
    column = ComparedColumn(
        column=name, kind=kind_of_type(now if before is None else before),
        verdict=Verdict.INCONCLUSIVE, reference=None, current=None, findings=(),
    )  # fmt: skip
    if before is None:
        note = "only the current file has this column"
        return rule.of_schema(_noted(column, note), job.rows, failed=False)
    if now is None:
        note = "the current file has no such column"
        return rule.of_schema(_noted(column, note), job.rows, failed=True)
    parts = next((kind for kind in (before, now) if not comparable(kind)), None)
    if parts is not None:
        note = f"holds values of several parts ({parts}), which are not compared"
        return rule.of_schema(_noted(column, note), job.rows, failed=False)
    return None


def _unread(job: Job, name: str, kind: pa.DataType) -> ComparedColumn:
    """A column whose values on one side are not compared, such as bytes that are no text."""
    column = ComparedColumn(
        column=name, kind=Kind.CATEGORICAL, verdict=Verdict.INCONCLUSIVE, reference=None,
        current=None, findings=(), note=f"is left out: it holds {kind}",
    )  # fmt: skip
    return rule.of_schema(column, job.rows, failed=False)


def _noted(column: ComparedColumn, note: str) -> ComparedColumn:
    return msgspec.structs.replace(column, note=note)


def _group(job: Job, cut: "Cut | Windows | None", names: list[str]) -> list[Measured]:
    """Columns that are read together, measured one after the other and let go."""
    try:
        before, now = dict(job.reference.read(names)), dict(job.current.read(names))
    except BadInput as error:
        if len(names) > 1:
            return [column for name in names for column in _group(job, cut, [name])]
        return [Measured(_error(names[0], str(error)))]
    return [_column(job, cut, name, (before.pop(name), now.pop(name))) for name in names]


def _column(
    job: Job,
    cut: "Cut | Windows | None",
    name: str,
    values: tuple[pa.ChunkedArray, pa.ChunkedArray],
) -> Measured:
    try:
        first, second = (plain(each) for each in values)
        if first is None or second is None:
            return Measured(_unread(job, name, values[first is not None].type))
        kind = kinds_of(first, second)
        if kind is None:
            return Measured(_of_another_kind(job, name, (first, second)))
        samples = (Sample(name, kind, first), Sample(name, kind, second))
        if job.together is not None:
            job.together.see(samples)
        whole = _whole(samples, job.asked)
        if cut is None or name == cut.column:
            return Measured(whole)
        return cut.measured(whole, samples, job.asked)
    except (ValueError, OverflowError, pa.ArrowException) as error:
        return Measured(_error(name, str(error).splitlines()[0]))


def _whole(samples: tuple[Sample, Sample], asked: Asked) -> ComparedColumn:
    """All rows of a column; numbers are looked at in the order of the file before they are sorted."""
    if samples[0].kind is not Kind.NUMERIC:
        return measuring.measured(held(samples[0]), held(samples[1]), asked)
    before, now = (reading.numbers(sample.values) for sample in samples)
    name = samples[0].column
    both = in_order(name, before), in_order(name, now)
    is_key = (counts_up(before) and counts_up(now)) or names_rows(*both)
    found = measuring.measured(*both, asked, is_key=is_key)
    return msgspec.structs.replace(found, course=course(now)) if asked.pictures else found


def _of_another_kind(
    job: Job, name: str, values: tuple[pa.ChunkedArray, pa.ChunkedArray]
) -> ComparedColumn:
    first, second = (kind_of(each) for each in values)
    sides = [Side(rows=len(each), missing=each.null_count) for each in values]
    column = ComparedColumn(
        column=name, kind=first, verdict=Verdict.FAILED, reference=sides[0], current=sides[1],
        findings=(), note=f"is {first} in the reference and {second} in the current file",
    )  # fmt: skip
    return rule.of_schema(column, job.rows, failed=True)


def _error(name: str, message: str) -> ComparedColumn:
    return ComparedColumn(
        column=name, kind=Kind.CATEGORICAL, verdict=Verdict.ERROR, reference=None, current=None,
        findings=(), note=message,
    )  # fmt: skip
