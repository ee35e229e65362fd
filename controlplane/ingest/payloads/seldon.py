"""Seldon's first protocol: `data` with `names` and `ndarray`, `tensor` or `tftensor`; `jsonData`."""

from controlplane.domain.errors import BadInput
from controlplane.ingest.payloads.block import Block, Payload, check_width, named, of_rows, payload


def data(told: object, where: str) -> Payload:
    """Rows of an array or a tensor, under names where they are told. Raises BadInput, TooLarge."""
    if not isinstance(told, dict):
        message = f"{where} is no object; expected one with ndarray or tensor"
        raise BadInput(message)
    block = _array(told, where)
    names = told.get("names")
    if isinstance(names, list) and names:
        return payload(named(names, block, where), where)
    return payload([block], where)


def _array(told: dict[str, object], where: str) -> Block:
    array, tensor = told.get("ndarray"), told.get("tensor")
    if isinstance(array, list):
        blocks = of_rows(array, f"{where}/ndarray")
        if len(blocks) == 1 and blocks[0].name is None:
            return blocks[0]
    if isinstance(tensor, dict):
        return _tensor(tensor, f"{where}/tensor")
    message = f"{where} has neither an ndarray of rows nor a tensor; other kinds are not read"
    raise BadInput(message)


def _tensor(told: dict[str, object], where: str) -> Block:
    shape, values = told.get("shape"), told.get("values")
    if not isinstance(shape, list) or not isinstance(values, list):
        message = f"{where} lacks a shape or values"
        raise BadInput(message)
    sizes = [size for size in shape if isinstance(size, int) and size >= 0]
    if len(sizes) != len(shape) or not 0 < len(sizes) <= 2:  # noqa: PLR2004 - rows and columns
        message = f"{where} has the shape {shape[:6]}; expected rows, or rows and columns"
        raise BadInput(message)
    rows, width = sizes[0], sizes[1] if len(sizes) > 1 else 1
    if len(values) != rows * width:
        message = f"{where} has {len(values)} values; its shape {shape} asks for {rows * width}"
        raise BadInput(message)
    check_width(width, rows, where)
    columns = [values[place::width] for place in range(width if values else 0)]
    return Block(None, columns, rows, is_wide=len(sizes) > 1)
