"""docs/detectors.md names every detector with what the table says of it."""

import re
import tomllib
from pathlib import Path

import msgspec
import pytest
import yaml

from controlplane.policy.model_file import Known, parse
from detectors.catalogue import CATALOGUE
from detectors.finding import Kind

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "detectors.md").read_text(encoding="utf-8")
ROWS = {
    cells[0].strip("`"): cells[1:]
    for line in PAGE.splitlines()
    if line.startswith("| `") and len(cells := [c.strip() for c in line.strip("|").split("|")]) == 6
}
WORDS = {
    Kind.NUMERIC: "numbers", Kind.CATEGORICAL: "levels", Kind.BOOLEAN: "booleans",
    Kind.DATETIME: "dates",
}  # fmt: skip


def test_the_page_has_a_row_for_each_detector_and_no_other() -> None:
    assert set(ROWS) == set(CATALOGUE)


@pytest.mark.parametrize("name", list(CATALOGUE))
def test_a_row_says_what_the_table_of_detectors_says(name) -> None:
    entry, (says, reads, figures, cost, use) = CATALOGUE[name], ROWS[name]
    whole = "all columns" if entry.of_table else "the window"
    assert says == entry.says
    assert reads == (", ".join(WORDS[kind] for kind in entry.kinds) or whole)
    assert " · " in figures
    assert cost
    assert use


def test_a_detector_stands_where_it_is_computed() -> None:
    sections = re.split(r"^## ", PAGE, flags=re.MULTILINE)
    for section in sections:
        named = [n for n in re.findall(r"^\| `(\w+)`", section, flags=re.MULTILINE) if n in ROWS]
        title = section.splitlines()[0]
        for name in named:
            assert CATALOGUE[name].asked == title.startswith("On demand"), name
            assert CATALOGUE[name].shown == title.startswith("Shown"), name


def test_the_pages_model_file_and_entry_point_are_right() -> None:
    drift = yaml.safe_load(re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)[0])
    whole = {"model": "m", "task": "regression", "label": "y", **drift}
    known = Known(detectors=frozenset(CATALOGUE))
    policy = parse(msgspec.json.encode(whole), source="docs/detectors.md", known=known)
    assert policy.monitors.drift.detectors == ("mann_whitney", "c2st")
    said = tomllib.loads(re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)[0])
    example = ROOT / "examples" / "detector_tail_share" / "pyproject.toml"
    assert said["project"].items() <= tomllib.loads(example.read_text())["project"].items()
