"""Which rows are stored, in which form, and what is said of the others."""

from datetime import UTC, datetime
from decimal import Decimal

import pyarrow as pa
import pytest

from controlplane.domain.errors import BadInput, Refused
from controlplane.domain.schema import Column, Schema, Task
from controlplane.ingest import coercion
from controlplane.ingest.batch import Batch, Feed, Shape, as_values, batch_of
from controlplane.ingest.checking import Checked, Terms, check
from controlplane.ingest.inference import infer, schema_of
from controlplane.policy.defaults import policy_of
from detectors.finding import Kind
from tests.stored import HOUR, NOON

SCHEMA = Schema(
    task=Task.BINARY, positive="yes", scores={"yes": "p"},
    features=(
        Column("n", Kind.NUMERIC), Column("c", Kind.CATEGORICAL), Column("b", Kind.BOOLEAN),
        Column("d", Kind.DATETIME),
    ),
)  # fmt: skip
AT = "2024-03-01T11:00:00Z"


def batch(**columns: list[object]) -> Batch:
    return batch_of({n: as_values(v) for n, v in columns.items()}, Shape.COLUMNS, size=0)


def checked(
    schema: Schema = SCHEMA,
    feed: Feed = Feed.PREDICTIONS,
    *,
    terms: dict[str, object] | None = None,
    **columns: list[object],
) -> Checked:
    rows = max(len(values) for values in columns.values())
    if feed is Feed.PREDICTIONS:
        columns = {"id": [f"r{k}" for k in range(rows)], "at": [AT] * rows} | columns
    told = Terms(feed=feed, known_at=NOON, **(terms or {}))
    return check(batch(**columns), schema, told)


def column(result: Checked, name: str) -> list[object]:
    assert result.rows is not None
    return result.rows[name].to_pylist()


def reasons(result: Checked) -> list[tuple[int | None, str]]:
    return [(error.row, error.message) for error in result.rejection.errors]


def test_a_row_becomes_typed_and_its_defaults_are_filled_in() -> None:
    result = checked(n=[1], c=[2.0], b=["true"], d=["2024-01-01"], prediction=[True], p=["0.5"])
    assert result.rejection.rows == 0
    assert result.rows is not None
    [row] = result.rows.to_pylist()
    assert row == {
        "id": "r0", "at": NOON - HOUR, "known_at": NOON, "version": None, "role": "live",
        "prediction": "true", "score:yes": 0.5, "n": 1.0, "c": "2", "b": True,
        "d": NOON.replace(month=1, hour=0),
    }  # fmt: skip


def test_nulls_new_categories_and_numbers_out_of_range_are_data() -> None:
    result = checked(n=[None, 1e300, -1], c=["never seen", None, ""], p=[17, -3, None])
    assert result.rejection.rows == 0
    assert column(result, "n") == [None, 1e300, -1.0]
    assert column(result, "score:yes") == [17.0, -3.0, None]


def test_a_word_where_a_number_belongs_rejects_its_row_alone() -> None:
    result = checked(n=[1, "x", 3], c=["a", "b", "c"])
    assert column(result, "n") == [1.0, 3.0]
    assert column(result, "c") == ["a", "c"]
    assert reasons(result) == [(1, "n is 'x'; expected a number")]
    assert result.rejection.errors[0].pointer == "/columns/n/1"
    [(reason, text)] = result.rejection.kept
    assert reason == "n is 'x'; expected a number"
    assert text == '{"id":"r1","at":"2024-03-01T11:00:00Z","n":"x","c":"b"}'


@pytest.mark.parametrize(
    ("at", "says"),
    [
        ("2024-03-01T11:00:00", "expected a time with an offset"),
        ("2024-03-01", "expected a time with an offset"),
        ("yesterday", "expected a time with an offset"),
        (Decimal("7.5"), "at is 7.5; expected a time with an offset"),
        (None, "at is missing; expected a time with an offset"),
        (1709290800, "at is 1709290800; expected a time with an offset"),
        ("2024-03-01T12:05:01Z", "expected a time at most 5 minutes after it became known"),
    ],
)
def test_a_time_that_cannot_be_taken_rejects_its_row(at: object, says: str) -> None:
    result = checked(id=["a", "b"], at=[AT, at], n=[1, 2])
    assert column(result, "id") == ["a"]
    [(row, message)] = reasons(result)
    assert row == 1
    assert says in message


def test_a_tables_times_without_an_offset_are_said_as_times() -> None:
    result = checked(at=[datetime(2024, 3, 1, 11)], n=[1])  # noqa: DTZ001 - that is the case
    assert reasons(result)[0][1].startswith("at is 2024-03-01 11:00:00; expected a time with an")


def test_offsets_are_honoured_and_finer_digits_cut() -> None:
    result = checked(at=["2024-03-01T13:00:00+02:00", "2024-03-01t11:00:00.123456789z"], n=[1, 2])
    assert column(result, "at") == [NOON - HOUR, (NOON - HOUR).replace(microsecond=123456)]


