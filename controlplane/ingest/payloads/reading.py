"""A body of any of the protocols, told apart by what stands in it."""

from collections.abc import Callable, Mapping
from typing import Final

from controlplane.domain.errors import BadInput
from controlplane.ingest.batch import kind_of
from controlplane.ingest.encoding import GZIP, decoded
from controlplane.ingest.loose import loosely_read
from controlplane.ingest.payloads import seldon, v1, v2
from controlplane.ingest.payloads.block import Payload, of_rows, payload


def read_payload(body: bytes) -> Payload:
    """The rows of a request to a model or of its response. Raises BadInput, TooLarge."""
    told = json_of(decoded("gzip", body) if body.startswith(GZIP) else body)
    if not isinstance(told, dict):
        message = f"the body is {kind_of(told)}; expected an object with instances, predictions, inputs, outputs or data"
        raise BadInput(message)
    found = payload_of(told)
    if found is not None:
        return found
    if "error" in told:
        message = f"the body tells of an error: {str(told['error'])[:200]}"
        raise BadInput(message)
    found_names = ", ".join(list(told)[:6])[:120] or "nothing"
    message = (
        f"the body has {found_names}; expected instances, predictions, inputs, outputs or data"
    )
    raise BadInput(message)


def payload_of(told: Mapping[str, object]) -> Payload | None:
    """The rows of a body by the protocol that its fields tell; None where it is of none. Raises
    BadInput, TooLarge."""
    for name, read in _READERS.items():
        if name in told:
            return read(told[name], f"/{name}")
    return None


def json_of(body: bytes) -> object:
    """JSON, with NaN and Infinity where a sender has them. Raises BadInput."""
    try:
        return loosely_read(body)
    except BadInput as error:
        raise BadInput(f"the body is {error}") from None


def _either(told: object, where: str) -> Payload:
    """Tensors of the second protocol, or columns of the first."""
    if isinstance(told, list) and told and all(_is_tensor(one) for one in told):
        return v2.tensors(told, where)
    return v1.columns(told, where)


def _is_tensor(value: object) -> bool:
    return isinstance(value, dict) and {"name", "shape"} <= value.keys()


def _of_json(told: object, where: str) -> Payload:
    """Seldon's `jsonData`: rows, or one of them."""
    return payload(of_rows(told if isinstance(told, list) else [told], where), where)


_READERS: Final[Mapping[str, Callable[[object, str], Payload]]] = {
    "instances": v1.instances, "predictions": v1.instances, "inputs": _either, "outputs": _either,
    "data": seldon.data, "jsonData": _of_json,
}  # fmt: skip
"""Which field of a body says of which protocol it is, in the order in which they are looked for."""
