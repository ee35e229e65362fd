"""JSON as Python writes it: with NaN, Infinity and numbers that no double holds.

The JSON of RFC 8259 has none of them, yet much of what serves models is written in Python, whose
`json` makes them unless it is told not to. The slow reader that takes them is given only what the
strict one refused.
"""

import json
import re
from typing import Final

import msgspec

from controlplane.domain.errors import BadInput

MOST: Final = 64 * 2**20
"""Bytes of a body that is read a second time: this reader is slow, and lets nobody else work."""
_WORDS: Final = (b"NaN", b"Infinity")
_OUT_OF_RANGE: Final = "out of range"
"""What msgspec says of 1e400."""
_SURROGATE: Final = re.compile(r"\\u[dD][89a-fA-F]")


def loosely_read(body: bytes) -> object:
    """The JSON of a body; what is beyond a double is infinite.

    Raises BadInput with what the body is instead: `not JSON`, and why, or `nested too deep`.
    """
    try:
        return _strict.decode(body)
    except RecursionError:
        raise BadInput("nested too deep") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        why = str(error)
    if len(body) <= MOST and (_OUT_OF_RANGE in why or any(word in body for word in _WORDS)):
        try:
            return _read(body.decode())
        except RecursionError:
            raise BadInput("nested too deep") from None
        except ValueError as error:
            why = str(error)
    raise BadInput(f"not JSON: {why[:200]}") from None


def _read(text: str) -> object:
    """Raises ValueError, also for half a character, which nothing after this could write."""
    found: object = json.loads(text)
    if _SURROGATE.search(text):
        json.dumps(found, ensure_ascii=False).encode()
    return found


_strict: Final[msgspec.json.Decoder[object]] = msgspec.json.Decoder(object)
