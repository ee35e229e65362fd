"""Windows of whole rows as sums of their steps say what their rows say."""

import numpy as np
import pyarrow as pa
import pytest

from detectors.finding import Kind, Sample
from detectors.moments import Moments, moments, pooled
from detectors.tables import mmd, reconstruction, summed
from detectors.tables.table import Table


def a_table(rows: int, *, seed: int, shift: float = 0.0) -> Table:
    generator = np.random.default_rng(seed)
    x = generator.normal(shift, 1.0, rows)
    levels = generator.choice(["a", "b", "c"], rows)
    return Table((
        Sample("x", Kind.NUMERIC, pa.chunked_array([np.where(x > 1.9, np.nan, x)])),
        Sample("y", Kind.NUMERIC, pa.chunked_array([x + generator.normal(0.0, 0.3, rows)])),
        Sample("c", Kind.CATEGORICAL, pa.chunked_array([levels])),
    ))  # fmt: skip


@pytest.mark.parametrize("step", [1, 7, 100, 1000])
def test_a_window_is_the_sum_of_its_steps(step: int) -> None:
    reference, window = a_table(3000, seed=1), a_table(400, seed=2, shift=0.3)
    frozen = summed.made_of(reference, seed=0)
    sums = summed.merge([summed.counted(frozen, part) for part in window.cut(step)])
    for told, direct in zip(
        summed.compared(frozen, sums),
        (mmd.mmd(reference, window), reconstruction.reconstruction(reference, window)),
        strict=True,
    ):
        assert (told.detector, told.rows, told.rows_reference) == (direct.detector, 400, 3000)
        assert told.statistic == pytest.approx(direct.statistic, rel=1e-4)
        assert told.effect == pytest.approx(direct.effect, rel=1e-3)


def test_a_reference_is_the_sum_of_its_windows_on_scales_that_stay() -> None:
    first, second, window = (a_table(900, seed=n, shift=n / 5.0) for n in range(3))
    frozen = summed.made_of(first, seed=0)
    of_both = summed.merge([summed.counted(frozen, part) for part in (first, second)])
    usual = summed.as_reference(frozen, of_both)
    then, now = (
        summed.compared(each, summed.counted(frozen, window)) for each in (frozen, usual)
    )  # fmt: skip
    assert [f.rows_reference for f in now] == [1800, 1800]
    assert now[0].statistic < then[0].statistic
    assert summed.compared(usual, of_both)[0].statistic == pytest.approx(0.0, abs=1e-9)


def test_a_reference_of_many_pieces_is_read_whole() -> None:
    table = a_table(2 * mmd.AT_ONCE + 5, seed=3)
    frozen = summed.made_of(table, seed=0)
    assert frozen.features.rows == frozen.components.errors.rows == table.rows
    same = reconstruction.errors(frozen.components, table)
    assert frozen.components.errors.mean == pytest.approx(float(same.mean()))
    assert frozen.components.errors.std == pytest.approx(float(same.std(ddof=1)))


def test_pooled_moments_are_those_of_the_rows_together() -> None:
    values = np.random.default_rng(4).normal(1e6, 1.0, 200)
    parts = [moments(part) for part in np.split(values, [1, 50, 51, 120])]
    whole = pooled([Moments(0, 0.0, 0.0), *parts])
    assert whole.rows == 200
    assert (whole.mean, whole.std) == (
        pytest.approx(float(values.mean())), pytest.approx(float(values.std(ddof=1))),
    )  # fmt: skip
    assert pooled([Moments(3, 0.1, 0.0)] * 7) == Moments(21, 0.1, 0.0)
    assert pooled([]) == Moments(0, 0.0, 0.0)


def test_nothing_has_no_sum() -> None:
    with pytest.raises(ValueError, match="no sums to merge"):
        summed.merge([])
