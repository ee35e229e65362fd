"""A model's past and files of JSON lines, sent by `leeboard log`."""

import gzip
import json
from datetime import UTC, datetime, timedelta

import msgspec
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from connectors.client import bulk
from connectors.client.problems import ServerAway
from controlplane.domain.models import Generation
from controlplane.store.ports import Known
from tests.fakes_actions import T0

FILE = "model: bikes\ntask: regression\nlabel: {column: cnt, delay: 1d}\n"
ROWS = 120
START = datetime(2023, 12, 1, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _with_its_file(served, without_rows):
    """The model's file as it was applied."""

    def work(t):
        found = t.ledger.get(Generation, "bikes/2")
        t.ledger.put(msgspec.structs.replace(found, text=FILE))

    served.store.write(work).result()


def rides(**more: object) -> list[dict[str, object]]:
    """Rows an hour apart, each with its label among its columns."""
    return [
        {"ride": f"p{n}", "ts": f"{START + n * timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}",
         "temp": n / 10, "prediction": float(n % 50), "cnt": float(n % 50) + 1, **more}
        for n in range(ROWS)
    ]  # fmt: skip


def lines(rows: list[dict[str, object]]) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def known(store: object) -> tuple[pa.Table, pa.Table]:
    """The bikes' rows of December 2023 and their labels, by id, with when they were known."""
    span = Known(start=START, end=START + timedelta(days=30))
    with store.read() as view:
        return view.events.rows("bikes", ["temp"], span), view.events.labelled("bikes", [], span)


@pytest.mark.parametrize("suffix", [".ndjson", ".jsonl", ".ndjson.gz"])
def test_a_file_of_lines_is_sent_and_sent_again_changes_nothing(lee, served, tmp_path, suffix):
    path = tmp_path / f"rides{suffix}"
    body = lines(rides())
    path.write_bytes(gzip.compress(body) if suffix.endswith("gz") else body)
    words = ("log", path, "--model", "bikes", "--id", "ride", "--time", "ts", "--history")
    first, again = lee(*words), lee(*words)

    assert first.exit_code == again.exit_code == 0, first.output
    assert "120 rows are stored, 0 of them were already" in first.stdout
    assert again.stdout == first.stdout
    assert [table.num_rows for table in known(served.store)] == [120, 120]


def test_a_past_was_known_when_it_happened_and_its_labels_the_delay_later(lee, served, tmp_path):
    path = tmp_path / "past.parquet"
    table = pa.Table.from_pylist(rides())
    pq.write_table(table, path)
    found = lee("log", path, "--model", "bikes", "--id", "ride", "--time", "ts", "--history")

    assert found.exit_code == 0, found.output
    rows, labelled = known(served.store)
    assert rows["known_at"].equals(rows["at"])
    late = [
        b - a
        for a, b in zip(*(labelled[n].to_pylist() for n in ("at", "label_known_at")), strict=True)
    ]
    assert set(late) == {timedelta(days=1)}
    assert labelled["label"].to_pylist()[:3] == [1.0, 2.0, 3.0]


def test_a_label_whose_delay_is_not_over_was_known_at_the_latest_when_it_was_sent(
    lee, served, tmp_path, monkeypatch
):
    class Early:
        """A clock that says when the tenth row's label became known."""

        def now(self):
            return START + timedelta(days=1, hours=9)

    monkeypatch.setattr("controlplane.cli.sending.SystemClock", Early)
    path = tmp_path / "past.parquet"
    pq.write_table(pa.Table.from_pylist(rides()), path)
    words = ("log", path, "--model", "bikes", "--id", "ride", "--time", "ts", "--history")
    found = lee(*words)

    assert found.exit_code == 0, found.output
    _, labelled = known(served.store)
    told = labelled["label_known_at"].to_pylist()
    assert told[:10] == [START + timedelta(days=1, hours=n) for n in range(10)]
    assert set(told[10:]) == {T0}


def test_columns_may_say_when_a_row_and_its_label_were_known(lee, served, tmp_path):
    path = tmp_path / "past.csv"
    rows = rides(known_at="2023-12-20T00:00:00Z", label_known_at="2023-12-24T00:00:00Z")
    pyarrow.csv.write_csv(pa.Table.from_pylist(rows), path)
    found = lee("log", path, "--model", "bikes", "--id", "ride", "--time", "ts", "--history")

    assert found.exit_code == 0, found.output
    stored, labelled = known(served.store)
    assert set(stored["known_at"].to_pylist()) == {datetime(2023, 12, 20, tzinfo=UTC)}
    assert set(labelled["label_known_at"].to_pylist()) == {datetime(2023, 12, 24, tzinfo=UTC)}


def test_a_row_of_the_past_without_a_time_is_told_once(lee, served, tmp_path):
    path = tmp_path / "past.csv"
    path.write_text("ride,ts,temp,cnt\na,2023-12-01,1,5\nb,soon,2,6\nc,2023-12-02,3,7\n")
    words = ("log", path, "--model", "bikes", "--id", "ride", "--time", "ts", "--history", "--json")
    found = lee(*words)
    receipt = json.loads(found.stdout)

    assert (receipt["accepted"], receipt["rejected"]) == (2, 1)
    assert [error["row"] for error in receipt["errors"]] == [1]
    assert known(served.store)[1]["label"].to_pylist() == [5.0, 7.0]


def test_lines_that_are_no_row_are_told_by_number_and_the_others_are_stored(lee, served, tmp_path):
    path = tmp_path / "rides.ndjson"
    path.write_bytes(lines(rides()[:3]) + b'\n["no row"]\n' + lines(rides()[3:5]) + b'{"ride": "p')
    found = lee("log", path, "--model", "bikes", "--id", "ride", "--time", "ts", "--history")

    assert found.exit_code == 1
    assert "5 rows are stored" in found.stdout
    assert f"{path}: line 5 is a list; expected a row as an object with its values" in found.stderr
    assert f"{path}: line 8 is not JSON: Input data was truncated" in found.stderr


def test_blocks_may_be_smaller_than_a_line(lee, served, tmp_path, monkeypatch):
    monkeypatch.setattr("controlplane.cli.json_lines.BLOCK", 50)
    path = tmp_path / "rides.ndjson"
    path.write_bytes(lines(rides()[:7]).replace(b"\n", b"\r\n"))
    found = lee("log", path, "--model", "bikes", "--id", "ride", "--time", "ts", "--history")

    assert found.exit_code == 0, found.output
    assert "7 rows are stored" in found.stdout


def test_a_reference_has_no_history(lee, served, tmp_path):
    path = tmp_path / "rides.ndjson"
    path.write_bytes(lines(rides()))
    found = lee("log", path, "--model", "bikes", "--reference", "--history")

    assert found.exit_code == 2
    assert "the feed reference has no history" in found.stderr


@pytest.mark.parametrize("cut", [1, 2, 3, 4])
def test_a_past_that_was_cut_off_goes_on_with_rows_and_labels(
    lee, served, tmp_path, monkeypatch, cut
):
    monkeypatch.setattr("controlplane.cli.reading.MOST_ROWS", 50)
    path = tmp_path / "past.ndjson"
    path.write_bytes(lines(rides()))
    words = ("log", path, "--model", "bikes", "--id", "ride", "--time", "ts", "--history")
    left = [True] * cut

    def cut_off(*given, **named):
        if not left:
            raise ServerAway("http://lee", "cut off")
        left.pop()
        return bulk_send_table(*given, **named)

    bulk_send_table = bulk.send_table
    monkeypatch.setattr(bulk, "send_table", cut_off)
    first = lee(*words)
    monkeypatch.setattr(bulk, "send_table", bulk_send_table)
    again = lee(*words)

    parts = cut // 2  # whole ones: rows and their labels
    assert first.exit_code == 1
    assert "cut off" in first.stderr
    assert ("the same command goes on after them" in first.stderr) == (parts > 0)
    assert again.exit_code == 0, again.output
    assert (f"going on after {50 * parts} rows" in again.stderr) == (parts > 0)
    assert "120 rows are stored" in again.stdout
    assert [table.num_rows for table in known(served.store)] == [120, 120]
