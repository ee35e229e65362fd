"""Calls that wait for a server which is being started again, and then ask once more.

What is asked here may be asked twice: batches carry their key, announcements are idempotent, and
whatever makes something looks first whether it is there.
"""

import time
from collections.abc import Callable
from typing import Final, TypeVar

from connectors.client.problems import ServerAway, ServerSaid

T = TypeVar("T")

PATIENCE: Final = 90.0
PAUSE: Final = 0.1
BUSY: Final = frozenset({503})


def patiently(ask: Callable[[], T]) -> T:
    """What `ask` returns, asked again while the server is away or its queue is full."""
    until = time.monotonic() + PATIENCE
    while True:
        try:
            return ask()
        except ServerAway:
            if time.monotonic() > until:
                raise
        except ServerSaid as said:
            if said.status not in BUSY or time.monotonic() > until:
                raise
        time.sleep(PAUSE)
