"""`make bench` can run every program of benchmarks/, and their rules read columns as these are."""

import ast
import importlib
import json
from pathlib import Path

import numpy as np
import pytest

FOLDER = Path(__file__).parents[2] / "benchmarks"
PROGRAMS = sorted(FOLDER.glob("*.py"))
QUIET = (
    ast.Import
    | ast.ImportFrom
    | ast.FunctionDef
    | ast.AsyncFunctionDef
    | ast.ClassDef
    | ast.Assign
    | ast.AnnAssign
)


def is_guard(node: ast.stmt) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) == "__name__ == '__main__'"


def is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.stem)
def test_an_import_runs_nothing_and_a_program_answers_for_help(program: Path) -> None:
    text = program.read_text(encoding="utf-8")
    body = ast.parse(text).body
    loud = [ast.unparse(node) for node in body
            if not (isinstance(node, QUIET) or is_text(node) or is_guard(node))]  # fmt: skip

    assert loud == []
    assert ("ArgumentParser(" in text) is any(map(is_guard, body))


@pytest.fixture
def budget(monkeypatch):
    """`benchmarks/budget_*.py`, by name."""
    monkeypatch.syspath_prepend(FOLDER)
    return lambda name: importlib.import_module(f"budget_{name}")


def test_the_rules_of_other_tools_see_a_change_in_one_of_many_columns(budget) -> None:
    streams, rules = budget("streams"), budget("rules")
    stream, generator = (
        streams.Stream(kinds=("normal", "levels", "zeros")),
        np.random.default_rng(1),
    )
    usual = streams.reference_of(stream, streams.counts_of(stream, np.zeros((20, 3)), generator))
    means = np.zeros((4, 3))
    means[3, 2] = 1.0
    windows = streams.later(usual, stream, streams.counts_of(stream, means, generator))

    for rule in rules.rules_of():
        assert rules.any_rule(rule, usual, windows)[3]
    assert not rules.any_rule(rules.rules_of()[0], usual, windows)[:3].any()


def test_the_kept_figures_of_a_growing_history_are_the_table_and_the_plot(monkeypatch) -> None:
    monkeypatch.syspath_prepend(FOLDER)
    history, plot = (importlib.import_module(name) for name in ("history", "history_plot"))
    found = json.loads((FOLDER / "history.json").read_text())
    table = history.table(found)
    assert table in (FOLDER / "RESULTS.md").read_text()
    assert plot.drawn(found) == (FOLDER / "history.svg").read_text()
    assert len({tuple(sorted(one)) for one in found}) == 1
