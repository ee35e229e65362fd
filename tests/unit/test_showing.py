"""What is shown of a window's columns: each detector's own findings, the reference sorted once."""

import numpy as np
import pytest

from controlplane.monitor import showing
from controlplane.monitor.showing import Shown, shown
from detectors.catalogue import shown_of
from tests.columns import booleans, levels, numeric


@pytest.fixture(autouse=True)
def _fresh(monkeypatch) -> None:
    monkeypatch.setattr(showing, "_references", type(showing._references)())


def sides(seed=1, *, rows=500):
    generator = np.random.default_rng(seed)
    return {
        "x": numeric(np.append(generator.normal(size=rows), [np.nan, np.inf])),
        "level": levels(list(generator.choice(list("abc"), rows))),
        "on": booleans(list(generator.random(rows) < 0.5)),
    }


def test_the_findings_are_those_of_the_single_detectors_in_their_order() -> None:
    reference, window = sides(1), sides(2, rows=200)

    found = shown(Shown(reference=reference, window=window, features=()))

    assert found == [
        detector(reference[name], window[name])
        for name in window
        for detector in shown_of(window[name].kind)
    ]


def test_a_reference_is_put_in_order_once_and_given_up_where_there_is_no_room(monkeypatch) -> None:
    made = []
    monkeypatch.setattr(
        showing, "held", lambda sample, _held=showing.held: made.append(sample) or _held(sample)
    )
    reference = sides(1)

    first = shown(Shown(reference=reference, window=sides(2), features=()))
    assert shown(Shown(reference=reference, window=sides(2), features=())) == first
    assert [sum(sample is kept for kept in made) for sample in reference.values()] == [1, 1, 1]

    monkeypatch.setattr(showing, "MOST_BYTES", 10)
    other = sides(3)
    for _ in range(2):
        shown(Shown(reference=other, window=sides(2), features=()))
    assert [sum(sample is kept for kept in made) for sample in other.values()] == [2, 2, 2]
    assert [
        kept.sample is sample
        for kept, sample in zip(showing._references.values(), reference.values(), strict=True)
    ] == [True] * 3
