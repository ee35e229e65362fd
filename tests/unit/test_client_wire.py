"""What the server encodes the client decodes, field by field."""

from typing import Any

import msgspec
import pytest
from msgspec import inspect as shapes

from connectors.client import problems
from connectors.client import wire as read
from controlplane.api import wire as sent
from controlplane.domain.decisions import Evidence
from detectors.finding import Finding, Interval

SERVERS: dict[str, Any] = {
    **{name: getattr(sent, name) for name in dir(sent) if name[0].isupper()},
    "Evidence": Evidence,
    "Finding": Finding,
    "Interval": Interval,
}
CLIENTS: dict[str, Any] = {
    **{name: getattr(read, name) for name in read.__all__ if name != "Page"},
    "Problem": problems.Problem,
    "RowError": problems.RowError,
}


def example(shape: shapes.Type) -> Any:
    """A value of a type as JSON has it, unlike any default."""
    match shape:
        case shapes.UnionType(types=types):
            return example(next(one for one in types if not isinstance(one, shapes.NoneType)))
        case shapes.StructType(fields=fields):
            return {field.encode_name: example(field.type) for field in fields}
        case shapes.ListType(item_type=item) | shapes.VarTupleType(item_type=item):
            return [example(item)]
        case shapes.DictType(value_type=value):
            return {"key": example(value)}
        case shapes.EnumType(cls=cls):
            return next(iter(cls)).value
    simple: dict[type, Any] = {
        shapes.StrType: "text", shapes.IntType: 7, shapes.FloatType: 0.5, shapes.BoolType: True,
        shapes.DateTimeType: "2024-03-01T12:00:00Z", shapes.AnyType: "anything",
        shapes.CustomType: "anything", shapes.DateType: "2024-03-01",
    }  # fmt: skip
    return simple[type(shape)]


@pytest.mark.parametrize("name", sorted(CLIENTS))
def test_the_client_reads_every_field_that_it_names_as_the_server_sent_it(name: str) -> None:
    server, client = SERVERS[name], CLIENTS[name]
    content = msgspec.json.encode(msgspec.convert(example(shapes.type_info(server)), server))
    decoded = msgspec.to_builtins(msgspec.json.decode(content, type=client))
    told = msgspec.json.decode(content)
    assert set(client.__struct_fields__) <= set(server.__struct_fields__)
    assert decoded == {field: told[field] for field in client.__struct_fields__}


@pytest.mark.parametrize("name", sorted(CLIENTS))
def test_the_client_names_every_field_that_the_server_has(name: str) -> None:
    assert set(SERVERS[name].__struct_fields__) <= set(CLIENTS[name].__struct_fields__)
