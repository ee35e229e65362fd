"""docs/dashboard.md knows every key, and its picture is whole; the examples in docstrings hold."""

import doctest
import importlib
import pkgutil
import re
from pathlib import Path

import pytest
from textual.binding import Binding

import tui
from tui.app import LeeboardApp
from tui.screens.help import HelpScreen
from tui.screens.places import SCREENS

DOCS = Path(__file__).parents[2] / "docs"
MODULES = [module.name for module in pkgutil.walk_packages(tui.__path__, "tui.")]
SHOWN = {
    "up": "↑", "down": "↓", "left": "←", "right": "→", "enter": "⏎", "escape": "esc",
    "slash": "/", "colon": ":", "question_mark": "?", "pageup": "pgup", "pagedown": "pgdn",
}  # fmt: skip


def named_in_the_docs(text: str) -> set[str]:
    """The words of the first cell of each line of a table."""
    cells = re.findall(r"^\| ([^|]+) \|", text, flags=re.MULTILINE)
    return {word.strip(",") for cell in cells for word in cell.split()}


def keys_of(module: str) -> set[str]:
    """Every key that a class of the module binds."""
    classes = [one for one in vars(importlib.import_module(module)).values()
               if isinstance(one, type) and one.__module__ == module]  # fmt: skip
    bound = [binding for one in classes for binding in one.__dict__.get("BINDINGS", ())]
    names = [key for binding in bound if isinstance(binding, Binding)
             for key in binding.key.split(",")]  # fmt: skip
    return {SHOWN.get(name, name.replace("ctrl+", "^")) for name in names}


@pytest.mark.parametrize("module", MODULES)
def test_every_key_stands_in_the_docs(module: str) -> None:
    named = named_in_the_docs((DOCS / "dashboard.md").read_text(encoding="utf-8"))
    assert keys_of(module) - named == set()


def test_every_screen_has_a_sentence_for_its_help() -> None:
    assert len(SCREENS) == 16
    assert HelpScreen.__doc__
    assert {"1", "2", "3", "q"} <= keys_of(LeeboardApp.__module__)


def test_the_picture_for_the_docs_is_small_and_loads_nothing() -> None:
    picture = (DOCS / "dashboard.svg").read_text(encoding="utf-8")
    assert len(picture) < 300_000
    assert "url(" not in picture.replace("url(#", "")
    assert re.findall(r"https?://[^\"'\s<)]+", picture) == ["http://www.w3.org/2000/svg"]


@pytest.mark.parametrize("module", MODULES)
def test_the_examples_in_docstrings_hold(module: str) -> None:
    assert doctest.testmod(importlib.import_module(module)).failed == 0