def test_an_id_has_to_be_there_and_may_be_a_whole_number() -> None:
    result = checked(id=["a", 7, None, "", 8.0, {"x": 1}, "l" * 1001], at=[AT] * 7, n=[0] * 7)
    assert column(result, "id") == ["a", "7", "8"]
    assert [row for row, _ in reasons(result)] == [2, 3, 5, 6]
    assert [message for row, message in reasons(result) if row == 2] == [
        "id is missing; expected an id"
    ]


@pytest.mark.parametrize(
    ("told", "stored", "odd"),
    [
        ([True, None, False], [], {0: True, 2: False}),
        ([1.5, 2.0, None, float("inf"), 1e300], ["2", str(int(1e300))], {0: 1.5, 3: float("inf")}),
        (["a", True, 1.5, 2], ["a", "2"], {1: True, 2: 1.5}),
        ([float("nan"), 3.0], ["3"], {}),
    ],
)
@pytest.mark.parametrize("feed", [Feed.PREDICTIONS, Feed.LABELS])
def test_truth_values_and_fractions_are_no_ids(
    feed: Feed, told: list[object], stored: list[str], odd: dict[int, object]
) -> None:
    rows = len(told)
    result = checked(feed=feed, id=told, at=[AT] * rows, n=[0] * rows, label=["yes"] * rows)
    table = result.rows if feed is Feed.PREDICTIONS else result.labels
    assert table is not None
    assert table["id"].to_pylist() == stored
    assert {row: said for row, said in reasons(result) if not said.endswith("an id")} == {
        row: f"id is {value}; expected a text or a whole number" for row, value in odd.items()
    }
    assert result.rejection.rows == rows - len(stored)


def test_roles_other_than_the_three_are_rejected() -> None:
    result = checked(role=["live", None, "shadow", "canary", "reference"], n=[0] * 5)
    assert column(result, "role") == ["live", "live", "shadow", "canary"]
    assert "expected one of live, shadow, canary" in reasons(result)[0][1]


def test_a_reference_without_one_of_the_features_is_refused() -> None:
    with pytest.raises(BadInput, match="the columns are late, id;n; expected features, such as n"):
        checked(feed=Feed.REFERENCE, late=["yes"], **{"id;n": ["a;1"]})
    assert column(checked(feed=Feed.REFERENCE, d=[None]), "d") == [None]
    assert checked(feed=Feed.REFERENCE, other=[]).rejection.rows == 0


def test_the_name_of_a_version_has_an_end() -> None:
    result = checked(version=["v" * 255, "v" * 256, None], n=[1, 2, 3])
    assert column(result, "version") == ["v" * 255, None]
    assert reasons(result)[0][0] == 1
    assert reasons(result)[0][1].endswith("expected at most 255 characters")
    given = checked(n=[1, 2], terms={"version": "v" * 256})
    assert column(given, "version") == []


def test_a_prediction_is_never_a_nan() -> None:
    plain = Schema(task=Task.REGRESSION)
    table = pa.table({"id": ["a", "b", "c"], "prediction": [1.0, float("nan"), None]})
    columns = {name: table[name] for name in table.column_names}
    columns["at"] = pa.chunked_array([pa.array([NOON] * 3, pa.timestamp("ns", "UTC"))])
    taken = batch_of(columns, Shape.TABLE, size=0)
    result = check(taken, plain, Terms(feed=Feed.PREDICTIONS, known_at=NOON))
    assert column(result, "prediction") == [1.0, None]
    assert reasons(result) == [(1, "prediction is nan; expected a number")]


@pytest.mark.parametrize(("unit", "far"), [("s", 2**63 - 1), ("s", -(2**63)), ("ms", 2**62)])
def test_times_beyond_what_microseconds_hold_are_no_other_times(unit: str, far: int) -> None:
    told = pa.array([0, far, None], pa.int64())
    at = pa.chunked_array([told.cast(pa.timestamp(unit, "UTC"))])
    features = pa.chunked_array([told.cast(pa.timestamp(unit))])
    for values, bad in (coercion.instants(at), coercion.moments(features)):
        assert values.to_pylist() == [datetime(1970, 1, 1, tzinfo=UTC), None, None]
        assert bad is not None
        assert bad.tolist() == [False, True, False]


def test_what_is_finer_than_microseconds_is_cut_off() -> None:
    at = pa.chunked_array([pa.array([1_999], pa.int64()).cast(pa.timestamp("ns", "UTC"))])
    [value] = coercion.instants(at).values.to_pylist()
    assert value == datetime(1970, 1, 1, 0, 0, 0, 1, tzinfo=UTC)


def test_a_feature_that_is_nan_is_missing() -> None:
    values = pa.chunked_array([pa.array([1.0, float("nan")])])
    assert coercion.present_numbers(values).values.to_pylist() == [1.0, None]


