"""The OpenAPI document: what the handlers say, and what they cannot say themselves."""

from collections.abc import Iterator
from typing import Any, Final

import msgspec
from litestar import Request
from litestar.openapi.plugins import JsonRenderPlugin
from typing_extensions import override

from controlplane.api.problems import MEDIA_TYPE
from controlplane.api.wire import Problem
from controlplane.ingest.decode import FORMATS
from controlplane.ingest.formats.cloudevents import BATCHED, STRUCTURED

ROW_TYPES: Final = (*FORMATS, STRUCTURED, BATCHED)
_ANYTHING: Final[dict[str, Any]] = {"schema": {}}
_BYTES: Final[dict[str, Any]] = {"schema": {"type": "string", "format": "binary"}}
_ROWS: Final[dict[str, Any]] = {
    "schema": {
        "description": "columns, rows, or one bare row",
        "examples": [{"columns": {"id": ["a1"], "at": ["2024-03-01T06:00:00Z"]}}],
    }
}


def _content(types: tuple[str, ...]) -> dict[str, Any]:
    return {t: _ROWS if t == "application/json" else _BYTES for t in types}


RAW_BODIES: Final[dict[tuple[str, str], dict[str, Any]]] = {
    ("/v1/models/{model}/predictions", "post"): _content(ROW_TYPES),
    ("/v1/models/{model}/labels", "post"): _content(ROW_TYPES),
    ("/v1/models/{model}/reference", "post"): _content(ROW_TYPES),
    ("/v1/models/{model}/kpis", "post"): _content(ROW_TYPES),
    ("/v1/models/{model}", "put"): {"application/yaml": _BYTES, "application/json": _ANYTHING},
    ("/v1/models/{model}/versions", "post"): {
        "application/x-tar": _BYTES, "application/json": _ANYTHING,
    },
}  # fmt: skip
"""Bodies that handlers read themselves."""
OTHER_ANSWERS: Final[dict[tuple[str, str], tuple[str, str]]] = {
    ("/v1/models/{model}", "put"): ("201", "The model was made"),
}
"""Further statuses with the same body as the 200."""
WRITER: Final = frozenset({"/readyz"})
"""Paths that are read and ask the writer."""
OPEN: Final = frozenset({"/healthz", "/readyz"})
"""Paths that need no token."""


IDEMPOTENCY_KEY: Final[dict[str, Any]] = {
    "name": "Idempotency-Key", "in": "header", "required": False,
    "description": "The same again gives the first answer, and changes nothing; 7 days long.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
}  # fmt: skip
RETRY_AFTER: Final[dict[str, Any]] = {
    "Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer"}}
}


def _refusals(path: str, method: str) -> dict[str, str]:
    """What may be in the way of a call, by status; `default` has the rest."""
    told = {"403": "The name is not the server's"}
    if path not in OPEN:
        told["401"] = "Who asks is not known: no token, one that was revoked or has ended"
        told["403"] = "The token lacks the scope or is for other models, or the name is not ours"
    if "{" in path:
        told["404"] = "Nothing has that name"
    if method != "get":
        told["408"] = "The body did not come in time"
        told["409"] = "It contradicts what is there; a key that came with another body"
        told["413"] = "The body is too large, as sent or unpacked"
        told["415"] = "The content type or encoding is not known"
    if method != "get" or path in WRITER:
        told["503"] = "Too much waits, or the server ends: nothing was stored"
        told["507"] = "The store could not do it, as for want of space"
    return told


class Document(JsonRenderPlugin):
    """Serves the completed document; Litestar remembers what it got."""

    @override
    def render(
        self, request: Request, openapi_schema: dict[str, Any]  # type: ignore[type-arg]
    ) -> bytes:  # fmt: skip
        """The document as JSON."""
        return super().render(request, completed(openapi_schema))


def completed(document: dict[str, Any]) -> dict[str, Any]:
    """The document with raw bodies, problem details and the bearer token; completed again, the same."""
    (_,), named = msgspec.json.schema_components(
        [Problem], ref_template="#/components/schemas/{name}"
    )
    components = document.setdefault("components", {})
    components["schemas"] = {**components.get("schemas", {}), **named}
    components["securitySchemes"] = {"bearer": {"type": "http", "scheme": "bearer"}}
    problem = {
        "description": "What was found, what was expected, how to mend it",
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    for path, method, operation in _operations(document):
        answers = operation["responses"]
        answers.pop("400", None)
        answers["default"] = problem
        for status, description in _refusals(path, method).items():
            answers[status] = {**problem, "description": description}
        if method != "get":
            others = [p for p in operation.get("parameters", []) if p != IDEMPOTENCY_KEY]
            operation["parameters"] = [*others, IDEMPOTENCY_KEY]
        if "503" in answers:
            answers["503"]["headers"] = RETRY_AFTER
        if (other := OTHER_ANSWERS.get((path, method))) is not None:
            answers[other[0]] = {**answers["200"], "description": other[1]}
        if method == "get" and path not in OPEN:
            answers["304"] = {"description": "What If-None-Match names is still so"}
        if (content := RAW_BODIES.get((path, method))) is not None:
            operation["requestBody"] = {"content": content, "required": True}
        operation["security"] = [] if path in OPEN else [{"bearer": []}]
    return document


def _operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method in ("get", "put", "post", "delete"):
            if method in item:
                yield path, method, item[method]
