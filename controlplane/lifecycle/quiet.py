"""Alerts end when what they told of no longer holds; nobody has to close them."""

import msgspec

from controlplane.domain.alerts import Alert
from controlplane.domain.situation import Situation
from controlplane.domain.states import ALERT, AlertEvent, moved
from controlplane.store.ports import Store, Transaction


def resolve_quiet(store: Store, situation: Situation) -> None:
    """Resolve the open alerts whose condition was looked at and does not hold."""
    looked_at = {c.name: c for c in situation.conditions}
    holding = {c.name for c in situation.conditions if c.holds is not False}
    over = [
        alert
        for alert in situation.open_alerts
        if alert.condition in looked_at and alert.condition not in holding
    ]
    if not over:
        return

    def work(t: Transaction) -> None:
        for alert in over:
            current = t.ledger.get(Alert, alert.id)  # acknowledged meanwhile, perhaps
            if current is not None and current.state is alert.state:
                t.ledger.put(_resolved(current, situation, looked_at[alert.condition].says))

    store.write(work).result()


def _resolved(alert: Alert, situation: Situation, says: str) -> Alert:
    state = moved(ALERT, alert.id, alert.state, AlertEvent.RESOLVED)
    return msgspec.structs.replace(
        alert, state=state, resolved_at=situation.now, resolved_because=says
    )
