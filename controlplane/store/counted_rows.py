"""Which rows of its span are a window's own: windows that count rows meet within an instant."""

import pyarrow as pa
import pyarrow.compute as pc

from controlplane.domain.windows import Window
from controlplane.store.ports import Snapshot


def own_rows(view: Snapshot, window: Window, *tables: pa.Table) -> tuple[pa.Table, ...]:
    """Of tables with an `id` over a window's span, the rows that are its own; one question to the
    store for a window that counts rows, none for one by time."""
    if window.rows_first is None or window.rows_last is None:
        return tables
    own = view.events.row_numbers(window.model, window.rows_first, window.rows_last)
    ids = own["id"].combine_chunks()
    return tuple(table.filter(pc.is_in(table["id"], value_set=ids)) for table in tables)
