"""`@leeboard.logged`: a predict function logs what it predicts and stays what it was."""

import inspect
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec
import numpy as np
import pyarrow as pa
import pytest

from connectors.client.serving import Leeboard
from connectors.client.testing import MemoryServer


class Ride(NamedTuple):
    hour: int
    temp: float


@dataclass
class Asked:
    hour: int
    temp: float


class Struct(msgspec.Struct):
    hour: int
    temp: float


class Model:
    """As Pydantic's are."""

    def model_dump(self) -> dict[str, Any]:
        return {"hour": 8, "temp": 4.5}


class Frame:
    """As far as a pandas frame is asked."""

    columns = ("hour", "temp")

    def to_dict(self, orient: str) -> list[dict[str, Any]]:
        assert orient == "records"
        return [{"hour": 8, "temp": 4.5}, {"hour": 9, "temp": 5.5}]


@pytest.fixture
def server() -> MemoryServer:
    return MemoryServer()


@pytest.fixture
def app(server: MemoryServer) -> Leeboard:
    return Leeboard("http://lee", "bikes", transport=server.transport)


def logged(app: Leeboard, server: MemoryServer) -> list[dict[str, Any]]:
    """The rows so far, without when."""
    assert app.flush(20)
    return [{k: v for k, v in row.items() if k not in {"at", "role"}} for row in server.predictions]


def test_a_function_logs_its_argument_and_its_result(app: Leeboard, server: MemoryServer) -> None:
    @app.logged
    def predict(features: dict[str, float]) -> float:
        """Bikes."""
        return features["temp"] * 2

    assert predict({"hour": 8, "temp": 4.5}) == 9.0
    answer, [id_] = predict.with_ids(features={"hour": 9, "temp": 1.0})
    assert answer == 2.0
    first, second = logged(app, server)
    assert (first["hour"], first["temp"], first["prediction"]) == (8, 4.5, 9.0)
    assert second == {"id": id_, "hour": 9, "temp": 1.0, "prediction": 2.0}
    assert first["id"] != id_
    assert (predict.__name__, predict.__doc__) == ("predict", "Bikes.")
    assert list(inspect.signature(predict).parameters) == ["features"]


@pytest.mark.parametrize(
    "asked",
    [Ride(8, 4.5), Asked(8, 4.5), Struct(8, 4.5), Model(), {"hour": 8, "temp": 4.5}],
    ids=["named tuple", "dataclass", "struct", "model", "mapping"],
)
def test_whatever_has_names_for_its_values_is_a_row(
    app: Leeboard, server: MemoryServer, asked: object
) -> None:
    app.logged(lambda asked: np.array([7.5]))(asked)
    [row] = logged(app, server)
    assert {**row, "id": "", "prediction": 0} == {**Model().model_dump(), "id": "", "prediction": 0}
    assert row["prediction"] == 7.5


@pytest.mark.parametrize(
    "rows",
    [
        [{"hour": 8, "temp": 4.5}, Asked(9, 5.5)],
        pa.table({"hour": [8, 9], "temp": [4.5, 5.5]}),
        Frame(),
    ],
    ids=["list", "arrow", "pandas"],
)
@pytest.mark.parametrize(
    "answer",
    [[1.0, 2.0], (1.0, 2.0), np.array([1.0, 2.0]), pa.chunked_array([[1.0, 2.0]]),
     [{"prediction": 1.0}, {"prediction": 2.0}]],
    ids=["list", "tuple", "numpy", "arrow", "mappings"],
)  # fmt: skip
def test_several_rows_have_as_many_answers(
    app: Leeboard, server: MemoryServer, rows: object, answer: object
) -> None:
    given, ids = app.logged(lambda rows: answer).with_ids(rows)
    assert given is answer
    assert len(set(ids)) == 2
    assert logged(app, server) == [
        {"id": ids[0], "hour": 8, "temp": 4.5, "prediction": 1.0},
        {"id": ids[1], "hour": 9, "temp": 5.5, "prediction": 2.0},
    ]


def test_where_things_are_may_be_said(app: Leeboard, server: MemoryServer) -> None:
    @app.logged(features="ride", id="name", version=lambda: "v7", answer=lambda found: found["out"])
    def predict(name: str, ride: dict[str, float], share: float = 0.5) -> dict[str, Any]:
        return {"out": {"prediction": "late", "score": share, "scores": {"late": share}}}

    _, ids = predict.with_ids("r1", {"hour": 8})
    predict(ride={"hour": 9}, name="r2", share=0.25)
    assert ids == ["r1"]
    assert logged(app, server) == [
        {"id": "r1", "hour": 8, "prediction": "late", "score": 0.5, "score_late": 0.5, "version": "v7"},
        {"id": "r2", "hour": 9, "prediction": "late", "score": 0.25, "score_late": 0.25, "version": "v7"},
    ]  # fmt: skip


