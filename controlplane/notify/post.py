"""The outbox at work: what commits changed is queued, what is due is sent."""

import threading
from collections.abc import Mapping

from connectors.contract import Receiver
from controlplane.clock import Clock
from controlplane.domain.errors import LeeboardError
from controlplane.notify.deliver import deliver_due
from controlplane.notify.outbox import enqueue
from controlplane.store.ports import Store


class Outbox:
    """Looks only at models that a commit touched since it looked last."""

    def __init__(self, store: Store, receivers: Mapping[str, Receiver], clock: Clock) -> None:
        self._store = store
        self._receivers = receivers
        self._clock = clock
        self._changed: set[str] = set()
        self._lock = threading.Lock()

    def changed(self, models: frozenset[str]) -> None:
        """Note that there may be something to tell of these models; any thread."""
        with self._lock:
            self._changed |= models

    def empty(self) -> None:
        """Queue what is to be told and send what is due; what could not be queued is not lost."""
        with self._lock:
            models, self._changed = self._changed, set()
        try:
            for model in sorted(models):
                enqueue(self._store, model, wall=self._clock.now())
        except LeeboardError:
            self.changed(frozenset(models))
            raise
        deliver_due(self._store, self._receivers, wall=self._clock.now())
