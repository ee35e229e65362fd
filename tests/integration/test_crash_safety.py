"""Killed between any two commits, the loop goes on and ends where it would have ended anyway."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from controlplane.domain.decisions import DecisionKind
from controlplane.domain.journal import Entry, first_break
from controlplane.store.duckdb_store import open_store
from tests.fakes import FakeTrainer, Killed, MortalStore, Plan
from tests.voyage import DAY, SERVED, Voyage, a_file, waters

DAYS = 21


def life(root: Path, dies_at: Callable[[int], str | None], looks: int = 0) -> tuple[Voyage, int]:
    """A voyage that changes its champion twice; how often its process was killed."""
    store = open_store(None)
    mortal = MortalStore(store, dies_at)
    trainer = FakeTrainer(Plan(off=0.0), Plan(off=3.0), looks=looks)
    voyage = Voyage(store, root, trainer, a_file(estimate=True))
    voyage.log(waters(SERVED - 21 * DAY, 21), version=None)
    voyage.log(waters(SERVED, 17, rise=3.0))
    voyage.log(waters(SERVED + 17 * DAY, 7))
    deaths = 0
    for until in (SERVED, SERVED + DAYS * DAY):
        while True:
            voyage.restart(mortal)
            try:
                voyage.sail(until)
            except Killed:
                deaths += 1
                continue
            break
    return voyage, deaths


@pytest.fixture(scope="module")
def unharmed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    """The state that the loop ends in when nobody interrupts it."""
    voyage, deaths = life(tmp_path_factory.mktemp("unharmed"), lambda _: None)
    assert deaths == 0
    state = voyage.state()
    voyage.store.close()
    return state


def ends(voyage: Voyage) -> dict[str, object]:
    """The voyage's state, its journal verified, its store closed."""
    state = voyage.state()
    with voyage.store.read() as view:
        assert first_break(view.ledger.find(Entry)) is None
    voyage.store.close()
    return state


def test_uninterrupted_it_trains_promotes_and_takes_back(unharmed: dict[str, object]) -> None:
    told = [
        ((d.model_time - SERVED) / DAY, d.kind, d.subject, d.state) for d in unharmed["Decision"]
    ]
    assert told == [
        (0, DecisionKind.RETRAIN, "first:0", "performed"),
        (0, DecisionKind.FIRST, "v1", "performed"),
        (8, DecisionKind.RETRAIN, "v1", "performed"),
        (8, DecisionKind.ALERT, "performance", "performed"),
        (8, DecisionKind.TRIAL, "v2", "performed"),
        (15, DecisionKind.PROMOTE, "v2", "performed"),
        (15, DecisionKind.HOLD, unharmed["Trial"][0].id, "performed"),
        (21, DecisionKind.ROLL_BACK, "v2", "performed"),
    ]
    assert unharmed["Model"].champion == "v1"
    assert unharmed["Model"].moves == 3


def lives(seed: int, longest: int) -> Callable[[int], str | None]:
    """Each life ends before or after one of its first writes; by chance, the same for a seed."""
    generator = np.random.default_rng(seed)
    ends = set(np.cumsum(generator.integers(1, longest + 1, size=4_000)).tolist())
    when = generator.choice(["before", "after"], size=4_000 * longest + 1)
    return lambda n: str(when[n]) if n in ends else None


@pytest.mark.parametrize("looks", [0, 1])
@pytest.mark.parametrize("seed", range(2))
def test_killed_again_and_again_it_ends_the_same(
    unharmed: dict[str, object], tmp_path: Path, seed: int, looks: int
) -> None:
    voyage, deaths = life(tmp_path, lives(seed, longest=8), looks)
    assert deaths > 25
    assert ends(voyage) == unharmed


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("place", range(5, 95, 30))
def test_killed_once_it_ends_the_same(
    unharmed: dict[str, object], tmp_path: Path, place: int, when: str
) -> None:
    voyage, deaths = life(tmp_path, lambda n: when if n == place else None)
    assert deaths == 1
    assert ends(voyage) == unharmed
