"""From bytes and a content type to a batch."""

import hashlib
from collections.abc import Mapping
from typing import Final, Protocol

from controlplane.domain.errors import UnsupportedType
from controlplane.ingest.batch import Batch, Feed
from controlplane.ingest.formats import arrow, json, ndjson


class Decoder(Protocol):
    """What a format's module offers."""

    def __call__(self, body: bytes, *, digest: str = "") -> Batch:
        """The columns of a body. Raises BadInput, TooLarge."""
        ...


FORMATS: Final[Mapping[str, Decoder]] = {
    "application/json": json.decode,
    "application/x-ndjson": ndjson.decode,
    "application/vnd.apache.arrow.stream": arrow.decode,
}


def decode(content_type: str, body: bytes, *, feed: Feed | str) -> Batch:
    """The rows of a body, decompressed before. Raises UnsupportedType, BadInput, TooLarge."""
    kind = content_type.partition(";")[0].strip().lower()
    decoder = FORMATS.get(kind)
    if decoder is None:
        message = f"the content type is {kind or 'missing'}; expected one of {', '.join(FORMATS)}"
        raise UnsupportedType(message)
    named = hashlib.sha256(body).hexdigest()[:16] if Feed(feed) is Feed.REFERENCE else ""
    return decoder(body, digest=named)