def test_columns_that_nobody_declared_are_counted() -> None:
    result = checked(n=[1, 2], other=["x", None], nested=[{"a": 1}, None])
    assert result.unknown == {"other": 1, "nested": 1}


def test_only_who_may_backdate_sets_known_at() -> None:
    earlier = {"known_at": ["2024-02-01T00:00:00Z", None], "at": ["2024-01-01T00:00:00Z", AT]}
    with pytest.raises(Refused, match="only by a token with the scope operate"):
        checked(n=[1, 2], **earlier)
    result = checked(n=[1, 2], terms={"may_backdate": True}, **earlier)
    assert column(result, "known_at") == [NOON.replace(month=2, day=1, hour=0), NOON]
    assert checked(n=[1], known_at=[None]).rejection.rows == 0


def test_a_row_ahead_of_its_own_known_at_is_rejected_though_long_past() -> None:
    result = checked(
        n=[1], known_at=["2024-01-01T00:00:00Z"], at=["2024-01-01T00:06:00Z"],
        terms={"may_backdate": True},
    )  # fmt: skip
    assert result.rejection.rows == 1


def test_labels_are_classes_in_canonical_form() -> None:
    result = checked(feed=Feed.LABELS, id=["a", "b", "c", 4], label=[True, 1.0, "yes", None])
    assert result.labels is not None
    assert result.labels["label"].to_pylist() == ["true", "1", "yes"]
    assert result.labels["at"].null_count == 3
    assert reasons(result) == [(3, "label is missing; expected a class, such as true or 1")]


def test_a_label_may_come_under_the_name_that_the_model_file_gives_it() -> None:
    result = checked(feed=Feed.LABELS, id=["a"], late=[True], terms={"label": "late"})
    assert result.labels is not None
    assert result.labels["label"].to_pylist() == ["true"]
    assert result.unknown == {}


def test_a_reference_needs_neither_ids_nor_times_and_carries_its_labels() -> None:
    result = checked(
        feed=Feed.REFERENCE, n=[1, 2], late=["yes", None], terms={"label": "late", "version": "v1"}
    )
    assert result.rows is not None
    assert result.labels is not None
    assert column(result, "role") == ["reference"] * 2
    assert column(result, "version") == ["v1"] * 2
    assert column(result, "at") == [NOON] * 2
    assert len(set(column(result, "id"))) == 2
    assert result.labels.select(["label", "at"]).to_pylist() == [{"label": "yes", "at": NOON}]


def test_the_first_twenty_errors_are_named_and_all_counted() -> None:
    result = checked(n=["x"] * 10_500)
    assert len(result.rejection.errors) == 20
    assert result.rejection.rows == 10_500
    assert (len(result.rejection.kept), result.rejection.unnamed) == (10_000, 500)


def test_kinds_are_inferred_from_the_first_rows() -> None:
    columns = batch(
        id=["a", "b"], at=[AT, AT], n=[1, None], big=[2**70, 1], flag=[True, None], mixed=[True, 2],
        word=["x", "1"], zip=["01234", "5"], day=["2024-01-01", None], moment=[AT, AT], nothing=[None, None],
        either=[1, "x"], nested=[{"a": 1}, None], prediction=[1, 2], cnt=[1, 2],
    ).columns  # fmt: skip
    found = infer(columns, leave_out={"prediction", "cnt"})
    assert {c.name: str(c.kind) for c in found} == {
        "n": "numeric", "big": "numeric", "flag": "boolean", "mixed": "numeric",
        "word": "categorical", "zip": "categorical", "day": "datetime", "moment": "datetime",
        "nothing": "numeric", "either": "categorical",
    }  # fmt: skip


def test_a_models_schema_leaves_out_what_is_no_feature() -> None:
    columns = batch(id=["a"], x=[1], prediction=[True], score=[0.5], late=[1], label=[1]).columns
    schema = schema_of(policy_of("m", Task.BINARY, "late"), columns)
    assert [c.name for c in schema.features] == ["x"]
    assert schema.scores == {"true": "score"}
    assert schema.positive == "true"


@pytest.mark.parametrize(
    ("seen", "positive"),
    [([0, 1], "1"), ([False, True], "true"), (["no", "yes"], "yes"), ([0], "1"), ([None], "true"), (["good", "bad"], "good")],
)  # fmt: skip
def test_the_positive_class_is_read_from_the_first_predictions(
    seen: list[object], positive: str
) -> None:
    columns = batch(id=["a"] * len(seen), prediction=seen).columns
    assert schema_of(policy_of("m", Task.BINARY, "late"), columns).positive == positive


def test_a_multiclass_model_has_a_score_for_each_column_of_one() -> None:
    columns = batch(id=["a"], x=[1], score_red=[0.5], score_blue=[0.5]).columns
    schema = schema_of(policy_of("m", Task.MULTICLASS, "colour"), columns)
    assert schema.scores == {"red": "score_red", "blue": "score_blue"}
    assert [c.name for c in schema.features] == ["x"]
