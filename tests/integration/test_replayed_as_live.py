"""What a replay settles in one go is what a server finds and decides that was woken as rows came."""

from pathlib import Path

import pyarrow as pa

from controlplane.domain.policy import (
    Drift,
    Monitors,
    Performance,
    Quality,
    Retrain,
    Trigger,
    TriggerKind,
    Windows,
)
from controlplane.domain.windows import Score, Window
from controlplane.store.duckdb_store import open_store
from tests.fakes import FakeTrainer, Plan
from tests.voyage import DAY, HOUR, SERVED, Voyage, a_file, waters

DAYS = 6
POLICY = a_file(
    monitors=Monitors(
        drift=Drift(), quality=Quality(), performance=Performance(metric="mae"), stream=None
    ),
    windows=Windows(every=2 * DAY, lateness=HOUR),
    retrain=Retrain(when=(Trigger(kind=TriggerKind.DRIFT, amount=0.3),), cooldown=DAY),
)


def sailed(root: Path, *, step: int) -> dict[str, object]:
    """All that was found, decided and done in so many days, whose rows come every `step` hours.

    From the third day on the wind blows by three deviations harder, and v1 is off by as much.
    """
    store = open_store(None)
    try:
        voyage = Voyage(store, root, FakeTrainer(Plan(off=0.0), Plan(off=3.0)), POLICY)
        voyage.launch()
        rows = waters(SERVED, DAYS, rise=3.0)
        wind = rows["wind"].to_numpy().copy()
        wind[2 * 24 :] += 6.0
        rows = rows.set_column(rows.column_names.index("wind"), "wind", pa.array(wind))
        for first in range(0, rows.num_rows, step):
            part = rows.slice(first, step)
            voyage.log(part)
            voyage.sail(SERVED + (first + part.num_rows) * HOUR)
        return voyage.state() | {kind.__name__: voyage.all(kind) for kind in (Window, Score)}
    finally:
        store.close()


def test_rows_in_one_go_and_every_few_hours_give_the_same_records(tmp_path: Path) -> None:
    whole = sailed(tmp_path / "whole", step=DAYS * 24)
    pieces = sailed(tmp_path / "pieces", step=31)
    assert any(f.verdict == "failed" for score in whole["Score"] for f in score.findings)
    assert [a.condition for a in whole["Alert"]] == ["drift"]
    assert {"retrain", "alert", "trial", "hold"} <= {str(d.kind) for d in whole["Decision"]}
    for name, records in whole.items():
        assert pieces[name] == records, name
