"""Two files side by side: every make of file, every awkward column, and how it ends."""

import gzip
import json
import subprocess
import sys
from datetime import date
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.feather
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from controlplane.cli.__main__ import main
from controlplane.cli.compare import running

ROWS = 2_000


def lee(*words):
    """`leeboard compare …`."""
    return CliRunner().invoke(
        main, ["compare", *map(str, words)], prog_name="leeboard", env={"NO_COLOR": "1"}
    )


def table(seed=0, *, rows=ROWS, shift=0.0, levels="aaab", **more):
    generator = np.random.default_rng(seed)
    return pa.table({
        "x": generator.normal(shift, 1.0, rows),
        "level": generator.choice(list(levels), rows),
        "on": generator.random(rows) < 0.3,
        **more,
    })  # fmt: skip


def columns(found):
    return {column["column"]: column for column in json.loads(found.stdout)["columns"]}


@pytest.fixture
def put(tmp_path):
    """Write a table under a name, in the make that the name says."""

    def write(name, rows):
        path = tmp_path / name
        match name.split(".", 1)[1]:
            case "parquet":
                pq.write_table(rows, path, row_group_size=700)
            case "csv":
                pyarrow.csv.write_csv(rows, path)
            case "csv.gz":
                with gzip.open(path, "wb") as file:
                    pyarrow.csv.write_csv(rows, file)
            case "ndjson":
                path.write_text("\n".join(map(json.dumps, rows.to_pylist())))
            case "feather":
                pyarrow.feather.write_feather(rows, path, compression="uncompressed")
        return path

    return write


def test_what_moved_is_told_first_and_ends_with_three(put) -> None:
    before, now = put("a.parquet", table(1)), put("b.parquet", table(2, shift=0.5))

    found = lee(before, now)

    assert found.exit_code == 3
    body = found.stdout.splitlines()
    assert body[1].startswith("2,000 and 2,000 rows, 1 of 3 columns failed")
    assert body[4].split()[:3] == ["x", "numeric", "failed"]
    assert "moved by 0.45 sd" in body[4]
    assert "optimistic" in found.stdout
    assert "of rows in other levels" in found.stdout


def test_the_share_of_rows_in_other_levels_is_that_over_all_levels(put) -> None:
    before, now = ([f"n{at + first}" for at in range(1_000)] * 2 for first in (0, 500))
    found = lee(
        put("a.parquet", pa.table({"place": before})), put("b.parquet", pa.table({"place": now}))
    )

    assert "0.5 of rows in other levels" in found.stdout
    assert "at least" not in found.stdout


def test_two_files_of_one_stream_pass_with_zero(put) -> None:
    found = lee(put("a.parquet", table(1)), put("b.parquet", table(2)))

    assert found.exit_code == 0
    assert "0 of 3 columns failed" in found.stdout


def test_the_json_has_the_promised_shape(put) -> None:
    found = lee(put("a.parquet", table(1)), put("b.parquet", table(2, shift=0.5)), "--json")

    document = json.loads(found.stdout)
    assert list(document) == ["rows", "verdict", "seconds", "columns"]
    assert document["rows"] == {"reference": ROWS, "current": ROWS}
    column = document["columns"][0]
    assert list(column) == ["column", "kind", "verdict", "missing", "findings"]
    assert column["missing"] == {"reference": 0.0, "current": 0.0}
    assert [f["detector"] for f in column["findings"]] == [
        "ks", "wasserstein", "jensen_shannon", "psi", "range", "missing",
    ]  # fmt: skip
    assert list(column["findings"][0]) == [
        "column", "detector", "segment", "statistic", "p_value", "interval", "threshold", "effect",
        "rows", "rows_reference", "verdict", "reason", "basis",
    ]  # fmt: skip
    assert column["findings"][0]["basis"] == "optimistic"


@pytest.mark.parametrize("make", ["csv", "csv.gz", "ndjson", "feather"])
def test_every_make_of_file_gives_the_figures_of_parquet(put, make) -> None:
    before, now = table(1), table(2, shift=0.2)
    expected = columns(lee(put("a.parquet", before), put("b.parquet", now), "--json"))

    found = lee(put(f"c.{make}", before), put("d.parquet", now), "--json")

    assert columns(found) == expected


def test_a_tiny_but_certain_change_passes(put) -> None:
    rows = 60_000
    found = lee(
        put("a.parquet", table(1, rows=rows)),
        put("b.parquet", table(2, rows=rows, shift=0.04)),
        "--json",
    )

    ks = columns(found)["x"]["findings"][0]
    assert ks["p_value"] < 1e-5
    assert (ks["verdict"], found.exit_code) == ("passed", 0)


