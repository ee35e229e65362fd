"""From bytes and a content type to a batch."""

import hashlib
from collections.abc import Callable, Mapping
from typing import Final, Protocol

from controlplane.domain.errors import UnsupportedType
from controlplane.ingest.batch import Batch, Feed
from controlplane.ingest.formats import arrow, csv, json_large, ndjson, parquet, sagemaker
from controlplane.ingest.layout import Layout
from controlplane.ingest.media import (
    ARROW,
    CSV,
    JSON,
    JSON_LINES,
    PARQUET,
    TABS,
    MediaType,
    as_utf8,
    media_type_of,
)


class Decoder(Protocol):
    """What a format's module offers."""

    def __call__(self, body: bytes, *, digest: str = "") -> Batch:
        """The columns of a body. Raises BadInput, TooLarge."""
        ...


FORMATS: Final[Mapping[str, Decoder]] = {
    JSON: json_large.decode,
    JSON_LINES: ndjson.decode,
    CSV: csv.decode,
    TABS: csv.decode_tabs,
    ARROW: arrow.decode,
    PARQUET: parquet.decode,
}
"""By the name that comes first among those that a format has."""
_TEXTS: Final = frozenset({CSV, TABS})
"""Formats whose charset is not always UTF-8."""


def decode(
    content_type: str, body: bytes, *, feed: Feed | str,
    layout: Callable[[], Layout] | None = None,
) -> Batch:  # fmt: skip
    """The rows of a body, decompressed before. Raises UnsupportedType, BadInput, TooLarge.

    `layout` tells which column is which, where JSON lines turn out to be SageMaker's captured data.
    """
    media = media_type_of(content_type)
    if media.kind == JSON_LINES and layout is not None and sagemaker.is_captured(body):
        return sagemaker.decode(body, Feed(feed), layout())
    decoder = FORMATS.get(media.kind)
    if decoder is None:
        known = ", ".join(FORMATS)
        message = f"the content type is {media.kind[:100] or 'missing'}; expected one of {known}"
        raise UnsupportedType(message)
    named = hashlib.sha256(body).hexdigest()[:16] if Feed(feed) is Feed.REFERENCE else ""
    return decoder(_text(body, media) if media.kind in _TEXTS else body, digest=named)


def _text(body: bytes, media: MediaType) -> bytes:
    if media.parameters.get("header") == "absent":
        message = "the body has no line of column names; send one, and say header=present"
        raise UnsupportedType(message)
    return as_utf8(body, media)
