"""Laws of the model file: every input is a policy or a ModelFileErrors, and defaults round-trip."""

from pathlib import Path
from typing import Any

import msgspec
from hypothesis import example, given, settings
from hypothesis import strategies as st

from controlplane.domain.errors import ModelFileErrors
from controlplane.domain.policy import Policy
from controlplane.policy.model_file import parse
from controlplane.policy.plan import changes_between
from controlplane.policy.schema_json import schema
from controlplane.policy.writing import document, flow
from tests.json_schema import accepts

EVERYTHING = (Path(__file__).parents[1] / "golden" / "everything.yaml").read_text()
SCHEMA: dict[str, Any] = schema()
PIECES = ["\t", "&a ", "*a", "<<: ", "- ", "{", "}", "[", "]", ": ", "!!x ", "---\n", "? ", "'", '"', "|", ">", "#", "\\",
          "\x00", "\ud800", "\ufeff", "%", "@", "~", "null", "1e999", "-1", "99999999999999999999", "nan", "on", "é",
          "9" * 5000, "\\uD800", '"\\U00110000"', "\n", "  "]  # fmt: skip


def answered(data: str | bytes) -> None:
    """Parse, and hold a policy and every error to their promises."""
    try:
        policy = parse(data, source="m.yaml")
    except ModelFileErrors as raised:
        found = raised.errors
    else:
        assert msgspec.json.decode(msgspec.json.encode(policy), type=Policy) == policy
        assert accepts(document(policy), SCHEMA, SCHEMA["$defs"])
        return
    assert found
    assert all(error.line >= 1 and error.column >= 1 for error in found)
    assert all(error.message.startswith(error.path) for error in found)
    places = [(error.line, error.column) for error in found]
    assert places == sorted(places)


@settings(deadline=None, max_examples=150)
@given(st.text(max_size=300) | st.binary(max_size=300))
@example("%YAML " + "9" * 5000 + ".1\n---\na: 1")
@example('"\\UFFFFFFFF"')
@example("? [a]\n: 1")
@example("&a [*a]")
def test_any_text_and_any_bytes_are_a_policy_or_its_errors(data: str | bytes) -> None:
    answered(data)


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """A good file after a few cuts, doublings and insertions."""
    text = EVERYTHING
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.integers(0, 12)))
        piece = draw(st.sampled_from(PIECES) | st.just(text[start:end] * 2) | st.text(max_size=3))
        text = text[:start] + piece + text[end:]
    return text


@settings(deadline=None, max_examples=150)
@given(mutated())
def test_a_file_mistyped_anywhere_is_a_policy_or_its_errors(text: str) -> None:
    answered(text)


LEAVES = st.sampled_from(
    ["", "7d", "1h", 3, -1, 0.3, 30, 1e300, True, None, "20%", "none", "a", "late", [], {}, ["a"], "2 windows",
     "1 per 90d", {"a": 1}, "mae", "log_loss", "0 3 * * 1", "100%", "-5d", "id"]
)  # fmt: skip


