"""The trainer that is always there: `python -m connectors.trainers.builtin` with LEEBOARD_JOB.

Gradient-boosted trees over numeric, categorical, boolean and datetime features; see
docs/trainers.md for its parameters.
"""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NoReturn

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from connectors.contract import Job, ScoreJob, TrainJob
from connectors.trainers import table as tables
from connectors.trainers import trees
from connectors.trainers.model import (
    Facts,
    Model,
    load,
    measured,
    outputs,
    save,
    scored,
    shortened,
)

FEWEST_ROWS: Final = 50
"""With fewer labelled rows the model is a constant."""
_BATCH: Final = 131_072
_TREES: Final = 240
"""At most so many in all, where many classes need a tree each; but 20 rounds at least."""


class Options(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The parameters of a job, all of them text there."""

    event_time: str = "hour,weekday"
    time_zone: str = "UTC"
    loss: str = "absolute_error"
    iterations: int = 80
    leaves: int = 24
    learning_rate: float = 0.15
    leaf_rows: int = 20
    refit: str = "yes"


class BadJob(ValueError):
    """A job that cannot be done; the text says what was found and what was expected."""


def main() -> int:
    """Do the job that LEEBOARD_JOB names; 0 when it is done, 1 with a line saying why not."""
    # Its threads spin while they wait: where the cores are shared, two are many times slower than one.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    if (named := os.environ.get("LEEBOARD_JOB")) is None:
        sys.stderr.write("LEEBOARD_JOB is not set; expected the path of a job's JSON file\n")
        return 1
    try:
        job = msgspec.json.decode(Path(named).read_bytes(), type=Job)
        if isinstance(job, TrainJob):
            train(job)
        else:
            score(job)
    except (BadJob, tables.BadTable, msgspec.MsgspecError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def train(job: TrainJob) -> None:
    """Measure on the validation rows, then fit on all rows unless `refit` is `no`."""
    options = options_of(job.parameters)
    data, validation = _labelled(job.data, job.label), _labelled(job.validation, job.label)
    if data.num_rows + validation.num_rows == 0:
        message = f"no row of {job.data} has a label in column {job.label!r}"
        raise BadJob(message)
    _say(f"{job.task}: {data.num_rows} rows, {len(job.features)} features")
    model = fit(job, options, data if data.num_rows else validation)
    truth = _truth(model.facts, validation[job.label])
    if data.num_rows:
        model, rounds = shortened(model, validation, truth)
        options = msgspec.structs.replace(options, iterations=rounds or options.iterations)
    metrics = measured(model.facts, outputs(model, validation), truth) if data.num_rows else {}
    _say(f"on {validation.num_rows} validation rows: {_spelled(metrics)}")
    if options.refit == "yes" and data.num_rows and validation.num_rows:
        everything = pa.concat_tables([data, validation], promote_options="permissive")
        model = fit(job, options, everything)
        _say(f"fitted again on all {everything.num_rows} rows")
    output = Path(job.output)
    save(model, output / "model")
    chosen = {name: str(value) for name, value in msgspec.structs.asdict(options).items()}
    chosen |= {"model": "constant" if model.forest is None else "trees", "seed": str(job.seed)}
    (output / "params.json").write_bytes(msgspec.json.encode(chosen))
    (output / "metrics.json").write_bytes(msgspec.json.encode(metrics))


def score(job: ScoreJob) -> None:
    """Predict the rows of a file in their order, a batch at a time."""
    model = load(Path(job.model_directory))
    count = 0
    with pq.ParquetFile(job.input) as file:
        writer: pq.ParquetWriter | None = None
        for batch in _batches(file):
            answer = scored(model, batch)
            writer = writer or pq.ParquetWriter(job.output, answer.schema)
            writer.write_table(answer)
            count += batch.num_rows
        if writer is not None:
            writer.close()
    _say(f"scored {count} rows")


def fit(job: TrainJob, options: Options, data: pa.Table) -> Model:
    """A model of these rows: trees, or a constant where there is too little to learn from."""
    facts = _facts(job, data[job.label])
    truth = _truth(facts, data[job.label])
    expansion = tables.Expansion(event_time=_parts(options.event_time), time_zone=options.time_zone)
    columns = tables.encoders(data, job.features, expansion)
    if data.num_rows < FEWEST_ROWS or not columns or len(facts.classes) == 1 or np.ptp(truth) == 0:
        return Model(facts=_constant(facts, truth, options.loss))
    rounds = min(options.iterations, max(20, _TREES // max(len(facts.classes), 1)))
    shape = trees.Shape(
        loss=options.loss,
        iterations=rounds,
        leaves=options.leaves,
        learning_rate=options.learning_rate,
        leaf_rows=options.leaf_rows,
        seed=job.seed,
    )
    forest = trees.grow(
        tables.matrix(data, columns), truth, shape, classes=len(facts.classes),
        categorical=sum(column.kind == "categorical" for column in columns),
    )  # fmt: skip
    return Model(facts=facts, columns=columns, forest=forest)


def options_of(parameters: dict[str, str]) -> Options:
    """The parameters of a job, checked; raises BadJob."""
    try:
        options = msgspec.convert(parameters, Options, strict=False)
    except msgspec.ValidationError as error:
        known = ", ".join(Options.__struct_fields__)
        message = f"parameters: {error}; the built-in trainer knows {known}"
        raise BadJob(message) from error
    for name, allowed in (("loss", ("absolute_error", "squared_error")), ("refit", ("yes", "no"))):
        if getattr(options, name) not in allowed:
            message = (
                f"parameter {name} is {getattr(options, name)!r}; expected {' or '.join(allowed)}"
            )
            raise BadJob(message)
    return options


def _parts(event_time: str) -> tuple[str, ...]:
    if event_time == "none":
        return ()
    parts = tuple(part.strip() for part in event_time.split(","))
    for part in parts:
        if part not in tables.PARTS:
            known = ", ".join(tables.PARTS)
            message = f"parameter event_time names {part!r}; expected none, or some of {known}"
            raise BadJob(message)
    return parts


def _facts(job: TrainJob, labels: pa.ChunkedArray) -> Facts:
    if job.task == "regression":
        return Facts(task=job.task)
    classes = sorted(pc.unique(tables.text(labels)).to_pylist())
    if job.task == "binary":
        classes = _binary(classes, job.positive)
    return Facts(task=job.task, classes=tuple(classes))


def _binary(classes: list[str], positive: str | None) -> list[str]:
    """The two classes, the positive one last; where only one was ever seen, maybe that alone."""
    positive = positive if positive is not None else classes[-1]
    negative = [name for name in classes if name != positive]
    if len(negative) > 1:
        named = ", ".join(classes)
        message = f"a binary label has two classes, of which one is {positive!r}; found {named}"
        raise BadJob(message)
    return [*negative, positive] if negative else ["", positive]


def _truth(facts: Facts, labels: pa.ChunkedArray) -> NDArray[np.float64]:
    """The labels as doubles: values, or numbers of classes (-1 for one that is not known)."""
    if facts.task == "regression":
        values: NDArray[np.float64] = labels.cast(pa.float64()).to_numpy()
        return values
    known = pa.array(facts.classes, pa.string())
    numbers = pc.fill_null(pc.index_in(tables.text(labels), value_set=known), -1)
    return np.asarray(numbers.to_numpy(), dtype=np.float64)


def _constant(facts: Facts, truth: NDArray[np.float64], loss: str) -> Facts:
    if facts.task == "regression":
        middle = np.median(truth) if loss == "absolute_error" else truth.mean()
        return msgspec.structs.replace(facts, constant=(float(middle),))
    shares = np.bincount(truth.astype(np.int64), minlength=len(facts.classes)) / truth.size
    return msgspec.structs.replace(facts, constant=tuple(float(share) for share in shares))


def _labelled(path: str, label: str) -> pa.Table:
    table = pq.read_table(path)
    if label not in table.column_names:
        message = f"{path} has no column {label!r}; it has {', '.join(table.column_names)}"
        raise BadJob(message)
    return table.filter(pc.invert(pc.is_null(table[label], nan_is_null=True)))


def _batches(file: pq.ParquetFile) -> Iterator[pa.Table]:
    """The rows in parts; one part without rows where the file has none."""
    if file.metadata.num_rows == 0:
        yield file.read()
        return
    for batch in file.iter_batches(_BATCH):
        yield pa.Table.from_batches([batch])


def _spelled(metrics: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:.4g}" for name, value in metrics.items()) or "not measured"


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


def _end(status: int) -> NoReturn:
    """End at once. All files are closed; for Python to take scikit-learn and Arrow apart, piece by
    piece, takes as long as to score some thousand rows."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


if __name__ == "__main__":
    _end(main())
