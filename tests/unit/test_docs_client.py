"""The code of docs/client.md runs, with the server in memory."""

import re
from pathlib import Path
from typing import Any

import pytest

from connectors.artifacts import pack
from connectors.client import serving
from connectors.client.testing import MemoryServer

PAGE = Path(__file__).parents[2] / "docs" / "client.md"


def test_the_blocks_of_the_page_run_one_after_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = MemoryServer()
    (tmp_path / "v1").mkdir()
    (tmp_path / "v1/weights").write_text("1")
    pack(tmp_path / "v1", tmp_path / "v1.tar")
    server.publish("v1", (tmp_path / "v1.tar").read_bytes())

    class InMemory(serving.Leeboard):
        def __init__(self, *given: Any, **named: Any) -> None:
            super().__init__(*given, **{"transport": server.transport, **named})

    monkeypatch.setattr(serving, "Leeboard", InMemory)
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert len(blocks) == 5
    for block in blocks:
        exec(block, names)
    names["leeboard"].close()
    assert [row["id"] for row in server.predictions][:2] == ["2024-03-01T08", "2024-03-01T09"]
    assert (names["folder"] / "weights").read_text() == "1"
    assert names["receipt"].accepted == 2
