"""Bodies that were sent compressed, with a limit on what they unfold to."""

import io
import zlib
from typing import Final

import zstandard

from controlplane.domain.errors import BadInput, TooLarge, UnsupportedType
from controlplane.ingest.unfolding import unfolds_to

MOST_DECODED: Final = 512 * 2**20
"""Bytes of a body after decompression."""
_GZIP: Final = 31
"""zlib's window bits for a gzip header."""
_WIDEST_WINDOW: Final = 2**27
_STEP: Final = 2**20


def decoded(encoding: str | None, body: bytes, *, limit: int = MOST_DECODED) -> bytes:
    """The body as it was before its Content-Encoding: none, gzip or zstd.

    Raises UnsupportedType for another encoding, TooLarge beyond `limit` bytes, BadInput for a
    body that is not what it says.
    """
    match (encoding or "identity").strip().lower():
        case "identity":
            found = _within(body, limit)
        case "gzip" | "x-gzip":
            found = _gunzipped(body, limit)
        case "zstd":
            found = _unzstd(body, limit)
        case other:
            message = f"the content encoding is {other}; expected gzip, zstd or none"
            raise UnsupportedType(message)
    return found


def _gunzipped(body: bytes, limit: int) -> bytes:
    """All members of a gzip file."""
    found, rest = io.BytesIO(), body
    try:
        while rest:
            member = zlib.decompressobj(_GZIP)
            while not member.eof:
                part = member.decompress(rest, min(_STEP, limit - found.tell() + 1))
                rest = member.unconsumed_tail
                if not (part or rest or member.eof):
                    raise BadInput("the gzip body ends in the middle; send it again")
                found.write(part)
                _checked(found.tell(), limit)
            rest = member.unused_data
    except zlib.error as error:
        message = f"the body is not gzip, as its Content-Encoding says: {error}"
        raise BadInput(message) from None
    if not body:
        raise BadInput("the body is empty; expected gzip, as its Content-Encoding says")
    return found.getvalue()  # which is what was written, not a copy of it


def _unzstd(body: bytes, limit: int) -> bytes:
    decompressor = zstandard.ZstdDecompressor(max_window_size=_WIDEST_WINDOW)
    found = io.BytesIO()
    try:
        with decompressor.stream_reader(io.BytesIO(body), read_across_frames=True) as reader:
            while part := reader.read(_STEP):
                found.write(part)
                _checked(found.tell(), limit)
    except zstandard.ZstdError as error:
        message = f"the body is not zstd, as its Content-Encoding says: {error}"
        raise BadInput(message) from None
    return found.getvalue()  # which is what was written, not a copy of it


def _within(body: bytes, limit: int) -> bytes:
    _checked(len(body), limit)
    return body


def _checked(size: int, limit: int) -> None:
    unfolds_to(size)
    if size > limit:
        message = f"the body unfolds to more than {limit} bytes; send it in several requests"
        raise TooLarge(message)
