"""`leeboard log` cut off and run again: every row gets there, in its order, and none twice."""

import gzip
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import hypothesis.strategies as st
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings

from connectors.client import wire
from connectors.client.problems import RowError
from controlplane.cli import going_on, json_lines, reading
from controlplane.cli.sent_so_far import Notes, notes_of
from tests.served import FILE, LIMIT, Served

ROWS = 100
KINDS = ["csv", "csv.gz", "parquet", "ndjson", "ndjson.gz"]


class CutOffError(Exception):
    """The connection is gone, or the process."""


class Taking:
    """A server that takes some parts and then is cut off."""

    def __init__(self, parts: int, *, keeps: bool = True) -> None:
        self.rows: list[str] = []
        self.asked: list[list[str]] = []
        self._left = parts
        self._keeps = keeps

    def way(self) -> going_on.Way:
        return going_on.Way(send=self._send, has=self._has)

    def _send(self, table: pa.Table) -> wire.Receipt:
        if self._left == 0:
            raise CutOffError
        self._left -= 1
        self.rows += table["id"].to_pylist()
        bad = RowError(pointer="", message="odd", row=0)
        return wire.Receipt(accepted=table.num_rows - 1, rejected=1, errors=[bad])

    def _has(self, table: pa.Table) -> bool:
        self.asked.append(table["id"].to_pylist())
        return self._keeps


