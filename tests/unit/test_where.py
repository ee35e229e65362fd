"""Conditions of segments: read, told wrong at their place, and asked of columns like SQL would."""

from datetime import UTC, datetime

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controlplane.domain.errors import ModelFileErrors
from controlplane.monitor.filtering import Unfit, holds
from controlplane.policy import where
from controlplane.policy.model_file import parse
from controlplane.policy.where import (
    Absent,
    Among,
    Compared,
    Comparing,
    Joined,
    Opposite,
    WhereError,
)
from detectors.finding import Kind, Sample

DAY = datetime(2024, 1, 1, tzinfo=UTC)
TABLE = pa.table({
    "distance": pa.array([100.0, 2500.0, None, 2000.0, float("nan"), 30.0]),
    "carrier": pa.array(["AA", "UA", "AA", None, "O'Hare", "2"]),
    "booked": pa.array([True, False, None, True, True, False]),
    "day": pa.array([DAY, None, DAY, DAY.replace(month=3), DAY, DAY], pa.timestamp("us", "UTC")),
})  # fmt: skip
KINDS = {
    "distance": Kind.NUMERIC, "carrier": Kind.CATEGORICAL, "booked": Kind.BOOLEAN,
    "day": Kind.DATETIME,
}  # fmt: skip
COLUMNS = {name: Sample(name, kind, TABLE[name]) for name, kind in KINDS.items()}
HEAD = (
    "model: m\ntask: binary\nlabel: y\n"
    "features: {distance: numeric, carrier: categorical, booked: boolean, day: datetime}\n"
)


def asked(text: str) -> list[bool]:
    return holds(where.parse(text), COLUMNS, TABLE.num_rows).tolist()


def by_sql(*texts: str) -> list[list[bool]]:
    """DuckDB's own answers over the same rows; NaN is missing here as everywhere."""
    table = TABLE.set_column(
        0, "distance", pa.array(TABLE["distance"].to_numpy(), from_pandas=True)
    )
    with duckdb.connect() as duck:  # which takes ten times as long as an answer
        rows = duck.from_arrow(table)
        found = [rows.project(f"coalesce({text}, false)").fetchall() for text in texts]
    return [[answer for (answer,) in answers] for answers in found]


@pytest.mark.parametrize(
    "text",
    [
        "distance > 2000",
        "distance >= 2000 and carrier = 'UA' or booked = true",
        "not distance <= 100",
        "distance != 100",
        "carrier in ('AA', 'O''Hare')",
        "carrier not in ('AA')",
        "carrier is null",
        "distance is not null and not (booked = true or carrier = 'UA')",
        "day >= '2024-02-01 00:00:00+00'",
        "distance < 1e2 or distance > 2.4e3",
    ],
)
def test_a_condition_holds_for_the_rows_that_sql_would_give(text) -> None:
    assert [asked(text)] == by_sql(text)


COMPARISONS = st.one_of(
    st.tuples(
        st.just("distance"), st.sampled_from([*Comparing]), st.sampled_from(["30", "2000", "-1.5"])
    ).map(" ".join),
    st.sampled_from(["carrier = 'AA'", "carrier in ('UA', '2')", "booked = false", "day is null",
                     "carrier is not null", "distance not in (30, 100)"]),
)  # fmt: skip
CONDITIONS = st.recursive(
    COMPARISONS,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from([" and ", " or "]), inner).map("".join),
        inner.map(lambda text: f"not ({text})"),
    ),
    max_leaves=6,
)


