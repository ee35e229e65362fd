"""A comparison in which one side, or both, is a profile: nothing of it is read but what it keeps."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec

from controlplane.cli.compare.choosing import chosen
from controlplane.cli.outcome import nearest
from controlplane.cli.profiling.files import read_profile, same_salt
from controlplane.cli.profiling.gathering import Asked as AskedProfile
from controlplane.cli.profiling.gathering import profiled
from controlplane.cli.profiling.recognised import is_profile
from controlplane.cli.tables.opening import opened
from controlplane.domain.errors import BadInput
from detectors.comparison import rule
from detectors.comparison.measuring import Asked
from detectors.comparison.profiles import SaltsDiffer, compare_profiles
from detectors.comparison.result import ComparedColumn, Comparison, Rows
from detectors.finding import Basis, Finding, Verdict
from detectors.profile.form import Profile

NEEDS_ROWS: Final = "not available from a profile, for it needs rows"


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """What is compared with what, and how; `salt` hashes the level names of a file's rows."""

    reference: Path
    current: Path
    asked: Asked
    columns: tuple[str, ...] | None = None
    drop: frozenset[str] = frozenset()
    level: float = rule.LEVEL
    salt: bytes = b""


def compared(job: Job) -> Comparison:
    """The comparison; raises BadInput where a file cannot be read or the two not be compared.

    A file on one side is profiled on the edges of the other's profile, in one pass: its figures
    are exact then but for the two distances that come from points.
    """
    reference, current, remarks = _both(job)
    try:
        every = compare_profiles(reference, current)
    except SaltsDiffer as error:
        raise BadInput(str(error)) from error
    rows = Rows(reference.rows, current.rows)
    found = [_settled(column, rows, job.asked) for column in _wanted(every, job)]
    if not found:
        message = "no column is left to be compared"
        raise BadInput(message)
    for path, size in ((job.reference, rows.reference), (job.current, rows.current)):
        if not size:
            message = f"{path} holds no rows, so nothing can be compared"
            raise BadInput(message)
    columns = [rule.only(column, job.asked) for column in rule.judged(found, job.level)]
    return Comparison(
        reference=str(job.reference), current=str(job.current), rows=rows,
        verdict=rule.verdict_of([column.verdict for column in columns]),
        columns=tuple(columns), rule=rule.sentence(found, job.level),
        notes=(*remarks, *_needing_rows(found, job.asked)),
    )  # fmt: skip


def _both(job: Job) -> tuple[Profile, Profile, list[str]]:
    paths = (job.reference, job.current)
    known = {path: read_profile(path) for path in paths if is_profile(path)}
    remarks: list[str] = []
    for path, other in zip(paths, reversed(paths), strict=True):
        if path not in known:
            known[path], more = _rows_like(path, known[other], job.salt)
            remarks += more
    return known[job.reference], known[job.current], remarks


def _rows_like(path: Path, like: Profile, salt: bytes) -> tuple[Profile, list[str]]:
    """A file's rows on the edges of a profile; columns that only it has are told, not read."""
    same_salt(like, salt)
    file = opened(path)
    names = tuple(c.column for c in like.columns if c.column in file.names)
    if not names:
        message = f"{path} has none of the profile's columns: it has {', '.join(file.names[:9])}"
        raise BadInput(message)
    found, remarks = profiled(AskedProfile(files=(file,), columns=names, like=like, salt=salt))
    expected = {c.column for c in like.columns}
    more = [name for name in file.names if name not in expected]
    if more:
        remarks.append(f"{path} has columns that the profile lacks: {', '.join(more[:9])}")
    return found, remarks


def _wanted(columns: Sequence[ComparedColumn], job: Job) -> list[ComparedColumn]:
    names = [column.column for column in columns]
    asked = names if job.columns is None else chosen(job.columns, names)
    for name in (*asked, *job.drop):
        if name not in names:
            message = f"neither side has a column {name!r}{nearest(name, names)}"
            raise BadInput(message)
    wanted = set(asked) - job.drop
    return [column for column in columns if column.column in wanted]


def _settled(column: ComparedColumn, rows: Rows, asked: Asked) -> ComparedColumn:
    """A column with what its presence says, and with the thresholds that were fixed."""
    if column.reference is None or column.current is None:
        return rule.of_schema(column, rows, failed=column.current is None)
    if not column.findings:
        return rule.of_schema(column, rows, failed=True)
    found = tuple(_fixed(finding, asked.thresholds) for finding in column.findings)
    return msgspec.structs.replace(column, findings=found)


def _fixed(finding: Finding, thresholds: Mapping[str, float]) -> Finding:
    """A finding against a fixed threshold; inconclusive where its bounds lie on both sides."""
    limit = thresholds.get(finding.detector)
    if limit is None or finding.statistic is None:
        return finding
    bounds = finding.interval
    least, most = (finding.statistic,) * 2 if bounds is None else (bounds.low, bounds.high)
    verdict = Verdict.FAILED if least > limit else Verdict.PASSED
    straddles = least <= limit < most
    return msgspec.structs.replace(
        finding,
        threshold=limit,
        verdict=Verdict.INCONCLUSIVE if straddles else verdict,
        reason="the threshold lies within the bounds of the profile" if straddles else None,
        basis=Basis.FIXED,
    )


def _needing_rows(columns: Sequence[ComparedColumn], asked: Asked) -> list[str]:
    """A remark on the detectors that were asked for and have nothing to say of profiles."""
    told = {finding.detector for column in columns for finding in column.findings}
    absent = [name for name in asked.detectors or () if name not in told]
    return [f"{', '.join(absent)}: {NEEDS_ROWS}"] if absent else []
