"""Files with odd values, sent by `leeboard log`: each row that cannot be stored is told, the rest is."""

import gzip
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from connectors.client import bulk
from connectors.client.problems import ServerAway
from controlplane.store.ports import Known

WORDS = ("--model", "bikes", "--id", "ride", "--time", "ts")
HEAD = "ride,ts,temp\n"


pytestmark = pytest.mark.usefixtures("without_rows")


@pytest.fixture
def logged(lee, tmp_path: Path) -> Callable[..., tuple[dict[str, object], str]]:
    """Send a file of CSV; the receipt, and what was said on standard error."""

    def run(text: str, *more: str, status: int = 1) -> tuple[dict[str, object], str]:
        path = tmp_path / "rides.csv"
        path.write_text(text)
        found = lee("log", path, *WORDS, *more, "--json")
        assert found.exit_code == status, found.output
        return json.loads(found.stdout), found.stderr.replace(f"{path}: ", "")

    return run


def stored(served, *columns: str) -> list[dict[str, object]]:
    with served.store.read() as view:
        rows = view.events.rows("bikes", list(columns), Known())
    return rows.select(["id", *columns]).to_pylist()


def ids(served) -> list[str]:
    return sorted(row["id"] for row in stored(served))


def rides(count: int, odd: Mapping[int, str] = MappingProxyType({}), *, first: int = 0) -> str:
    """Lines of rides, an hour apart; `odd` are others in their place."""
    return "".join(
        odd.get(n, f"r{n:03},2024-01-{1 + n // 24:02}T{n % 24:02}:00:00Z,{n}") + "\n"
        for n in range(first, first + count)
    )


def test_of_a_small_file_the_row_without_a_time_is_told_and_the_others_are_stored(logged, served):
    receipt, said = logged(HEAD + rides(3, {1: "r001,soon,1"}))

    assert (receipt["accepted"], receipt["rejected"]) == (2, 1)
    assert "row 2: ts is 'soon'; expected a time with an offset" in said
    assert "1 rows were rejected, the others are stored" in said
    assert ids(served) == ["r000", "r002"]
    with served.store.read() as view:
        [kept] = view.upkeep.rejected_page("bikes", before=None, limit=1)
    assert json.loads(kept.text) == {"id": "r001", "at": "soon", "temp": 1}


def test_most_of_the_times_may_be_none(logged, served):
    odd = {n: f"r{n:03},soon,1" for n in range(5) if n != 3}
    receipt, said = logged(HEAD + rides(5, odd))
    assert (receipt["accepted"], receipt["rejected"]) == (1, 4)
    assert [line.partition(":")[0] for line in said.splitlines() if "soon" in line] == [
        "row 1", "row 2", "row 3", "row 5"
    ]  # fmt: skip
    assert ids(served) == ["r003"]


def test_a_column_without_any_time_is_another_one(logged, served):
    text = HEAD + rides(2, {0: "r000,soon,0", 1: "r001,later,1"})
    with pytest.raises(json.JSONDecodeError):
        logged(text)
    assert ids(served) == []


def test_a_file_whose_last_part_is_one_odd_row_is_sent(logged, served, monkeypatch):
    monkeypatch.setattr("controlplane.cli.reading.MOST_ROWS", 3)
    receipt, said = logged(HEAD + rides(7, {6: "r006,soon,6"}))
    assert (receipt["accepted"], receipt["rejected"]) == (6, 1)
    assert "row 7: ts is 'soon'" in said


@pytest.mark.parametrize("most", [2, 5, 100])
def test_numbers_ids_and_lengths_that_are_odd_are_told_by_row_wherever_they_stand(
    logged, served, monkeypatch, most
):
    monkeypatch.setattr("controlplane.cli.reading.MOST_ROWS", most)
    monkeypatch.setattr("controlplane.cli.reading.BLOCK", 200)
    odd = {
        9: "r009,2024-01-01T09:00:00Z,warm", 11: ",2024-01-01T11:00:00Z,11",
        13: "r013,2024-01-01T13:00:00Z,13,more", 14: "r014", 20: "r020,never,20",
        21: "r021,2024-01-01T21:00:00Z,1.5",
    }  # fmt: skip
    receipt, said = logged(HEAD + rides(30, odd))
    assert (receipt["accepted"], receipt["rejected"]) == (25, 5)
    for told in (
        "row 10: temp is 'warm'; expected a number", "row 12: ride is missing; expected an id",
        "row 14: it has 4 fields; expected 3, as the header",
        "row 15: it has 1 fields; expected 3, as the header", "row 21: ts is 'never'",
    ):  # fmt: skip
        assert told in said
    there = {row["id"]: row["temp"] for row in stored(served, "temp")}
    assert there == {
        f"r{n:03}": float(n) if n != 21 else 1.5
        for n in range(30) if n not in {9, 11, 13, 14, 20}
    }  # fmt: skip


def test_a_column_that_is_empty_at_first_and_whole_numbers_before_fractions(
    logged, served, monkeypatch
):
    monkeypatch.setattr("controlplane.cli.reading.BLOCK", 120)
    lines = [f"r{n:03},2024-01-01T{n:02}:00:00Z,{'' if n < 10 else n / 4}\n" for n in range(20)]
    receipt, _ = logged(HEAD + "".join(lines), status=0)
    assert receipt["accepted"] == 20
    there = {row["id"]: row["temp"] for row in stored(served, "temp")}
    assert (there["r003"], there["r010"], there["r019"]) == (None, 2.5, 4.75)


