"""SageMaker's captured data: a line a request with what was asked and answered; and the files of
labels that are merged with it.

Lines whose bodies are of one form are laid out together, so that what a column means is decided for
all of them and not for each.
"""

import base64
import binascii
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Final, NamedTuple

import msgspec
import numpy as np
import pyarrow as pa

from controlplane.domain.errors import BadInput, TooLarge
from controlplane.ingest.batch import MOST_ROWS, Batch, Feed, Shape, Unreadable, as_values, batch_of
from controlplane.ingest.formats.untyped import typed
from controlplane.ingest.layout import Columns, Layout, inputs, outputs
from controlplane.ingest.media import media_type_of
from controlplane.ingest.payloads.block import Block, Payload, names
from controlplane.ingest.payloads.texts import from_csv, from_json
from controlplane.ingest.unfolding import WHOLE, unfolds_to

_CAPTURED: Final = b'"captureData"'
_TRUTH: Final = b'"groundTruthData"'
_BLANK: Final = b"\xef\xbb\xbf \t\r\n"
_SHOWN: Final = 1_000


class _Side(msgspec.Struct):
    """What was asked, what was answered, or what was true."""

    data: str
    encoding: str = "CSV"
    content_type: str = msgspec.field(default="", name="observedContentType")


class _Sides(msgspec.Struct):
    asked: _Side | None = msgspec.field(default=None, name="endpointInput")
    answered: _Side | None = msgspec.field(default=None, name="endpointOutput")


class _Facts(msgspec.Struct):
    event: str = msgspec.field(default="", name="eventId")
    inference: str = msgspec.field(default="", name="inferenceId")
    at: str | None = msgspec.field(default=None, name="inferenceTime")


class _Line(msgspec.Struct):
    facts: _Facts = msgspec.field(name="eventMetadata")
    captured: _Sides | None = msgspec.field(default=None, name="captureData")
    truth: _Side | None = msgspec.field(default=None, name="groundTruthData")


_lines: Final = msgspec.json.Decoder(_Line)


class _Read(NamedTuple):
    """A line: its number, what it is called, when it was, its bodies and how many rows they have."""

    number: int
    id: str
    at: str | None
    payloads: tuple[Payload, ...]
    rows: int


def is_captured(body: bytes) -> bool:
    """Whether JSON lines are SageMaker's, by the first of them that is not blank."""
    start = body.lstrip(_BLANK)
    first = start.partition(b"\n")[0] if start[:1] == b"{" else b""
    return _CAPTURED in first or _TRUTH in first


def decode(body: bytes, feed: Feed, layout: Layout) -> Batch:
    """The rows of captured lines: predictions of captured data, labels of files of labels. Raises
    TooLarge; what is wrong with a line costs that line alone."""
    unfolds_to(len(body) * WHOLE)
    read: list[_Read] = []
    wrong: dict[int, Unreadable] = {}
    for number, line in enumerate(body.split(b"\n"), 1):
        text = line.strip(_BLANK)
        if not text:
            continue
        try:
            read.append(_one(text, number, feed))
        except BadInput as error:
            wrong[number] = _unreadable(number, error, text)
        if len(read) + len(wrong) > MOST_ROWS:
            message = f"more than {MOST_ROWS} lines came; send them in several requests"
            raise TooLarge(message)
    parts: list[_Part] = []
    for group in _alike(read):
        try:
            parts.append(_Part(group, _columns(group, feed, layout)))
        except BadInput as error:
            wrong |= {one.number: _unreadable(one.number, error, b"") for one in group}
    return _joined(parts, wrong, feed, size=len(body))


def _one(line: bytes, number: int, feed: Feed) -> _Read:
    try:
        told = _lines.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        message = f"it is no line of captured data: {str(error)[:200]}"
        raise BadInput(message) from None
    payloads = [_payload(side) for side in _sides(told, feed)]
    name = told.facts.inference or told.facts.event
    if not name:
        raise BadInput("it has no eventId; expected one, or an inferenceId, in eventMetadata")
    rows = payloads[0].rows
    if payloads[-1].rows != rows:
        payloads[-1] = _turned(payloads[-1], rows)
    return _Read(number, name, told.facts.at, tuple(payloads), rows)


def _sides(told: _Line, feed: Feed) -> tuple[_Side, ...]:
    if feed is Feed.LABELS:
        if told.truth is None:
            raise BadInput("it has no groundTruthData; captured data are predictions")
        return (told.truth,)
    sides = told.captured
    if feed is not Feed.PREDICTIONS or sides is None:
        raise BadInput("it has no captureData; lines of groundTruthData are labels")
    if sides.asked is None or sides.answered is None:
        missing = "endpointInput" if sides.asked is None else "endpointOutput"
        message = f"it has no {missing}; have requests and responses both captured"
        raise BadInput(message)
    return sides.asked, sides.answered


