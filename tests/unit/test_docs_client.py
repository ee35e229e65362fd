"""docs/client.md: its code runs, with the server in memory, and its tables are whole."""

import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec
import pytest
from litestar.testing import TestClient

from connectors.artifacts import pack
from connectors.client import serving, serving_async
from connectors.client.middleware import LeeboardMiddleware
from connectors.client.pace import Pace, Stats
from connectors.client.testing import MemoryServer

PAGE = Path(__file__).parents[2] / "docs" / "client.md"


def add(self: Any, kind: Any, **options: Any) -> None:
    """As FastAPI adds a middleware."""
    self.outermost = kind(self, **options)


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MemoryServer:
    """A server with a champion, that every client talks to; FastAPI's name, and a folder."""
    server = MemoryServer()
    (tmp_path / "v1").mkdir()
    (tmp_path / "v1/weights").write_text("1")
    pack(tmp_path / "v1", tmp_path / "v1.tar")
    server.publish("v1", (tmp_path / "v1.tar").read_bytes())

    def in_memory(kind: Any) -> Any:
        class InMemory(kind):
            def __init__(self, *given: Any, **named: Any) -> None:
                super().__init__(*given, **{"transport": server.transport, **named})

        return InMemory

    monkeypatch.setattr(serving, "Leeboard", in_memory(serving.Leeboard))
    monkeypatch.setattr(serving_async, "AsyncLeeboard", in_memory(serving_async.AsyncLeeboard))
    fastapi = ModuleType("fastapi")
    fastapi.__dict__["FastAPI"] = type("FastAPI", (), {"add_middleware": add})
    monkeypatch.setitem(sys.modules, "fastapi", fastapi)
    monkeypatch.chdir(tmp_path)
    return server


def test_the_blocks_of_the_page_run_one_after_another(
    server: MemoryServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = ModuleType("page")
    monkeypatch.setitem(sys.modules, "page", page)
    names = page.__dict__
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert len(blocks) == 11
    first: serving.Leeboard | None = None
    for number, block in enumerate(blocks):
        exec(block, names)
        first = first or names["leeboard"]
        if number == 2:
            assert isinstance(names["app"].outermost, LeeboardMiddleware)
        if number == 3:
            with TestClient(names["app"]) as client:
                answer = client.post("/predict", json={"hour": 10})
            assert answer.json() == {"prediction": 265.0}
        if "async def lifespan" in block:
            with TestClient(names["app"]):
                pass
            names["leeboard"].log_label("2024-03-01T08", 1.0)
            assert names["leeboard"].stats.dropped == {"closed": 1}
    assert first is not None
    first.close()
    names["leeboard"].close()
    there = {row["id"]: row for row in server.predictions}
    assert {"2024-03-01T08", "2024-03-01T09", "2024-03-01T10"} <= there.keys()
    assert there[answer.headers["x-prediction-id"]]["hour"] == 10
    assert (there[names["ride"]]["hour"], there[names["ride"]]["version"]) == (9, "v3")
    assert [row["label"] for row in server.labels] == [198.0, 240.0]
    assert (names["version"], names["role"]) == ("v1", "live")
    assert (names["folder"] / "weights").read_text() == "1"
    assert names["receipt"].accepted == 2


@pytest.mark.parametrize("kind", [Pace, Stats])
def test_the_tables_name_every_field_and_default(kind: type[msgspec.Struct]) -> None:
    page = PAGE.read_text()
    rows = re.findall(r"^\| (`[^|]+) \| ([^|]+)", page, re.MULTILINE)
    told = {name: value for names, value in rows for name in re.findall(r"`(\w+)`", names)}
    assert set(kind.__struct_fields__) <= told.keys()


def test_the_defaults_of_the_page_are_those_of_the_code() -> None:
    sizes = {"MiB": 2**20, "GiB": 2**30}
    for names, values in re.findall(
        r"^\| (`[^|]+) \| ([\d.,]+[^|]*) \|", PAGE.read_text(), re.MULTILINE
    ):
        fields = re.findall(r"`(\w+)`", names)
        figures = re.findall(r"([\d.]+(?:,\d{3})*)(?: (s|MiB|GiB))?", values)
        told = [float(n.replace(",", "")) * sizes.get(unit, 1) for n, unit in figures]
        assert told == [getattr(Pace(), field) for field in fields]
