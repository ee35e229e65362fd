"""Files of SageMaker's captured data, sent by `leeboard log`."""

import gzip
import json

import msgspec
import pytest

from controlplane.cli import captured
from controlplane.store.ports import Known
from tests.captured import GOLDEN

pytestmark = pytest.mark.usefixtures("without_rows")


def lines(count: int) -> list[bytes]:
    """Requests of one row each, of the model's two features."""
    return [
        msgspec.json.encode({
            "captureData": {
                "endpointInput": {"data": f'{{"temp": {n}, "season": "winter"}}', "encoding": "JSON"},
                "endpointOutput": {"data": f"{n}.5", "encoding": "CSV"},
            },
            "eventMetadata": {"eventId": f"e{n}", "inferenceTime": f"2023-12-01T00:00:{n:02}Z"},
        })
        for n in range(count)
    ]  # fmt: skip


@pytest.mark.parametrize("suffix", [".jsonl", ".jsonl.gz"])
def test_captured_lines_are_sent_as_they_are_and_errors_name_the_files_lines(
    lee, served, tmp_path, monkeypatch, suffix: str
) -> None:
    monkeypatch.setattr(captured, "BLOCK", 500)
    told = lines(12)
    told[9] = b'{"captureData": {}}'
    body = b"\n".join(told) + b"\n"
    file = tmp_path / f"captured{suffix}"
    file.write_bytes(gzip.compress(body) if suffix.endswith("gz") else body)
    done = lee("log", file, "--model", "bikes")
    assert done.exit_code == 1
    assert "predictions of bikes: 11 rows are stored" in done.stdout
    assert "line 10: it is no line of captured data" in done.output
    with served.store.read() as view:
        rows = view.events.rows("bikes", ["temp"], Known())
    assert rows["temp"].to_pylist() == [n for n in range(12) if n != 9]
    again = json.loads(lee("log", file, "--model", "bikes", "--json").stdout)
    assert again["accepted"] + again["duplicates"] == 11


def test_a_file_of_labels_is_sent_with_its_option_and_refused_without(lee, served) -> None:
    file = GOLDEN / "sagemaker_truth.jsonl"
    done = lee("log", file, "--model", "bikes", "--labels", "--json")
    assert (done.exit_code, json.loads(done.stdout)["accepted"]) == (0, 4)
    wrong = lee("log", file, "--model", "bikes")
    assert wrong.exit_code == 1
    assert "lines of groundTruthData are labels" in wrong.output
