"""Records as JSON and back."""

from functools import cache
from typing import Any, TypeVar, get_args

import msgspec

from controlplane.domain.errors import StorageError
from controlplane.domain.records import Record

R = TypeVar("R", bound=Record)


def encoded(record: Record) -> bytes:
    """A record's JSON. Raises StorageError for one that could not be read again, such as a
    figure that is not finite where a number has to be."""
    body = msgspec.json.encode(record)
    try:
        decoded(type(record), body)
    except msgspec.DecodeError as error:
        message = f"{record.TABLE} {record.id} could not be read again and is not stored: {error}"
        raise StorageError(message) from error
    return body


def decoded(kind: type[R], body: bytes) -> R:
    """The record of a JSON text."""
    unread = _unread_fields(kind)
    decoder: msgspec.json.Decoder[R] = _decoder(kind)
    if not unread:
        return decoder.decode(body)
    parts: dict[str, msgspec.Raw] = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    kept: dict[str, Any] = {
        name: parts.pop(name).copy()
        for name in unread
        if bytes(parts.get(name, b"null")) != b"null"
    }
    return msgspec.structs.replace(decoder.decode(msgspec.json.encode(parts)), **kept)


@cache
def _decoder(kind: type[R]) -> "msgspec.json.Decoder[R]":
    return msgspec.json.Decoder(kind)


@cache
def _unread_fields(kind: type[Record]) -> tuple[str, ...]:
    """Fields of type `Raw | None`: msgspec decodes Raw by itself, but not in a union."""
    return tuple(
        field.encode_name
        for field in msgspec.structs.fields(kind)
        if msgspec.Raw in get_args(field.type)
    )
