"""A version scores stored rows in its own process: the proof that it loads, and trials' rows."""

from datetime import datetime
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from connectors.artifacts import BadArtifact
from connectors.contract import Ended, ScoreJob
from controlplane.domain.errors import NotFound, Refused
from controlplane.domain.names import digest
from controlplane.domain.schema import Schema, Task
from controlplane.domain.versions import Version
from controlplane.lifecycle.workshop import Workshop
from controlplane.store.ports import Known, Store, Transaction


class Unscorable(Exception):
    """A version could not score the rows that it was given; the text says why."""


class Gap(msgspec.Struct, frozen=True, kw_only=True):
    """Rows for which predictions of a version are wanted: `[start, end)`, known by an instant."""

    version: Version
    schema: Schema
    start: datetime
    end: datetime
    by: datetime


def fill(store: Store, workshop: Workshop, gap: Gap) -> bool:
    """Have a version score the rows that lack its predictions; true once none does.

    Starts a process where one is needed and takes up its result when it has ended; asked again
    it goes on where it stood. Raises Unscorable where the process failed or its output is wrong.
    """
    while True:
        folder = workshop.directory(_name(gap))
        if not (folder / "input.parquet").is_file():
            rows = missing_rows(store, gap)
            if rows.num_rows == 0:
                workshop.clear(folder)
                return True
            write_rows(rows, folder / "input.parquet")
        start_scoring(workshop, gap.version, folder)
        # What is taken up was asked for at an earlier instant perhaps: look for what came since.
        if not _take_up(store, workshop, gap, folder):
            return False


def start_scoring(workshop: Workshop, version: Version, folder: Path) -> None:
    """Start the process that scores `input.parquet` in a folder.

    Raises Unscorable where the version's files or its trainer are not there.
    """
    try:
        job = ScoreJob(
            model_directory=str(workshop.unpacked(version.sha256)),
            input=str(folder / "input.parquet"),
            output=str(folder / "scored.parquet"),
        )
        workshop.start(version.trainer, job, folder)
    except (NotFound, Refused, BadArtifact) as error:
        message = f"{version.version} cannot score rows: {error}"
        raise Unscorable(message) from error


def missing_rows(store: Store, gap: Gap) -> pa.Table:
    """The live rows of a gap, with features, for which the version has no prediction yet."""
    known = Known(start=gap.start, end=gap.end, by=gap.by)
    features = [column.name for column in gap.schema.features]
    with store.read() as view:
        rows = view.events.rows(gap.version.model, features, known)
        rows = rows.filter(pc.invert(_logged_by(gap.version, rows)))
        if rows.num_rows:
            there = view.events.scored(gap.version.model, gap.version.version, known)["id"]
            rows = rows.filter(pc.invert(pc.is_in(rows["id"], value_set=there.combine_chunks())))
    return rows.select(["id", "at", *features])


def _logged_by(version: Version, rows: pa.Table) -> pa.ChunkedArray:
    """Which rows the version itself served: of a champion all, so that nothing more is asked."""
    own = pc.fill_null(pc.equal(rows["version"], version.version), fill_value=False)
    return pc.and_(own, pc.is_valid(rows["prediction"]))


def read_scored(path: Path, schema: Schema, ids: pa.ChunkedArray) -> pa.Table:
    """A scoring's output as the store keeps it: `id, prediction, score:<class>…`.

    Raises Unscorable, saying what was found and what was expected.
    """
    try:
        table = pq.read_table(path)
    except (OSError, pa.ArrowException) as error:
        message = f"the scoring wrote no readable Parquet: {error}"
        raise Unscorable(message) from error
    lacking = [name for name in ("id", "prediction") if name not in table.column_names]
    if lacking:
        found = ", ".join(table.column_names)
        message = f"the scoring's output has the columns {found}; it lacks {', '.join(lacking)}"
        raise Unscorable(message)
    try:
        shaped = _shaped(table, schema)
    except pa.ArrowException as error:
        message = f"the scoring's output is not of the kinds expected: {error}"
        raise Unscorable(message) from error
    if shaped.num_rows != len(ids) or set(shaped["id"].to_pylist()) != set(ids.to_pylist()):
        message = f"the scoring gave {table.num_rows} rows for {len(ids)}, or rows of other ids"
        raise Unscorable(message)
    return shaped


def _shaped(table: pa.Table, schema: Schema) -> pa.Table:
    kind = pa.float64() if schema.task is Task.REGRESSION else pa.string()
    columns: dict[str, pa.ChunkedArray] = {
        "id": table["id"].cast(pa.string()),
        "prediction": table["prediction"].cast(kind),
    }
    for label in schema.scores:
        name = "score" if schema.task is Task.BINARY else f"score_{label}"
        found = name in table.column_names
        values = table[name].cast(pa.float64()) if found else pa.nulls(table.num_rows, pa.float64())
        columns[f"score:{label}"] = values
    shaped = pa.table(columns)
    given = shaped["prediction"]
    known = pc.is_finite(given) if kind == pa.float64() else pc.is_valid(given)
    if not pc.all(pc.fill_null(known, fill_value=False)).as_py():
        message = "the scoring left rows without a prediction, or with one that is no number"
        raise Unscorable(message)
    return shaped


def _take_up(store: Store, workshop: Workshop, gap: Gap, folder: Path) -> bool:
    ended = workshop.ended(gap.version.trainer, folder)
    if ended is None:
        return False
    asked = pq.read_table(folder / "input.parquet", columns=["id", "at"])
    try:
        scored = _result(ended, gap, folder, asked["id"])
    except Unscorable:
        workshop.clear(folder)  # asked again by hand, it is done again
        raise
    rows = asked.join(scored, "id")
    model, version = gap.version.model, gap.version.version
    store.write(lambda t: append_spared(t, model, version, rows)).result()
    workshop.clear(folder)
    return True


def append_spared(t: Transaction, model: str, version: str, rows: pa.Table) -> None:
    """Store scored rows, but for those whose ids were erased since they were asked for."""
    erased = t.upkeep.erased(model, rows["id"])
    kept = rows if erased is None else rows.filter(pa.array(~erased))
    t.events.append_scored(model, version, kept)


def _result(ended: Ended, gap: Gap, folder: Path, ids: pa.ChunkedArray) -> pa.Table:
    if ended.reason is not None:
        raise Unscorable(f"scoring by {gap.version.version} failed: {ended.reason}")
    return read_scored(folder / "scored.parquet", gap.schema, ids)


def _name(gap: Gap) -> str:
    """The same at every wake while the process works, though more rows may be known by then."""
    return digest("s", gap.version.id, gap.version.sha256, gap.start)


def write_rows(rows: pa.Table, path: Path) -> None:
    """Write a job's rows at one stroke: a process that reads them already never sees half."""
    partial = path.with_suffix(".partial")
    pq.write_table(rows, partial)
    partial.rename(path)
