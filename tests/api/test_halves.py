"""Requests and responses as KServe, MLServer and Seldon log them, joined to rows."""

import itertools
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from controlplane.domain.models import Generation, Model
from controlplane.domain.policy import Label
from controlplane.domain.schema import Column, Task
from controlplane.ingest.halves import forget_halves
from controlplane.store.ports import Known
from detectors.finding import Kind
from tests.api.conftest import POLICY, put
from tests.captured import captured
from tests.fakes_actions import T0

PATH = "/v1/models/bikes/predictions"
ID = "689b15e7-84a1-4e89-9805-20809efc216d"
IRIS = tuple(Column(name, Kind.NUMERIC) for name in ("sl", "sw", "pl", "pw"))
BOAT = (
    Column("wind", Kind.NUMERIC), Column("crew", Kind.NUMERIC), Column("raced", Kind.BOOLEAN),
    Column("sail", Kind.CATEGORICAL),
)  # fmt: skip


def a_model(store, task: Task = Task.REGRESSION, **policy: object) -> None:
    """A model of a task whose file says more."""
    told = {"features": None, "task": task} | policy
    if task is not Task.REGRESSION:
        told.setdefault("label", Label(column="cnt", positive="1" if task is Task.BINARY else None))
    generation = Generation(
        id="bikes/1", model="bikes", number=1, policy=msgspec.structs.replace(POLICY, **told),
        text="model: bikes\n", applied_at=T0, applied_by="owner",
    )  # fmt: skip
    put(store, Model(id="bikes", model="bikes", generation=1, created_at=T0), generation)


async def sent(client, name: str, query: str = "", **changes: str) -> dict[str, object]:
    """The receipt of a captured half, some of whose headers are others."""
    headers, body = captured(name)
    answer = await client.post(PATH + query, content=body, headers=headers | changes)
    assert answer.status_code == 200, answer.text
    return answer.json()


def rows(store, *names: str) -> list[dict[str, object]]:
    with store.read() as view:
        found = view.events.rows("bikes", names, Known(), roles=("live", "canary")).to_pylist()
    return [{k: v for k, v in row.items() if k != "known_at"} for row in found]


