"""Laws of taking rows in: nothing crashes it, and the order of arrival does not matter."""

import math

import msgspec
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from controlplane.domain.errors import BadInput, Conflict, Refused
from controlplane.domain.schema import Column, Schema, Task, canonical_label
from controlplane.ingest import coercion
from controlplane.ingest.batch import Feed, as_values
from controlplane.ingest.checking import Terms, check
from controlplane.ingest.decode import FORMATS, decode
from controlplane.ingest.inference import schema_of
from controlplane.policy.defaults import policy_of
from controlplane.store.catalog import FEATURE, public_name, stored_name
from controlplane.store.duckdb_store import open_store
from controlplane.store.ports import Known
from detectors.finding import Kind
from tests.stored import HOUR, MODEL, NOON, SCHEMA, a_model, labels, predictions, sent

QUICK = settings(
    max_examples=120, deadline=None, derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)  # fmt: skip
FEW = settings(QUICK, max_examples=12)

TIMES = st.sampled_from([
    "2024-03-01T10:00:00Z", "2024-03-01T10:00:00+02:00", "2024-03-01T10:00:00", "2030-01-01T00:00:00Z",
    "2024-02-30T00:00:00Z", "", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00",
])  # fmt: skip
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5) | TIMES,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=2), inner, max_size=2),
    max_leaves=4,
)  # fmt: skip
NAMES = st.sampled_from(["id", "at", "known_at", "role", "version", "prediction", "score", "label", "n", "c", "b", "d"]) | st.text(max_size=3)  # fmt: skip
BODIES = (
    VALUES
    | st.dictionaries(NAMES, VALUES)
    | st.fixed_dictionaries({"rows": st.lists(st.dictionaries(NAMES, VALUES) | VALUES, max_size=4)})
    | st.integers(0, 4).flatmap(
        lambda n: st.fixed_dictionaries({
            "columns": st.dictionaries(NAMES, st.lists(VALUES, min_size=n, max_size=n))
        })
    )
)  # fmt: skip
WIDE = Schema(
    task=Task.BINARY, scores={"true": "score"}, positive="true",
    features=(
        Column("n", Kind.NUMERIC), Column("c", Kind.CATEGORICAL), Column("b", Kind.BOOLEAN),
        Column("d", Kind.DATETIME),
    ),
)  # fmt: skip


NDJSON = "application/x-ndjson"


def judged(body: object, feed: Feed, schema: Schema | None) -> None:
    """Decode and check; only errors of ours may come."""
    try:
        batch = decode("application/json", msgspec.json.encode(body), feed=feed)
        schema = schema or schema_of(policy_of(MODEL, Task.BINARY, "late"), batch.columns)
        found = check(batch, schema, Terms(feed=feed, known_at=NOON))
    except (BadInput, Refused):
        return
    kept = next(t for t in (found.rows, found.labels, found.kpis) if t is not None).num_rows
    assert kept + found.rejection.rows == batch.rows
    for table in (found.rows, found.labels):
        if table is not None:
            table.validate(full=True)
            assert table["id"].null_count == 0
    assert msgspec.json.encode(found.rejection.errors)


@QUICK
@given(BODIES, st.sampled_from(list(Feed)), st.sampled_from([None, WIDE]))
def test_no_json_breaks_decoding_or_checking(
    body: object, feed: Feed, known: Schema | None
) -> None:
    judged(body, feed, known)


@FEW
@given(st.lists(BODIES, min_size=1, max_size=4))
def test_no_json_that_was_checked_breaks_the_store(bodies: list[object]) -> None:
    store = open_store(None)
    try:
        a_model(store, Task.BINARY)
        for body in bodies:
            for feed in ("predictions", "labels", "reference"):
                try:
                    sent(store, feed, body)
                except (BadInput, Refused, Conflict):
                    continue
    finally:
        store.close()


@QUICK
@given(st.binary(max_size=60))
def test_no_bytes_break_the_decoders(body: bytes) -> None:
    for kind in FORMATS:
        try:
            decode(kind, body, feed="labels")
        except BadInput:
            continue


@QUICK
@given(st.lists(st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(), min_size=1))  # fmt: skip
def test_classes_are_written_alike_column_by_column_and_one_by_one(values: list[object]) -> None:
    """The form in the store is that of `canonical_label`, however the column arrived."""
    kinds = {type(value) for value in values if value is not None}
    assume(
        kinds <= {bool} or kinds <= {str} or kinds <= {float} or kinds <= {int, float, bool, str}
    )
    found = coercion.classes(as_values(values)).values.to_pylist()
    unified = as_values(values)
    came = unified if isinstance(unified, list) else unified.to_pylist()
    expected = [
        str(v) if isinstance(v, float) and math.isinf(v) else canonical_label(v) for v in came
    ]
    assert found == expected


@QUICK
@given(st.lists(st.text(), unique=True, max_size=8))
def test_stored_names_differ_even_without_regard_to_case(names: list[str]) -> None:
    stored = [stored_name(FEATURE, name) for name in names]
    lowered = {"".join(c.lower() if c.isascii() else c for c in name) for name in stored}
    assert len(lowered) == len(names)
    assert [public_name(name) for name in stored] == names