def written(folder: Path, kind: str) -> Path:
    """A file with as many rows; of JSON lines some that are none, and blank ones, too."""
    path = folder / f"rides.{kind}"
    rows = [{"id": f"r{n}", "temp": n / 4} for n in range(ROWS)]
    table = pa.Table.from_pylist(rows)
    if kind == "parquet":
        pq.write_table(table, path, row_group_size=23)
        return path
    body = b"".join(
        json.dumps(row).encode() + (b"\n[1]\n\n" if n % 17 == 0 else b"\n")
        for n, row in enumerate(rows)
    )
    if kind.startswith("csv"):
        sink = pa.BufferOutputStream()
        pyarrow.csv.write_csv(table, sink)
        body = sink.getvalue().to_pybytes()
    path.write_bytes(gzip.compress(body) if kind.endswith("gz") else body)
    return path


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    kind=st.sampled_from(KINDS), most=st.integers(1, 120), cuts=st.lists(st.integers(0, 9)),
    block=st.integers(40, 3000),
)  # fmt: skip
def test_wherever_it_is_cut_off_the_rest_goes_on_from_there(monkeypatch, kind, most, cuts, block):
    monkeypatch.setattr(reading, "MOST_ROWS", most)
    monkeypatch.setattr(reading, "BLOCK", max(block, 200))
    monkeypatch.setattr(json_lines, "BLOCK", block)
    with TemporaryDirectory() as name:
        folder = Path(name)
        path, notes = written(folder, kind), Notes(folder / "note.json")
        got: list[str] = []
        for cut in cuts:
            taking = Taking(cut)
            try:
                going_on.sent(path, {"id"}, taking.way(), notes)
                break
            except CutOffError:
                assert not taking.asked or taking.asked[0] == got[-len(taking.asked[0]) :]
            finally:
                got += taking.rows
        else:
            taking = Taking(10**9)
            found = going_on.sent(path, {"id"}, taking.way(), notes)
            got += taking.rows
            parts = -(-ROWS // most)
            odd = 6 if "ndjson" in kind else 0
            assert (found.receipt.accepted, found.receipt.rejected) == (ROWS - parts, parts + odd)
            places = [e.row for e in found.receipt.errors if e.line is None]
            assert places == [n * most for n in range(min(parts, 20))]
            lines = [e.line for e in found.receipt.errors if e.line is not None]
            assert lines == [2 + 17 * n + 2 * n for n in range(odd)]
        assert got == [f"r{n}" for n in range(ROWS)]
        assert notes.last() is None


@pytest.mark.parametrize("kind", KINDS)
def test_a_server_that_has_lost_what_was_sent_gets_all_of_it(monkeypatch, tmp_path, kind, capsys):
    monkeypatch.setattr(reading, "MOST_ROWS", 30)
    path, notes = written(tmp_path, kind), Notes(tmp_path / "note.json")
    with pytest.raises(CutOffError):
        going_on.sent(path, {"id"}, Taking(2).way(), notes)
    assert "60 rows of" in capsys.readouterr().err
    anew = Taking(10**9, keeps=False)
    assert going_on.sent(path, {"id"}, anew.way(), notes).before == 0
    assert anew.asked == [[f"r{n}" for n in range(30, 60)]]
    assert anew.rows == [f"r{n}" for n in range(ROWS)]
    assert "beginning anew" in capsys.readouterr().err


def test_another_file_another_server_and_another_question_have_other_notes(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    path = written(tmp_path, "csv")
    first = notes_of(path, {"model": "a"}, "http://lee")._path
    assert first is not None
    assert first == notes_of(path, {"model": "a"}, "http://lee")._path
    assert first.parent == tmp_path / "state" / "leeboard" / "sending"
    others = {notes_of(path, {"model": "b"}, "http://lee")._path,
              notes_of(path, {"model": "a"}, "http://other")._path}  # fmt: skip
    path.write_text(path.read_text() + "r100,1\n")
    others.add(notes_of(path, {"model": "a"}, "http://lee")._path)
    assert len(others | {first}) == 4


@pytest.mark.parametrize("note", [b"", b"{", b'{"form": 7}', b"[]", b'"\xff"'], ids=range(5))
def test_a_note_that_cannot_be_read_is_none(tmp_path, note):
    (tmp_path / "note.json").write_bytes(note)
    assert Notes(tmp_path / "note.json").last() is None


def test_a_folder_that_cannot_be_written_is_no_hindrance(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(reading, "MOST_ROWS", 30)
    (tmp_path / "file").write_text("")
    notes = Notes(tmp_path / "file" / "note.json")
    path, taking = written(tmp_path, "csv"), Taking(2)
    with pytest.raises(CutOffError):
        going_on.sent(path, {"id"}, taking.way(), notes)
    assert not notes.are_kept
    assert "goes on after" not in capsys.readouterr().err


@pytest.mark.slow
def test_killed_on_its_way_the_same_command_sends_the_rest(tmp_path: Path) -> None:
    rows, part = 210_000, 50_000
    path, state = tmp_path / "rides.csv", tmp_path / "state"
    table = pa.table({
        "id": [str(n) for n in range(rows)], "at": ["2024-03-01T06:00:00Z"] * rows,
        "wind": [n / 4 for n in range(rows)],
    })  # fmt: skip
    pyarrow.csv.write_csv(table, path)
    with Served(tmp_path / "data") as served:
        served.apply(FILE + "features: {wind: numeric}\n")
        words = [sys.executable, "-m", "controlplane.cli", "log", path, "--model", "boats"]
        env = {**os.environ, "LEEBOARD_SERVER": served.address, "LEEBOARD_TOKEN": served.token,
               "XDG_STATE_HOME": str(state)}  # fmt: skip
        with subprocess.Popen(words, env=env, stderr=subprocess.DEVNULL) as first:
            until = time.monotonic() + LIMIT
            while not list(state.rglob("*.json")):
                assert time.monotonic() < until
                time.sleep(0.01)
            first.kill()
        again = subprocess.run(words, env=env, capture_output=True, text=True, check=True)
        with served.client() as client:
            stored = client.get("/v1/models/boats").json()["summary"]["rows"]
            served.stop()
    said = re.search(r"going on after ([\d,]+) rows", again.stderr)
    assert said is not None, again.stderr
    before = int(said[1].replace(",", ""))
    assert before % part == 0
    assert 0 < before < rows
    assert again.stdout.startswith(
        f"predictions of boats: {rows:,} rows are stored, 0 of them were already"
    )
    assert f"{before:,} of them were sent by an earlier run" in again.stdout
    assert stored["predictions"] == rows
    assert list(state.rglob("*.json")) == []
