"""What the messages of an Arrow stream say that they hold, before any of it is unfolded.

A buffer's true size stands in its first eight bytes where the stream is compressed, and several
buffers may share the same bytes; so a small body can claim far more memory than the machine has.
"""

import struct
from collections.abc import Iterator
from typing import Final, NamedTuple

import pyarrow as pa

_DICTIONARY: Final = 2
_BATCH: Final = 3
"""Kinds of a message's header, as Arrow's Message.fbs numbers them."""
_PREFIX: Final = 8
"""Bytes before a compressed buffer that tell its length."""


def claimed_bytes(body: bytes) -> int:
    """How many bytes the stream's buffers will take. Raises ArrowInvalid for a broken stream."""
    try:
        return sum(_of_message(message) for message in _messages(body))
    except struct.error as error:
        message = f"a message's description is broken: {error}"
        raise pa.ArrowInvalid(message) from None


class _Place(NamedTuple):
    """A table within a flatbuffer."""

    data: memoryview
    start: int

    def field(self, number: int) -> int | None:
        """Where a field's value stands; None where it is not set."""
        vtable = self.start - self.number("<i", self.start)
        slot = 4 + 2 * number
        if slot >= self.number("<H", vtable):
            return None
        offset = self.number("<H", vtable + slot)
        return self.start + offset if offset else None

    def table(self, number: int) -> "_Place | None":
        """A field that is a table itself."""
        at = self.field(number)
        return None if at is None else _Place(self.data, at + self.number("<I", at))

    def number(self, kind: str, at: int) -> int:
        """A number as it stands in the buffer."""
        found: int = struct.unpack_from(kind, self.data, at)[0]
        return found


def _messages(body: bytes) -> Iterator[pa.Message]:
    reader = pa.ipc.MessageReader.open_stream(body)
    while True:
        try:
            yield reader.read_next_message()
        except StopIteration:
            return


def _of_message(message: pa.Message) -> int:
    data = memoryview(message.metadata)
    root = _Place(data, struct.unpack_from("<I", data, 0)[0])
    kind, header = root.field(1), root.table(2)
    if kind is None or header is None or data[kind] not in {_DICTIONARY, _BATCH}:
        return 0
    batch = header.table(1) if data[kind] == _DICTIONARY else header
    return 0 if batch is None else _of_batch(batch, message.body)


def _of_batch(batch: _Place, body: pa.Buffer | None) -> int:
    at = batch.field(2)
    if at is None or body is None:
        return 0
    vector = at + batch.number("<I", at)
    count = batch.number("<I", vector)
    is_compressed = batch.field(3) is not None
    content, size = memoryview(body), 0
    for offset, length in struct.iter_unpack(
        "<qq", batch.data[vector + 4 : vector + 4 + 16 * count]
    ):
        told = -1
        if is_compressed and length >= _PREFIX and 0 <= offset <= len(content) - _PREFIX:
            told = struct.unpack_from("<q", content, offset)[0]
        size += max(length, told, 0)
    return size