ROWS = st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 4)), min_size=1, max_size=8, unique=True)  # fmt: skip
TOLD = st.lists(st.tuples(st.sampled_from("abcd"), st.integers(0, 2), st.integers(0, 6)), max_size=8, unique_by=lambda t: (t[0], t[2]))  # fmt: skip


def brought(steps: list[tuple[str, object]]) -> tuple[object, ...]:
    """What a store says after rows and labels arrived in this order."""
    store = open_store(None)
    try:
        store.write(lambda t: t.events.prepare(MODEL, SCHEMA)).result()
        for kind, step in steps:
            if kind == "row":
                name, at = step
                table = predictions([name], [at], prediction=[float(at)], known_at=[at])
                store.write(
                    lambda t, table=table: t.events.append_predictions(MODEL, table)
                ).result()
            else:
                name, value, known = step
                table = labels([name], [float(value)], [known])
                store.write(lambda t, table=table: t.events.append_labels(MODEL, table)).result()
        with store.read() as view:
            rows = view.events.rows(MODEL, [], Known()).to_pylist()
            joined = [
                [(r["id"], r["at"], r["label"])
                 for r in view.events.labelled(MODEL, [], Known(by=NOON + by * HOUR)).to_pylist()]
                for by in (2, 9)
            ]  # fmt: skip
        return rows, joined
    finally:
        store.close()


def expected_labels(
    rows: list[tuple[str, int]], told: list[tuple[str, int, int]], by: int
) -> list[tuple[object, ...]]:
    """The rule of the module of questions, in plain Python."""
    found: dict[tuple[str, int], float] = {}
    for name, value, known in sorted(told, key=lambda t: t[2]):
        places = sorted(at for row, at in rows if row == name and at <= by)
        if known <= by and places:
            place = max((at for at in places if at <= known), default=places[0])
            found[name, place] = float(value)
    return [
        (name, NOON + at * HOUR, found[name, at])
        for name, at in sorted(found, key=lambda key: (key[1], key[0]))
    ]


@FEW
@given(ROWS, TOLD, st.randoms(use_true_random=False))
def test_labels_follow_the_rule_whatever_the_order_of_arrival(rows, told, chance) -> None:
    """A label that says again what the one before said is not stored, and whether it does is
    seen by the predictions there are: only where values repeat, rows come before labels."""
    repeats = len({(name, value) for name, value, _ in told}) < len(told)
    mixed = [("row", row) for row in rows] + [("label", label) for label in told]
    shuffled = chance.sample(mixed, len(mixed))
    steps = sorted(shuffled, key=lambda step: step[0] == "label") if repeats else shuffled
    stored, joined = brought(steps)
    assert {(row["id"], row["prediction"]) for row in stored} == {(n, float(at)) for n, at in rows}
    assert joined == [expected_labels(rows, told, by) for by in (2, 9)]


@FEW
@given(st.lists(ROWS, min_size=1, max_size=4))
def test_sending_anything_again_changes_nothing(requests) -> None:
    store = open_store(None)
    try:
        store.write(lambda t: t.events.prepare(MODEL, SCHEMA)).result()

        def bring():
            found = []
            for rows in requests:
                table = predictions([name for name, _ in rows], [at for _, at in rows])
                found.append(
                    store.write(
                        lambda t, table=table: t.events.append_predictions(MODEL, table)
                    ).result()
                )
            with store.read() as view:
                return found, view.events.rows(MODEL, [], Known())

        first, after_first = bring()
        second, after_second = bring()
        assert after_first.equals(after_second)
        assert sum(r.accepted for r in first) == after_first.num_rows
        assert all(r.accepted == 0 for r in second)
    finally:
        store.close()


@QUICK
@given(
    st.lists(st.dictionaries(NAMES, VALUES), max_size=5), st.sampled_from([b"\n", b"\r\n", b"\n\n"])
)
def test_lines_say_what_the_same_rows_say(rows: list[dict[str, object]], end: bytes) -> None:
    assume(not any("\0" in name for row in rows for name in row))
    body = end.join(msgspec.json.encode(row) for row in rows)
    by_line = decode(NDJSON, body, feed="labels")
    at_once = decode("application/json", msgspec.json.encode({"rows": rows}), feed="labels")
    assert by_line.rows == at_once.rows
    assert not by_line.unreadable
    assert list(by_line.columns) == list(at_once.columns)
    for name, values in by_line.columns.items():
        told = at_once.columns[name]
        if isinstance(values, list):
            assert msgspec.json.encode(values) == msgspec.json.encode(told)
        else:
            assert values.equals(told)


@QUICK
@given(
    st.lists(st.dictionaries(NAMES, VALUES), min_size=1, max_size=5), st.integers(0, 200),
    st.binary(max_size=4),
)  # fmt: skip
def test_a_line_that_is_hurt_costs_no_line_before_it(
    rows: list[dict[str, object]], place: int, junk: bytes
) -> None:
    body = b"\n".join(msgspec.json.encode(row) for row in rows)
    cut = place % (len(body) + 1)
    hurt = body[:cut] + junk + body[cut:]
    try:
        batch = decode(NDJSON, hurt, feed="labels")
    except BadInput:  # a name that no column may have
        return
    whole = body.count(b"\n", 0, cut)
    assert batch.rows >= whole
    assert all(row >= whole for row in batch.unreadable)
