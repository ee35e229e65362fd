"""How much a model depends on a column, by shuffling it: against what is known of simple models."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.attribution.permuted import Reliance, by_answers, by_loss, orders

ROWS = 4000


def shuffled(column: np.ndarray, copies: int = 4) -> np.ndarray:
    return column[orders(column.size, copies, seed=7)]


def test_the_loss_of_a_line_rises_by_twice_the_variance_of_its_part() -> None:
    """y = 2a + b + noise: shuffling a adds 2 * Var(2a) to the squared error (Fisher et al. 2019)."""
    generator = np.random.default_rng(3)
    a, b, noise = generator.normal(0.0, 1.0, (3, ROWS))
    truth = 2.0 * a + b + noise
    plain = np.square(truth - 2.0 * a - b)
    of_a = by_loss(plain, np.square(truth - 2.0 * shuffled(a) - b))
    of_b = by_loss(plain, np.square(truth - 2.0 * a - shuffled(b)))
    assert of_a.value == pytest.approx(8.0, abs=4.0 * of_a.error)
    assert of_b.value == pytest.approx(2.0, abs=4.0 * of_b.error)
    assert 0.0 < of_b.error < of_a.error < 0.5


def test_the_answers_move_by_the_total_order_index_of_sobol() -> None:
    """f = a + b + ab of independent standard normals: total indices 2/3 and 2/3 of a variance of 3."""
    generator = np.random.default_rng(4)
    a, b = generator.normal(0.0, 1.0, (2, 4 * ROWS))
    plain = (a + b + a * b)[:, None]
    moved = shuffled(a)
    found = by_answers(plain, (moved + b + moved * b)[:, :, None])
    assert found.value == pytest.approx(2.0 / 3.0, abs=5.0 * found.error)
    assert by_answers(plain, np.stack([plain, plain])) == Reliance(0.0, 0.0)


def test_rows_without_a_loss_count_for_nothing_and_constant_answers_depend_on_nothing() -> None:
    plain = np.array([1.0, np.nan, 1.0, 1.0])
    rising = np.array([[2.0, 9.0, np.nan, 2.0]])
    assert by_loss(plain, rising) == Reliance(1.0, 0.0)
    assert by_loss(plain * np.nan, rising) == Reliance(0.0, 0.0)
    assert by_answers(np.ones((4, 2)), np.ones((1, 4, 2))) == Reliance(0.0, 0.0)


@given(rows=st.integers(1, 50), copies=st.integers(0, 5), seed=st.integers(0, 2**32 - 1))
def test_orders_are_permutations_and_belong_to_their_seed(
    rows: int, copies: int, seed: int
) -> None:
    found = orders(rows, copies, seed)
    assert found.shape == (copies, rows)
    assert np.array_equal(np.sort(found, axis=1), np.tile(np.arange(rows), (copies, 1)))
    assert np.array_equal(found, orders(rows, copies, seed))


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=40), st.floats(-1e3, 1e3))
def test_a_loss_that_rises_by_as_much_everywhere_has_no_error(
    losses: list[float], rise: float
) -> None:
    plain = np.array(losses)
    found = by_loss(plain, np.stack([plain + rise, plain + rise]))
    assert found.value == pytest.approx(rise, abs=1e-6)
    assert found.error == pytest.approx(0.0, abs=1e-6)
