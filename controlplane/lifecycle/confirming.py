"""Which windows an operator vouches for, and the reference whose thresholds they go into."""

from collections.abc import Sequence

from controlplane.domain.alerts import AlarmVerdict, Alert
from controlplane.domain.errors import NotFound, Refused
from controlplane.domain.models import Model
from controlplane.domain.references import Reference
from controlplane.domain.windows import Window
from controlplane.store.ports import LedgerReader


def reference_in_use(ledger: LedgerReader, model: Model) -> Reference:
    """The champion's reference; Refused while no window was compared with one."""
    own = [r for r in ledger.find(Reference, model=model.model) if r.version == model.champion]
    if not own:
        message = (
            f"{model.model} has no thresholds yet: no window was compared with the reference of "
            f"{model.champion or 'a champion'}"
        )
        raise Refused(message)
    return max(own, key=lambda reference: reference.made_at)


def confirmed_windows(ledger: LedgerReader, model: str, named: Sequence[str]) -> list[Window]:
    """The windows with these ids; of none, those whose judged alerts were all false."""
    names = list(named) or _false(ledger.find(Alert, model=model))
    found = []
    for name in names:
        window = ledger.get(Window, name)
        if window is None or window.model != model:
            message = f"{model} has no window {name[:100]!r}"
            raise NotFound(message)
        if window.revision < 0:
            message = f"the rows of window {name} have not closed; nothing is known of it yet"
            raise Refused(message)
        found.append(window)
    return sorted(found, key=lambda window: window.start)


def _false(alerts: Sequence[Alert]) -> list[str]:
    judged = [a for a in alerts if a.window is not None and a.verdict is not None]
    true = {a.window for a in judged if a.verdict is AlarmVerdict.TRUE_ALARM}
    return list(dict.fromkeys(
        a.window for a in judged if a.window is not None and a.window not in true
    ))  # fmt: skip