def test_awkward_columns_are_each_decided_and_the_rest_carried_on(put) -> None:
    n = ROWS
    before = table(
        1, nothing=pa.nulls(n), constant=[7.0] * n, price=[Decimal("1.50")] * (n // 2) + [Decimal("2.25")] * (n // 2),
        day=[date(2024, 1, 1)] * n, parts=[[1, 2]] * n, gone=range(n), revived=pa.nulls(n, pa.float64()),
        kind=[1.5, 2.5] * (n // 2), lost=[1.0, 2.0] * (n // 2), flag=[True, False] * (n // 2), ids=[f"id{i}" for i in range(n)],
        coded=pa.array(["u", "v"] * (n // 2)).dictionary_encode(),
    )  # fmt: skip
    now = table(
        2, nothing=pa.nulls(n), constant=[7.0] * n, price=[Decimal("1.50")] * (n // 2) + [Decimal("2.25")] * (n // 2),
        day=[date(2025, 1, 1)] * n, parts=[[1, 2]] * n, new=range(n), revived=[1.0] * n,
        kind=["p", "q"] * (n // 2), lost=[1.0, None] * (n // 2), flag=[1, 0] * (n // 2), ids=[f"no{i}" for i in range(n)],
        coded=pa.array(["u", "w"] * (n // 2)).dictionary_encode(),
    )  # fmt: skip

    paths = put("a.parquet", before), put("b.parquet", now)
    found, text = lee(*paths, "--json"), lee(*paths).stdout
    verdicts = {name: column["verdict"] for name, column in columns(found).items()}

    assert verdicts == {
        "x": "passed", "level": "passed", "on": "passed", "nothing": "inconclusive", "constant": "passed",
        "price": "passed", "day": "inconclusive", "parts": "inconclusive", "gone": "failed", "revived": "failed",
        "kind": "failed", "lost": "failed", "flag": "passed", "ids": "inconclusive", "coded": "failed", "new": "inconclusive",
    }  # fmt: skip
    assert columns(found)["lost"]["missing"] == {"reference": 0.0, "current": 0.5}
    assert columns(found)["flag"]["kind"] == "boolean"
    for said in (
        "holds values of several parts (list<", "the current file has no such column",
        "only the current file has this column", "was always empty and is no longer",
        "is numeric in the reference and categorical in the current file", "50.0 points more missing",
        "50.0% new levels",
    ):  # fmt: skip
        assert said in text


@pytest.mark.parametrize("make", ["parquet", "csv", "csv.gz"])
def test_a_name_that_stands_twice_is_left_out_with_a_remark(put, make) -> None:
    one = pa.Table.from_arrays([pa.array([1.0] * 50)] * 3, names=["a", "a", "b"])
    path = put(f"a.{make}", one)
    found = lee(path, path)

    assert found.exit_code == 0
    assert "several columns called 'a'; none of them is read" in found.stdout
    assert "of 1 columns" in found.stdout


def test_columns_and_detectors_are_chosen(put) -> None:
    paths = put("a.parquet", table(1)), put("b.parquet", table(2, shift=0.5))

    assert list(columns(lee(*paths, "--columns", "on,level", "--json"))) == ["level", "on"]
    assert list(columns(lee(*paths, "--drop", "x", "--drop", "on", "--json"))) == ["level"]
    chosen = columns(lee(*paths, "--detector", "psi", "--detector", "energy", "--json"))
    assert [f["detector"] for f in chosen["x"]["findings"]] == ["psi", "energy"]
    assert [f["verdict"] for f in chosen["x"]["findings"]] == ["failed", "inconclusive"]
    assert chosen["x"]["verdict"] == "failed"


def test_a_column_whose_name_has_a_comma_is_chosen_by_the_option_repeated(put) -> None:
    names = ["x", "level", "on", "town, state"]
    one = table(1).append_column("town, state", pa.array(["a", "b"] * (table(1).num_rows // 2)))
    paths = put("a.parquet", one), put("b.parquet", one)
    assert one.column_names == names

    def chosen(*words):
        return list(columns(lee(*paths, *words, "--json")))

    assert chosen("--columns", "town, state", "--columns", "x,on") == ["x", "on", "town, state"]
    assert chosen("--drop", "town, state") == names[:3]
    found = lee(*paths, "--columns", "town,state")
    assert "neither file has a column 'town'" in found.stderr


def test_a_fixed_threshold_judges_whatever_chance_says(put) -> None:
    paths = put("a.parquet", table(1)), put("b.parquet", table(2, shift=0.5))

    loose = columns(lee(*paths, "--detector", "ks", "--threshold", "ks=0.9", "--json"))["x"]
    tight = lee(
        put("c.parquet", table(1)), put("d.parquet", table(2)), "--threshold", "ks=0.0001", "--json"
    )

    assert (loose["verdict"], loose["findings"][0]["basis"]) == ("passed", "fixed")
    assert loose["findings"][0]["threshold"] == 0.9
    assert columns(tight)["x"]["verdict"] == "failed"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--detector", "kss"], "there is no detector 'kss'; did you mean ks?"),
        (["--detector", "volume"], "volume does not compare a column of two files"),
        (["--threshold", "ks"], "expected a detector and a number of 0 or more, as ks=0.1"),
        (["--columns", "levell"], "neither file has a column 'levell'; did you mean level?"),
        (["--false-alarms", "1.5"], "1.5"),
    ],
)  # fmt: skip
def test_wrong_usage_is_told_with_what_would_be_right(put, words, said) -> None:
    found = lee(put("a.parquet", table(1)), put("b.parquet", table(2)), *words)

    assert found.exit_code == 2
    assert said in found.stderr


def test_files_without_rows_or_of_no_known_make_cannot_be_compared(put, tmp_path) -> None:
    good, empty = put("a.parquet", table(1)), put("b.parquet", table(1).slice(0, 0))
    odd = tmp_path / "odd.parquet"
    odd.write_bytes(b"PAR1 and then nothing")
    book = tmp_path / "book.xlsx"
    book.write_bytes(b"PK\x03\x04 a workbook")

    for path, said in (
        (empty, "holds no rows, so nothing can be compared"), (odd, "odd.parquet is not readable"),
        (book, "an Excel workbook"),
    ):  # fmt: skip
        found = lee(good, path)
        assert (found.exit_code, said in found.stderr) == (1, True), found.stderr
    assert lee(good, tmp_path / "none.parquet").exit_code == 2


def test_a_column_that_cannot_be_read_is_named_and_the_others_are_compared(put) -> None:
    before, now = put("a.parquet", table(1)), put("b.parquet", table(2))
    raw = bytearray(now.read_bytes())
    place = pq.ParquetFile(now).metadata.row_group(0).column(0)
    start = place.dictionary_page_offset or place.data_page_offset
    raw[start : start + 40] = b"\xff" * 40
    now.write_bytes(bytes(raw))

    found = lee(before, now, "--json")

    assert found.exit_code == 1
    verdicts = {name: column["verdict"] for name, column in columns(found).items()}
    assert verdicts == {"x": "error", "level": "passed", "on": "passed"}
    assert "could not be read" in found.stderr


def test_the_report_is_written_beside_the_answer(put, tmp_path) -> None:
    out = tmp_path / "drift.html"
    found = lee(put("a.parquet", table(1)), put("b.parquet", table(2)), "--html", out)

    assert found.exit_code == 0
    assert out.read_text().startswith("<!doctype html>") or "<html" in out.read_text()
    assert f"wrote {out}" in found.stderr


@pytest.mark.parametrize("words", [["--json"], []], ids=["document", "table"])
def test_a_comparison_loads_nothing_that_it_does_not_need(put, words) -> None:
    paths = [str(put("a.parquet", table(1))), str(put("b.parquet", table(2)))]
    program = (
        "import sys\nfrom controlplane.cli.__main__ import main\n"
        f"sys.argv = ['leeboard', 'compare', *{[*paths, *words]!r}]\n"
        "try:\n    main()\nexcept SystemExit:\n    print()\nprint(*sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    modules = set(done.stdout.splitlines()[-1].split())
    loaded = {name.partition(".")[0] for name in modules}

    assert {"numpy", "pyarrow"} <= loaded
    unwanted = {"duckdb", "litestar", "scipy", "sklearn", "textual", "httpx", "jinja2", "pandas"}
    assert loaded & unwanted == set()
    assert "detectors.metrics.catalogue" not in modules


def test_threads_and_reading_in_pieces_change_nothing(put, monkeypatch) -> None:
    paths = put("a.parquet", table(1)), put("b.parquet", table(2, shift=0.3))
    expected = columns(lee(*paths, "--json"))
    monkeypatch.setattr(running, "CELLS_AT_ONCE", 1)
    monkeypatch.setattr(running, "CELLS_FOR_THREADS", 1)

    assert columns(lee(*paths, "--json")) == expected