CASES = {
    "kserve_v1": (Task.MULTICLASS, IRIS, "", [
        {"id": f"{ID}:0", "prediction": "1", "sl": 6.8, "sw": 2.8, "pl": 4.8, "pw": 1.4},
        {"id": f"{ID}:1", "prediction": "1", "sl": 6.0, "sw": 3.4, "pl": 4.5, "pw": 1.6},
    ]),
    "kserve_v2": (Task.MULTICLASS, IRIS, "", [
        {"id": f"{ID}:0", "prediction": "1", "pw": pytest.approx(1.4)},
        {"id": f"{ID}:1", "prediction": "2", "pw": pytest.approx(1.6)},
    ]),
    "kserve_v2_named": (Task.REGRESSION, BOAT, "", [
        {"id": f"{ID}:0", "prediction": 2.1, "wind": 4.25, "crew": 2, "raced": True, "sail": "jib"},
        {"id": f"{ID}:1", "prediction": 4.9, "wind": 9.5, "crew": 3, "raced": False, "sail": "main"},
    ]),
    "mlserver": (Task.BINARY, None, "", [
        {"id": f"{ID}:0", "prediction": "1", "score:1": 0.8, "wind": 4.25, "sail": "jib"},
        {"id": f"{ID}:1", "prediction": "0", "score:1": 0.1, "wind": 9.5, "sail": "main"},
    ]),
    "seldon_v1": (Task.BINARY, None, "", [
        {"prediction": "0", "score:1": 0.1951846770138402, "wind": 1.0, "crew": 2.0},
        {"prediction": "1", "score:1": 0.75, "wind": 3.5, "crew": 4.0},
    ]),
    "seldon_tensor": (Task.BINARY, None, "?features=wind,crew", [
        {"prediction": "0", "score:1": 0.2, "wind": 1.0, "crew": 2.0},
        {"prediction": "1", "score:1": 0.75, "wind": 3.5, "crew": 4.0},
    ]),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("sides", [("request", "response"), ("response", "request")], ids="-".join)
async def test_the_two_halves_become_rows_in_whichever_order_they_come(
    client, store, name: str, sides: tuple[str, str]
) -> None:
    task, features, query, expected = CASES[name]
    a_model(store, task, features=features)
    first = await sent(client, f"{name}_{sides[0]}", query)
    assert (first["accepted"], first["waiting"], first["rejected"]) == (0, 1, 0)
    second = await sent(client, f"{name}_{sides[1]}", query)
    assert (second["accepted"], second["waiting"], second["rejected"]) == (2, 0, 0)
    assert second["errors"] == []
    with store.read() as view:
        schema = view.ledger.get(Model, "bikes").schema
    found = rows(store, *(c.name for c in schema.features))
    assert [
        {k: row[k] for k in want} for row, want in zip(found, expected, strict=True)
    ] == expected
    request_at = captured(f"{name}_request")[0]["ce-time"][:26].rstrip("Z")
    assert {row["at"] for row in found} == {datetime.fromisoformat(request_at).replace(tzinfo=UTC)}
    for side in sides:
        again = await sent(client, f"{name}_{side}", query)
        assert (again["duplicates"], again["waiting"]) == (1, 0)
    assert len(rows(store)) == 2
    assert (await client.get("/v1/models/bikes")).json()["halves"] is None


async def test_halves_of_many_events_find_their_own(client, store) -> None:
    a_model(store, Task.MULTICLASS, features=IRIS)
    sides = [(side, n) for n in range(5) for side in ("request", "response")]
    for side, n in [*sides[::2], *reversed(sides[1::2])]:
        await sent(client, f"kserve_v1_{side}", **{"ce-id": f"e{n}"})
    assert {row["id"] for row in rows(store)} == {f"e{n}:{k}" for n in range(5) for k in range(2)}
    other = await sent(client, "kserve_v1_request", **{"ce-id": "e1", "ce-source": "elsewhere"})
    assert (other["duplicates"], other["waiting"]) == (0, 1)


async def test_the_canarys_rows_have_its_role_and_the_version_that_the_address_tells(
    client, store
) -> None:
    a_model(store, features=BOAT)
    await sent(client, "kserve_v2_named_request", "?version=v7")
    await sent(client, "kserve_v2_named_response", "?version=v7")
    assert {(row["role"], row["version"]) for row in rows(store)} == {("canary", "v7")}


async def test_one_row_is_called_as_its_event_or_by_its_own_id(client, store) -> None:
    a_model(store)
    own = {"content-type": "application/json", "ce-source": "s", "ce-specversion": "1.0"}
    kinds = ("request", "response")
    odd = {"wind": 3.5, "known_at": "2020-01-01T00:00:00Z", "id": "order-8"}
    for event, instance in (
        ("e1", {"wind": 1.5}), ("e2", {"wind": 2.5, "id": "order-7"}), ("e3", odd),
    ):  # fmt: skip
        bodies = ({"instances": [instance]}, {"predictions": [4.5]})
        for kind, body in zip(kinds, bodies, strict=True):
            told = own | {"ce-id": event, "ce-type": f"org.kubeflow.serving.inference.{kind}"}
            assert (await client.post(PATH, json=body, headers=told)).status_code == 200
    assert {row["id"] for row in rows(store)} == {"e1", "order-7", "order-8"}


async def test_a_half_whose_other_never_comes_is_shown_and_given_up_after_a_week(
    client, store
) -> None:
    a_model(store)
    for n in range(3):
        await sent(client, "kserve_v1_request", **{"ce-id": f"e{n}"})
    told = (await client.get("/v1/models/bikes")).json()["halves"]
    assert (told["waiting"], told["forgotten"]) == (3, 0)
    assert told["oldest"] is not None
    assert forget_halves(store, T0 + timedelta(days=7)) == 0
    assert forget_halves(store, T0 + timedelta(days=7, seconds=1)) == 3
    told = (await client.get("/v1/models/bikes")).json()["halves"]
    assert (told["waiting"], told["oldest"], told["forgotten"]) == (0, None, 3)
    figures = (await client.get("/metrics")).text
    assert 'leeboard_halves{model="bikes",what="waiting"} 0.0' in figures
    assert 'leeboard_halves{model="bikes",what="given_up"} 3.0' in figures
    late = await sent(client, "kserve_v1_response", **{"ce-id": "e1"})
    assert late["waiting"] == 1


PAIRS = {
    "no order": ({"instances": [[1.0, 2.0]]}, {"predictions": [1.0]}, "the order of the model's features is not known"),
    "rows": ({"instances": [{"a": 1}]}, {"predictions": [1.0, 2.0]}, "has 1 rows and its response 2"),
    "too wide": ({"instances": [{f"c{n}": n for n in range(1001)}]}, {"predictions": [1.0]}, "1001 columns that could be features"),
    "two outputs": ({"instances": [{"a": 1}]}, {"predictions": [[1.0, 2.0]]}, "2 values a row and it is not certain"),
    "no prediction": ({"instances": [{"a": 1}]}, {"outputs": {"id": ["x"], "mean": [1.0]}}, "no prediction; name its columns"),
}  # fmt: skip


async def test_a_pair_of_which_no_rows_can_be_made_is_kept_with_its_reason_and_answered_200(
    client, store
) -> None:
    a_model(store)
    for case, (*bodies, says) in PAIRS.items():
        own = {"ce-source": "s", "ce-specversion": "1.0", "ce-id": case}
        answers = []
        for kind, body in zip(("request", "response"), bodies, strict=True):
            told = own | {"ce-type": f"org.kubeflow.serving.inference.{kind}"}
            answers.append(await client.post(PATH, json=body, headers=told))
        assert [answer.status_code for answer in answers] == [200, 200], case
        receipt = answers[1].json()
        assert (receipt["accepted"], receipt["rejected"], receipt["waiting"]) == (0, 1, 0), case
        assert says in receipt["errors"][0]["message"]
    with store.read() as view:
        kept = view.upkeep.rejected_page("bikes", before=None, limit=9)
        assert view.events.halves.waiting("bikes").waiting == 0
    for case, one in zip(reversed(PAIRS), kept, strict=True):
        assert PAIRS[case][2] in one.reason
    assert all("instances" in one.text for one in kept)


BROKEN = {
    "not JSON": (b"{", "the body is not JSON"), "deep": (b"[" * 100_000, "nested too deep"),
    "nothing of ours": (b'{"a": 1}', "the body has a; expected instances"),
    "a list": (b"[1]", "the body is a list"), "empty": (b"", "the body is not JSON"),
    "no rows": (b'{"instances": [[1], [1, 2]]}', "1 to 2 values; expected one width"),
    "mixed": (b'{"instances": [[1], {"a": 1}]}', "mixed"),
    "shape": (b'{"inputs": [{"name": "a", "shape": [2, 3], "datatype": "FP32", "data": [1]}]}', "has 1 values; its shape"),
    "huge shape": (b'{"inputs": [{"name": "a", "shape": [0, 999999999999], "datatype": "FP32", "data": []}]}', "0 rows and its response 1"),
    "datatype": (b'{"inputs": [{"name": "a", "shape": [1], "datatype": "FP8", "data": [1]}]}', "datatype 'FP8'"),
    "binary": (b'{"inputs": [{"name": "a", "shape": [1], "datatype": "FP16", "parameters": {"binary_data_size": 2}}]}', "has no data: binary tensors"),
    "gzip": (b"\x1f\x8bjunk", "not gzip"), "str": (b'{"data": {"strData": "x"}}', "neither an ndarray"),
    "half-a-character": (b'{"instances": [{"wi\\ud800nd": NaN}]}', "is not JSON"),
    "half-in-an-error": (b'{"error": "\\ud800", "loss": NaN}', "is not JSON"),
}  # fmt: skip


async def test_a_half_that_cannot_be_read_is_kept_and_its_other_half_waits_for_nothing(
    client, store
) -> None:
    a_model(store)
    sides = itertools.permutations(("request", "response"))
    for order, (case, (body, says)) in itertools.product(list(sides), BROKEN.items()):
        own = {"ce-source": "-".join(order), "ce-specversion": "1.0", "ce-id": case}
        receipts = {}
        for kind in order:
            told = own | {"ce-type": f"org.kubeflow.serving.inference.{kind}"}
            content = body if kind == "request" else b'{"predictions": [1.5]}'
            answer = await client.post(PATH, content=content, headers=told)
            assert answer.status_code == 200, answer.text
            receipts[kind] = answer.json()
        rejected = [receipt for receipt in receipts.values() if receipt["rejected"]]
        assert [receipt["rejected"] for receipt in rejected] == [1], case
        assert says in rejected[0]["errors"][0]["message"], case
    with store.read() as view:
        assert view.events.halves.waiting("bikes").waiting == 0
        assert view.events.counts("bikes").rejected == 2 * len(BROKEN)


async def test_an_error_that_the_model_answered_with_is_no_prediction(client, store) -> None:
    a_model(store)
    await sent(client, "kserve_error_request")
    receipt = await sent(client, "kserve_error_response")
    assert receipt["rejected"] == 1
    assert "the status 422, so nothing was predicted" in receipt["errors"][0]["message"]


async def test_other_events_of_the_loggers_and_halves_elsewhere_are_refused(client, store) -> None:
    a_model(store)
    headers, body = captured("kserve_v1_request")
    outlier = headers | {"ce-type": "org.kubeflow.serving.inference.outlier"}
    for path, told in ((PATH, outlier), (PATH.replace("predictions", "labels"), headers)):
        answer = await client.post(path, content=body, headers=told)
        assert answer.status_code == 422
        assert "are not taken as" in answer.json()["detail"]
