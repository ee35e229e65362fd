"""`leeboard profile`: data files to profiles that merge, compare and may leave the house."""

import gzip
import json
from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result

from controlplane.cli.__main__ import main
from controlplane.cli.tables import opening
from detectors.profile import written
from detectors.profile.form import Profile

ROWS = 3000


def lee(*args: object) -> Result:
    return CliRunner().invoke(main, [str(arg) for arg in args])


def rows(seed: int = 1, size: int = ROWS) -> pa.Table:
    draws = np.random.default_rng(seed)
    return pa.table({
        "price": draws.lognormal(size=size),
        "rooms": draws.integers(1, 6, size),
        "town": draws.choice(["Ulm", "Bonn", "Trier"], size, p=[0.6, 0.3, 0.1]),
        "buyer": [f"person-{k}" for k in draws.integers(0, 2500, size)],
        "sold": draws.random(size) < 0.4,
        "day": pa.array(draws.integers(0, 10**9, size), pa.timestamp("s")),
    })  # fmt: skip


@pytest.fixture
def january(tmp_path: Path) -> Path:
    path = tmp_path / "january.parquet"
    pq.write_table(rows(), path)
    return path


def read(path: Path) -> Profile:
    return written.decoded(path.read_bytes())


def test_a_file_becomes_a_profile_beside_it_that_is_shown(january: Path) -> None:
    found = lee("profile", january)
    assert found.exit_code == 0
    assert found.stdout == ""
    assert "january.profile.json: 3,000 rows, 6 columns" in found.stderr
    shown = lee("profile", january.with_name("january.profile.json"))
    assert shown.stdout.startswith("january.parquet: 3,000 rows\n")
    assert "Ulm 58%, Bonn 31%, Trier 11%" in shown.stdout
    assert [c.kind for c in read(january.with_name("january.profile.json")).columns] == [
        "numeric", "numeric", "categorical", "categorical", "boolean", "datetime"]  # fmt: skip


def test_the_document_has_every_figure(january: Path) -> None:
    document = json.loads(lee("profile", january, "--json").stdout)
    price, _, town, *_ = document["columns"]
    values = rows()["price"].to_numpy()
    assert price["mean"] == pytest.approx(values.mean())
    assert price["std"] == pytest.approx(values.std())
    exact = np.quantile(values, [0.05, 0.25, 0.5, 0.75, 0.95])
    assert price["quantiles"] == pytest.approx(exact, rel=0.05)
    assert 0.0 < price["rank_error"] <= 1 / 512
    assert town["top"] == dict(Counter(rows()["town"].to_pylist()).most_common())
    assert document["output"].endswith("january.profile.json")


def test_months_like_one_another_merge_to_the_quarter(january: Path, tmp_path: Path) -> None:
    other = tmp_path / "february.csv"
    pyarrow.csv.write_csv(rows(2), other)
    lee("profile", january)
    reference = january.with_name("january.profile.json")
    assert lee("profile", other, "--like", reference).exit_code == 0
    february, both = tmp_path / "february.profile.json", tmp_path / "both.profile.json.gz"
    assert lee("profile", reference, february, "-o", both).exit_code == 0
    assert both.read_bytes()[:2] == b"\x1f\x8b"
    found = read(both)
    assert found.rows == 2 * ROWS
    assert lee("profile", january, other, "-o", tmp_path / "rows.profile.json").exit_code == 0
    at_once = read(tmp_path / "rows.profile.json")
    for merged, whole in zip(found.columns, at_once.columns, strict=True):
        assert (merged.rows, merged.missing) == (whole.rows, whole.missing)
        if merged.moments is not None:
            assert merged.moments.mean == pytest.approx(whole.moments.mean, rel=1e-12)
        if merged.column == "town":
            assert merged.names == whole.names


def test_a_profile_and_rows_are_put_together_on_the_profiles_edges(january, tmp_path) -> None:
    other = tmp_path / "february.parquet"
    pq.write_table(rows(2), other)
    lee("profile", january)
    reference = january.with_name("january.profile.json")
    out = tmp_path / "both.profile.json"
    assert lee("profile", reference, other, "-o", out).exit_code == 0
    assert [c.edges for c in read(out).columns] == [c.edges for c in read(reference).columns]
    assert read(out).rows == 2 * ROWS


