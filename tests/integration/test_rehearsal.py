"""Drifts sown into a copy of a watched model's rows, on the real store."""

from collections.abc import Iterator
from datetime import timedelta

import msgspec
import numpy as np
import pyarrow as pa
import pytest

from controlplane.domain.errors import BadInput, Conflict
from controlplane.domain.models import Timing
from controlplane.domain.policy import Monitors, Stream, Windows
from controlplane.domain.policy import Reference as Asked
from controlplane.domain.windows import Score
from controlplane.monitor.material import Material
from controlplane.monitor.rehearsal import card as card_of
from controlplane.monitor.rehearsal.card import Card, rehearse
from controlplane.monitor.rehearsal.columns import Measured, measured
from controlplane.monitor.rehearsal.ground import ground
from controlplane.monitor.rehearsal.plan import Sown
from controlplane.monitor.scope import Scope, open_scope
from controlplane.monitor.yardstick import counted_of, make
from controlplane.store.duckdb_store import open_store
from controlplane.store.ports import Store
from detectors.laws import Scale
from detectors.sowing import Sowing
from tests.watched import (
    DAY,
    HOUR,
    SERVED,
    WEEK,
    a_model,
    a_policy,
    labels,
    log,
    rows,
    step,
    watch,
)

NOW = SERVED + 5 * WEEK


@pytest.fixture(scope="module")
def watched() -> Iterator[Store]:
    """Ten weeks of reference, four weeks served with their labels, all of it scored."""
    store = open_store(None)
    watch(store, a_policy())
    served = rows(SERVED, 28 * 24, seed=3, version="v1")
    log(store, served, labels(served))
    step(store, NOW)
    yield store
    store.close()


@pytest.fixture(scope="module")
def card(watched: Store) -> Card:
    return rehearse(watched, "boats", NOW, asked=None, quiet=True, windows=8)


def alone(scales: tuple[Scale, ...]) -> tuple[Scale, ...]:
    """Laws without those of smaller windows, of which none is judged."""
    return tuple(msgspec.structs.replace(scale, smaller=()) for scale in scales)


@pytest.mark.parametrize("few", [False, True], ids=["many windows", "few windows"])
def test_a_window_is_left_out_of_thresholds_as_if_it_had_never_been(
    watched: Store, few: bool
) -> None:
    scope = open_scope(watched, "boats", NOW)
    assert scope is not None
    with watched.read() as view:
        found = ground(view, scope)
    assert found is not None
    material = found[1]
    if few:
        material = msgspec.structs.replace(material, parts=material.parts[:8])
    joint = measured(scope, material).joint
    counted = card_of._of_features(counted_of(scope, material, joint))
    for at in (0, len(material.parts) - 1):
        parts = tuple(part for n, part in enumerate(material.parts) if n != at)
        left = np.arange(len(material.parts)) != at
        others = [one.picked(np.arange(len(one.names)), left) for one in joint]
        anew = make(
            scope, msgspec.structs.replace(material, parts=parts), "rehearsal", others
        )  # fmt: skip
        without = card_of._without(scope, material, counted, at)
        assert anew.rates is not None
        assert without.rates is not None
        assert without.bins == anew.bins
        assert anew.drift is not None
        assert without.drift is not None
        lean = {} if few else {"scales": alone(anew.drift.scales), "detectable": ()}
        assert without.drift == msgspec.structs.replace(anew.drift, **lean)
        assert without.rates.inputs == anew.rates.inputs
        assert without.rates.columns == anew.rates.columns


def of(card: Card, kind: Sowing, column: str, size: float) -> Sown:
    [found] = [
        s for s in card.sown if (s.drift.kind, s.drift.column, s.drift.size) == (kind, column, size)
    ]
    return found


def test_a_large_drift_is_found_at_once_and_a_tiny_one_is_not(card: Card) -> None:
    assert of(card, Sowing.SHIFT, "wind", 1.0).power == 1.0
    assert of(card, Sowing.SHIFT, "wind", 1.0).delay == 1.0
    assert of(card, Sowing.SHIFT, "wind", 0.1).power < 0.5
    powers = [of(card, Sowing.SHIFT, "wind", size).power for size in (0.1, 0.25, 0.5, 1.0)]
    assert powers == sorted(powers)


def test_each_kind_is_found_by_the_detector_that_looks_for_it(card: Card) -> None:
    assert "missing" in of(card, Sowing.MISSING, "wind", 0.3).by
    assert "unseen" in of(card, Sowing.NEW_LEVEL, "sail", 0.05).by
    assert {"a1", "jensen_shannon"} & {*of(card, Sowing.SHIFT, "wind", 1.0).by}


