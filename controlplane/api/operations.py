"""Is it alive, can it write, and what Prometheus wants to know."""

import shutil
from concurrent.futures import TimeoutError as TookTooLong
from typing import Annotated, Final

from litestar import Response, get
from litestar.params import Dependency

from controlplane import __version__
from controlplane.api import wire
from controlplane.api.auth import Scope, needs
from controlplane.api.meters import Meters
from controlplane.api.parts import Asked, Given
from controlplane.api.threads import in_thread
from controlplane.domain.errors import Overloaded, StorageError

PATIENCE: Final = 5.0
"""Seconds in which an empty piece of work must pass the writer."""
LEAST_FREE: Final = 2**20
"""Bytes; with less no write is sure of its place."""

Metered = Annotated[Meters, Dependency(skip_validation=True)]


@get("/healthz")
async def alive() -> wire.Health:
    """The server runs."""
    return wire.Health(status="alive", version=__version__)


@get("/readyz")
@in_thread
def ready(parts: Given) -> wire.Health:
    """The server can write: an empty piece of work came back from the writer, and the disk has
    space."""
    try:
        parts.store.write(lambda _: None, quiet=True).result(timeout=PATIENCE)
    except TookTooLong:
        raise Overloaded(f"the writer did not answer within {PATIENCE:g} seconds") from None
    try:
        free = shutil.disk_usage(parts.settings.data).free
    except OSError as error:
        raise StorageError(f"{parts.settings.data} cannot be looked at: {error.strerror}") from None
    if free < LEAST_FREE:
        message = f"{free} bytes are free where {parts.settings.data} is; {LEAST_FREE} are wanted"
        raise StorageError(message)
    return wire.Health(status="ready", version=__version__)


@get("/metrics", guards=[needs(Scope.READ)], media_type="text/plain")
@in_thread
def exposition(request: Asked, meters: Metered) -> Response[bytes]:
    """The server's figures in Prometheus' text format, or as OpenMetrics where that is asked for."""
    figures, kind = meters.exposition(request.headers.get("accept", ""))
    return Response(figures, media_type=kind)
