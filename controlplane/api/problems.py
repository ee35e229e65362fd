"""Every exception as an RFC 9457 document; no traceback ever leaves the server."""

import re
import traceback
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import msgspec
import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException

from controlplane.api.refusals import Forbidden, Unauthenticated
from controlplane.api.wire import Problem, RowError
from controlplane.domain.errors import (
    AllRejected,
    BadInput,
    Conflict,
    FileErrors,
    LeeboardError,
    NotFound,
    Overloaded,
    Refused,
    StorageError,
    TooLarge,
    UnsupportedType,
)

MEDIA_TYPE: Final = "application/problem+json"
LARGEST_BODY: Final = 64 * 1024 * 1024
"""Bytes of a body as it is sent."""
MOST_ERRORS: Final = 20
"""How many places of the input are named; the total is told."""
REQUEST_ID: Final = "request_id"
"""Where the request's id is found in a scope's `state`."""
URN: Final = "urn:leeboard:problem:"
_MISSING: Final = re.compile(r"missing required field `(\w+)`")

log = structlog.get_logger("leeboard.api")


class BadRequest(BadInput):
    """A request that cannot be read (400, or another status of the 400s), with its places."""

    def __init__(self, detail: str, errors: Sequence[RowError] = (), *, status: int = 400) -> None:
        super().__init__(detail)
        self.errors = tuple(errors)
        self.status = status


class Kind(msgspec.Struct, frozen=True):
    """What is the same for every problem of a kind."""

    status: int
    name: str
    title: str
    headers: dict[str, str] = {}


KINDS: Final[Mapping[type[LeeboardError], Kind]] = {
    Unauthenticated: Kind(401, "unauthenticated", "Who asks is not known",
                          {"WWW-Authenticate": 'Bearer realm="leeboard"'}),
    Forbidden: Kind(403, "forbidden", "This may not be asked"),
    NotFound: Kind(404, "not-found", "Nothing has that name"),
    Conflict: Kind(409, "conflict", "It contradicts what is there"),
    Refused: Kind(409, "refused", "It is against the rules"),
    Overloaded: Kind(503, "overloaded", "It cannot be taken in now", {"Retry-After": "1"}),
    StorageError: Kind(507, "storage", "The store could not do it"),
    UnsupportedType: Kind(415, "media-type", "The content type is not known here"),
    TooLarge: Kind(413, "too-large", "The body is too large"),
    BadInput: Kind(422, "bad-input", "The input cannot be used"),
}  # fmt: skip
"""By the nearest class in an exception's ancestry."""

BY_STATUS: Final[Mapping[int, Kind]] = {
    400: Kind(400, "bad-request", "The request cannot be read"),
    404: KINDS[NotFound],
    405: Kind(405, "method", "The path does not take this method"),
    413: Kind(413, "too-large", "The body is too large"),
    415: Kind(415, "media-type", "The content type is not known here"),
    422: KINDS[BadInput],
}
DETAILS: Final[Mapping[int, str]] = {
    404: "there is no such path; /schema/openapi.json lists those there are",
    405: "the path does not take this method; the header Allow says which it takes",
    413: f"the body is larger than {LARGEST_BODY} bytes; send it in several requests, or packed",
}
"""What is said where Litestar says no more than the status."""
REPLAYED: Final = {"Idempotent-Replayed": "true"}
INTERNAL: Final = Kind(500, "internal", "Something broke in the server")


def problem_of(error: Exception) -> tuple[Problem, Mapping[str, str]]:
    """The document of an exception, and the headers that go with it."""
    match error:
        case LeeboardError():
            kind, errors = _kind_of(error), _places(error)
            detail = str(error)
        case ValidationException():
            kind, errors = BY_STATUS[400], _fields(error)
            detail = "; ".join(f"{e.pointer or 'body'}: {e.message}" for e in errors[:3])
        case HTTPException():
            kind, errors = _kind_of_status(error.status_code), []
            kind = msgspec.structs.replace(kind, headers=dict(error.headers or {}))
            detail = DETAILS.get(error.status_code) or error.detail or kind.title
        case UnicodeDecodeError() | msgspec.DecodeError():
            kind, errors, detail = BY_STATUS[400], [], f"the body is not what it says: {error}"
        case RecursionError() if "deserializing" in str(error):
            kind, errors, detail = BY_STATUS[400], [], "the body is nested too deep"
        case _:
            kind, errors = INTERNAL, []
            detail = "the server's log has more under this answer's X-Request-ID"
    problem = Problem(
        type=URN + kind.name, title=kind.title, status=kind.status, detail=detail,
        errors=list(errors[:MOST_ERRORS]),
        errors_total=error.total if isinstance(error, AllRejected) else len(errors),
    )  # fmt: skip
    if isinstance(error, AllRejected) and error.is_replayed:
        return problem, REPLAYED
    return problem, kind.headers


def tell(error: Exception, request_id: str) -> None:
    """Log what nobody expected: where it was raised, but no variable, since some are secret."""
    trace = "".join(traceback.format_exception(error))
    log.error("unexpected", request_id=request_id, traceback=trace)


def answer(request: Request, error: Exception) -> Response[bytes]:  # type: ignore[type-arg]
    """Litestar's exception handler for everything."""
    problem, headers = problem_of(error)
    if problem.status == INTERNAL.status:
        tell(error, request.scope["state"].get(REQUEST_ID, ""))
    return Response(
        msgspec.json.encode(problem), status_code=problem.status, media_type=MEDIA_TYPE,
        headers=dict(headers),
    )  # fmt: skip


def _kind_of(error: LeeboardError) -> Kind:
    if isinstance(error, BadRequest):
        return _kind_of_status(error.status)
    return next((KINDS[c] for c in type(error).__mro__ if c in KINDS), INTERNAL)


def _kind_of_status(status: int) -> Kind:
    """The kind of a status; one with no entry is a bad request or our own fault."""
    known = BY_STATUS.get(status)
    if known is not None:
        return known
    if status < INTERNAL.status:
        return msgspec.structs.replace(BY_STATUS[400], status=status)
    return INTERNAL


def _places(error: LeeboardError) -> list[RowError]:
    """The places that an exception of ours names, if it does."""
    match error:
        case BadRequest() | AllRejected():
            return list(error.errors)
        case FileErrors():
            return [
                RowError(pointer=_of_path(e.path), message=e.message, line=e.line, column=e.column)
                for e in error.errors
            ]
        case _:
            return []


def _of_path(path: str) -> str:
    """A JSON pointer for the path of a value in a file.

    >>> _of_path("retrain.when[0].drift.share"), _of_path("")
    ('/retrain/when/0/drift/share', '')
    """
    return "/" + path.replace("[", ".").replace("]", "").replace(".", "/") if path else ""


def _fields(error: ValidationException) -> list[RowError]:
    """The places that Litestar names, as JSON pointers into the body or names of parameters."""
    extra = error.extra if isinstance(error.extra, Iterable) else ()
    return [
        RowError(pointer=_pointer(item), message=_words(str(item.get("message", "not valid"))))
        for item in extra
        if isinstance(item, Mapping)
    ]


def _pointer(item: Mapping[str, object]) -> str:
    key = str(item.get("key", ""))
    if item.get("source") != "body":
        return f"?{key}"
    if key != "data":
        return "/" + key.replace(".", "/")
    missing = _MISSING.search(str(item.get("message", "")))
    return f"/{missing[1]}" if missing else ""


def _words(message: str) -> str:
    """Litestar says only `'data'` where the whole body is missing."""
    return "expected a JSON body" if message == "'data'" else message