def test_profiles_on_different_edges_are_not_merged(january: Path, tmp_path: Path) -> None:
    other = tmp_path / "february.parquet"
    pq.write_table(rows(2), other)
    lee("profile", january)
    lee("profile", other)
    out = tmp_path / "both.profile.json"
    found = lee("profile", tmp_path / "january.profile.json", tmp_path / "february.profile.json",
                "-o", out)  # fmt: skip
    assert found.exit_code == 1
    assert "column price was counted on different edges" in found.stderr
    assert "--like" in found.stderr
    assert not out.exists()


@pytest.mark.parametrize("make", ["parquet", "csv"])
def test_a_file_larger_than_a_piece_has_the_same_counts(make, tmp_path, monkeypatch) -> None:
    table = rows(size=6000)
    path = tmp_path / f"rows.{make}"
    if make == "parquet":
        pq.write_table(table, path)
    else:
        pyarrow.csv.write_csv(table, path)
    lee("profile", path, "-o", tmp_path / "whole.profile.json")
    monkeypatch.setattr(opening, "PIECE_BYTES", 40_000)
    monkeypatch.setattr(opening, "PIECE_ROWS", 1000)
    monkeypatch.setattr(opening, "BATCH_ROWS", 500)
    monkeypatch.setattr("controlplane.cli.tables.texts.BLOCK", 1 << 14)
    assert lee("profile", path, "-o", tmp_path / "parts.profile.json").exit_code == 0
    whole, parts = (read(tmp_path / f"{name}.profile.json") for name in ("whole", "parts"))
    for a, b in zip(whole.columns, parts.columns, strict=True):
        assert (a.rows, a.missing, a.first, a.last) == (b.rows, b.missing, b.first, b.last)
        assert sum(b.tally.counts) == sum(a.tally.counts)
    assert parts.column("town") == whole.column("town")
    price = parts.column("price")
    assert 0 < price.points.rank_error <= 6000 / 256
    values = np.sort(table["price"].to_numpy())
    counted = np.diff(values.searchsorted(price.bins.edges), prepend=0, append=values.size)
    assert price.tally.counts == tuple(counted.tolist())


def test_with_a_salt_no_name_and_no_extreme_leaves(january: Path, tmp_path: Path) -> None:
    hidden = tmp_path / "hidden.profile.json"
    assert lee("profile", january, "--salt", "a long secret", "-o", hidden).exit_code == 0
    text = hidden.read_text()
    assert "Ulm" not in text
    assert "person-" not in text
    values = rows()["price"].to_numpy()
    assert repr(float(values.max())) not in text
    assert repr(float(values.min())) not in text
    shown = json.loads(lee("profile", hidden, "--json").stdout)
    assert shown["salted"]
    held = Counter(rows()["town"].to_pylist())
    assert [*shown["columns"][2]["top"].values()] == [rows for _, rows in held.most_common()]
    same = lee("profile", january, "--salt", "a long secret", "--like", hidden,
               "-o", tmp_path / "again.profile.json")  # fmt: skip
    assert same.exit_code == 0
    assert read(tmp_path / "again.profile.json").columns[2] == read(hidden).columns[2]
    for more in ([], ["--salt", "another"]):
        found = lee("profile", january, "--like", hidden, *more)
        assert found.exit_code == 1
        assert "--salt" in found.stderr


def test_columns_are_chosen_and_wrong_names_told(january: Path, tmp_path: Path) -> None:
    out = tmp_path / "two.profile.json"
    assert lee("profile", january, "--columns", "price", "--columns", "town", "--drop", "town",
               "-o", out).exit_code == 0  # fmt: skip
    assert [c.column for c in read(out).columns] == ["price"]
    found = lee("profile", january, "--drop", "pric")
    assert found.exit_code == 1
    assert "there is no column 'pric'; did you mean price?" in found.stderr


