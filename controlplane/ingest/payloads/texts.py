"""Bodies as texts: CSV without names, and JSON of whatever form an algorithm takes or gives."""

import csv
import io

from controlplane.domain.errors import BadInput
from controlplane.ingest.payloads.block import Block, Payload, of_rows, payload
from controlplane.ingest.payloads.reading import json_of, payload_of


def from_csv(text: str) -> Payload:
    """Rows of texts, missing where they are empty. Raises BadInput, TooLarge."""
    if '"' in text:
        rows = _quoted(text)
    else:
        rows = [line.split(",") for line in text.splitlines() if line.strip()]
    told: list[object] = [[value.strip() or None for value in row] for row in rows]
    return payload(of_rows(told, "its data"), "its data")._replace(is_text=True)


def _quoted(text: str) -> list[list[str]]:
    try:
        return [row for row in csv.reader(io.StringIO(text), skipinitialspace=True) if row]
    except csv.Error as error:
        message = f"its data are not CSV: {error}"
        raise BadInput(message) from None


def from_json(text: str) -> Payload:
    """Rows, columns, a row or a value, or a body of a protocol. Raises BadInput, TooLarge."""
    told = json_of(text.encode(errors="replace"))
    if isinstance(told, dict):
        lists = [value for value in told.values() if isinstance(value, list)]
        if len(told) > 1 and len(lists) == len(told) and len(set(map(len, lists))) == 1:
            blocks = [Block(name, [values], len(values)) for name, values in told.items()]
            return payload(blocks, "its data")
        return payload_of(told) or payload(of_rows([told], "its data"), "its data")
    rows = told if isinstance(told, list) else [told]
    return payload(of_rows(rows, "its data"), "its data")