def test_a_ramp_is_found_later_than_the_shift_that_it_grows_to(card: Card) -> None:
    ramp = of(card, Sowing.RAMP, "wind", 1.0)
    assert ramp.delay is not None
    assert ramp.delay > 1.0


def test_a_concept_flip_is_found_by_performance_alone(card: Card) -> None:
    assert of(card, Sowing.CONCEPT_FLIP, "wind", 1.0).by == ("performance",)
    assert of(card, Sowing.CONCEPT_FLIP, "wind", 1.0).power > of(
        card, Sowing.CONCEPT_FLIP, "wind", 0.1
    ).power  # fmt: skip


def test_windows_without_drift_are_counted_beside_what_the_budget_expects(card: Card) -> None:
    assert card.quiet is not None
    assert card.quiet.windows == card.windows == 8
    assert card.quiet.alarmed <= 2
    assert 0.0 < card.quiet.expected < 1.0
    assert card.a_period == pytest.approx(90 / 7)


def test_spans_that_are_bad_already_credit_no_flip() -> None:
    store = open_store(None)
    watch(store, a_policy())
    served = rows(SERVED, 14 * 24, seed=3, version="v1")
    log(store, served, labels(served, off=5.0))
    step(store, SERVED + 3 * WEEK)
    found = rehearse(store, "boats", SERVED + 3 * WEEK, asked=["wind"], quiet=True, windows=2)
    assert found.quiet is not None
    assert found.quiet.worse == found.quiet.spans == 2
    assert not [s for s in found.sown if s.drift.kind is Sowing.CONCEPT_FLIP]
    assert "in every labelled span as it is" in found.notes[-1]
    store.close()


def test_the_same_card_comes_out_each_time_and_nothing_is_stored(
    watched: Store, card: Card
) -> None:
    with watched.read() as view:
        before = view.ledger.count(Score, model="boats")
    again = rehearse(watched, "boats", NOW, asked=["wind"], quiet=False, windows=8)
    assert [s for s in card.sown if s.drift.column == "wind"] == list(again.sown)
    with watched.read() as view:
        assert view.ledger.count(Score, model="boats") == before


