"""Trees read by masks say what scikit-learn's own walk says."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.estimation import trees
from detectors.estimation.forest import BLOCK, Forest


def table(seed: int, rows: int, categorical: tuple[bool, ...]) -> np.ndarray:
    """Numbers, some of them tied, missing or infinite, and categories by number."""
    generator = np.random.default_rng(seed)
    found = generator.normal(size=(rows, len(categorical)))
    found[:, 0] = np.round(found[:, 0])
    found[generator.random(found.shape) < 0.05] = np.nan
    found[generator.random(found.shape) < 0.01] = np.inf
    found[generator.random(found.shape) < 0.01] = -np.inf
    for at in np.flatnonzero(categorical):
        found[:, at] = generator.integers(0, 40, rows)
        found[generator.random(rows) < 0.05, at] = np.nan
    return found


def grown(categorical: tuple[bool, ...], rows: int = 3000):
    inputs = table(1, rows, categorical)
    inputs[np.isinf(inputs)] = 0.0  # whose quantiles scikit-learn cannot take
    target = np.nan_to_num(inputs, posinf=3.0, neginf=-3.0).sum(axis=1) ** 2
    return trees.grown(trees.regressor(1), inputs, target, np.array(categorical))


PLAIN, MIXED = grown((False,) * 4), grown((False, True, False, True))


@pytest.mark.parametrize("rows", [0, 1, BLOCK - 1, BLOCK, BLOCK + 1])
@pytest.mark.parametrize(
    ("model", "categorical"),
    [(PLAIN, (False,) * 4), (MIXED, (False, True, False, True))], ids=["numbers", "categories"],
)  # fmt: skip
def test_the_values_are_those_of_predict(model, categorical, rows: int) -> None:
    forest = Forest.read(model)
    assert forest is not None
    asked = table(2, rows, categorical)
    expected = trees.foretold(model, asked) if rows else np.empty(0)
    assert forest.values(asked) == pytest.approx(expected, rel=1e-12, abs=1e-12)


@settings(max_examples=15)
@given(st.integers(0, 10_000))
def test_a_value_on_a_threshold_goes_where_the_tree_sends_it(seed: int) -> None:
    cuts = np.concatenate([p.nodes["num_threshold"] for (p,) in PLAIN._predictors])
    asked = np.random.default_rng(seed).choice(cuts, (200, 4))
    forest = Forest.read(PLAIN)
    assert forest is not None
    assert forest.values(asked) == pytest.approx(trees.foretold(PLAIN, asked), rel=1e-12, abs=1e-12)


def test_a_category_that_was_never_seen_is_as_if_missing() -> None:
    asked = table(3, 50, (False, True, False, True))
    asked[:, 1] = 99.0
    forest = Forest.read(MIXED)
    assert forest is not None
    assert forest.values(asked) == pytest.approx(trees.foretold(MIXED, asked), rel=1e-12, abs=1e-12)


def test_trees_of_one_leaf_are_their_mean() -> None:
    inputs = np.zeros((60, 2))
    model = trees.grown(trees.regressor(1), inputs, np.full(60, 2.5), np.array([False, False]))
    forest = Forest.read(model)
    assert forest is not None
    assert forest.values(np.ones((3, 2))).tolist() == pytest.approx([2.5] * 3)


def test_larger_trees_are_left_to_scikit_learn() -> None:
    inputs = np.random.default_rng(1).normal(size=(3000, 4))
    model = trees.regressor(1).set_params(max_leaf_nodes=31, min_samples_leaf=5)
    assert Forest.read(trees.grown(model, inputs, np.arange(3000.0), np.zeros(4, bool))) is None


@pytest.mark.parametrize("categorical", [False, True])
def test_a_column_without_any_value_is_no_hindrance(categorical: bool) -> None:
    inputs = table(1, 400, (False, False))
    inputs[np.isinf(inputs)] = 0.0
    inputs[:, 1] = np.nan
    model = trees.grown(
        trees.regressor(1), inputs, np.arange(400.0), np.array([False, categorical])
    )
    forest = Forest.read(model)
    assert forest is not None
    inputs[:10, 1] = 3.0
    assert forest.values(inputs) == pytest.approx(trees.foretold(model, inputs), rel=1e-12)
