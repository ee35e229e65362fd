"""Requests made up from the OpenAPI document: no 5xx, every answer as it says, every error a
problem. LEEBOARD_SCHEMATHESIS=500 asks each operation that often, anew each time, and for more."""

import os

import msgspec
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from controlplane.api.app import create_app
from controlplane.api.auth import OWNER, Guardian
from controlplane.api.documented import completed
from controlplane.api.parts import Parts
from controlplane.settings import Settings
from controlplane.store.duckdb_store import open_store
from tests.api.conftest import TOKEN, Stopped
from tests.cli.story import tell
from tests.fakes_actions import FakeActions

CHECKS = [
    not_a_server_error, status_code_conformance, content_type_conformance,
    response_schema_conformance,
]  # fmt: skip
HEADERS = {"authorization": f"Bearer {TOKEN}", "host": "localhost"}
DEEP = int(os.environ.get("LEEBOARD_SCHEMATHESIS", "0"))
FEW = settings(
    max_examples=DEEP or 8, deadline=None, derandomize=not DEEP, database=None,
    suppress_health_check=list(HealthCheck),
)  # fmt: skip
ENDLESS = "/v1/stream"
"""It answers until its client goes away, and is tried in `test_stream.py`."""

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def described(tmp_path_factory: pytest.TempPathFactory):
    """The document of an application over a store in which a model's whole story is told."""
    data = tmp_path_factory.mktemp("data")
    store = open_store(data)
    tell(store)
    parts = Parts(
        store=store, clock=Stopped(), settings=Settings(data=data),
        actions=FakeActions(store),
    )  # fmt: skip
    app = create_app(parts, guardian=Guardian({TOKEN: OWNER}))
    yield schemathesis.openapi.from_asgi("/schema/openapi.json", app, headers=HEADERS)
    store.close()


def test_every_answer_agrees_with_the_document(described, subtests) -> None:
    operations = [found.ok() for found in described.exclude(path=ENDLESS).get_all_operations()]
    assert len(operations) >= 50
    for operation in operations:

        @FEW
        @given(operation.as_strategy())
        def agrees(case) -> None:
            answer = case.call(headers=HEADERS)
            case.validate_response(answer, checks=CHECKS)
            if answer.status_code >= 400:
                assert answer.headers["content-type"] == ["application/problem+json"]
                assert answer.json()["status"] == answer.status_code

        with subtests.test(operation.label):
            agrees()


def test_what_may_be_in_the_way_is_documented(described) -> None:
    """A full disk, a full queue, a token that may not: by status, for whoever writes a client."""
    paths = described.raw_schema["paths"]
    writes = [
        (path, operation)
        for path, item in paths.items()
        for method, operation in item.items()
        if method in {"post", "put", "delete"}
    ]

    assert len(writes) > 20
    for path, operation in [*writes, ("/readyz", paths["/readyz"]["get"])]:
        answers = operation["responses"]
        for status in ("503", "507"):
            assert list(answers[status]["content"]) == ["application/problem+json"], path
        assert answers["503"]["headers"]["Retry-After"]["schema"] == {"type": "integer"}, path
    for path, operation in writes:
        assert {"401", "403", "408", "409", "413", "415"} <= operation["responses"].keys(), path
        named = [p["name"] for p in operation["parameters"] if p["in"] == "header"]
        assert "Idempotency-Key" in named, path
    assert completed(msgspec.json.decode(once := msgspec.json.encode(described.raw_schema))) == (
        msgspec.json.decode(once)
    )
    assert "404" in paths["/v1/models/{model}"]["get"]["responses"]
    assert list(paths[ENDLESS]["get"]["responses"]["200"]["content"]) == ["text/event-stream"]