def _payload(side: _Side) -> Payload:
    data, encoding = side.data, side.encoding.upper()
    if encoding == "BASE64":
        try:
            data = base64.b64decode(data, validate=True).decode()
        except (binascii.Error, ValueError) as error:
            message = f"its data are no text in base64: {error}"
            raise BadInput(message) from None
        kind = media_type_of(side.content_type).kind
        looks = "JSON" if data.lstrip()[:1] in {"{", "["} else "CSV"
        encoding = "CSV" if "csv" in kind else "JSON" if "json" in kind else looks
    if encoding == "CSV":
        return from_csv(data)
    if encoding == "JSON":
        return from_json(data)
    message = f"its data are in the encoding {side.encoding[:20]!r}; expected CSV, JSON or BASE64"
    raise BadInput(message)


def _turned(answered: Payload, rows: int) -> Payload:
    """A single row of as many values as there were rows asked about, which is how some algorithms
    answer in CSV, as a value a row. Raises BadInput for any other number of rows."""
    first = answered.blocks[0]
    if answered.rows == 1 and len(answered.blocks) == 1 and len(first.columns) == rows:
        column = [values[0] for values in first.columns]
        return answered._replace(blocks=[Block(first.name, [column], rows)], rows=rows)
    message = f"{rows} rows were asked about and {answered.rows} answered"
    raise BadInput(message)


def _alike(read: Sequence[_Read]) -> Iterable[list[_Read]]:
    """Lines whose bodies are of one form."""
    groups: dict[object, list[_Read]] = {}
    for one in read:
        form = tuple(
            (p.is_text, *((block.name, len(block.columns), block.is_wide) for block in p.blocks))
            for p in one.payloads
        )
        groups.setdefault(form, []).append(one)
    return groups.values()


class _Part(NamedTuple):
    """Lines of one form, and their columns."""

    lines: list[_Read]
    columns: Columns


def _columns(group: Sequence[_Read], feed: Feed, layout: Layout) -> Columns:
    sides = [_together(payloads) for payloads in zip(*(one.payloads for one in group), strict=True)]
    if feed is Feed.PREDICTIONS:
        return {**inputs(layout, sides[0]), **outputs(layout, sides[1])}
    values = [column for block in sides[0].blocks for column in block.columns]
    if len(values) != 1:
        message = f"it has {len(values)} values a row; expected one label"
        raise BadInput(message)
    return {"label": values[0]}


def _together(payloads: Sequence[Payload]) -> Payload:
    """Payloads of one form below each other; texts are typed over all of them."""
    first, blocks = payloads[0], []
    rows = sum(payload.rows for payload in payloads)
    for place, block in enumerate(first.blocks):
        stacked = [
            list(chain.from_iterable(p.blocks[place].columns[column] for p in payloads))
            for column in range(len(block.columns))
        ]
        columns = [_typed(values) for values in stacked] if first.is_text else stacked
        blocks.append(block._replace(columns=columns, rows=rows))
    return Payload(blocks, rows)


def _typed(values: list[object]) -> list[object]:
    found: list[object] = typed(pa.chunked_array([pa.array(values, pa.string())])).to_pylist()
    return found


def _joined(
    parts: Sequence[_Part], wrong: Mapping[int, Unreadable], feed: Feed, *, size: int
) -> Batch:
    """The rows of all parts in the order of their lines; lines of no use have no values."""
    lines = [one for part in parts for one in part.lines]
    numbers = np.array(
        [one.number for one in lines for _ in range(one.rows)] + list(wrong), np.int64
    )
    order = np.argsort(numbers, kind="stable")
    columns: Columns = {}
    for name in dict.fromkeys(name for part in parts for name in part.columns):
        columns[name] = list(chain.from_iterable(
            part.columns.get(name) or [None] * sum(one.rows for one in part.lines)
            for part in parts
        ))  # fmt: skip
    columns["id"] = [name for one in lines for name in names(one.id, one.rows)]
    if feed is Feed.PREDICTIONS:
        columns["at"] = [one.at for one in lines for _ in range(one.rows)]
    nothing: list[object] = [None] * len(wrong)
    sorted_columns = {}
    for name, values in columns.items():
        padded = [*values, *nothing]
        sorted_columns[name] = as_values([padded[place] for place in order.tolist()])
    numbers = numbers[order]
    unreadable = {int(np.searchsorted(numbers, number)): said for number, said in wrong.items()}
    return batch_of(sorted_columns, Shape.LINES, size=size, lines=numbers, unreadable=unreadable)


def _unreadable(number: int, why: BadInput, line: bytes) -> Unreadable:
    return Unreadable(f"line {number}: {why}", line[:_SHOWN].decode(errors="replace"))
