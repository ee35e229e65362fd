"""One word a thing: names that callers see do not use another word for what has one already."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("controlplane", "detectors", "connectors", "tui")
MODULES = [
    str(path.relative_to(ROOT)) for name in PACKAGES for path in sorted((ROOT / name).rglob("*.py"))
]
SAY_INSTEAD = {
    "deployment": "model, or promotion",
    "inference": "prediction",
    "chunk": "window",
    "stattest": "detector",
    "tick": "wake",
    "notification": "alert, or delivery",
    "experiment": "trial",
    "primary": "champion",
}
WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")


def words(name: str) -> set[str]:
    """The words of a snake_case or CamelCase name, in small letters, without a plural's s."""
    return {word.lower().removesuffix("s") for word in WORD.findall(name)}


def argument_names(function: ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
    given = function.args
    named = [*given.posonlyargs, *given.args, *given.kwonlyargs, given.vararg, given.kwarg]
    return [argument.arg for argument in named if argument is not None]


def public_names(body: list[ast.stmt]) -> Iterator[tuple[str, int]]:
    """Functions and their arguments, classes and their fields and methods, and module-level names."""
    for node in body:
        match node:
            case ast.ClassDef(name=name) if not name.startswith("_"):
                yield name, node.lineno
                yield from public_names(node.body)
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) if is_public(name):
                yield from ((each, node.lineno) for each in (name, *argument_names(node)))
            case ast.AnnAssign(target=ast.Name(id=name)) if is_public(name):
                yield name, node.lineno
            case ast.Assign(targets=[ast.Name(id=name)]) if is_public(name):
                yield name, node.lineno


def is_public(name: str) -> bool:
    return not name.startswith("_") or name == "__init__"


def strangers(source: str) -> list[str]:
    """The names that use a word of `SAY_INSTEAD`, each with its line and the better word."""
    return [
        f"line {line}: {name}: say {SAY_INSTEAD[word]}"
        for name, line in public_names(ast.parse(source).body)
        for word in sorted(words(name) & SAY_INSTEAD.keys())
    ]


@pytest.mark.parametrize("module", MODULES)
def test_public_names_use_the_words_of_the_glossary(module: str) -> None:
    assert strangers((ROOT / module).read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "source",
    [
        "def primary_version(): ...",
        "async def run(chunks): ...",
        "class TickCounter: ...",
        "class Model:\n    deployment: str",
        "class Model:\n    def start(self, *, experiment=None): ...",
        "HTTPNotification = 1",
    ],
    ids=["function", "argument", "class", "field", "method", "constant"],
)
def test_a_word_from_elsewhere_is_found(source: str) -> None:
    assert len(strangers(source)) == 1


def test_a_word_inside_another_and_a_private_name_are_left_alone() -> None:
    assert strangers("ticket = 1\ndef _tick(): ...\ndef sticky(statistics): ...") == []
