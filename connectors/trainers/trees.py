"""Gradient-boosted trees: grown by scikit-learn, kept as plain arrays, read by NumPy alone.

So an artifact holds numbers and no code, and scoring needs not wait for scikit-learn's import,
which takes longer than the scoring itself.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

_ROWS_AT_ONCE: Final = 32_768
_CODES: Final = 256


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """How trees are grown; `loss` is of a regression alone."""

    loss: str = "absolute_error"
    iterations: int = 80
    leaves: int = 24
    learning_rate: float = 0.15
    leaf_rows: int = 20
    seed: int = 0


class Forest(msgspec.Struct, frozen=True, kw_only=True):
    """Trees one after another in flat arrays; a leaf is its own left and right child.

    `roots` holds each tree's first node, in order of growth, the outputs in turn (`baseline` has
    one value an output). `levels_left` has a row of 256 for each categorical split: whether the
    level goes left; `levels_row` is that row, -1 at other nodes.
    """

    baseline: NDArray[np.float64]
    roots: NDArray[np.int32]
    depths: NDArray[np.int32]
    column: NDArray[np.int32]
    threshold: NDArray[np.float64]
    missing_left: NDArray[np.bool_]
    left: NDArray[np.int32]
    right: NDArray[np.int32]
    value: NDArray[np.float64]
    levels_row: NDArray[np.int32]
    levels_left: NDArray[np.bool_]


def grow(
    rows: NDArray[np.float64], target: NDArray[np.float64], shape: Shape, *,
    classes: int, categorical: int,
) -> Forest:  # fmt: skip
    """Fit trees to a matrix whose first `categorical` columns hold codes of levels.

    `classes` is 0 for a regression; else `target` holds class numbers from 0 to `classes` - 1.
    The same seed and rows give the same trees wherever one thread grows them.
    """
    from sklearn.ensemble import (  # noqa: PLC0415 - seconds to import, and scoring never needs it
        HistGradientBoostingClassifier,
        HistGradientBoostingRegressor,
    )

    settings: dict[str, Any] = {
        "max_iter": shape.iterations,
        "max_leaf_nodes": shape.leaves,
        "learning_rate": shape.learning_rate,
        "min_samples_leaf": shape.leaf_rows,
        "categorical_features": list(range(categorical)),
        "early_stopping": False,
        "random_state": shape.seed,
    }
    if classes:
        return flatten(HistGradientBoostingClassifier(**settings).fit(rows, target))
    return flatten(HistGradientBoostingRegressor(loss=shape.loss, **settings).fit(rows, target))


def flatten(fitted: Any) -> Forest:  # noqa: ANN401 - scikit-learn publishes no types
    """The trees of a fitted HistGradientBoosting model."""
    trees = [tree for step in fitted._predictors for tree in step]  # noqa: SLF001 - the only way to them
    sizes = np.array([tree.nodes.size for tree in trees])
    roots = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int32)
    nodes = np.concatenate([tree.nodes for tree in trees])
    offsets = np.repeat(roots, sizes)
    itself = np.arange(nodes.size, dtype=np.int32)
    leaf = nodes["is_leaf"].astype(bool)
    bits = [tree.raw_left_cat_bitsets for tree in trees]
    first = np.concatenate([[0], np.cumsum([len(part) for part in bits])[:-1]]).astype(np.int32)
    is_categorical = nodes["is_categorical"].astype(bool) & ~leaf
    levels_row = np.repeat(first, sizes) + nodes["bitset_idx"].astype(np.int32)
    return Forest(
        baseline=np.asarray(fitted._baseline_prediction, dtype=np.float64).ravel(),  # noqa: SLF001
        roots=roots,
        depths=np.array([tree.nodes["depth"].max() for tree in trees], dtype=np.int32),
        column=np.where(leaf, 0, nodes["feature_idx"]).astype(np.int32),
        threshold=nodes["num_threshold"].astype(np.float64),
        missing_left=nodes["missing_go_to_left"].astype(bool),
        left=np.where(leaf, itself, offsets + nodes["left"]).astype(np.int32),
        right=np.where(leaf, itself, offsets + nodes["right"]).astype(np.int32),
        value=nodes["value"].astype(np.float64),
        levels_row=np.where(is_categorical, levels_row, -1).astype(np.int32),
        levels_left=_unpacked(np.concatenate(bits)),
    )


def raw(forest: Forest, rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """What the trees add up to, shape (rows, outputs): bit for bit scikit-learn's own sums."""
    parts = [
        _raw(forest, rows[start : start + _ROWS_AT_ONCE])
        for start in range(0, max(len(rows), 1), _ROWS_AT_ONCE)
    ]
    return np.concatenate(parts)


