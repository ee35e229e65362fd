"""Bodies that were sent compressed, with a limit on what they unfold to."""

import io
from typing import Final

import pyarrow as pa

from controlplane.domain.errors import BadInput, TooLarge, UnsupportedType
from controlplane.ingest.unfolding import unfolds_to
from controlplane.settings import MIB, MOST_UNFOLDED

MOST_DECODED: Final = MOST_UNFOLDED * MIB
"""Bytes of a body after decompression."""
GZIP: Final = b"\x1f\x8b"
"""How a member of a gzip file begins."""
_CUT_OFF: Final = "Truncated"
"""What Arrow says of a body whose last member or frame has no end."""
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
            found = _unfolded("gzip", _packed(body, "gzip"), limit)
        case "zstd":
            found = _unfolded("zstd", _packed(body, "zstd"), limit)
        case other:
            message = f"the content encoding is {other}; expected gzip, zstd or none"
            raise UnsupportedType(message)
    return found


def _unfolded(packing: str, body: bytes, limit: int) -> bytes:
    """All members of a gzip file, or all frames of a zstd one.

    However many there are: each of them costs Arrow a microsecond or less, and none is copied.
    """
    found = io.BytesIO()
    try:
        with pa.CompressedInputStream(pa.BufferReader(body), packing) as packed:
            while part := packed.read(min(_STEP, limit - found.tell() + 1)):
                found.write(part)
                _checked(found.tell(), limit)
    except OSError as error:
        if _CUT_OFF in str(error):
            raise BadInput(f"the {packing} body ends in the middle; send it again") from None
        message = f"the body is not {packing}, as its Content-Encoding says: {error}"
        raise BadInput(message) from None
    return found.getvalue()  # which is what was written, not a copy of it


def _packed(body: bytes, packing: str) -> bytes:
    """The body, if it may be of a packing; Arrow takes nothing at all, and zlib's format, too."""
    if not body:
        raise BadInput(f"the body is empty; expected {packing}, as its Content-Encoding says")
    if packing == "gzip" and not GZIP.startswith(body[: len(GZIP)]):
        raise BadInput("the body is not gzip, as its Content-Encoding says: it begins otherwise")
    return body


def _within(body: bytes, limit: int) -> bytes:
    _checked(len(body), limit)
    return body


def _checked(size: int, limit: int) -> None:
    unfolds_to(size)
    if size > limit:
        message = f"the body unfolds to more than {limit} bytes; send it in several requests"
        raise TooLarge(message)
