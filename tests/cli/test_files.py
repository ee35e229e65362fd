"""The commands about files: model files, and data files of any size."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from controlplane.cli import reading
from controlplane.domain.errors import FileErrors, LocatedError
from controlplane.policy.model_file import parse
from controlplane.store.ports import Known

RIGHT = "model: bikes\ntask: regression\nlabel: cnt\n"
ROWS = 300


def table(**more) -> pa.Table:
    """Hourly rows, all of 2024's first days; `ride` names them."""
    start = datetime(2024, 1, 1, tzinfo=UTC).replace(tzinfo=None)
    return pa.table({
        "ride": [f"n{n}" for n in range(ROWS)],
        "ts": pa.array([start + timedelta(hours=n) for n in range(ROWS)], pa.timestamp("s")),
        "temp": [n / 10 for n in range(ROWS)],
        "prediction": [float(n % 50) for n in range(ROWS)],
        "cnt": [float(n % 50) + 1 for n in range(ROWS)],
        **more,
    })  # fmt: skip


@pytest.fixture
def rides(tmp_path: Path) -> Path:
    """The rows as a CSV file."""
    path = tmp_path / "rides.csv"
    pyarrow.csv.write_csv(table(), path)
    return path


def test_right_files_are_valid_and_wrong_ones_are_told_line_by_line(lee, tmp_path):
    right, wrong = tmp_path / "right.yaml", tmp_path / "wrong.yaml"
    right.write_text(RIGHT)
    wrong.write_text("model: bikes\ntask: regresion\nlabell: cnt\n")

    assert lee("validate", right).stdout == f"{right}: valid, model bikes\n"
    found = lee("validate", wrong, right)
    assert found.exit_code == 1
    assert f"{wrong}:2:7: task is regresion; expected one of" in found.stderr
    assert "(did you mean regression?)" in found.stderr
    assert "1 of 2 files cannot be used" in found.stderr
    document = json.loads(lee("validate", wrong, right, "--json").stdout)
    assert [(f["valid"], len(f["errors"])) for f in document["files"]] == [(False, 3), (True, 0)]


def test_a_servers_file_makes_its_names_known(lee, tmp_path):
    (tmp_path / "bikes.yaml").write_text(RIGHT + "trainer: forrest\n")
    (tmp_path / "leeboard.yaml").write_text(
        "trainers:\n  forest: {command: [a], score: [b], directory: .}\n"
    )

    assert lee("validate", tmp_path / "bikes.yaml").exit_code == 0
    found = lee("validate", tmp_path / "bikes.yaml", "--config", tmp_path / "leeboard.yaml")
    assert found.exit_code == 1
    assert "did you mean forest?" in found.stderr


def test_the_schema_is_a_json_schema(lee):
    assert "model" in json.loads(lee("schema").stdout)["properties"]


def test_a_first_model_file_is_made_of_data_and_is_valid(lee, rides, tmp_path):
    found = lee("init", rides, "--label", "cnt", "--time", "ts", "--id", "ride", "--model", "bikes")

    policy = parse(found.stdout, source="it")
    assert (policy.model, policy.task, policy.label.column) == ("bikes", "regression", "cnt")
    assert [column.name for column in policy.features or ()] == ["temp"]
    out = tmp_path / "bikes.yaml"
    words = ("init", rides, "--label", "cnt", "--time", "ts", "-o", out)
    assert (lee(*words).exit_code, lee("validate", out).exit_code) == (0, 0)
    again = lee(*words)
    assert again.exit_code == 1
    assert "say --force" in again.stderr
    assert lee(*words, "--force").exit_code == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "which column holds what turned out true? Say --label with one of: ride, ts, temp"),
        (["--label", "cnd"], "there is no column 'cnd'; did you mean cnt?"),
        (["--label", "cnt", "--time", "tss"], "did you mean ts?"),
    ],
)
def test_a_column_that_is_missing_or_unknown_is_asked_for_by_name(lee, rides, words, said):
    found = lee("init", rides, *words)

    assert found.exit_code == 2
    assert said in found.stderr


def test_a_plan_and_an_application_are_a_line_a_change(lee, actions, tmp_path):
    file = tmp_path / "bikes.yaml"
    file.write_text(RIGHT)

    planned, applied = lee("plan", file), lee("apply", file)

    assert planned.stdout == "bikes: generation 1 would be applied\n  label: cnt\n"
    assert applied.stdout == "bikes: generation 1 applied\n  label: cnt\n"
    assert lee("apply", file, "--dry-run").stdout == planned.stdout
    assert json.loads(lee("plan", file, "--json").stdout)["changes"] == ["label: cnt"]
    assert [call[3] for call in actions.asked] == [True, False, True, True]


