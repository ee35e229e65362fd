"""Files as they come: odd names and values, packed texts, JSON lists, and a file beside itself."""

import bz2
import json
import warnings

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

ROWS = 200
GENERATOR = np.random.default_rng(6)
VALUES = GENERATOR.normal(size=ROWS)
HALF_INFINITE = np.where(np.arange(ROWS) % 10 == 0, np.inf, VALUES)


def told(found) -> dict[str, str]:
    """The verdict of every column of a JSON answer."""
    return {c["column"]: c["verdict"] for c in msgspec.json.decode(found.stdout)["columns"]}


@pytest.mark.parametrize(
    "values",
    [
        pa.array(np.full(ROWS, 2**64 - 1, dtype=np.uint64)),
        pa.array(2**53 + GENERATOR.integers(0, 30, ROWS)),
        pa.array(2**62 + GENERATOR.integers(0, 2**40, ROWS)),
        pa.array(np.sign(VALUES) * 1.7e308), pa.array(VALUES * 1e-320), pa.array(HALF_INFINITE),
        pa.array(np.full(ROWS, np.inf)), pa.array(np.full(ROWS, np.nan)), pa.nulls(ROWS),
    ],
    ids=["greatest", "beyond doubles", "far", "huge", "tiny", "infinities", "infinite", "nan", "null"],
)  # fmt: skip
def test_a_file_beside_itself_never_fails(lee, tmp_path, values) -> None:
    pq.write_table(pa.table({"x": values, "y": VALUES}), path := tmp_path / "a.parquet")

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = lee("compare", str(path), str(path), "--html", str(tmp_path / "a.html"))

    assert found.exit_code == 0, found.stdout
    assert "0 of 2 columns failed" in found.stdout


def test_what_a_reference_held_of_infinities_is_usual_in_a_profile_too(lee, tmp_path) -> None:
    pq.write_table(pa.table({"x": HALF_INFINITE}), path := tmp_path / "a.parquet")
    more = np.where(np.arange(ROWS) % 3 == 0, np.inf, VALUES)
    pq.write_table(pa.table({"x": more}), other := tmp_path / "b.parquet")
    lee("profile", str(path), "--output", str(profile := tmp_path / "a.profile.json"))

    assert told(lee("compare", str(profile), str(path), "--json"))["x"] != "failed"
    assert told(lee("compare", str(profile), str(other), "--json"))["x"] == "failed"


def test_names_steer_no_terminal_and_keep_their_line(lee, tmp_path) -> None:
    names = ["new\nline", "esc\x1b[31m", "", " spaced ", "漢字"]
    pq.write_table(pa.table(dict.fromkeys(names, VALUES)), path := tmp_path / "a.parquet")

    found = lee("compare", str(path), str(path))

    assert "\x1b" not in found.stdout
    lines = found.stdout.splitlines()[3:]
    begins = ["column ", "new·line ", "esc·[31m ", '"" ', '" spaced " ', "漢字 "]
    assert sorted(lines[:6]) == sorted(
        next(line for line in lines if line.startswith(begin)) for begin in begins
    )


@pytest.mark.parametrize("pack", [zstandard.compress, bz2.compress], ids=["zstd", "bzip2"])
def test_packed_texts_are_read(lee, tmp_path, pack) -> None:
    text = "a,b\n" + "\n".join(f"{value},{'xyz'[at % 3]}" for at, value in enumerate(VALUES))
    (plain := tmp_path / "a.csv").write_text(text)
    (packed := tmp_path / "b.csv").write_bytes(pack(text.encode()))

    found = lee("compare", str(plain), str(packed), "--json")

    assert told(found) == {"a": "passed", "b": "passed"}


@pytest.mark.parametrize("indent", [None, 1], ids=["line", "pretty"])
def test_a_json_list_of_objects_is_rows(lee, tmp_path, indent) -> None:
    rows = [{"a": value, "b": None if at % 2 else "x"} for at, value in enumerate(VALUES)]
    (path := tmp_path / "a.json").write_text(json.dumps(rows, indent=indent))

    found = lee("compare", str(path), str(path), "--json")

    assert msgspec.json.decode(found.stdout)["rows"] == {"reference": ROWS, "current": ROWS}
    assert told(found) == {"a": "passed", "b": "passed"}


@pytest.mark.parametrize(
    ("text", "says"),
    [("[1, 2]", "not all objects"), ("[{]", "begins like a JSON list"), ("[]", "holds no rows")],
    ids=["numbers", "broken", "empty"],
)
def test_another_json_list_is_a_sentence(lee, tmp_path, text, says) -> None:
    (path := tmp_path / "a.json").write_text(text)

    found = lee("compare", str(path), str(path))

    assert found.exit_code == 1
    assert says in found.stderr


def test_a_first_line_of_figures_is_told(lee, tmp_path) -> None:
    (path := tmp_path / "a.csv").write_text("\n".join(f"{v},{v * 2}" for v in VALUES))

    found = lee("compare", str(path), str(path))

    assert found.stdout.count("holds figures, and is taken for the names") == 1


def test_columns_that_only_one_file_has_keep_their_kind_and_a_slip_is_told(lee, tmp_path) -> None:
    for name, column in (("a", "Unit Price"), ("b", "unit_price")):
        pq.write_table(pa.table({column: VALUES, "y": VALUES}), tmp_path / f"{name}.parquet")

    found = lee("compare", str(tmp_path / "a.parquet"), str(tmp_path / "b.parquet"))

    assert "'Unit Price' of the reference and 'unit_price' of the current" in found.stdout
    assert [line.split()[-2:] for line in found.stdout.splitlines() if "no such column" in line]
    [one, other] = [each for each in found.stdout.splitlines() if each.lower().startswith("unit")]
    assert one.split()[2:4] == ["numeric", "failed"]
    assert other.split()[1:4] == ["numeric", "not", "judged"]


@pytest.mark.parametrize("most", [5_000, 20_000], ids=["rare", "beyond those that are kept"])
def test_a_column_of_very_many_levels_fails_where_half_of_them_are_gone(
    lee, tmp_path, most
) -> None:
    generator = np.random.default_rng(7)
    codes = [generator.integers(0, n, 30_000) for n in (most, most, most // 2)]
    for name, found in zip("abc", codes, strict=True):
        table = pa.table({"zip": [f"z{k}" for k in found]})
        pq.write_table(table, tmp_path / f"{name}.parquet")
    paths = [str(tmp_path / f"{name}.parquet") for name in "abc"]

    assert told(lee("compare", *paths[:2], "--json"))["zip"] == "passed"
    half = lee("compare", paths[0], paths[2])
    assert half.exit_code == 3
    assert "many_levels" in half.stdout


def test_a_column_without_a_name_can_be_opened_and_empty_ones_are_not_called_alike(
    lee, tmp_path
) -> None:
    nothing = pa.nulls(ROWS, pa.float64())
    table = pa.table({"": VALUES, "same": VALUES, "empty": nothing, "void": nothing})
    pq.write_table(table, path := tmp_path / "a.parquet")

    lee("compare", str(path), str(path), "--html", str(tmp_path / "a.html"))

    page = (tmp_path / "a.html").read_text()
    assert '<a href="#c0">&#34;&#34;</a>' in page or '<a href="#c0">""</a>' in page
    assert "1:  = same" in page
    assert "2: empty, void" in page
    assert "empty = void" not in page
