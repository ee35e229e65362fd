"""What a comparison or a profile refuses to do, and what it leaves out of a file."""

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

ROWS = 60
ODD = b"\xff\xfe"


@pytest.fixture
def files(tmp_path):
    """Two CSV files, and another name of the first."""
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text("x\n" + "\n".join(str(row % 7) for row in range(ROWS)))
    (tmp_path / "link.csv").symlink_to(tmp_path / "a.csv")
    return tmp_path


@pytest.mark.parametrize("name", ["a.csv", "b.csv", "link.csv"])
@pytest.mark.parametrize("command", ["compare", "profile"])
def test_an_input_is_never_overwritten(lee, files, command, name) -> None:
    before = (files / name).read_bytes()
    option = "--html" if command == "compare" else "--output"

    found = lee(command, str(files / "a.csv"), str(files / "b.csv"), option, str(files / name))

    assert found.exit_code == 2
    assert "would be overwritten" in found.stderr
    assert (files / name).read_bytes() == before


def test_a_report_of_another_time_is_written_anew(lee, files) -> None:
    (files / "drift.html").write_text("old")
    asked = [str(files / "a.csv"), str(files / "b.csv")]

    assert lee("compare", *asked, "--html", str(files / "drift.html")).exit_code == 0
    assert "<html" in (files / "drift.html").read_text()


def test_the_profile_to_be_like_is_not_overwritten(lee, files) -> None:
    like = files / "a.profile.json"
    assert lee("profile", str(files / "a.csv")).exit_code == 0

    found = lee("profile", str(files / "a.csv"), "--like", str(like))

    assert found.exit_code == 2


@pytest.mark.parametrize(
    "odd",
    [
        pa.array([ODD] * ROWS), pa.array([ODD] * ROWS, pa.large_binary()),
        pa.array([ODD] * ROWS, pa.binary(2)), pa.array([ODD] * ROWS).dictionary_encode(),
    ],
    ids=["binary", "large", "fixed", "dictionary"],
)  # fmt: skip
@pytest.mark.parametrize("sides", ["both", "current"])
def test_bytes_that_are_no_text_are_left_out_and_the_rest_is_compared(
    lee, tmp_path, odd, sides
) -> None:
    numbers = [float(row % 7) for row in range(ROWS)]
    plain = odd if sides == "both" else pa.array(["a"] * ROWS)
    for name, values in (("a", plain), ("b", odd)):
        pq.write_table(pa.table({"x": numbers, "raw": values}), tmp_path / f"{name}.parquet")
    asked = [str(tmp_path / "a.parquet"), str(tmp_path / "b.parquet")]

    found = lee("compare", *asked, "--json")

    assert found.exit_code == 0
    columns = {each["column"]: each for each in msgspec.json.decode(found.stdout)["columns"]}
    assert columns["raw"]["verdict"] == "inconclusive"
    assert columns["x"]["verdict"] == "passed"
    assert "is left out: it holds" in lee("compare", *asked).stdout
    by = lee("compare", *asked, "--by", "raw")
    assert by.exit_code == 1
    assert "expected numbers or text" in by.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--threshold", "ks=nan"], "a number of 0 or more"),
        (["--threshold", "ks=-1"], "a number of 0 or more"),
        (["--threshold", "ks=inf"], "a number of 0 or more"),
        (["--time", "x", "--every", "5x"], "expected a length of a second or more"),
        (["--time", "x", "--every", "0d"], "expected a length of a second or more"),
    ],
    ids=["nan", "negative", "endless", "no-unit", "nothing"],
)
def test_a_figure_that_makes_no_sense_is_wrong_usage(lee, files, words, said) -> None:
    found = lee("compare", str(files / "a.csv"), str(files / "b.csv"), *words)

    assert found.exit_code == 2
    assert said in found.stderr


@pytest.mark.parametrize(
    ("moment", "unit", "said"),
    [(1_700_000_000_123_456_789, "ns", "2023-11-14"), (2**40, "s", "36812-02-20")],
    ids=["nanoseconds", "far"],
)
def test_dates_of_any_unit_and_year_are_read(lee, tmp_path, moment, unit, said) -> None:
    path = tmp_path / "a.arrow"
    rows = pa.table({"x": [1.0, 2.0], "at": pa.array([moment] * 2, pa.timestamp(unit))})
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, rows.schema) as out:
        out.write_table(rows)

    found, profiled = lee("compare", str(path), str(path)), lee("profile", str(path), "--json")

    assert (found.exit_code, profiled.exit_code) == (0, 0)
    assert said in found.stdout
    assert said in profiled.stdout
