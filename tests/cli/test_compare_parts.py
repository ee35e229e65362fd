"""Two files compared by the levels of a column and by windows of time, and what is no feature."""

import re
from datetime import UTC, datetime, timedelta

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

ROWS = 6_000


def table(seed, *, moved=(), shift=1.0, **more):
    """Rows of three regions; in the regions that have moved x is greater."""
    generator = np.random.default_rng(seed)
    region = generator.choice(["north", "south", "west"], ROWS, p=[0.5, 0.3, 0.2])
    x = generator.normal(size=ROWS) + shift * np.isin(region, moved)
    return pa.table({"region": region, "x": x, "on": generator.random(ROWS) < 0.3, **more})


def days(seed, count, *, rows=200, shift=0.0, wander=0.3):
    """Rows of some days; every day has a mean of its own."""
    generator = np.random.default_rng(seed)
    each = np.repeat(np.arange(count), rows)
    start = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(days=200 * seed)
    at = [
        start + timedelta(days=int(day), minutes=int(7 * (row % rows)))
        for row, day in enumerate(each)
    ]
    x = generator.normal(size=each.size) + generator.normal(0.0, wander, count)[each] + shift
    return pa.table({"at": pa.array(at, pa.timestamp("us", "UTC")), "x": x})


@pytest.fixture
def compare(tmp_path, lee):
    """Two tables compared; the JSON document, or the whole answer with `text`."""

    def run(before, now, *words, text=False):
        for name, rows in (("a", before), ("b", now)):
            pq.write_table(rows, tmp_path / f"{name}.parquet")
        paths = [str(tmp_path / f"{name}.parquet") for name in "ab"]
        found = lee("compare", *paths, *words, *([] if text else ["--json"]))
        return found if text or found.exit_code not in {0, 3} else msgspec.json.decode(found.stdout)

    return run


def column(document, name):
    return next(each for each in document["columns"] if each["column"] == name)


def test_a_level_that_moved_fails_and_its_findings_say_which(compare) -> None:
    found = compare(table(1), table(2, moved=["west"]), "--by", "region", "--columns", "x,on")

    failed = {f["segment"] for f in column(found, "x")["findings"] if f["verdict"] == "failed"}
    assert "region=west" in failed
    assert failed & {"region=north", "region=south"} == set()
    assert column(found, "on")["verdict"] == "passed"
    assert found["verdict"] == "failed"


def test_a_part_has_the_figures_of_its_rows_alone(compare) -> None:
    before, now = table(1), table(2, moved=["north"])
    whole = compare(before, now, "--by", "region")
    west = [each.filter(pa.compute.equal(each["region"], "west")) for each in (before, now)]
    alone = compare(*west)

    for name in ("x", "on"):
        part = [f for f in column(whole, name)["findings"] if f["segment"] == "region=west"]
        figures = [[f["detector"], f["statistic"], f["effect"], f["rows"]] for f in part]
        expected = column(alone, name)["findings"]
        assert figures == [
            [f["detector"], f["statistic"], f["effect"], f["rows"]] for f in expected
        ]


def test_a_change_that_levels_hide_from_each_other_fails_the_comparison(compare) -> None:
    """What one level gains the other loses: the whole stands still."""
    before, now = table(1), table(2)
    side = np.where(
        np.array(now["region"]) == "north",
        0.3,
        np.where(np.array(now["region"]) == "south", -0.5, 0),
    )
    now = now.set_column(1, "x", pa.array(np.array(now["x"]) + side))

    assert compare(before, now, "--columns", "x")["verdict"] == "passed"
    assert compare(before, now, "--columns", "x", "--by", "region")["verdict"] == "failed"


def test_many_parts_without_a_change_do_not_fail(compare) -> None:
    generator = np.random.default_rng(9)
    cuts = [pa.array(generator.integers(0, 20, ROWS)) for _ in range(2)]
    found = compare(table(1, cut=cuts[0]), table(2, cut=cuts[1]), "--by", "cut", text=True)

    assert found.exit_code == 0
    assert found.stdout.count("cut=") == 20
    assert "those of 20 parts among them (Holm)" in found.stdout