def staged(forest: Forest, rows: NDArray[np.float64]) -> Iterator[NDArray[np.float64]]:
    """The sums after each round of growth, each shape (rows, outputs); the same array each time."""
    outputs = forest.baseline.size
    sums = np.tile(forest.baseline, (len(rows), 1))
    for number, (root, depth) in enumerate(zip(forest.roots, forest.depths, strict=True)):
        sums[:, number % outputs] += forest.value[_leaves(forest, rows, int(root), int(depth))]
        if number % outputs == outputs - 1:
            yield sums


def cut(forest: Forest, rounds: int) -> Forest:
    """The forest as it was after so many rounds of growth."""
    kept = rounds * forest.baseline.size
    return msgspec.structs.replace(forest, roots=forest.roots[:kept], depths=forest.depths[:kept])


def save(forest: Forest, path: Path) -> None:
    """Write the arrays as one uncompressed `.npz`."""
    np.savez(path, allow_pickle=False, **msgspec.structs.asdict(forest))


def load(path: Path) -> Forest:
    """Read what `save` wrote; never unpickles anything."""
    with np.load(path, allow_pickle=False) as arrays:
        return Forest(**{name: arrays[name] for name in Forest.__struct_fields__})


def _raw(forest: Forest, rows: NDArray[np.float64]) -> NDArray[np.float64]:
    sums = np.tile(forest.baseline, (len(rows), 1))
    for sums in staged(forest, rows):  # noqa: B007 - the last is meant
        pass
    return sums


def _leaves(forest: Forest, rows: NDArray[np.float64], root: int, depth: int) -> NDArray[np.int32]:
    """The leaf of one tree that each row comes to."""
    flat, offsets = rows.ravel(), np.arange(len(rows)) * rows.shape[1]
    at = np.full(len(rows), root, dtype=np.int32)
    for _ in range(depth):
        values = flat[offsets + forest.column[at]]
        left = (values <= forest.threshold[at]) | (np.isnan(values) & forest.missing_left[at])
        by_level = np.flatnonzero(forest.levels_row[at] >= 0)
        if by_level.size:
            left[by_level] = _by_level(forest, values[by_level], at[by_level])
        at = np.where(left, forest.left[at], forest.right[at])
    return at


def _by_level(
    forest: Forest, values: NDArray[np.float64], at: NDArray[np.int32]
) -> NDArray[np.bool_]:
    missing = np.isnan(values)
    codes = np.where(missing, 0, values).astype(np.int64)
    goes_left = forest.levels_left[forest.levels_row[at], codes]
    return np.where(missing, forest.missing_left[at], goes_left)


def _unpacked(bits: NDArray[np.uint32]) -> NDArray[np.bool_]:
    """Eight words of 32 bits a row to 256 truths a row."""
    little = np.ascontiguousarray(bits.astype("<u4")).view(np.uint8)
    return np.unpackbits(little.reshape(len(bits), _CODES // 8), axis=1, bitorder="little").astype(
        bool
    )


def softmax(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sums to shares that add up to one, a row at a time."""
    powers = np.exp(sums - sums.max(axis=1, keepdims=True))
    shares: NDArray[np.float64] = powers / powers.sum(axis=1, keepdims=True)
    return shares


def expit(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sums to probabilities in (0, 1)."""
    return np.exp(-np.logaddexp(0.0, -sums))