def test_thresholds_are_made_once_for_all_questions_and_anew_once_rows_came(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made: list[int] = []

    def counted(scope: Scope, material: Material) -> Measured:
        made.append(material.sample.num_rows)
        return measured(scope, material)

    monkeypatch.setattr(card_of, "measured", counted)
    store = elsewhere(reference=TRAILING)
    later = SERVED + 28 * DAY
    first = rehearse(store, "boats", later, asked=["sail"], quiet=False, windows=2)
    assert rehearse(store, "boats", later, asked=["sail"], quiet=False, windows=2) == first
    rehearse(store, "boats", later - DAY, asked=["sail"], quiet=False, windows=2)
    assert len(made) == 2
    store.close()


def test_a_feature_that_is_not_there_is_named(watched: Store) -> None:
    with pytest.raises(BadInput, match="no feature 'swell'; it has wind, sail"):
        rehearse(watched, "boats", NOW, asked=["swell"], quiet=False, windows=8)


def test_without_a_whole_window_there_is_nothing_to_rehearse_on() -> None:
    store = open_store(None)
    watch(store, a_policy(windows=Windows(every=20 * WEEK)))
    with pytest.raises(Conflict, match="no whole window within its reference"):
        rehearse(store, "boats", SERVED + DAY, asked=None, quiet=False, windows=8)
    store.close()


def test_without_a_champion_nothing_is_watched() -> None:
    store = open_store(None)
    watch(store, a_policy(), a_model(champion=None, serving_from=None))
    with pytest.raises(Conflict, match="nothing watches it"):
        rehearse(store, "boats", SERVED - DAY, asked=None, quiet=False, windows=8)
    store.close()


def elsewhere(**changes: object) -> Store:
    """Ten weeks of rows before serving and four weeks served, in windows of two days."""
    store = open_store(None)
    asked = {"windows": Windows(every=2 * DAY, lateness=timedelta(0))} | changes
    model = a_model(champion=None, timing=Timing.LIVE) if "trainer" in changes else a_model()
    watch(store, a_policy(**asked), model)
    log(store, rows(SERVED, 28 * 24, seed=3, version="v1"))
    return store


TRAILING = Asked(kind="trailing", trailing=28 * DAY)
SLIDING = Windows(every=12 * HOUR, span=2 * DAY, lateness=timedelta(0))


@pytest.mark.parametrize(
    ("changes", "reference", "shifted"),
    [
        ({"reference": TRAILING}, "boats/v1:trailing", 0.9),
        ({"reference": Asked(kind="season", season=4 * DAY, periods=6)}, "boats/v1:season", 0.4),
        ({"trainer": None}, "boats/:trailing", 0.9),
        ({"reference": TRAILING, "windows": SLIDING}, "boats/v1:trailing", 0.8),
    ],
    ids=["trailing", "season", "watched", "sliding"],
)
def test_a_reference_that_moves_is_rehearsed_as_it_stands(
    changes: dict, reference: str, shifted: float
) -> None:
    store = elsewhere(**changes)
    card = rehearse(store, "boats", SERVED + 28 * DAY, asked=["wind"], quiet=False, windows=20)
    assert (card.reference, card.windows, card.rows) == (reference, 20, 48.0)
    # Of 24 seasons the threshold is a careful one; 49 windows show a standard deviation at once.
    assert of(card, Sowing.SHIFT, "wind", 1.0).power >= shifted
    assert of(card, Sowing.SHIFT, "wind", 1.0).delay == 1.0
    assert of(card, Sowing.SHIFT, "wind", 0.1).power < 0.2
    assert of(card, Sowing.MISSING, "wind", 0.3).power > 0.9
    assert of(card, Sowing.MISSING, "wind", 0.02).power < 0.5
    store.close()


def test_rows_that_were_sent_as_a_reference_are_rehearsed_on() -> None:
    store = elsewhere(windows=Windows(every=WEEK, lateness=timedelta(0)))
    sent = rows(SERVED - 140 * DAY, 60 * 24, seed=9, version="v1")
    log(store, sent.set_column(4, "role", pa.array(["reference"] * sent.num_rows)))
    card = rehearse(store, "boats", SERVED + 28 * DAY, asked=["wind"], quiet=False, windows=20)
    assert (card.reference[:11], card.windows) == ("boats/v1:u_", 8)
    assert of(card, Sowing.MISSING, "wind", 0.3).power == 1.0
    store.close()


LATER = SERVED + 13 * DAY


def listening(stream: Stream) -> Store:
    """A model of which a stream alone is read, twelve days served with their labels."""
    store = open_store(None)
    alone = Monitors(drift=None, quality=None, performance=None, stream=stream)
    watch(store, a_policy(monitors=alone, windows=Windows(every=DAY)))
    served = rows(SERVED, 12 * 24, seed=3, version="v1")
    log(store, served, labels(served))
    return store


def test_a_stream_on_a_feature_is_given_that_features_drifts() -> None:
    store = listening(Stream(on="wind", detector="adwin"))
    card = rehearse(store, "boats", LATER, asked=["wind"], quiet=False, windows=20)
    stream = card.stream
    assert stream is not None
    assert (stream.detector, stream.on, stream.windows) == ("adwin", "wind", 20)
    assert {s.drift.kind for s in stream.sown} == {Sowing.SHIFT, Sowing.SCALE, Sowing.RAMP}
    sizes = {s.drift.size: s for s in stream.sown if s.drift.kind is Sowing.SHIFT}
    assert sizes[1.0].delay is not None
    assert sizes[1.0].delay <= (sizes[0.5].delay or 10.0)
    assert sizes[1.0].by == ("adwin",)
    assert (sizes[0.1].delay, stream.refused) == (None, None)
    assert stream.alarmed <= 1
    assert 0.0 < stream.expected < 1.0
    elsewhere = rehearse(store, "boats", LATER, asked=["sail"], quiet=False, windows=5)
    assert elsewhere.stream is None
    store.close()


def test_a_stream_on_errors_is_given_labels_that_no_longer_follow() -> None:
    store = listening(Stream())
    step(store, LATER)
    card = rehearse(store, "boats", LATER, asked=["wind"], quiet=True, windows=20)
    stream = card.stream
    assert stream is not None
    assert (stream.detector, stream.on, stream.windows) == ("e_sr", "error", 12)
    assert [s.drift.kind for s in stream.sown] == [Sowing.CONCEPT_FLIP] * 4
    delays = [s.delay for s in stream.sown]
    assert delays[-1] is not None
    assert delays[-1] <= min(delay for delay in delays if delay is not None)
    assert stream.alarmed == 0
    again = rehearse(store, "boats", LATER, asked=["wind"], quiet=True, windows=20)
    assert again.stream == stream
    store.close()


def test_without_predictions_before_it_served_a_stream_on_them_says_so() -> None:
    store = listening(Stream(on="prediction"))
    card = rehearse(store, "boats", LATER, asked=[], quiet=True, windows=5)
    said = card.stream.refused if card.stream is not None else card.notes[-1]
    assert said is not None
    assert "not rehearsed" in said or "no values of a reference" in said
    store.close()
