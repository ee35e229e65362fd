"""What starts small stays small: which libraries are loaded by which way in."""

import subprocess
import sys

import pytest

REPORT = "import sys; print('\\n'.join(sys.modules))"
HELP = """
import sys
from controlplane.cli.__main__ import main
sys.argv = ["leeboard", "--help"]
try:
    main()
except SystemExit as stop:
    assert not stop.code, stop.code
print()
"""
WAYS_IN = {
    "a detector": ("import detectors.psi", {"duckdb", "litestar", "textual"}),
    "the client": (
        "import connectors.client.serving, connectors.client.serving_async, connectors.client.middleware",
        {"controlplane", "duckdb", "litestar", "numpy", "pyarrow"},
    ),
    "the dashboard": ("import tui.app", {"controlplane", "duckdb", "litestar"}),
    "the command line's help": (HELP, {"duckdb", "litestar", "sklearn", "scipy", "textual"}),
}


def loaded_by(program: str) -> set[str]:
    """The top-level packages in memory after a program ran in a fresh interpreter."""
    done = subprocess.run(
        [sys.executable, "-c", f"{program}\n{REPORT}"],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return {line.partition(".")[0] for line in done.stdout.splitlines()}


@pytest.mark.parametrize("way_in", WAYS_IN)
def test_a_way_in_loads_nothing_that_it_does_not_need(way_in: str) -> None:
    program, unwanted = WAYS_IN[way_in]
    assert loaded_by(program) & unwanted == set()


def test_what_is_loaded_is_seen() -> None:
    assert {"json", "decimal"} <= loaded_by("import json.decoder, decimal")
