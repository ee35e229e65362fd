"""A user's file as a history: which columns are features, when rows happened, when labels came."""

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from controlplane.cli.replay.asked import Asked
from controlplane.cli.replay.declared import as_text, wire_names, with_file, with_positive
from controlplane.cli.replay.file_text import model_file
from controlplane.cli.replay.history import History, read_history
from controlplane.domain.errors import BadInput
from controlplane.domain.schema import Column
from controlplane.policy.model_file import UNCHECKED, parse
from detectors.finding import Kind

N = 400
HOURS = np.datetime64("2024-01-01", "us") + np.arange(N) * np.timedelta64(3, "h")
"""Fifty days."""
TEXTS = [str(moment).replace("T", " ")[:19] for moment in HOURS]
DRAWS = np.random.default_rng(0)
WIND = DRAWS.normal(size=N)
BOOLS = DRAWS.random(N) < 0.5


def history(folder: Path, columns: dict[str, Any] | None = None, **asked: Any) -> History:
    """The history of a file with `ts`, `wind`, `y` and more."""
    path = folder / "boats.parquet"
    pq.write_table(pa.table({"ts": HOURS, "wind": WIND, "y": BOOLS, **(columns or {})}), path)
    return read_history(path, Asked(**{"label": "y", "time": "ts", **asked}))


def kinds(found: History) -> dict[str, Kind]:
    return {column.name: column.kind for column in found.features}


