"""Profiles as JSON, plain or gzipped, and back: what is read is checked before it is used.

Counts, edges and level names stand as they are, so that a reader sees what leaves the house; points
and registers stand as base64. Nothing is executed on reading, and a file that was cut, altered or
made up is refused in a sentence.
"""

import gzip
import zlib
from typing import Final

import msgspec

from detectors.profile.checked import Flawed, check
from detectors.profile.form import FORM, Profile

GZIP: Final = b"\x1f\x8b"
MOST_BYTES: Final = 1 << 30
"""Of a profile once unpacked; a smaller file that claims more is refused."""
_FIRST: Final = 1


class UnreadableProfile(ValueError):
    """Bytes that are no profile, a damaged one, or one of a newer form."""


class _Head(msgspec.Struct):
    form: int
    columns: msgspec.Raw


def encoded(profile: Profile) -> bytes:
    """The profile as one JSON document."""
    return msgspec.json.encode(profile)


def packed(profile: Profile) -> bytes:
    """The profile gzipped, the same bytes each time."""
    return gzip.compress(encoded(profile), compresslevel=6, mtime=0)


def decoded(data: bytes) -> Profile:
    """The profile that these bytes hold, gzipped or not; raises UnreadableProfile."""
    if data.startswith(GZIP):
        data = _unpacked(data)
    try:
        head = msgspec.json.decode(data, type=_Head)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        message = f"this is no profile ({error}); `leeboard profile FILE` writes one"
        raise UnreadableProfile(message) from None
    if not _FIRST <= head.form <= FORM:
        raise UnreadableProfile(
            f"the profile has form {head.form}, and this Leeboard reads form {FORM}; "
            "profile the data again with this one, or read it with a newer one"
        )
    try:
        profile = msgspec.json.decode(data, type=Profile)
        check(profile)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, Flawed) as error:
        raise UnreadableProfile(f"the profile is damaged: {error}") from None
    return profile


def _unpacked(data: bytes) -> bytes:
    unpacker = zlib.decompressobj(31)
    try:
        found = unpacker.decompress(data, MOST_BYTES)
    except zlib.error as error:
        raise UnreadableProfile(f"the gzipped profile is damaged: {error}") from None
    if unpacker.unconsumed_tail:
        raise UnreadableProfile(
            f"the gzipped profile unpacks to more than {MOST_BYTES >> 20} MiB; that is none of ours"
        )
    if not unpacker.eof:
        raise UnreadableProfile("the gzipped profile is cut off before its end")
    return found