def test_a_small_rate_of_false_alarms_is_told_as_it_is(compare) -> None:
    found = compare(table(1), table(2), "--false-alarms", "0.001", text=True)

    assert "with less than 0.1% over all" in found.stdout


def test_levels_beyond_twenty_are_compared_together_and_named(compare) -> None:
    names = [f"town {at:02d}" for at in range(24)]
    generator = np.random.default_rng(3)
    towns = [pa.array(generator.choice(names, ROWS)) for _ in range(2)]
    found = compare(table(1, town=towns[0]), table(2, town=towns[1]), "--by", "town", text=True)

    assert "town=(others)" in found.stdout
    assert "the others together as (others): town " in found.stdout.replace("\n", " ")


def test_a_level_of_one_file_alone_is_named_and_not_compared(compare) -> None:
    before, now = table(1), table(2)
    now = now.filter(pa.compute.not_equal(now["region"], "west"))
    found = compare(before, now, "--by", "region", text=True)

    assert "region=west" not in found.stdout
    assert "only the reference has these parts of region" in found.stdout
    assert "west (1," in found.stdout


@pytest.mark.parametrize(
    ("words", "said", "status"),
    [
        (["--by", "regoin"], "neither file has a column 'regoin'; did you mean region?", 2),
        (["--by", "name"], "a level of its own in most rows", 1),
        (["--by", "day"], "dates, for which there is --time", 1),
        (["--by", "region", "--time", "day"], "expected one of them", 2),
        (["--every", "1d"], "expected --time", 2),
        (["--time", "day", "--every", "soon"], "--every 'soon'; expected a length", 2),
        (["--time", "region"], "expected dates, times", 1),
    ],
)  # fmt: skip
def test_what_cuts_nothing_is_told_with_what_would(compare, words, said, status) -> None:
    more = {
        "name": [f"n{at}" for at in range(ROWS)],
        "day": pa.array(range(ROWS), pa.timestamp("s")),
    }
    found = compare(table(1, **more), table(2, **more), *words, text=True)

    assert (found.exit_code, said in found.stderr) == (status, True), found.stderr


def test_days_that_differ_as_those_of_the_reference_do_pass(compare) -> None:
    """Taken for independent the rows would fail: every day has a mean of its own."""
    before, now = days(1, 60), days(2, 12, shift=0.25)

    assert compare(before, now)["verdict"] == "failed"
    by_day = compare(before, now, "--time", "at", "--every", "1d")
    assert by_day["verdict"] == "passed"
    bases = {f["basis"] for f in column(by_day, "x")["findings"] if f["segment"]}
    assert bases <= {"calibrated", "provisional"}


def test_a_day_that_is_unlike_those_of_the_reference_fails_and_is_named(compare) -> None:
    before, now = days(1, 60), days(2, 12)
    x = now["x"].to_numpy().copy()
    x[5 * 200 : 6 * 200] += 4.0
    now = now.set_column(1, "x", pa.array(x))
    found = compare(before, now, "--time", "at", text=True)

    assert found.exit_code == 3
    assert "failed in 1 of 12 windows, most from 2025-02-09 on: " in found.stdout
    assert "in a window of 1 day" in found.stdout
    assert "usual below" in found.stdout


def test_too_few_windows_fall_back_to_all_rows_and_say_so(compare) -> None:
    found = compare(days(1, 4), days(2, 4), "--time", "at", "--every", "1d", text=True)

    assert "4 windows of 1 day, too few to calibrate by" in " ".join(found.stdout.split())
    assert "optimistic" in found.stdout


def test_rows_without_a_time_are_counted_in_a_note(compare) -> None:
    before = days(1, 40)
    stripped = pa.array([None, *before["at"].to_pylist()[1:]], pa.timestamp("us", "UTC"))
    found = compare(before.set_column(0, "at", stripped), days(2, 9), "--time", "at", text=True)

    assert "1 and 0 rows without a time in at are in no window" in found.stdout


