"""The JSON Schema for editors, and that it, the parser and the docs name the same keys."""

import re
from pathlib import Path
from typing import Any

import pytest

from controlplane.domain.errors import ModelFileErrors
from controlplane.policy.faults import Faults
from controlplane.policy.model_file import parse
from controlplane.policy.schema_json import schema
from controlplane.policy.tree import Mapping, Node, Sequence
from controlplane.policy.yaml import load
from tests.json_schema import accepts

TESTS = Path(__file__).parents[1]
DOCS = (TESTS.parent / "docs" / "model-file.md").read_text()
SECTIONS = {
    "": "{}",
    "label": "label: {{{}}}",
    "windows": "windows: {{{}}}",
    "monitors": "monitors: {{{}}}",
    "monitors.drift": "monitors: {{drift: {{{}}}}}",
    "monitors.quality": "monitors: {{quality: {{{}}}}}",
    "monitors.performance": "monitors: {{performance: {{{}}}}}",
    "monitors.stream": "monitors: {{stream: {{{}}}}}",
    "retrain": "retrain: {{{}}}",
    "retrain.data": "retrain: {{data: {{{}}}}}",
    "trial": "trial: {{{}}}",
    "trial.stop": "trial: {{stop: {{{}}}}}",
    "promote": "promote: {{{}}}",
    "guard": "guard: {{{}}}",
}


def fits(value: Any, whole: dict[str, Any]) -> bool:
    return accepts(value, whole, whole["$defs"])


def plain(node: Node | None) -> Any:
    """A tree without its places: what an editor that reads YAML 1.2 sees."""
    if isinstance(node, Mapping):
        return {key: plain(entry.value) for key, entry in node.entries.items()}
    if isinstance(node, Sequence):
        return [plain(item) for item in node.items]
    return node.value if node else None


def keys_of(part: dict[str, Any], path: str) -> set[str]:
    for name in path.split(".") if path else []:
        part = part["properties"][name]
        part = next((o for o in part.get("anyOf", []) if "properties" in o), part)
    return set(part["properties"])


def all_keys(part: Any) -> set[str]:
    """Every key that the schema knows, at any depth."""
    if isinstance(part, dict):
        own = set(part.get("properties", {}))
        return own.union(*(all_keys(inner) for inner in part.values()))
    return set().union(*(all_keys(inner) for inner in part)) if isinstance(part, list) else set()


def test_the_schema_takes_three_lines_and_a_whole_file() -> None:
    assert fits({"model": "m", "task": "regression", "label": "y"}, schema())
    assert fits(
        plain(load((TESTS / "golden" / "everything.yaml").read_bytes(), faults=Faults())), schema()
    )


@pytest.mark.parametrize(
    "change",
    [
        {"task": "regresion"},
        {"montors": {}},
        {"label": None},
        {"windows": {"every": "7 days"}},
        {"retrain": {"when": [{"drift": {"share": 30}}]}},
        {"retrain": {"when": [{"drift": {}, "stream": {}}]}},
        {"alerts": [{"to": "ops", "from": "loud"}]},
        {"monitors": {"quality": {"x": 1}}},
        {"reference": "trainig"},
        {"reference": None},
        {"score": None},
        {"features": {"a": None}},
    ],
)
def test_the_schema_refuses_what_editors_should_underline(change: dict[str, Any]) -> None:
    assert not fits({"model": "m", "task": "regression", "label": "y"} | change, schema())


@pytest.mark.parametrize("path", SECTIONS)
def test_the_parser_and_the_schema_know_the_same_keys(path: str) -> None:
    with pytest.raises(ModelFileErrors) as raised:
        parse(SECTIONS[path].format("zzz: 1"), source="m.yaml")
    [unknown] = [error.message for error in raised.value.errors if error.path.endswith("zzz")]
    told = unknown.split("; expected ")[1].removeprefix("one of ")
    keys = set() if told == "no key" else set(re.split(r", | or ", told))
    assert keys == keys_of(schema(), path)


def test_every_key_stands_in_the_docs() -> None:
    missing = {key for key in all_keys(schema()) if not re.search(rf"`[^`\n]*\b{key}\b", DOCS)}
    assert missing == set()


def test_every_example_of_the_docs_parses() -> None:
    examples = re.findall(r"```yaml\n(.*?)```", DOCS, flags=re.DOTALL)
    assert len(examples) > 5
    for example in examples:
        head = "" if "model:" in example else "model: m\n"
        head += "" if "task:" in example else "task: binary\n"
        head += "" if "label:" in example else "label: y\n"
        parse(head + example, source="docs/model-file.md")
