"""How a comparison tells its answer: dates, chance and size, parts, one set of words everywhere."""

import re
from datetime import datetime, timedelta

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from controlplane.cli.report import plots

ROWS = 2_000


def rows(seed, *, month=1, shift=0.0, **more):
    generator = np.random.default_rng(seed)
    store = generator.choice([1, 2, 10, 11], ROWS, p=[0.1, 0.2, 0.3, 0.4])
    start = datetime(2024, month, 1)  # noqa: DTZ001 - as files without a zone have them
    return pa.table({
        "x": generator.normal(size=ROWS) + shift * (store == 2), "store": store,
        "day": [start + timedelta(hours=row % 600) for row in range(ROWS)], **more,
    })  # fmt: skip


@pytest.fixture
def compare(tmp_path, lee):
    """Two tables compared: the answer and, with `html`, the page."""

    def run(before, now, *words, html=False):
        for name, table in (("a", before), ("b", now)):
            pq.write_table(table, tmp_path / f"{name}.parquet")
        page = ["--html", str(tmp_path / "drift.html")] if html else []
        paths = [str(tmp_path / f"{name}.parquet") for name in "ab"]
        found = lee("compare", *paths, *words, *page)
        return (found, (tmp_path / "drift.html").read_text()) if html else found

    return run


def line(found, name):
    return next(each for each in found.stdout.splitlines() if each.startswith(f"{name} "))


def test_dates_are_not_judged_and_from_when_to_when_is_told(compare) -> None:
    found, page = compare(rows(1), rows(2, month=3), html=True)

    span = "2024-01-01 00:00 … 2024-01-25 23:00 → 2024-03-01 00:00 … 2024-03-25 23:00"
    assert "not judged" in line(found, "day")
    assert span in line(found, "day")
    assert span in page
    assert "<b>2</b><span>passed</span>" in page
    assert "<b>1</b><span>not judged</span>" in page
    assert found.exit_code == 0


def test_dates_that_are_lost_still_fail(compare) -> None:
    now = rows(2)
    now = now.set_column(2, "day", pa.array([None] * 400 + now["day"].to_pylist()[400:]))

    found = compare(rows(1), now)

    assert found.exit_code == 3
    assert "20.0 points more missing" in line(found, "day")


def test_what_chance_gives_is_not_taken_for_the_statistic(compare) -> None:
    found = compare(rows(1), rows(2))

    assert re.search(r"ks 0\.0\d+, (none|0\.0[\d]+) beyond chance, floor 0\.05", line(found, "x"))
    assert "failed" not in found.stdout.replace("0 of 3 columns failed", "")


def test_numbers_cut_into_parts_in_their_order_and_failed_parts_head_the_answer(compare) -> None:
    found = compare(rows(1), rows(2, shift=0.6), "--by", "store", "--columns", "x")

    parts = re.findall(r"^store=(\d+) ", found.stdout, re.MULTILINE)
    assert parts == ["2", "1", "10", "11"]
    assert "1 of 4 parts failed" in found.stdout.splitlines()[1]
    document = msgspec.json.decode(compare(rows(1), rows(2), "--by", "store", "--json").stdout)
    x = next(each for each in document["columns"] if each["column"] == "x")
    segments = dict.fromkeys(f["segment"] for f in x["findings"] if f["segment"])
    assert list(segments) == ["store=1", "store=2", "store=10", "store=11"]


def test_an_absent_column_has_no_missing_share_but_a_reason(compare) -> None:
    found, page = compare(rows(1, gone=[1.0] * ROWS), rows(2), html=True)

    row = re.search(r'<tr data-name="gone".*?</tr>', page, re.DOTALL)
    assert row is not None
    assert "the current file has no such column" in row[0]
    assert "– → –" in row[0]
    assert ">failed<" in row[0]
    assert "failed" in line(found, "gone")


@pytest.mark.parametrize("mean", [0.5, -0.02567, -1.234e-05, 123456789.0])
def test_the_mark_of_a_course_is_not_cut(mean) -> None:
    drawn = str(plots.strip((mean, mean * 1.5), (mean, abs(mean)), says="x"))

    mark = re.search(r'<text class="mark" x="([\d.]+)"[^>]*>([^<]+)<', drawn)
    assert mark is not None
    assert float(mark[1]) >= 7.0 * len(mark[2])


def test_windows_of_too_few_rows_are_told_by_their_rows(compare) -> None:
    start = datetime(2024, 1, 1)  # noqa: DTZ001 - as files without a zone have them
    hourly = [start + timedelta(hours=row) for row in range(ROWS)]
    tables = [rows(seed).set_column(2, "day", pa.array(hourly)) for seed in (1, 2)]

    found = compare(*tables, "--time", "day")

    assert "windows of 1 day, of 24 rows, of which 30 are needed" in found.stdout
