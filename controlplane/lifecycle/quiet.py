"""Alerts end when what they told of no longer holds; nobody has to close them."""

from collections.abc import Sequence

import msgspec

from controlplane.domain.alerts import QUIET_WINDOWS, Alert
from controlplane.domain.conditions import Condition
from controlplane.domain.situation import Situation
from controlplane.domain.states import ALERT, AlertEvent, moved
from controlplane.domain.windows import calendar_of
from controlplane.store.ports import Store, Transaction


def resolve_quiet(store: Store, situation: Situation) -> None:
    """Count the windows in which an open alert's condition does not hold; resolve it after some."""
    heard = [(alert, _heard(alert, situation)) for alert in situation.open_alerts]
    changed = [(before, after) for before, after in heard if after != before]
    if not changed:
        return

    def work(t: Transaction) -> None:
        for before, after in changed:
            current = t.ledger.get(Alert, before.id)  # acknowledged meanwhile, perhaps
            if current is not None and current.state is before.state:
                t.ledger.put(
                    msgspec.structs.replace(
                        current, quiet=after.quiet, state=after.state,
                        resolved_at=after.resolved_at, resolved_because=after.resolved_because,
                    )
                )  # fmt: skip

    store.write(work).result()


def _heard(alert: Alert, situation: Situation) -> Alert:
    """An alert after a look at its condition; as it was where that cannot be told."""
    conditions = [c for c in situation.conditions if c.name == alert.condition]
    if not conditions or any(c.holds is None for c in conditions):
        return alert
    quiet = _quiet(alert, conditions)
    after = msgspec.structs.replace(alert, quiet=quiet)
    if len(quiet) < max(QUIET_WINDOWS, _overlap(situation)):
        return after
    state = moved(ALERT, alert.id, alert.state, AlertEvent.RESOLVED)
    return msgspec.structs.replace(
        after, state=state, resolved_at=situation.now, resolved_because=conditions[0].says
    )


def _overlap(situation: Situation) -> int:
    """How many windows hold the same row: they are one episode, so all of them have to be quiet."""
    return calendar_of(situation.model, situation.policy).overlap


def _quiet(alert: Alert, conditions: Sequence[Condition]) -> tuple[str, ...]:
    if any(condition.holds for condition in conditions):
        return ()
    newest = [condition.window for condition in conditions if condition.window is not None]
    return tuple(dict.fromkeys([*alert.quiet, *newest]))
