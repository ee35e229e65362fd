"""Two sources compared column by column, on two threads where there is enough to do."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Final

import msgspec
import pyarrow as pa

from controlplane.cli.compare.source import Source, comparable, kind_of, plain
from controlplane.domain.errors import BadInput
from detectors.comparison import measuring, rule
from detectors.comparison.held import held
from detectors.comparison.measuring import Asked
from detectors.comparison.result import ComparedColumn, Comparison, Rows, Side
from detectors.finding import Kind, Sample, Verdict

THREADS: Final = 2
CELLS_AT_ONCE: Final = 1_000_000
"""Values that are read together: single columns of a small file would cost more than their rows."""
CELLS_FOR_THREADS: Final = 2_000_000
"""Values of one side below which a second thread costs more than it helps."""

Columns = Mapping[str, pa.ChunkedArray]


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """What is compared with what, and how."""

    reference: Source
    current: Source
    asked: Asked
    columns: tuple[str, ...] | None = None
    drop: frozenset[str] = frozenset()
    level: float = rule.LEVEL

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
    found = _measured(job, names)
    columns = [rule.only(column, job.asked) for column in rule.judged(found, job.level)]
    return Comparison(
        reference=job.reference.path, current=job.current.path, rows=job.rows,
        verdict=rule.verdict_of([column.verdict for column in columns]),
        columns=tuple(columns), rule=rule.sentence(found, job.level),
        notes=(*job.reference.remarks, *job.current.remarks),
    )  # fmt: skip


def _measured(job: Job, names: Sequence[str]) -> list[ComparedColumn]:
    """Every column, unjudged, in the order of the names."""
    found: dict[str, ComparedColumn] = {}
    common: list[str] = []
    for name in names:
        unlike = _left_out(job, name)
        if unlike is None:
            common.append(name)
        else:
            found[name] = unlike
    most = max(job.rows.reference, job.rows.current)
    size = max(1, CELLS_AT_ONCE // most)
    groups = [common[at : at + size] for at in range(0, len(common), size)]
    for columns in _mapped(
        partial(_group, job), groups, threads=len(common) * most >= CELLS_FOR_THREADS
    ):
        found.update((column.column, column) for column in columns)
    return [found[name] for name in names]


def _mapped(
    work: Callable[[list[str]], list[ComparedColumn]], groups: list[list[str]], *, threads: bool
) -> Iterable[list[ComparedColumn]]:
    if not threads:
        return map(work, groups)
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 - small files need no pool

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(work, groups))


def _left_out(job: Job, name: str) -> ComparedColumn | None:
    """A column that only one file has, or that holds what is not compared."""
    before, now = job.reference.types.get(name), job.current.types.get(name)
    column = ComparedColumn(
        column=name, kind=Kind.CATEGORICAL, verdict=Verdict.INCONCLUSIVE, reference=None,
        current=None, findings=(),
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


def _noted(column: ComparedColumn, note: str) -> ComparedColumn:
    return msgspec.structs.replace(column, note=note)


def _group(job: Job, names: list[str]) -> list[ComparedColumn]:
    """Columns that are read together, measured one after the other and let go."""
    try:
        before, now = dict(job.reference.read(names)), dict(job.current.read(names))
    except BadInput as error:
        if len(names) > 1:
            return [column for name in names for column in _group(job, [name])]
        return [_error(names[0], str(error))]
    return [_column(job, name, before.pop(name), now.pop(name)) for name in names]


def _column(job: Job, name: str, before: pa.ChunkedArray, now: pa.ChunkedArray) -> ComparedColumn:
    try:
        first, second = plain(before), plain(now)
        kinds = _kinds(first, second)
        if kinds is None:
            return _of_another_kind(job, name, (first, second))
        sides = [held(Sample(name, kinds, values)) for values in (first, second)]
        return measuring.measured(sides[0], sides[1], job.asked)
    except (ValueError, pa.ArrowException) as error:
        return _error(name, str(error).splitlines()[0])


def _kinds(before: pa.ChunkedArray, now: pa.ChunkedArray) -> Kind | None:
    """The kind that both sides are compared as; None where they are of two.

    A side without any value is of the other's kind; beside booleans, whatever may stand for them.
    """
    empty = [values.null_count == len(values) for values in (before, now)]
    if all(empty):
        return Kind.CATEGORICAL
    if any(empty):
        return kind_of(now if empty[0] else before)
    first, second = kind_of(before), kind_of(now)
    if first is second:
        return first
    both = {first, second}
    return Kind.BOOLEAN if Kind.BOOLEAN in both and Kind.DATETIME not in both else None


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
