"""docs/cli.md has a section for every command, and the commands of its blocks exist."""

import re
from pathlib import Path

import click
import pytest

from controlplane.cli.__main__ import COMMANDS, main

PAGE = (Path(__file__).parents[2] / "docs" / "cli.md").read_text(encoding="utf-8")
SECTIONS = dict(
    re.findall(r"^### `leeboard (\S+)`\n(.*?)(?=^##|\Z)", PAGE, re.MULTILINE | re.DOTALL)
)


def command(name: str) -> click.Command:
    with click.Context(main) as ctx:
        found = main.get_command(ctx, name)
    assert found is not None
    return found


def test_the_page_has_a_section_for_each_command_of_the_table_and_no_other() -> None:
    assert sorted(SECTIONS) == sorted(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_the_section_of_a_group_names_its_commands(name: str) -> None:
    found = command(name)
    if isinstance(found, click.Group):
        missing = [
            each
            for each in found.commands
            if each != "list" and f"{name} {each}" not in SECTIONS[name]
        ]
        assert missing == []
        assert "lists" in SECTIONS[name]


@pytest.mark.parametrize("name", COMMANDS)
def test_an_option_that_the_page_names_is_one(name: str) -> None:
    found = command(name)
    inner = list(found.commands.values()) if isinstance(found, click.Group) else [found]
    options = {option for each in inner for param in each.params for option in param.opts}
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", SECTIONS[name]))
    assert named <= options | {"--help"}
