"""What the built-in trainer makes: a forest, or a constant where there is too little to learn from."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from connectors.trainers import trees
from connectors.trainers.table import Encoder, matrix

FEATURES: Final = "features.json"
MODEL: Final = "model.json"
TREES: Final = "trees.npz"
CLIP: Final = 1e-6
"""A score is never believed to be nearer to 0 or 1 than this when a loss is taken."""


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What a model predicts; of `classes` the last is a binary model's positive one.

    `constant` is the regression's one value, or a share for each class; None where there are trees.
    """

    task: str
    classes: tuple[str, ...] = ()
    constant: tuple[float, ...] | None = None


class Model(msgspec.Struct, frozen=True, kw_only=True):
    """A trained model: its facts, how rows become a matrix, and its trees."""

    facts: Facts
    columns: list[Encoder] = []
    forest: trees.Forest | None = None


def outputs(model: Model, table: pa.Table) -> NDArray[np.float64]:
    """Shape (rows, 1): a regression's values; (rows, classes): the share of each class."""
    if model.forest is None:
        return np.tile(np.array(model.facts.constant), (table.num_rows, 1))
    sums = trees.raw(model.forest, matrix(table, model.columns))
    return sums if model.facts.task == "regression" else _shares(sums)


def shortened(
    model: Model, table: pa.Table, truth: NDArray[np.float64]
) -> tuple[Model, int | None]:
    """A classifier with as many rounds of trees as give the least log loss on rows that it was
    not fitted on, and how many; trees beyond that only make it surer than it may be."""
    if model.forest is None or not model.facts.classes or truth.size == 0:
        return model, None
    rows, facts = matrix(table, model.columns), model.facts
    losses = [
        measured(facts, _shares(sums), truth)["log_loss"]
        for sums in trees.staged(model.forest, rows)
    ]
    rounds = int(np.argmin(losses)) + 1
    return msgspec.structs.replace(model, forest=trees.cut(model.forest, rounds)), rounds


def _shares(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """What trees add up to as the share of each class."""
    if sums.shape[1] == 1:
        positive = trees.expit(sums)
        return np.concatenate([1.0 - positive, positive], axis=1)
    return trees.softmax(sums)


def scored(model: Model, table: pa.Table) -> pa.Table:
    """The rows' `id`, `prediction` and `score` (binary) or `score_<class>` (multiclass)."""
    values, facts = outputs(model, table), model.facts
    if facts.task == "regression":
        return pa.table({"id": table["id"], "prediction": values[:, 0]})
    if facts.task == "binary":
        chosen = (values[:, 1] >= 0.5).astype(np.int64)  # noqa: PLR2004 - the likelier class
        scores: Mapping[str, NDArray[np.float64]] = {"score": values[:, 1]}
    else:
        chosen = values.argmax(axis=1)
        scores = {f"score_{name}": values[:, at] for at, name in enumerate(facts.classes)}
    names = pa.array(facts.classes, pa.string()).take(pa.array(chosen))
    return pa.table({"id": table["id"], "prediction": names, **scores})


def measured(
    facts: Facts, values: NDArray[np.float64], truth: NDArray[np.float64]
) -> dict[str, float]:
    """Figures over rows that the model was not fitted on; `truth` holds values or class numbers.

    A class that the model never saw has the number -1, and counts as the worst of misses.
    """
    if truth.size == 0:
        return {}
    if facts.task == "regression":
        misses = values[:, 0] - truth
        spread = float(((truth - truth.mean()) ** 2).sum())
        figures = {"mae": np.abs(misses).mean(), "rmse": np.sqrt((misses**2).mean())}
        r2 = {"r2": 1.0 - (misses**2).sum() / spread} if spread > 0 else {}
        return {name: float(value) for name, value in (figures | r2).items()}
    numbers = truth.astype(np.int64)
    share = np.where(numbers < 0, 0.0, values[np.arange(len(values)), numbers])
    hit = values.argmax(axis=1) == numbers
    figures = {"log_loss": -np.log(np.clip(share, CLIP, 1.0 - CLIP)).mean(), "accuracy": hit.mean()}
    if facts.task == "binary":
        figures["brier"] = ((values[:, 1] - (numbers == 1)) ** 2).mean()
    return {name: float(value) for name, value in figures.items()}


def save(model: Model, directory: Path) -> None:
    """Write the model's files: numbers and names, nothing that could be run."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / MODEL).write_bytes(msgspec.json.encode(model.facts))
    (directory / FEATURES).write_bytes(msgspec.json.encode(model.columns))
    if model.forest is not None:
        trees.save(model.forest, directory / TREES)


def load(directory: Path) -> Model:
    """Read what `save` wrote."""
    path = directory / TREES
    return Model(
        facts=msgspec.json.decode((directory / MODEL).read_bytes(), type=Facts),
        columns=msgspec.json.decode((directory / FEATURES).read_bytes(), type=list[Encoder]),
        forest=trees.load(path) if path.is_file() else None,
    )