def paths(value: Any, before: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    return [before, *(path for key, child in inner for path in paths(child, (*before, key)))]


WHOLE = document(parse(EVERYTHING, source="all.yaml"))


@settings(deadline=None, max_examples=200)
@given(st.sampled_from(paths(WHOLE)[1:]), LEAVES)
def test_any_value_anywhere_is_read_or_told_of(path: tuple[Any, ...], leaf: Any) -> None:
    changed = msgspec.json.decode(msgspec.json.encode(WHOLE))
    at = changed
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = leaf
    answered(msgspec.json.encode(changed))


NAMES = st.sampled_from(
    ["a", "dep hour", "7", "true", "on", "é: ü", "x.y", "#", "- z", "null", "long " * 8]
)
DAYS = st.integers(14, 400).map(lambda days: f"{days}d") | st.sampled_from(
    ["2w", "340h", "36m", "5s", "3h"]
)
LONG = st.integers(14, 400).map(lambda days: f"{days}d") | st.just("400h")
SHARES = st.floats(0.001, 1, exclude_max=True) | st.just(0.07)
MARGINS = st.sampled_from(["5%", "7%", "0.3%", "100%", 0, 0.25, 3.5])
TRIGGERS = st.one_of(
    st.builds(lambda x: {"performance": {"worse_by": x}}, st.sampled_from(["20%", 0.07, "250%"])),
    st.builds(lambda x: {"performance": {"worse_than": x}}, st.floats(0, 1e9)),
    st.builds(lambda x, n: {"drift": {"share": x, "for": n}}, SHARES, st.integers(1, 9)),
    st.sampled_from([{"stream": {}}, {"schedule": "*/5 1-3 * jan MON"}, {"trigger": "new.data"}]),
    st.builds(lambda n: {"new_labels": n}, st.integers(1, 10**9)),
    st.builds(lambda age: {"age": age}, DAYS),
)
OPTIONS: dict[str, st.SearchStrategy[Any]] = {
    "trainer": st.sampled_from(["none", "builtin", "forest"]),
    "features": st.dictionaries(NAMES, st.sampled_from(["numeric", "datetime", {"type": "boolean"}]), min_size=1),
    "prediction": st.sampled_from(["p", "prediction"]),
    "time_zone": st.sampled_from(["UTC", "Asia/Kolkata"]),
    "windows": st.sampled_from([{"every": "7d"}, {"rows": 500}, {"lateness": "0s"}, {"every": "36h", "lateness": "5m"}]),
    "reference": st.sampled_from(["training", {"from": "2024-01-01", "to": "2024-06-01T05:00:00.25+02:00"}]),
    "false_alarms": st.sampled_from(["1 per 90d", "0.25 per 52w", "3 per 36h"]),
    "monitors": st.fixed_dictionaries(
        {"performance": st.just({"metric": "rmse", "estimate": False}), "drift": st.just({"columns": ["a"]}) | st.just({})},
        optional={"quality": st.just({}), "stream": st.just({}), "kpis": st.just({"sales": {"direction": "down"}})},
    ),
    "dry_run": st.booleans(),
    "guard": st.fixed_dictionaries({"for": LONG, "margin": MARGINS}),
    "promote": st.sampled_from([{"when": "not_worse"}, {"approval": "required"}]),
    "trial": st.fixed_dictionaries(
        {"hold_out": LONG, "margin": MARGINS, "confidence": st.sampled_from([0.9, "99%"]), "gain": st.floats(0, 1e6)},
        optional={"stop": st.fixed_dictionaries({"age": LONG, "rows": st.integers(1, 10**6)})},
    ),
    "alerts": st.lists(st.builds(lambda to: {"to": to, "from": "critical", "group_by": ["model", "condition"]}, NAMES)),
    "retrain": st.fixed_dictionaries(
        {"cooldown": DAYS, "at_most": st.sampled_from(["4 per 90d", "1 per 2w"])},
        optional={"data": st.builds(lambda last: {"last": last}, DAYS), "approval": st.just("required")},
    ),
}  # fmt: skip
FILES = st.fixed_dictionaries(
    {"model": st.just("m"), "task": st.just("regression"), "label": st.just("y")}, optional=OPTIONS
)


def policy_of_file(said: dict[str, Any], triggers: list[Any] | None) -> Policy:
    columns = said.get("monitors", {}).get("drift", {}).get("columns", [])
    if "features" in said:
        said = {**said, "features": {**said["features"], **dict.fromkeys(columns, "numeric")}}
    needs = {key for trigger in triggers or [] for key in trigger}
    if "stream" in needs and "monitors" in said:
        said = {**said, "monitors": {**said["monitors"], "stream": {}}}
    if triggers is not None:
        said = {**said, "retrain": {**said.get("retrain", {}), "when": triggers}}
    policy = parse(msgspec.json.encode(said), source="m.json")
    assert accepts(said, SCHEMA, SCHEMA["$defs"])
    return policy


@settings(deadline=None, max_examples=150)
@given(FILES, st.none() | st.lists(TRIGGERS, max_size=4))
def test_a_policy_written_out_in_full_is_the_same_policy(
    said: dict[str, Any], triggers: list[Any] | None
) -> None:
    policy = policy_of_file(said, triggers)
    written = document(policy)
    assert parse(msgspec.json.encode(written), source="m.json") == policy
    assert parse(flow(written), source="m.yaml") == policy
    assert changes_between(policy, policy) == ()
    assert msgspec.json.decode(msgspec.json.encode(policy), type=Policy) == policy


@settings(deadline=None, max_examples=100)
@given(FILES, FILES)
def test_two_policies_without_a_change_are_one(one: dict[str, Any], other: dict[str, Any]) -> None:
    before, after = policy_of_file(one, None), policy_of_file(other, None)
    assert (changes_between(before, after) == ()) == (before == after)
