"""Requests made up from the OpenAPI document: no 5xx, every answer as it says, every error a
problem."""

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
FEW = settings(
    max_examples=12, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def described(tmp_path_factory: pytest.TempPathFactory):
    """The document of an application over a store in which a model's whole story is told."""
    store = open_store(None)
    tell(store)
    parts = Parts(
        store=store, clock=Stopped(), settings=Settings(data=tmp_path_factory.mktemp("data")),
        actions=FakeActions(store),
    )  # fmt: skip
    app = create_app(parts, guardian=Guardian({TOKEN: OWNER}))
    yield schemathesis.openapi.from_asgi("/schema/openapi.json", app, headers=HEADERS)
    store.close()


def test_every_answer_agrees_with_the_document(described, subtests) -> None:
    operations = [found.ok() for found in described.get_all_operations()]
    assert len(operations) >= 40
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
