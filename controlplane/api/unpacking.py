"""The body of a request as it was meant: counted, and unpacked where it was packed."""

from typing import TypeVar

import msgspec
from litestar import Request
from litestar.datastructures import State

from controlplane.api.auth import Who
from controlplane.api.problems import BadRequest
from controlplane.api.wire import RowError

T = TypeVar("T")


async def body_of(request: Request[None, Who, State]) -> bytes:
    return await request.body()


def decoded_body(body: bytes, kind: type[T]) -> T:
    """A JSON body as a struct; raises BadRequest."""
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.DecodeError as error:
        message, _, path = str(error).partition(" - at `$")
        place = path.rstrip("`").replace(".", "/").replace("[", "/").replace("]", "")
        raise BadRequest(message, [RowError(pointer=place, message=message)]) from None
