"""The Idempotency-Key of a request, of rows and of all else that writes."""

from typing import Final

from controlplane.api.parts import Asked
from controlplane.api.problems import BadRequest

LONGEST_KEY: Final = 255
"""Characters of an Idempotency-Key."""


def key_of(request: Asked) -> str | None:
    """The request's Idempotency-Key. Raises BadRequest for one that is too long to be kept."""
    key = request.headers.get("idempotency-key")
    if key is not None and not 0 < len(key) <= LONGEST_KEY:
        message = f"the Idempotency-Key has {len(key)} characters; expected 1 to {LONGEST_KEY}"
        raise BadRequest(message)
    return key
