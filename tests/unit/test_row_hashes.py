"""Hashes of ids: the same whatever stands beside an id, since files of them outlive the program."""

import numpy as np
import pyarrow as pa
import pytest

from controlplane.store.row_hashes import asked_for, text_hashes

WORD = 2**64


def by_hand(text: str) -> int:
    """A polynomial over the bytes, then the finish of splitmix64."""
    base = 0x9E3779B97F4A7C15
    value = sum((byte + 1) * pow(base, place, WORD) for place, byte in enumerate(text.encode()))
    value %= WORD
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        value = (value ^ (value >> shift)) * factor % WORD
    return value ^ (value >> 31)


@pytest.mark.parametrize(
    "texts",
    [
        pytest.param(["a"], id="one"),
        pytest.param(["", "", "é", "row-1"], id="few"),
        pytest.param([f"{k:036d}" for k in range(5000)], id="as long as each other"),
        pytest.param([f"row-{k}" for k in range(5000)], id="of several lengths"),
        pytest.param(["x" * 65] * 70 + ["", "y" * 300], id="long"),
        pytest.param([""] * 100, id="empty"),
    ],
)
def test_a_hash_is_of_the_text_alone(texts: list[str]) -> None:
    expected = [by_hand(text) for text in texts]
    column = pa.chunked_array([["before", *texts]]).slice(1)
    assert text_hashes(column).tolist() == expected
    parts = pa.chunked_array([texts[:1], [], texts[1:]], pa.string())
    assert text_hashes(parts).tolist() == expected


def test_hashes_that_are_asked_about_are_in_order_with_their_places() -> None:
    hashes = np.random.default_rng(0).integers(0, 50, 300).astype(np.uint64)
    asked = asked_for(hashes)
    assert (asked.ordered == np.sort(hashes)).all()
    assert (hashes[asked.order] == asked.ordered).all()
    values, counts = np.unique(hashes, return_counts=True)
    assert set(asked.repeated) == set(np.flatnonzero(np.isin(hashes, values[counts > 1])))
