"""How many requests and responses of a model wait for each other."""

from controlplane.api import wire
from controlplane.domain.models import Model
from controlplane.store.ports import Snapshot


def told(snapshot: Snapshot, model: Model) -> wire.Halves | None:
    """How many wait, since when, and how many were given up; None where there were never any."""
    found = snapshot.events.halves.waiting(model.id)
    if not found.waiting and not found.forgotten:
        return None
    return wire.Halves(waiting=found.waiting, oldest=found.oldest, forgotten=found.forgotten)
