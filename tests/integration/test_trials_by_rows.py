"""A model file that asks for trials by rows, from the first row to the promotion."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from controlplane.domain.policy import Trial as TrialPolicy
from controlplane.domain.states import TrialState
from controlplane.domain.trials import Trial
from controlplane.domain.versions import Version
from controlplane.store.duckdb_store import open_store
from controlplane.store.ports import Store
from tests.fakes import FakeTrainer, Plan
from tests.voyage import DAY, SERVED, Voyage, a_file, waters

BY_ROWS = TrialPolicy(metric="mae", unit="rows", hold_out=7 * DAY)


@pytest.fixture
def store() -> Iterator[Store]:
    opened = open_store(None)
    yield opened
    opened.close()


def sailed(store: Store, root: Path, second: float, days: int) -> Voyage:
    """The truth rises when v1 begins to serve; v2 is off by what is said less three."""
    trainer = FakeTrainer(Plan(off=0.0), Plan(off=second))
    voyage = Voyage(store, root, trainer, a_file(trial=BY_ROWS))
    voyage.launch()
    voyage.log(waters(SERVED, days, rise=3.0))
    voyage.sail(SERVED + days * DAY)
    return voyage


def test_a_better_version_is_promoted_after_a_week_of_rows(store: Store, tmp_path: Path) -> None:
    voyage = sailed(store, tmp_path, 3.0, 17)
    v1, v2 = voyage.all(Version)
    [trial] = voyage.all(Trial)
    assert v1.scale.metric == "mae"
    assert (trial.unit, trial.greatest) == ("rows", v1.scale.loss_cap)
    assert (trial.state, len(trial.blocks)) == (TrialState.BETTER, 7)
    found = trial.progress
    assert (found.unit, found.rows) == ("rows", 7 * 24)
    assert 0.0 < found.low < found.difference < found.high <= trial.greatest
    assert trial.says.endswith("over 168 rows of 7 days")
    assert [p.low for p in trial.series[:-1]] == [None] * 6
    assert voyage.model.champion == "v2"
    assert v2.promoted_at < SERVED + 15 * DAY, "which is when days would have promoted it"


def test_the_unit_is_fixed_when_the_trial_opens(store: Store, tmp_path: Path) -> None:
    voyage = sailed(store, tmp_path, 0.0, 11)
    [trial] = voyage.all(Trial)
    assert trial.state is TrialState.RUNNING
    voyage.apply(a_file())
    voyage.log(waters(SERVED + 11 * DAY, 2, rise=3.0))
    voyage.sail(SERVED + 13 * DAY)
    [later] = voyage.all(Trial)
    assert (later.unit, later.greatest) == ("rows", trial.greatest)
    assert len(later.blocks) > len(trial.blocks)


def test_where_no_loss_of_the_champion_bounds_a_rows_days_are_compared(
    store: Store, tmp_path: Path
) -> None:
    voyage = sailed(store, tmp_path, 3.0, 7)
    assert voyage.all(Trial) == []
    [v1, *_] = voyage.all(Version)

    def measured_otherwise(t) -> None:
        squares = msgspec.structs.replace(v1.scale, metric="rmse")
        t.ledger.put(msgspec.structs.replace(v1, scale=squares))

    store.write(measured_otherwise).result()
    voyage.log(waters(SERVED + 7 * DAY, 2, rise=3.0))
    voyage.sail(SERVED + 9 * DAY)
    [trial] = voyage.all(Trial)
    assert (trial.unit, trial.greatest) == ("days", None)
    assert trial.says.startswith("days are compared, not rows: no mae of v1 is known on rows")