@settings(max_examples=settings().max_examples // 5)  # each of five conditions or more
@given(st.lists(CONDITIONS, min_size=5, max_size=10))
def test_any_condition_holds_for_the_rows_that_sql_would_give(texts) -> None:
    assert [asked(text) for text in texts] == by_sql(*texts)


@given(st.text(max_size=40))
def test_any_text_is_a_condition_or_is_told_wrong_inside_itself(text) -> None:
    try:
        where.parse(text)
        place = 0
    except WhereError as error:
        place = error.place
    assert 0 <= place <= len(text)


def test_words_count_in_any_case_and_names_may_be_quoted() -> None:
    found = where.parse('"dep hour" IN (1, 2) AND NOT `a``b` Is Null')
    assert found == Joined(True, (Among("dep hour", (1.0, 2.0), 0), Opposite(Absent("a`b", 29))))
    assert where.parse("a == 1 or a <> 'x'") == Joined(
        False,
        (Compared("a", Comparing.EQUAL, 1.0, 0), Compared("a", Comparing.UNEQUAL, "x", 10)),
    )
    assert asked("carrier = 2") == [False] * 5 + [True]


@pytest.mark.parametrize(
    ("text", "place", "says"),
    [
        ("", 0, "a column"),
        ("distance", 8, "=, !="),
        ("distance >", 10, "a number"),
        ("distance > x", 11, "did you mean 'x'"),
        ("distance > 1e999", 11, "a number"),
        ("distance = 1 2", 13, "and, or, or the end"),
        ("(distance = 1", 13, "closing parenthesis"),
        ("distance in 1", 12, "opening parenthesis"),
        ("distance in (1, 'a')", 16, "of one kind"),
        ("distance not 1", 13, "in after not"),
        ("distance is 1", 12, "null or not null"),
        ("distance is not 1", 16, "expected null"),
        ("booked < true", 9, "a number or a text"),
        ("a = 'x", 4, "a column, a value"),
        ("a; drop table b", 1, "a column, a value"),
        ("(" * 60, 41, "inside each other"),
        ("a in (" + "1," * 600 + "1)", 1000, "at most 1000 characters"),
    ],
)
def test_a_wrong_condition_is_told_at_its_place(text, place, says) -> None:
    with pytest.raises(WhereError) as raised:
        where.parse(text)
    assert raised.value.place == place
    assert says in str(raised.value)


@pytest.mark.parametrize(
    ("text", "column", "says"),
    [
        ("distnce > 3", 23, "names distnce here; expected one of the declared features (did you mean distance?)"),
        ("carrier = AA", 33, "has `AA` here; expected a number, a text in quotes"),
        ("carrier < 'A'", 23, "=, != or in after it, since a categorical column has no order"),
        ("booked = 1", 23, "expected true or false to compare it with, since it is boolean"),
        ("distance > 1 and day = 3", 40, "expected a time in quotes"),
        ("distance >", 33, "has its end here"),
    ],
)  # fmt: skip
def test_a_model_file_says_where_its_condition_is_wrong(text, column, says) -> None:
    with pytest.raises(ModelFileErrors) as raised:
        parse(f'{HEAD}segments:\n  - {{name: a, where: "{text}"}}\n', source="f.yaml")
    (error,) = raised.value.errors
    assert (error.line, error.column, error.path) == (6, column, "segments[0].where")
    assert says in error.message


def test_a_model_file_may_hold_conditions_and_features_that_no_one_declared() -> None:
    text = "model: m\ntask: regression\nlabel: y\nsegments: [{name: far, where: distance > 2000}]\n"
    assert parse(text, source="f").segments[0].where == "distance > 2000"
    many = ", ".join(f"c{n}" for n in range(60))
    with pytest.raises(ModelFileErrors, match="at most 50 segments"):
        parse(f"model: m\ntask: regression\nlabel: y\nsegments: [{many}]\n", source="f")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("altitude > 3", "no column altitude"),
        ("carrier > 3", "has no order"),
        ("distance = 'far'", "is numeric and is compared with 'far'"),
        ("day > 'noon'", "which is none"),
    ],
)
def test_a_condition_that_the_columns_cannot_answer_says_why(text, says) -> None:
    with pytest.raises(Unfit, match=says):
        asked(text)
    with pytest.raises(Unfit, match="have 6 rows"):
        holds(where.parse("distance > 1"), COLUMNS, 7)


def test_times_without_a_zone_are_utc() -> None:
    assert asked("day >= '2024-02-01'") == [False, False, False, True, False, False]
    assert np.array(asked("day < '2024-01-01T00:00:01+00:00'")).sum() == 4


def test_a_text_of_endless_length_is_not_read() -> None:
    with pytest.raises(WhereError, match="at most 1000 characters"):
        where.parse("a = 1 or " * 200)
    many = ",".join(["1"] * 490)
    assert len(where.parse(f"a in ({many})").values) == 490