def test_what_the_server_finds_wrong_is_told_at_the_files_lines(lee, actions, tmp_path):
    file = tmp_path / "bikes.yaml"
    file.write_text(RIGHT)
    faults = tuple(LocatedError(n, 7, "task", "task is wrong") for n in range(1, 31))
    actions.refusal = FileErrors("bikes", faults)

    found = lee("apply", file)

    assert found.exit_code == 1
    assert found.stderr.splitlines()[0] == f"{file}:1:7: task is wrong"
    assert "and 10 more" in found.stderr
    assert f"{file} cannot be used; nothing was changed" in found.stderr


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("task: binary\n", "names no model; expected a line such as `model: bike-demand`"),
        ("model: [\n", ":2:1: "),
        ("", "names no model"),
    ],
)
def test_a_file_that_names_no_model_is_not_sent(lee, actions, tmp_path, text, said):
    file = tmp_path / "bikes.yaml"
    file.write_text(text)

    found = lee("apply", file)

    assert found.exit_code == 1
    assert said in found.stderr
    assert actions.asked == []


def test_rows_that_are_sent_twice_are_stored_once(lee, served, rides):
    words = ("log", rides, "--model", "bikes", "--id", "ride", "--time", "ts", "--drop", "cnt")
    parquet = rides.with_suffix(".parquet")
    pq.write_table(table(), parquet)

    first, again = lee(*words, "--json"), lee(*words)
    other = lee("log", parquet, *words[2:], "--json")
    labels = lee("log", rides, "--model", "bikes", "--labels", "--id", "ride", "--label", "cnt")

    assert json.loads(first.stdout)["accepted"] == ROWS
    assert again.stdout.startswith("predictions of bikes: 300 rows are stored")
    assert json.loads(other.stdout)["duplicates"] == ROWS
    assert labels.stdout.startswith("labels of bikes: 300 rows are stored, 0 of them were already")
    with served.store.read() as view:
        stored = view.events.labelled("bikes", ["temp"], Known())
    assert stored.num_rows == ROWS
    assert stored.filter(pa.compute.equal(stored["id"], "n7"))["label"].to_pylist() == [8.0]


def test_a_reference_is_of_a_version(lee, served, rides):
    found = lee("log", rides, "--model", "bikes", "--reference", "--version", "v3", "--id", "ride",
                "--time", "ts", "--label", "cnt", "--json")  # fmt: skip

    assert json.loads(found.stdout)["accepted"] == ROWS
    with served.store.read() as view:
        rows = view.events.rows("bikes", [], Known(), roles=("reference",))
    assert set(rows["version"].to_pylist()) == {"v3"}


def test_rejected_rows_are_told_by_their_number_in_the_file(lee, tmp_path):
    path = tmp_path / "odd.csv"
    times = [f"2024-01-01T{hour:02d}:00:00Z" for hour in range(20)]
    times[1] = "nonsense"
    rows = [f"x{number},{time},{number}\n" for number, time in enumerate(times, start=1)]
    path.write_text("".join(["id,at,temp\n", *rows]))

    found = lee("log", path, "--model", "bikes", "--text", "at", "--json")

    assert found.exit_code == 1
    assert json.loads(found.stdout)["rejected"] == 1
    assert f"{path}: row 2: " in found.stderr
    assert "1 rows were rejected, the others are stored" in found.stderr


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["--model", "bikes"], 2, "there is no column 'id'; did you mean ride?"),
        (["--model", "bikes", "--id", "ride"], 2, "there is no column 'at'"),
        (["--model", "bike", "--id", "ride", "--time", "ts"], 1, "did you mean bikes?"),
        (["--id", "ride"], 2, "Missing option '--model'"),
    ],
)
def test_what_a_file_lacks_is_told_before_anything_is_sent(lee, rides, words, status, said):
    found = lee("log", rides, *words)

    assert found.exit_code == status
    assert said in found.stderr


def test_a_file_that_cannot_be_read_is_told_by_name(lee, tmp_path):
    path = tmp_path / "broken.parquet"
    path.write_bytes(b"nothing")

    found = lee("log", path, "--model", "bikes")

    assert found.exit_code == 1
    assert f"{path} is not readable as Parquet" in found.stderr


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_the_parts_of_a_file_are_the_same_whenever_it_is_read(tmp_path, monkeypatch, ending):
    monkeypatch.setattr(reading, "MOST_ROWS", 70)
    monkeypatch.setattr(reading, "BLOCK", 2_000)
    path = tmp_path / f"rides.{ending}"
    if ending == "csv":
        pyarrow.csv.write_csv(table(), path)
    else:
        pq.write_table(table(), path, row_group_size=110)

    once, again = (
        [part.table for part in reading.parts(reading.reading(path), path)] for _ in range(2)
    )

    assert [part.num_rows for part in once] == [70, 70, 70, 70, 20]
    assert [part.to_pylist() for part in once] == [part.to_pylist() for part in again]
    assert pa.concat_tables(once)["ride"].to_pylist() == table()["ride"].to_pylist()
