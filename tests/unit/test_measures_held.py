"""What is held in memory of references: the oldest gives way, the newest never."""

import numpy as np
import pyarrow as pa
import pytest

from controlplane.domain.references import Reference
from controlplane.monitor import showing, yardstick
from controlplane.monitor.showing import Shown, shown
from controlplane.monitor.yardstick import Measure, Yardstick, make_room
from detectors.finding import Kind, Sample
from tests.watched import SERVED, TRAINED


def held(values: int) -> Measure:
    made = Yardstick(
        made_of="", bins=(), drifting=(), drift=None, answers=(), answer_drift=None, rates=None,
        windows=0,
    )  # fmt: skip
    sample = Sample("x", Kind.NUMERIC, pa.chunked_array([np.zeros(values)]))
    return Measure(
        reference=Reference(
            id="boats/v1", model="boats", version="v1", start=TRAINED, end=SERVED,
            known_at=SERVED, rows=values, made_at=SERVED,
        ), yardstick=made, columns={"x": sample}, together=None,
        is_recorded=True,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("sizes", "left"),
    [((10, 10, 10), "abc"), ((10, 11, 10), "bc"), ((40,), "a"), ((40, 1), "b"), ((1, 40), "b")],
    ids=["all fit", "the oldest goes", "one alone stays", "large before", "large and new"],
)
def test_the_oldest_measures_give_way_to_what_is_new(sizes, left, monkeypatch) -> None:
    monkeypatch.setattr(yardstick, "MOST_BYTES", 30 * 8)
    kept = {name: held(size) for name, size in zip("abc", sizes, strict=False)}
    make_room(kept)
    assert "".join(kept) == left


def test_no_more_measures_are_kept_than_there_may_be(monkeypatch) -> None:
    monkeypatch.setattr(yardstick, "MOST_KEPT", 2)
    kept = {name: held(1) for name in "abcd"}
    make_room(kept)
    assert list(kept) == ["c", "d"]


def test_a_references_levels_take_the_room_of_their_counts_and_not_of_its_rows(monkeypatch) -> None:
    """A column of many rows and few levels is counted once, and not again for every window."""
    monkeypatch.setattr(showing, "MOST_BYTES", 4_000)
    showing._references.clear()
    words = Sample("x", Kind.CATEGORICAL, pa.chunked_array([["north", "south"] * 5_000]))
    shown(Shown(reference={"x": words}, window={"x": words}, features=()))
    assert list(showing._references) == [id(words)]
    showing._references.clear()