def test_a_part_of_odd_rows_alone_does_not_end_the_file(logged, served, monkeypatch):
    monkeypatch.setattr("controlplane.cli.reading.MOST_ROWS", 2)
    odd = {n: f"r{n:03},2024-01-01T{n:02}:00:00Z,warm" for n in (2, 3)}
    receipt, said = logged(HEAD + rides(6, odd))
    assert (receipt["accepted"], receipt["rejected"]) == (4, 2)
    assert "row 3: temp is 'warm'" in said
    assert "row 4: temp is 'warm'" in said


def test_a_run_that_was_cut_off_goes_on_after_odd_rows(lee, served, tmp_path, monkeypatch):
    monkeypatch.setattr("controlplane.cli.reading.MOST_ROWS", 4)
    monkeypatch.setattr("controlplane.cli.reading.BLOCK", 150)
    path = tmp_path / "rides.csv.gz"
    odd = {3: "r003,1", 10: "r010,2024-01-01T10:00:00Z,warm", 15: "r015", 16: "r016,soon,1"}
    path.write_bytes(gzip.compress((HEAD + rides(20, odd)).encode()))
    send, left = bulk.send_table, [True] * 3

    def cut_off(*given, **named):
        if not left:
            raise ServerAway("http://lee", "cut off")
        left.pop()
        return send(*given, **named)

    monkeypatch.setattr(bulk, "send_table", cut_off)
    assert lee("log", path, *WORDS).exit_code == 1
    monkeypatch.setattr(bulk, "send_table", send)
    found = lee("log", path, *WORDS, "--json")
    assert "going on after 13 rows" in found.stderr
    receipt = json.loads(found.stdout)
    assert (receipt["accepted"], receipt["rejected"]) == (16, 4)
    places = sorted(error["row"] for error in receipt["errors"])
    assert places == [3, 10, 15, 16]
    assert ids(served) == [f"r{n:03}" for n in range(20) if n not in {3, 10, 15, 16}]


@pytest.mark.parametrize("kind", ["parquet", "ndjson"])
def test_other_files_with_odd_times_and_numbers(lee, served, tmp_path, monkeypatch, kind):
    monkeypatch.setattr("controlplane.cli.json_lines.BLOCK", 150)
    path = tmp_path / f"rides.{kind}"
    rows = [{"ride": f"r{n}", "ts": f"2024-01-01T{n:02}:00:00Z", "temp": str(n)} for n in range(8)]
    rows[2]["ts"], rows[5]["temp"] = "soon", "warm"
    if kind == "parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    else:
        mixed = [row | {"temp": n} if n < 4 else row for n, row in enumerate(rows)]
        mixed[7]["temp"] = [1]
        path.write_text("".join(json.dumps(row) + "\n" for row in mixed))
    found = lee("log", path, *WORDS, "--json")
    assert found.exit_code == 1
    assert "row 3: ts is 'soon'" in found.stderr
    assert "row 6: temp is 'warm'" in found.stderr
    bad = {2, 5} if kind == "parquet" else {2, 5, 7}
    assert ids(served) == [f"r{n}" for n in range(8) if n not in bad]


def test_times_that_no_calendar_holds_are_told(lee, served, tmp_path):
    path = tmp_path / "rides.parquet"
    times = pa.array([1_704_067_200, 10**15, None], pa.timestamp("s", "UTC"))
    pq.write_table(pa.table({"ride": ["a", "b", "c"], "ts": times, "temp": [1, 2, 3]}), path)
    found = lee("log", path, *WORDS, "--json")
    assert json.loads(found.stdout)["rejected"] == 2
    assert "row 2: ts is '" in found.stderr
    assert "row 3: ts is missing" in found.stderr
    assert ids(served) == ["a"]


def test_labels_need_no_times_at_all(lee, served, tmp_path):
    (tmp_path / "rides.csv").write_text(HEAD + rides(2))
    assert lee("log", tmp_path / "rides.csv", *WORDS).exit_code == 0
    labels = tmp_path / "labels.csv"
    labels.write_text("ride,ts,cnt\nr000,,5\nr001,,many\n")
    found = lee("log", labels, *WORDS, "--labels", "--label", "cnt", "--json")
    assert json.loads(found.stdout)["accepted"] == 1
    assert "row 2: cnt is 'many'; expected a number" in found.stderr


def test_a_file_with_another_number_of_fields_throughout_is_refused(logged, served, monkeypatch):
    monkeypatch.setattr("controlplane.cli.csv_files.MOST_RAGGED", 5)
    with pytest.raises(json.JSONDecodeError):
        logged(HEAD + "a,b\n" * 20)
    assert ids(served) == []


@pytest.mark.parametrize("code", ["utf-16", "latin-1"])
def test_a_header_that_is_not_utf_8_is_told_in_one_sentence(lee, tmp_path: Path, code: str) -> None:
    path = tmp_path / "rides.csv"
    path.write_bytes("ride,ts,témp\n1,2024-03-01T00:00:00Z,4\n".encode(code))
    found = lee("log", path, *WORDS)
    assert found.exit_code == 1
    assert found.stderr.startswith(f"Error: {path} is not readable as CSV: 'utf-8' codec can't")