def test_ids_may_be_of_the_arguments_and_one_of_several_rows_has_their_numbers(
    app: Leeboard, server: MemoryServer
) -> None:
    by_row = app.logged(id=lambda rows: [row["ride"] for row in rows])(
        lambda rows: [1.0] * len(rows)
    )
    assert by_row.with_ids([{"ride": "a"}, {"ride": "b"}])[1] == ["a", "b"]
    named = app.logged(features="rows", id="name")(lambda rows, name: [1.0] * len(rows))
    assert named.with_ids([{"x": 1}, {"x": 2}], "r")[1] == ["r-0", "r-1"]
    assert len(logged(app, server)) == 4


async def test_an_async_function_stays_one(app: Leeboard, server: MemoryServer) -> None:
    @app.logged(id="name")
    async def predict(features: dict[str, float], name: str = "only") -> float:
        return features["x"]

    assert inspect.iscoroutinefunction(predict)
    assert await predict({"x": 1.0}) == 1.0
    assert await predict.with_ids({"x": 2.0}, name="other") == (2.0, ["other"])
    assert [row["id"] for row in logged(app, server)] == ["only", "other"]


def test_features_are_logged_as_the_function_got_them(app: Leeboard, server: MemoryServer) -> None:
    app.logged(lambda features: features.pop("x"))({"x": 1.0})
    [row] = logged(app, server)
    assert (row["x"], row["prediction"]) == (1.0, 1.0)


def test_a_method_is_a_function_too(app: Leeboard, server: MemoryServer) -> None:
    class Predicting:
        factor = 2

        @app.logged
        def predict(self, features: dict[str, float]) -> float:
            return self.factor * features["x"]

    assert Predicting().predict({"x": 3.0}) == 6.0
    assert logged(app, server)[0]["prediction"] == 6.0


def test_errors_of_the_function_are_its_own_and_nothing_is_logged(
    app: Leeboard, server: MemoryServer
) -> None:
    @app.logged
    def predict(features: dict[str, float]) -> float:
        return 1 / features["x"]

    with pytest.raises(ZeroDivisionError):
        predict({"x": 0})
    assert logged(app, server) == []
    assert app.stats.dropped == {}


@pytest.mark.parametrize(
    ("asked", "answer", "reason"),
    [
        (3.0, 1.0, "the features are a float, neither a mapping nor rows of them"),
        ([{"x": 1}, 3], [1.0, 2.0], "1 of 2 rows have no names for their values"),
        ([{"x": 1}], [1.0, 2.0], "there are not as many answers as rows"),
        ([{"x": 1}], 1.0, "1 rows were answered by a float, not by a list"),
        ([{"x": 1}], "a", "1 rows were answered by a str, not by a list"),
        ({"x": 1}, {"predicted": 1.0}, "the answer has no `prediction`"),
    ],
    ids=range(6),
)
def test_what_is_no_row_is_counted_and_the_answer_goes_back_as_it_is(
    app: Leeboard, server: MemoryServer, asked: object, answer: object, reason: str
) -> None:
    assert app.logged(lambda asked: answer).with_ids(asked) == (answer, [])
    assert logged(app, server) == []
    assert app.stats.dropped == {reason: 1}
    assert app.stats.logged == 1


def test_errors_of_what_reads_a_call_are_counted_by_kind(
    app: Leeboard, server: MemoryServer
) -> None:
    def fails(*_: object) -> Any:
        raise LookupError("it")

    assert app.logged(features=fails)(lambda x: 1.0)({"x": 1}) == 1.0
    assert app.logged(id=fails)(lambda x: 1.0)({"x": 1}) == 1.0
    assert app.logged(answer=fails)(lambda x: 1.0)({"x": 1}) == 1.0
    assert app.logged(version=fails)(lambda x: 1.0)({"x": 1}) == 1.0
    assert app.logged(id=lambda rows: ["a"])(lambda rows: [1, 2])([{}, {}]) == [1, 2]
    assert app.stats.dropped == {"LookupError": 4, "there are not as many ids as rows": 1}


def test_a_wrong_name_is_told_where_the_function_is_made(app: Leeboard) -> None:
    with pytest.raises(TypeError, match="has no argument 'ride'; it has: features, name"):
        app.logged(id="ride")(lambda features, name: 1.0)
    with pytest.raises(TypeError, match="takes no argument that could hold features"):
        app.logged(lambda: 1.0)