COLUMNS: dict[str, tuple[pa.Array, Kind]] = {
    "int": (pa.array(DRAWS.integers(0, 9, N)), Kind.NUMERIC),
    "beyond doubles": (pa.array(DRAWS.integers(2**60, 2**62, N)), Kind.NUMERIC),
    "half": (pa.array(WIND.astype("f2")), Kind.NUMERIC),
    "decimal": (pa.array([Decimal(f"{n}.25") for n in DRAWS.integers(0, 9, N)]), Kind.NUMERIC),
    "infinite": (pa.array(np.where(BOOLS, np.inf, WIND)), Kind.NUMERIC),
    "nothing": (pa.nulls(N), Kind.NUMERIC),
    "truth": (pa.array(BOOLS), Kind.BOOLEAN),
    "clock": (pa.array([dt.time(n % 24, 30) for n in range(N)]), Kind.NUMERIC),
    "lasting": (pa.array(DRAWS.integers(0, 9, N), pa.duration("s")), Kind.NUMERIC),
    "day": (pa.array(HOURS.astype("datetime64[D]")), Kind.DATETIME),
    "moment": (pa.array(HOURS).cast(pa.timestamp("ns", "Asia/Tokyo")), Kind.DATETIME),
    "written day": (pa.array([f"{t[8:10]}/{t[5:7]}/{t[:4]}" for t in TEXTS]), Kind.DATETIME),
    "word": (pa.array(["a", "b"] * (N // 2)), Kind.CATEGORICAL),
    "large": (pa.array(["a", "b"] * (N // 2), pa.large_string()), Kind.CATEGORICAL),
    "coded": (pa.array(["a", "b"] * (N // 2)).dictionary_encode(), Kind.CATEGORICAL),
    "bytes of words": (pa.array([b"a", b"b"] * (N // 2)), Kind.CATEGORICAL),
    "number but for some": (
        pa.array(["none" if n % 20 == 0 else str(n % 97) for n in range(N)]), Kind.NUMERIC,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", COLUMNS)
def test_a_column_has_the_kind_that_it_looks_like(tmp_path: Path, name: str) -> None:
    values, kind = COLUMNS[name]
    assert kinds(history(tmp_path, {name: values})) == {"wind": Kind.NUMERIC, name: kind}


def test_times_of_day_are_hours_and_durations_seconds(tmp_path: Path) -> None:
    found = history(tmp_path, {name: COLUMNS[name][0] for name in ("clock", "lasting")})
    assert found.rows["clock"][7].as_py() == 7.5
    assert found.rows["lasting"].to_pylist() == [
        value.total_seconds() for value in COLUMNS["lasting"][0].to_pylist()
    ]


@pytest.mark.parametrize(
    ("values", "why"),
    [
        (pa.array([[1]] * N), "values of several parts"),
        (pa.array([{"a": 1}] * N), "values of several parts"),
        (pa.array([b"\xff\x00"] * N), "bytes that are no text"),
        (pa.array([f"u{n}" for n in range(N)]), f"a name for nearly every row ({N} different"),
        (pa.array(np.arange(N) * 2), "the number of the row"),
    ],
)
def test_a_column_that_can_be_no_feature_is_left_out_and_said(
    tmp_path: Path, values: pa.Array, why: str
) -> None:
    found = history(tmp_path, {"odd": values})
    assert kinds(found) == {"wind": Kind.NUMERIC}
    assert found.remarks[0].startswith(f"odd is no feature: it holds {why}")


def test_names_that_are_taken_get_an_underscore(tmp_path: Path) -> None:
    taken = ("id", "at", "version", "prediction", "label_known_at", "score:true")
    found = history(tmp_path, dict.fromkeys(taken, WIND))
    assert list(kinds(found)) == [
        "wind", "id_", "at_", "version_", "prediction_", "label_known_at_", "score_true_",
    ]  # fmt: skip
    assert found.renamed["at"] == "at_"


def test_any_name_of_a_column_survives_the_model_file(tmp_path: Path) -> None:
    names = ["two words", "a.b", "größe", 'q"uote', "ap'os", "a: b", "#c", "null", "1", "😀", "-"]
    asked = Asked(label="y", time="ts")
    found = history(tmp_path, dict.fromkeys(names, WIND))
    policy = parse(model_file(found, asked, receiver=None), source="it", known=UNCHECKED)
    assert [column.name for column in policy.features or ()] == ["wind", *names]


# Times.


@pytest.mark.parametrize(
    "times",
    [
        pa.array(HOURS),
        pa.array(HOURS.astype("datetime64[s]").astype("int64")),
        pa.array(HOURS.astype("datetime64[ms]").astype("float64")),
        pa.array(TEXTS),
        pa.array([f"{text}Z" for text in TEXTS]),
        pa.array([f"{text} +0000" for text in TEXTS]),
        pa.array([text.replace(" ", "T") for text in TEXTS]),
        pa.array([f"{t[8:10]}/{t[5:7]}/{t[:4]} {t[11:16]}" for t in TEXTS]),
        pa.array([f"{t[5:7]}/{t[8:10]}/{t[:4]} {t[11:]}" for t in TEXTS]),
        pa.array([f"{t[8:10]}.{t[5:7]}.{t[:4]} {t[11:]}" for t in TEXTS]),
        pa.array([f"{t[:4]}/{t[5:7]}/{t[8:10]} {t[11:]}" for t in TEXTS]),
    ],
)  # fmt: skip
def test_times_are_read_as_they_are_written(tmp_path: Path, times: pa.Array) -> None:
    found = history(tmp_path, {"ts": times})
    assert found.rows["at"].cast(pa.timestamp("us")).to_numpy().tolist() == HOURS.tolist()
    assert (found.timed, found.rejected) == (True, 0)


def test_days_alone_are_midnights(tmp_path: Path) -> None:
    whole = pa.array([int(text[:10].replace("-", "")) for text in TEXTS])
    for days in (whole, pa.array(HOURS.astype("datetime64[D]")), whole.cast(pa.string())):
        found = history(tmp_path, {"ts": days})
        assert found.rows["at"][9].as_py() == dt.datetime(2024, 1, 2, tzinfo=dt.UTC)


def test_rows_without_a_time_or_far_from_all_are_left_out_and_counted(tmp_path: Path) -> None:
    texts = [
        "1900-01-01 00:00:00" if n % 50 == 0 else "soon" if n % 20 == 1 else text
        for n, text in enumerate(TEXTS)
    ]
    found = history(tmp_path, {"ts": pa.array(texts)})
    assert (found.rows.num_rows, found.rejected) == (N - 28, 28)
    assert "8 times far from all others stand for none" in found.remarks


def test_a_zone_is_of_times_without_an_offset_alone(tmp_path: Path) -> None:
    naive = history(tmp_path, time_zone="Asia/Tokyo")
    told = history(tmp_path, {"ts": pa.array([f"{t}Z" for t in TEXTS])}, time_zone="Asia/Tokyo")
    assert told.rows["at"][0].as_py() - naive.rows["at"][0].as_py() == dt.timedelta(hours=9)


@pytest.mark.parametrize(
    ("times", "said"),
    [
        (np.arange(N)[::-1], "ts holds numbers that are no times: rows go in their order"),
        (
            HOURS[0] + (np.arange(N)[::-1] * np.timedelta64(1, "m")),
            "all of it happened within 6:39:00: too short for days, so it is told in rows",
        ),
    ],
)
def test_what_is_only_an_order_orders_the_rows_and_they_are_told_by_number(
    tmp_path: Path, times: Any, said: str
) -> None:
    found = history(tmp_path, {"ts": times})
    assert not found.timed
    assert found.remarks == (said,)
    assert found.rows["wind"].to_pylist() == WIND[::-1].tolist()
    assert found.told(found.split) == "row     96"


@pytest.mark.parametrize(
    ("times", "said"),
    [
        (pa.array(["soon"] * N), "column 'ts' holds texts such as 'soon'; expected dates"),
        (pa.array(["2024-03-01"] + ["soon"] * (N - 1)), "column 'ts' holds texts such as 'soon'"),
        (pa.array([[1]] * N), "column 'ts' of times holds values of several parts"),
        (pa.array(BOOLS), "column 'ts' holds bool"),
    ],
)
def test_what_is_no_time_is_said(tmp_path: Path, times: pa.Array, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        history(tmp_path, {"ts": times})


def test_what_is_no_time_may_be_left_out(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="Unix time; where the rows stand in the order in which"):
        history(tmp_path, {"ts": pa.array(["soon"] * N)})


# Labels.


def test_labels_come_when_the_file_says_and_those_without_a_time_never(tmp_path: Path) -> None:
    waits = np.where(np.arange(N) % 4 == 0, 10, 1) * np.timedelta64(24, "h")
    came = pa.array(HOURS + waits, mask=np.arange(N) % 8 == 3)
    found = history(tmp_path, {"came": came}, label_time="came")
    assert found.rows["label"].null_count == N // 8
    assert found.rows["label_known_at"].null_count == N // 8
    assert found.delay == dt.timedelta(days=10)
    known = found.labelled_between(None, found.rows["at"][-1].as_py() + dt.timedelta(days=99))
    assert known.num_rows == N - N // 8


def test_serving_begins_when_enough_labels_are_known(tmp_path: Path) -> None:
    found = history(tmp_path, {"y": pa.array(BOOLS, mask=np.arange(N) < 150)})
    # Row 199 is the fiftieth with a label, which is known a day after the 24th's 21st hour.
    assert found.split == dt.datetime(2024, 1, 27, tzinfo=dt.UTC)
    assert "serving begins later than it would, once 50 labels are known" in found.remarks


@pytest.mark.parametrize(
    ("labels", "task", "positive"),
    [
        (BOOLS, "binary", "true"),
        (BOOLS.astype(int), "binary", "1"),
        (BOOLS + 1.0, "binary", "2"),
        (np.where(BOOLS, "Yes", "No"), "binary", "Yes"),
        (np.where(BOOLS, "True", "False"), "binary", "True"),
        (np.arange(N) % 5 * 1.0, "multiclass", None),
        ([f"Klasse {n % 30} ü" for n in range(N)], "multiclass", None),
        (np.arange(N) % 30, "regression", None),
        (WIND, "regression", None),
        (["?" if n % 30 == 0 else str(n % 91) for n in range(N)], "regression", None),
        ([Decimal(n) for n in range(N)], "regression", None),
    ],
)
def test_a_label_asks_for_the_task_that_it_looks_like(
    tmp_path: Path, labels: Any, task: str, positive: str | None
) -> None:
    found = history(tmp_path, {"y": pa.array(labels)}, positive="2" if positive == "2" else None)
    assert (found.task, found.labels.positive) == (task, positive)


def test_a_class_is_meant_however_it_is_spelled(tmp_path: Path) -> None:
    assert history(tmp_path, positive="FALSE").labels.positive == "false"
    numbers = {"y": pa.array(BOOLS + 1.0)}
    assert history(tmp_path, numbers, positive="1.0").labels.positive == "1"


@pytest.mark.parametrize(
    ("labels", "asked", "said"),
    [
        (pa.nulls(N), {}, "label column 'y' has no value"),
        (pa.array([1] * N), {}, "label column 'y' has one value alone, 1"),
        (pa.array(HOURS), {}, "label column 'y' holds timestamp"),
        (pa.array([[1]] * N), {}, "column 'y' of labels holds values of several parts"),
        (pa.array([f"k{n % 60}" for n in range(N)]), {}, "has 60 classes; at most 50 are taken"),
        (pa.array(["a", "b"] * (N // 2)), {"task": "regression"}, "a regression needs numbers"),
        (pa.array(np.arange(N) % 3), {"task": "binary"}, "has 3 classes; a binary label has two"),
        (pa.array(BOOLS), {"positive": "maybe"}, "'maybe' is not a class of 'y'; its classes are"),
        (pa.array(BOOLS, mask=np.arange(N) > 30), {}, "31 rows have labels, and 50 have to be"),
    ],
)
def test_a_label_that_nothing_can_be_made_of_is_said(
    tmp_path: Path, labels: pa.Array, asked: dict[str, str], said: str
) -> None:
    with pytest.raises(BadInput, match=said):
        history(tmp_path, {"y": labels}, **asked)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"label": "yy"}, r"has no column 'yy' \(did you mean y\?\); it has ts, wind, y"),
        ({"drop": ("wind",)}, "no column is left to be a feature"),
        ({"id": "y"}, "is not a name for each row: 398 values are repeated and 0 missing"),
    ],
)
def test_what_is_asked_of_columns_and_cannot_be_is_said(
    tmp_path: Path, asked: dict[str, Any], said: str
) -> None:
    with pytest.raises(BadInput, match=said):
        history(tmp_path, **asked)


def test_too_few_rows_are_said(tmp_path: Path) -> None:
    path = tmp_path / "few.csv"
    for text, said in (("ts,y\n", "no rows"), ("ts,y\n2024-01-01,1\n", "1 usable rows")):
        path.write_text(text)
        with pytest.raises(BadInput, match=f"{said}; a replay needs 200"):
            read_history(path, Asked(label="y", time="ts"))


# A model file of the user's own.


def test_the_model_file_says_what_the_command_line_does_not(tmp_path: Path) -> None:
    text = (
        "model: boats\ntask: binary\nlabel: {column: y, delay: 12h}\nprediction: yhat\nscore: p\n"
        "features: {wind: numeric}\n"
    )
    policy = parse(text, source="it", known=UNCHECKED)
    asked = with_file(Asked(label="", time="ts", delay=dt.timedelta(0)), policy)
    assert (asked.label, asked.delay, asked.declared) == (
        "y", dt.timedelta(0), (Column("wind", Kind.NUMERIC),),
    )  # fmt: skip
    assert with_file(Asked(label=""), policy).delay == dt.timedelta(hours=12)
    found = history(tmp_path)
    assert wire_names(policy, found) == {"prediction": "yhat", "score:true": "p"}
    whole = with_positive(policy, found)
    assert parse(as_text(whole), source="it", known=UNCHECKED).label.positive == "true"


@pytest.mark.parametrize(
    ("declared", "said"),
    [
        (Column("gust", Kind.NUMERIC), "names features that the file lacks: gust"),
        (
            Column("sail", Kind.NUMERIC),
            "but 400 of its values are not: the first is 'jib'; expected a number",
        ),
    ],
)
def test_a_file_that_is_not_as_the_model_file_says_is_refused(
    tmp_path: Path, declared: Column, said: str
) -> None:
    with pytest.raises(BadInput, match=said):
        history(tmp_path, {"sail": ["jib"] * N}, declared=(declared,))
