"""How many KPIs a model may have: a name that would be one too many rejects its rows."""

from typing import Final

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from controlplane.ingest.batch import Batch
from controlplane.ingest.checking import Checked
from controlplane.ingest.rejection import Fault, joined, rejection_of
from controlplane.store.ports import Transaction

MOST_KPIS: Final = 1_000
"""Names of KPIs of a model: as many as it may have features."""


def within_names(t: Transaction, model: str, batch: Batch, checked: Checked) -> Checked:
    """The rows whose KPIs the model has or may still have, those names first that come first; the
    others are rejected by name."""
    rows = checked.kpis
    if rows is None or not rows.num_rows:
        return checked
    known = t.events.kpis.names(model)
    fresh = [name for name in pc.unique(rows["name"]).to_pylist() if name not in known]
    room = max(MOST_KPIS - len(known), 0)
    if len(fresh) <= room:
        return checked
    over = pc.is_in(rows["name"], pa.array(fresh[room:]))
    places = np.arange(batch.rows) if checked.good is None else np.flatnonzero(checked.good)
    bad = np.zeros(batch.rows, np.bool_)
    bad[places[over.to_numpy()]] = True
    expected = f"one of the {MOST_KPIS} KPIs that the model has"
    more = rejection_of(batch, [Fault(column="name", bad=bad, expected=expected)], ~bad)
    return msgspec.structs.replace(
        checked, kpis=rows.filter(pc.invert(over)), rejection=joined(checked.rejection, more)
    )
