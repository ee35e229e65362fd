"""CloudEvents over HTTP: in headers (binary), as an object (structured), as a list (batched)."""

import base64
import binascii
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final, TypeVar
from urllib.parse import unquote

import msgspec

from controlplane.domain.errors import BadInput, TooLarge, UnsupportedType
from controlplane.ingest.media import JSON, media_type_of
from controlplane.ingest.unfolding import WHOLE, unfolds_to

STRUCTURED: Final = "application/cloudevents+json"
BATCHED: Final = "application/cloudevents-batch+json"
VERSIONS: Final = ("1.0", "0.2", "0.3")
MOST_EVENTS: Final = 100_000
"""Of a request."""
LONGEST: Final = 1_000
"""Characters of an attribute."""
_PREFIX: Final = "ce-"


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One event; `attributes` are its extensions, by names in small letters. `at` is its time, None
    where it has none. `data` is empty where there is none."""

    id: str
    source: str
    type: str
    at: datetime | None
    content_type: str
    data: bytes
    attributes: Mapping[str, str] = {}


def is_event(content_type: str, headers: Mapping[str, str]) -> bool:
    """Whether a request is one or more events; headers are by names in small letters."""
    kind = media_type_of(content_type).kind
    return kind in {STRUCTURED, BATCHED} or "ce-type" in headers or "ce-specversion" in headers


def events_of(content_type: str, body: bytes, headers: Mapping[str, str]) -> list[Event | BadInput]:
    """The events of a request; in the place of one of a batch that is none stands what is wrong.

    `headers` are by names in small letters. Raises BadInput, UnsupportedType, TooLarge.
    """
    unfolds_to(len(body) * WHOLE)
    match media_type_of(content_type).kind:
        case "application/cloudevents+json":
            return [_structured(_decoded(body, _Told))]
        case "application/cloudevents-batch+json":
            told = _decoded(body, list[msgspec.Raw])
            if len(told) > MOST_EVENTS:
                message = f"{len(told)} events came; expected at most {MOST_EVENTS} in one request"
                raise TooLarge(message)
            return [_of_batch(raw, place) for place, raw in enumerate(told)]
        case _:
            return [_binary(content_type, body, headers)]


class _Told(msgspec.Struct):
    """An event as an object; what is no field here is an extension."""

    specversion: str
    id: str
    source: str
    type: str
    time: str | None = None
    datacontenttype: str | None = None
    data: msgspec.Raw = msgspec.Raw()
    data_base64: str | None = None
    requestid: str | None = None
    modelid: str | None = None
    endpoint: str | None = None
    statuscode: str | int | None = None


EXTENSIONS: Final = ("requestid", "modelid", "endpoint", "statuscode")
"""Extensions that something is made of; others are passed over."""


T = TypeVar("T")


def _decoded(body: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        message = f"the body is no CloudEvent: {error}"
        raise BadInput(message) from None
    except RecursionError:
        raise BadInput("the body is nested too deep to be a CloudEvent") from None


def _of_batch(raw: msgspec.Raw, place: int) -> Event | BadInput:
    try:
        return _structured(_decoded(bytes(raw), _Told))
    except BadInput as error:
        return BadInput(f"/{place}: {error}")


def _structured(told: _Told) -> Event:
    content_type = told.datacontenttype or JSON
    data = bytes(told.data)
    if told.data_base64 is not None:
        try:
            data = base64.b64decode(told.data_base64, validate=True)
        except (binascii.Error, ValueError) as error:
            message = f"data_base64 is not base64: {error}"
            raise BadInput(message) from None
    elif data.startswith(b'"'):
        # data of another type than JSON stands in the object as a text; JSON itself does at times
        data = msgspec.json.decode(data, type=str).encode(errors="surrogatepass")
    more = {
        "requestid": told.requestid, "modelid": told.modelid, "endpoint": told.endpoint,
        "statuscode": told.statuscode,
    }  # fmt: skip
    return _event(
        told.specversion, {"id": told.id, "source": told.source, "type": told.type},
        time=told.time, content_type=content_type, data=data,
        more={name: str(value) for name, value in more.items() if value is not None},
    )  # fmt: skip


def _binary(content_type: str, body: bytes, headers: Mapping[str, str]) -> Event:
    told = {
        name.removeprefix(_PREFIX): unquote(value).strip('"')
        for name, value in headers.items()
        if name.startswith(_PREFIX)
    }
    missing = next((name for name in ("id", "source", "type") if not told.get(name)), None)
    if missing is not None:
        message = f"the header {_PREFIX}{missing} is missing; a CloudEvent has id, source and type"
        raise BadInput(message)
    return _event(
        told.get("specversion", "1.0"), {name: told[name] for name in ("id", "source", "type")},
        time=told.get("time"), content_type=content_type, data=body,
        more={name: told[name] for name in EXTENSIONS if told.get(name)},
    )  # fmt: skip


def _event(
    version: str, named: Mapping[str, str], *, time: str | None, content_type: str, data: bytes,
    more: Mapping[str, str],
) -> Event:  # fmt: skip
    if version not in VERSIONS:
        message = f"the CloudEvent's specversion is {version[:20]!r}; expected one of {', '.join(VERSIONS)}"
        raise UnsupportedType(message)
    for name, value in [*named.items(), *more.items()]:
        if not 0 < len(value) <= LONGEST or "\0" in value:
            message = f"the CloudEvent's {name} has {len(value)} characters; expected 1 to {LONGEST}, none of them of code 0"
            raise BadInput(message)
    return Event(
        id=named["id"], source=named["source"], type=named["type"], at=_time(time),
        content_type=content_type, data=data, attributes=more,
    )  # fmt: skip


def _time(text: str | None) -> datetime | None:
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text.strip().upper())
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        message = f"the CloudEvent's time is {text[:40]!r}; expected one with an offset, such as 2024-03-01T06:00:00Z"
        raise BadInput(message)
    return found.astimezone(UTC)
