"""The table of detectors tells the truth about each of them."""

import subprocess
import sys

import numpy as np
import pyarrow as pa
import pytest

from detectors.catalogue import CATALOGUE
from detectors.finding import Finding, Kind, Reason, Sample
from tests.columns import booleans, chunked, levels, numeric

SAMPLES = {
    Kind.NUMERIC: numeric(np.linspace(0.0, 1.0, 50)),
    Kind.CATEGORICAL: levels(list("ab" * 25)),
    Kind.BOOLEAN: booleans([True, False] * 25),
    Kind.DATETIME: Sample("d", Kind.DATETIME, chunked(pa.array(range(50), pa.timestamp("us")))),
}
COMPARING = ["jensen_shannon", "ks", "psi", "wasserstein", "chi_squared", "new_levels", "missing",
             "range", *(name for name, entry in CATALOGUE.items() if entry.asked and not entry.of_table)]  # fmt: skip


@pytest.mark.parametrize("name", COMPARING)
@pytest.mark.parametrize("kind", list(Kind))
def test_a_detector_applies_to_the_kinds_that_it_names_and_to_no_other(name, kind) -> None:
    found = CATALOGUE[name].function(SAMPLES[kind], SAMPLES[kind])
    assert isinstance(found, Finding)
    assert found.detector == name
    assert (found.reason != Reason.NOT_APPLICABLE) == (kind in CATALOGUE[name].kinds)


def test_every_parameter_has_its_default_and_every_entry_a_sentence() -> None:
    for name, entry in CATALOGUE.items():
        assert entry.says.endswith("."), name
        if entry.params is not None:
            assert entry.params() == entry.params()


@pytest.mark.parametrize(
    "module",
    [
        "detectors.psi",
        "detectors.catalogue",
        "detectors.performance",
        "detectors.streaming.catalogue",
    ],
)
def test_importing_a_detector_imports_neither_scipy_nor_scikit_learn(module) -> None:
    program = f"import {module}, sys; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout.split()
    assert not {"scipy.stats", "scipy.special", "sklearn", "pandas", "duckdb", "river"} & {*loaded}
