"""Runs: what a training process is given, and what is made of what it leaves behind."""

import hashlib
from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec
import pyarrow as pa

from connectors.contract import ChampionSpec, ColumnSpec, Ended, TrainJob
from controlplane.domain.models import Model
from controlplane.domain.policy import Policy
from controlplane.domain.runs import Run
from controlplane.domain.schema import Schema
from controlplane.lifecycle import scoring
from controlplane.lifecycle.workshop import Workshop

VALIDATION_SHARE: Final = 0.2
"""The tail of the training span that a trainer may measure itself on."""


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that a training process is asked to do."""

    run: Run
    model: Model
    policy: Policy
    schema: Schema
    rows: pa.Table
    champion: ChampionSpec | None


def begin(workshop: Workshop, order: Order) -> str:
    """Start a run's process; for a first version also the fit that is thrown away.

    Returns the SHA-256 of the rows that it was given, as written.

    That second fit never sees the last fifth of the span, so that the reference loss of the
    first version rests on rows that were new to the model that predicted them.
    """
    run, rows = order.run, order.rows
    cut = _tail(rows.num_rows)
    _start(workshop, order, workshop.directory(run.id), rows)
    if "first" in run.triggers:
        _start(workshop, order, workshop.directory(f"{run.id}-measure"), rows.slice(0, cut))
        scoring.write_rows(
            rows.slice(cut), workshop.directory(f"{run.id}-measure") / "unseen.parquet"
        )
    content = hashlib.sha256()
    for name in ("data.parquet", "validation.parquet"):
        content.update((workshop.directory(run.id) / name).read_bytes())
    return content.hexdigest()


def outcome(workshop: Workshop, run: Run) -> Ended | None:
    """How a run's processes ended, the worst first; None while one of them still works."""
    folders = [workshop.directory(run.id)]
    if "first" in run.triggers:
        folders.append(workshop.directory(f"{run.id}-measure"))
    ends = [workshop.ended(run.trainer, folder) for folder in folders]
    if any(end is None for end in ends):
        return None
    bad = [end for end in ends if end is not None and end.reason is not None]
    return bad[0] if bad else ends[0]


def product(workshop: Workshop, name: str) -> Path | None:
    """The `model/` that a job left; None where it is missing or empty."""
    folder = workshop.directory(name) / "output" / "model"
    return folder if folder.is_dir() and any(folder.iterdir()) else None


def notes(workshop: Workshop, run: Run) -> tuple[dict[str, float], dict[str, str]]:
    """`metrics.json` and `params.json` as far as they are there and well formed."""
    output = workshop.directory(run.id) / "output"
    return (
        _read(output / "metrics.json", dict[str, float]),
        _read(output / "params.json", dict[str, str]),
    )


def span_of(rows: pa.Table) -> tuple[datetime, datetime]:
    """The first and the last event time of a table ordered by `at`."""
    at = rows.column("at")
    return at[0].as_py(), at[-1].as_py()


def _start(workshop: Workshop, order: Order, folder: Path, rows: pa.Table) -> None:
    output = folder / "output"
    output.mkdir(exist_ok=True)
    cut = _tail(rows.num_rows)
    data, validation = folder / "data.parquet", folder / "validation.parquet"
    scoring.write_rows(rows.slice(0, cut), data)
    scoring.write_rows(rows.slice(cut), validation)
    job = TrainJob(
        model=order.model.model,
        run=order.run.id,
        seed=order.run.seed,
        task=str(order.schema.task),
        features=[ColumnSpec(c.name, str(c.kind)) for c in order.schema.features],
        label="label",
        positive=order.schema.positive,
        parameters={"event_time": "hour,weekday" if order.model.timed else "none"},
        data=str(data),
        validation=str(validation),
        champion=order.champion,
        output=str(output),
    )
    workshop.start(order.run.trainer, job, folder)


def _tail(rows: int) -> int:
    return rows - int(rows * VALIDATION_SHARE)


def _read(path: Path, kind: type[dict[str, msgspec.Raw]] | type) -> dict:  # type: ignore[type-arg]
    if not path.is_file():
        return {}
    try:
        return dict(msgspec.json.decode(path.read_bytes(), type=kind, strict=False))
    except msgspec.MsgspecError:
        return {}