def test_a_row_number_is_no_feature(compare) -> None:
    keys = [pa.array(range(at, at + 3 * ROWS, 3)) for at in (0, 90_000)]
    tables = table(1, key=keys[0]), table(2, key=keys[1])
    document, text = compare(*tables), compare(*tables, text=True)

    assert column(document, "key")["verdict"] == "inconclusive"
    reasons = {
        f["reason"] for f in column(document, "key")["findings"] if f["detector"] != "missing"
    }
    assert reasons == {"not_applicable"}
    assert "looks like a row number" in text.stdout
    assert text.exit_code == 0


def test_a_key_is_no_feature_in_whatever_order_and_parts_it_comes(compare) -> None:
    keys = np.random.default_rng(5).permutation(4 * ROWS)
    parts = pa.array(keys[:ROWS]), pa.array(keys[ROWS : 2 * ROWS] + ROWS)
    tables = [table(seed, key=part) for seed, part in enumerate(parts)]

    assert column(compare(*tables), "key")["verdict"] == "inconclusive"
    by = compare(*tables, "--by", "region", text=True)
    assert "looks like a row number or a key" in by.stdout
    assert by.exit_code == 0


def test_what_decided_is_said_in_words(compare) -> None:
    found = compare(table(1), table(2, moved=["north", "south", "west"]), text=True)

    assert re.search(r"ks 0\.[34]\d?, 0\.[34]\d? beyond chance, floor 0\.05", found.stdout)


def test_a_report_shows_the_parts_and_the_course_of_numbers(compare, tmp_path) -> None:
    out = tmp_path / "drift.html"
    compare(table(1), table(2, moved=["west"]), "--by", "region", "--html", str(out))

    page = out.read_text()
    assert "region = west" in page
    assert "mean of x in blocks of rows of the current" in page


def test_a_profile_has_no_rows_to_cut(compare, tmp_path, lee) -> None:
    pq.write_table(table(1), tmp_path / "a.parquet")
    lee("profile", str(tmp_path / "a.parquet"))
    profile = str(tmp_path / "a.profile.json")
    found = lee("compare", profile, str(tmp_path / "a.parquet"), "--by", "region")
    assert found.exit_code == 2
    assert "needs the rows of both files" in found.stderr


def dated(seed, count, *, lead=3.0, **more):
    """The same with a date some days before each row, exponentially."""
    found = days(seed, count, **more)
    generator = np.random.default_rng(seed + 40)
    ages = generator.exponential(lead * 86_400e6, found.num_rows).astype(np.int64)
    dates = pa.array(found["at"].cast(pa.int64()).to_numpy() - ages, pa.timestamp("us", "UTC"))
    return found.append_column("booked_at", dates)


def test_dates_are_compared_by_their_age_hour_and_weekday_where_there_is_a_time(compare) -> None:
    same = compare(dated(1, 40), dated(2, 5), "--time", "at", "--every", "1d")
    names = [f"booked_at ({part})" for part in ("age", "hour", "weekday")]
    assert {one["column"] for one in same["columns"]} == {"at", "x", "booked_at", *names}
    assert {column(same, name)["verdict"] for name in names} == {"passed"}
    late = compare(dated(1, 40), dated(2, 5, lead=9.0), "--time", "at", "--every", "1d")
    assert column(late, names[0])["verdict"] == "failed"
    assert {column(late, name)["verdict"] for name in names[1:]} == {"passed"}
    assert column(late, "booked_at")["verdict"] != "failed"
    few = compare(dated(1, 40), dated(2, 5), "--time", "at", "--every", "30d")
    assert {one["column"] for one in few["columns"]} == {"at", "x", "booked_at", names[0]}
    plain = compare(dated(1, 40), dated(2, 5))
    assert {one["column"] for one in plain["columns"]} == {"at", "x", "booked_at"}
