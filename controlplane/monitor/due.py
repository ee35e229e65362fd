"""The next instant at which something of a model is due, from what the store holds."""

from datetime import datetime

from controlplane.domain.due import Outlook, crons_of, next_instant
from controlplane.domain.models import Model
from controlplane.domain.reigns import Reign
from controlplane.domain.states import WindowState
from controlplane.domain.windows import Window, calendar_of
from controlplane.monitor.scope import policy_of, served_from
from controlplane.store.ports import Snapshot, Store

UNSETTLED = (WindowState.OPEN, WindowState.CLOSED, WindowState.SCORED)


def next_due(store: Store, name: str, until: datetime) -> datetime | None:
    """The first instant after the model's `stepped` and up to `until`; None: nothing is due.

    Settling an instant can bring about others, so ask again after each.
    """
    with store.read() as view:
        model = view.ledger.get(Model, name)
        if model is None:
            return None
        return next_instant(_outlook(view, model), model.stepped, until)


def _outlook(view: Snapshot, model: Model) -> Outlook:
    policy = policy_of(view, model)
    calendar = calendar_of(model, policy)
    name = model.model
    last = view.ledger.find(Window, model=name, newest_first=True, limit=1)
    reigns = view.ledger.find(Reign, model=name) if model.serving_from is None else []
    is_cut = model.serving_from is not None and (calendar.grid is not None or bool(calendar.rows))
    return Outlook(
        model=model, calendar=calendar, crons=crons_of(policy),
        windows=tuple(view.ledger.find(Window, model=name, states=UNSETTLED)),
        any_window=bool(last), watched=policy.trainer is None and is_cut,
        served_from=served_from(view.events, model, policy, reigns),
        full_at=_full_at(view, name, calendar.rows, last) if calendar.rows is not None else None,
    )  # fmt: skip


def _full_at(view: Snapshot, name: str, rows: int, last: list[Window]) -> datetime | None:
    """When the counted window after the last one was full; None while it is not."""
    filled = (last[0].rows_last or 0) if last else 0
    found = view.events.row_numbers(name, filled + rows - 1, filled + rows)["known_at"]
    full: datetime | None = found[0].as_py() if len(found) else None
    return full
