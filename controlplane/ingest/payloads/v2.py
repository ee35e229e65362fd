"""The Open Inference Protocol, the second one: tensors with a name, a shape and a datatype."""

from itertools import chain
from math import prod
from typing import Final

import msgspec

from controlplane.domain.errors import BadInput
from controlplane.ingest.payloads.block import Block, Payload, check_width, payload

DATATYPES: Final = frozenset({
    "BOOL", "UINT8", "UINT16", "UINT32", "UINT64", "INT8", "INT16", "INT32", "INT64",
    "FP16", "FP32", "FP64", "BF16", "BYTES",
})  # fmt: skip
_DEEPEST: Final = 4
"""Dimensions of a tensor; the first one is the rows."""


class Tensor(msgspec.Struct):
    """A tensor as it stands in a body; other fields are passed over."""

    name: str
    shape: list[int]
    datatype: str
    data: list[object] | None = None


def tensors(told: object, where: str) -> Payload:
    """Tensors, each a block of as many columns as a row of it has values. `data` may be nested or
    flat. Raises BadInput, TooLarge."""
    try:
        found = msgspec.convert(told, list[Tensor])
    except msgspec.ValidationError as error:
        message = f"{where} holds no tensors: {error}"
        raise BadInput(message) from None
    check_width(len(found), 0, where)
    return payload([_block(tensor, f"{where}/{tensor.name[:60]}") for tensor in found], where)


def _block(tensor: Tensor, where: str) -> Block:
    if tensor.datatype not in DATATYPES:
        message = f"{where} is of the datatype {tensor.datatype[:20]!r}; expected one of {', '.join(sorted(DATATYPES))}"
        raise BadInput(message)
    if tensor.data is None:
        message = f"{where} has no data: binary tensors are not read, have them logged as JSON"
        raise BadInput(message)
    shape = tensor.shape
    if not 0 < len(shape) <= _DEEPEST or min(shape) < 0:
        message = (
            f"{where} has the shape {shape[:6]}; expected rows, and at most {_DEEPEST - 1} more"
        )
        raise BadInput(message)
    flat = _flat(tensor.data, len(shape))
    if len(flat) != prod(shape):
        message = f"{where} has {len(flat)} values; its shape {shape} asks for {prod(shape)}"
        raise BadInput(message)
    if tensor.datatype == "BOOL":
        flat = [bool(value) if isinstance(value, int) else value for value in flat]
    width = prod(shape[1:]) if flat else 0
    check_width(width, 0, where)
    columns = [flat[place::width] for place in range(width)]
    return Block(tensor.name, columns, shape[0], is_wide=len(shape) > 1)


def _flat(data: list[object], depth: int) -> list[object]:
    """Values in the order of rows, however deep they are nested; as deep as the shape at most."""
    for _ in range(depth - 1):
        if not data or not all(isinstance(value, list) for value in data):
            break
        data = list(chain.from_iterable(data))  # type: ignore[arg-type]
    return data
