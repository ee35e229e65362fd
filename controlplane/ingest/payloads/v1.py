"""The first protocol, TensorFlow Serving's: `instances` and `predictions`, a row an item; or
`inputs` and `outputs`, a list a column."""

from controlplane.domain.errors import BadInput
from controlplane.ingest.payloads.block import Block, Payload, check_width, of_rows, payload


def instances(told: object, where: str) -> Payload:
    """Rows: objects, lists of values, or bare values. Raises BadInput, TooLarge."""
    if not isinstance(told, list):
        message = f"{where} is no list; expected a row an item"
        raise BadInput(message)
    return payload(of_rows(told, where), where)


def columns(told: object, where: str) -> Payload:
    """Columns: an object with a list a name, or rows of lists. Raises BadInput, TooLarge."""
    if isinstance(told, list):
        return instances(told, where)
    if not isinstance(told, dict):
        message = f"{where} is neither an object of columns nor a list of rows"
        raise BadInput(message)
    check_width(len(told), 0, where)
    blocks: list[Block] = []
    for name, values in told.items():
        if not isinstance(values, list):
            message = f"{where}/{name[:60]} is no list; expected a value a row"
            raise BadInput(message)
        [block] = of_rows(values, f"{where}/{name[:60]}") or [Block(None, [[]], 0)]
        blocks.append(block._replace(name=name))
    return payload(blocks, where)
