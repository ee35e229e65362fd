"""The example's own test: what a detector's package should promise."""

import numpy as np
import pyarrow as pa
from leeboard_tail_share import ENTRY, TailShareParams, tail_share

from detectors.finding import Kind, Sample


def sample(values) -> Sample:
    return Sample("wait", Kind.NUMERIC, pa.chunked_array([pa.array(values)]))


def test_twice_as_many_extremes_are_told() -> None:
    generator = np.random.default_rng(1)
    usual, heavier = generator.exponential(size=5000), generator.exponential(1.3, size=2000)
    found = tail_share(sample(usual), sample(heavier), TailShareParams(threshold=0.015))
    assert (found.verdict, found.effect > 0.01, found.p_value < 1e-6) == ("failed", True, True)
    same = tail_share(sample(usual), sample(generator.exponential(size=2000)))
    assert abs(same.effect) < 0.01


def test_empty_columns_and_levels_give_a_reason() -> None:
    assert tail_share(sample([1.0] * 40), sample([None] * 40)).reason == "insufficient"
    text = Sample("c", Kind.CATEGORICAL, pa.chunked_array([["a"] * 40]))
    assert tail_share(text, text).reason == "not_applicable"
    assert ENTRY.function is tail_share