def test_what_cannot_be_read_is_said_in_a_sentence(january: Path, tmp_path: Path) -> None:
    lee("profile", january)
    profile = january.with_name("january.profile.json")
    document = json.loads(profile.read_text())
    newer, cut, other = (tmp_path / f"{n}.profile.json" for n in ("newer", "cut", "other"))
    newer.write_text(json.dumps({**document, "form": 2}))
    cut.write_bytes(gzip.compress(profile.read_bytes())[:-200])
    other.write_text('{"rows": 3}')
    for path, said in ((newer, "has form 2, and this Leeboard reads form 1"),
                       (cut, "is cut off before its end"), (other, "this is no profile")):  # fmt: skip
        found = lee("profile", path)
        assert found.exit_code == 1
        assert said in found.stderr
        assert str(path) in found.stderr
    assert "--output" in lee("profile", profile, profile).stderr
    assert "--salt hides" in lee("profile", profile, "--salt", "x").stderr


def test_a_file_without_rows_or_usable_columns_is_said(tmp_path: Path) -> None:
    empty, nested = tmp_path / "empty.csv", tmp_path / "nested.parquet"
    empty.write_text("a,b\n")
    pq.write_table(pa.table({"l": [[1], [2]]}), nested)
    assert f"nothing to profile: {empty} holds no rows" in lee("profile", empty).stderr
    assert "nothing to profile: l is left out: it holds list" in lee("profile", nested).stderr


def test_columns_of_every_type_are_profiled(tmp_path: Path) -> None:
    path = tmp_path / "odd.parquet"
    days = [datetime(2024, 1, 1 + k, tzinfo=UTC) for k in range(20)]
    pq.write_table(pa.table({
        "decimal": [Decimal("1.25")] * 20, "dictionary": pa.array(["a", "b"] * 10).dictionary_encode(),
        "nothing": pa.nulls(20), "instant": days, "span": pa.array(range(20), pa.duration("s")),
        "bytes": [b"x"] * 20, "infinite": [float("inf"), float("-inf"), float("nan"), None] * 5,
        "huge": [1.7e308, -1.7e308] * 10, "single": pa.array([1.5] * 20, pa.float32()),
    }), path)  # fmt: skip
    assert lee("profile", path).exit_code == 0
    found = {c.column: c for c in read(tmp_path / "odd.profile.json").columns}
    assert [str(c.kind) for c in found.values()] == [
        "numeric", "categorical", "numeric", "datetime", "numeric", "categorical", "numeric",
        "numeric", "numeric"]  # fmt: skip
    assert (found["infinite"].infinite, found["infinite"].missing) == (10, 10)
    assert found["nothing"].missing == 20
    assert found["huge"].moments.std is None
    assert (found["instant"].first[:10], found["instant"].last[:10]) == ("2024-01-01", "2024-01-20")
    assert lee("compare", path.with_name("odd.profile.json"), path).exit_code == 0


def test_another_kind_than_the_references_is_counted_as_its_own(tmp_path: Path) -> None:
    numbers, texts = tmp_path / "numbers.csv", tmp_path / "texts.csv"
    numbers.write_text("a\n" + "\n".join(str(k / 7) for k in range(100)))
    texts.write_text("a\n" + "\n".join(["1.5", "oops", "2.5"] * 20))
    lee("profile", numbers)
    found = lee("profile", texts, "--like", tmp_path / "numbers.profile.json")
    assert found.exit_code == 0
    [column] = read(tmp_path / "texts.profile.json").columns
    assert (column.kind, column.missing, column.unparsable) == ("numeric", 20, 20)
    assert msgspec.structs.asdict(column.moments)["rows"] == 40


def test_a_value_that_changes_its_type_late_costs_a_second_reading(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("controlplane.cli.tables.texts.BLOCK", 1 << 12)
    path = tmp_path / "rows.csv"
    path.write_text("n,c\n" + "".join(f"{k},a\n" for k in range(5000)) + "x,b\n")
    assert lee("profile", path).exit_code == 0
    column, _ = read(tmp_path / "rows.profile.json").columns
    assert (column.kind, column.rows, column.unparsable) == ("numeric", 5001, 1)
