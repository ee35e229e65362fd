"""What a content type says of a body: its format, by whichever of its names, and its charset."""

import codecs
from collections.abc import Mapping
from email.message import Message
from functools import lru_cache
from typing import Final

import msgspec

from controlplane.domain.errors import BadInput, UnsupportedType

JSON: Final = "application/json"
JSON_LINES: Final = "application/x-ndjson"
CSV: Final = "text/csv"
TABS: Final = "text/tab-separated-values"
ARROW: Final = "application/vnd.apache.arrow.stream"
PARQUET: Final = "application/vnd.apache.parquet"

SYNONYMS: Final[Mapping[str, str]] = {
    "text/json": JSON,
    "application/ndjson": JSON_LINES, "application/jsonl": JSON_LINES,
    "application/x-jsonl": JSON_LINES, "application/jsonlines": JSON_LINES,
    "application/x-jsonlines": JSON_LINES, "application/json-lines": JSON_LINES,
    "application/csv": CSV, "text/x-csv": CSV, "application/x-csv": CSV,
    "application/x-apache-arrow-stream": ARROW,
    "application/parquet": PARQUET, "application/x-parquet": PARQUET,
}  # fmt: skip
"""Other names that senders have for a format."""
_CHARSETS: Final = frozenset({"utf-8", "ascii", "iso8859-1", "cp1252", "utf-16", "utf-16-le", "utf-16-be"})  # fmt: skip
"""Of texts, by Python's names."""


class MediaType(msgspec.Struct, frozen=True):
    """A content type: its name as this server has it, and its parameters in small letters."""

    kind: str
    parameters: Mapping[str, str] = {}


@lru_cache(maxsize=256)
def media_type_of(content_type: str) -> MediaType:
    """A content type's parts, by the name that the table above has for it; one whose parameters
    cannot be read is a kind of its own, which nobody knows.

    >>> media_type_of('Application/JSONL; charset="UTF-8"')
    MediaType(kind='application/x-ndjson', parameters={'charset': 'utf-8'})
    """
    kind, _, rest = content_type.partition(";")
    parameters: dict[str, str] = {}
    if rest:
        said = Message()
        said["content-type"] = f"a/b;{rest}"
        try:
            told = said.get_params(failobj=[])[1:]
        except ValueError:  # a parameter may be told in numbered parts, and this number is too long
            return MediaType(content_type.strip().lower())
        parameters = {name.lower(): str(value).strip().lower() for name, value in told}
    name = kind.strip().lower()
    return MediaType(SYNONYMS.get(name, name), parameters)


def as_utf8(body: bytes, media: MediaType) -> bytes:
    """A body of text in UTF-8. Raises UnsupportedType for a charset that is not known, BadInput
    for a body that is not in it."""
    named = media.parameters.get("charset", "utf-8")
    try:
        charset = codecs.lookup(named).name
    except (LookupError, ValueError):
        charset = ""
    if charset not in _CHARSETS:
        message = f"the charset is {named[:60]!r}; expected utf-8, iso-8859-1, cp1252 or utf-16"
        raise UnsupportedType(message)
    if charset in {"utf-8", "ascii"}:
        return body
    try:
        return body.decode(charset).encode()
    except UnicodeDecodeError as error:
        message = f"the body is not {named}, as its content type says: {error.reason}"
        raise BadInput(message) from None
