"""Before a champion is moved by hand the version is proved: it loads and scores recent rows."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from controlplane.domain.decisions import DecisionKind
from controlplane.domain.errors import NotFound, Refused
from controlplane.domain.versions import Version
from controlplane.lifecycle.attending import Attending, Registration
from controlplane.lifecycle.proving import Prover
from controlplane.store.duckdb_store import open_store
from controlplane.store.ports import Store
from tests.fakes import FakeTrainer, Plan, files_of
from tests.voyage import DAY, LAUNCH, SERVED, Voyage, a_file, waters


@pytest.fixture
def store() -> Iterator[Store]:
    opened = open_store(None)
    yield opened
    opened.close()


def registered(voyage: Voyage, plan: Plan) -> Version:
    attending = Attending(voyage.store, voyage.workshop, voyage.clock)
    folder = files_of(voyage.root / "elsewhere" / "output" / "model", plan)
    return attending.register("boats", Registration(files=folder), by="ada")


def prove(voyage: Voyage, version: str) -> None:
    Prover(voyage.store, voyage.workshop, voyage.clock).prove("boats", version)


def test_a_version_that_scores_the_newest_rows_is_proved_and_leaves_nothing_behind(
    store: Store, tmp_path: Path
) -> None:
    voyage = Voyage(store, tmp_path, FakeTrainer())
    voyage.launch()
    voyage.log(waters(SERVED, 7))
    voyage.sail(SERVED + 7 * DAY)
    registered(voyage, Plan(off=9.0))
    prove(voyage, "v2")
    assert list(voyage.workshop.directory("x").parent.glob("proof-*")) == []


@pytest.mark.parametrize(
    ("scores", "why"),
    [("nothing", "no readable Parquet"), ("exits_badly", "exited with 3"),
     ("other_rows", "rows of other ids"), ("words", "not of the kinds expected"), ("infinite", "v2 does not load")],
)  # fmt: skip
def test_what_does_not_score_them_is_refused_and_says_why(
    store: Store, tmp_path: Path, scores: str, why: str
) -> None:
    voyage = Voyage(store, tmp_path, FakeTrainer())
    voyage.launch()
    registered(voyage, Plan(scores=scores))
    with pytest.raises(Refused, match=why):
        prove(voyage, "v2")
    with pytest.raises(NotFound, match="no version 'v7'; there are: v1, v2"):
        prove(voyage, "v7")


def test_without_rows_nothing_can_be_proved(store: Store, tmp_path: Path) -> None:
    voyage = Voyage(store, tmp_path, FakeTrainer(), a_file(trainer=None))
    registered(voyage, Plan())
    with pytest.raises(Refused, match="no rows yet that v1 could be proved on"):
        prove(voyage, "v1")


def test_a_version_from_elsewhere_becomes_the_first_champion_by_hand(
    store: Store, tmp_path: Path
) -> None:
    voyage = Voyage(store, tmp_path, FakeTrainer(), a_file(trainer=None))
    voyage.log(waters(LAUNCH, 21), version=None)
    voyage.sail(SERVED)
    registered(voyage, Plan())
    decision = voyage.by_hand.promote("boats", "v1", reason="it serves already", by="ada")
    assert (decision.kind, decision.state) == (DecisionKind.PROMOTE, "performed")
    assert decision.says == "promote v1 as the first to serve by hand: it serves already"
    assert voyage.model.champion == "v1"
