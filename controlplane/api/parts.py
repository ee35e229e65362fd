"""What the handlers are given, and how a handler says that it wants it."""

from dataclasses import dataclass, field
from typing import Annotated

from litestar import Request
from litestar.datastructures import State
from litestar.params import Dependency

from controlplane.api.actions import Actions
from controlplane.api.auth import Who
from controlplane.api.changes import Changes
from controlplane.clock import Clock
from controlplane.settings import Settings
from controlplane.store.figures import Tally
from controlplane.store.ports import Store


@dataclass(frozen=True, kw_only=True)
class Parts:
    """The store, the clock, the settings and the lifecycle."""

    store: Store
    clock: Clock
    settings: Settings
    actions: Actions
    wakes: Tally = field(default_factory=Tally)


Asked = Request[None, Who, State]
"""A request, after its route's guard has found out who asks."""
Bells = Annotated[Changes, Dependency(skip_validation=True)]
"""What wakes long polls, as a handler's argument `changes`."""
Given = Annotated[Parts, Dependency(skip_validation=True)]
"""The parts, as a handler's argument `parts`."""
By = Annotated[str, Dependency(skip_validation=True)]
"""Who asks, for the journal, as a handler's argument `by`."""
Caller = Annotated[Who, Dependency(skip_validation=True)]
"""Who asks, and what they may see, as a handler's argument `who`."""
