"""Thresholds by hand: in the model file, in the plan, and for the detectors that have one."""

import numpy as np
import pytest

from controlplane.domain.errors import ModelFileErrors
from controlplane.domain.policy import Drift
from controlplane.monitor.fixed import by_hand
from controlplane.policy.defaults import policy_of
from controlplane.policy.model_file import Known, parse
from controlplane.policy.monitors import THRESHOLDED
from controlplane.policy.plan import changes_between, not_yet
from controlplane.policy.writing import document
from detectors.catalogue import CATALOGUE
from detectors.finding import Basis, Kind, Verdict
from tests.columns import levels, numeric


def parsed(text: str):
    return parse(f"model: boats\ntask: regression\n{text}", source="boats.yaml", known=Known())


FILE = "label: y\nmonitors: {drift: {thresholds: {psi: 0.2, ks: 0.1}}}\n"


def test_heights_are_read_written_and_told_by_the_plan() -> None:
    policy = parsed(FILE)
    assert policy.monitors.drift.thresholds == {"psi": 0.2, "ks": 0.1}
    assert document(policy)["monitors"]["drift"]["thresholds"] == {"psi": 0.2, "ks": 0.1}
    before = policy_of("boats", policy.task, "y")
    assert "monitors.drift.thresholds: none → {psi: 0.2, ks: 0.1}" in changes_between(
        before, policy
    )
    assert "psi, ks set by hand is judged beside the false-alarm budget" in " ".join(
        not_yet(policy)
    )
    assert "thresholds" not in document(before)["monitors"]["drift"]
    assert not not_yet(before)


@pytest.mark.parametrize(
    ("thresholds", "says"),
    [("{psy: 0.2}", "did you mean psi?"), ("{psi: 0}", "expected a number above 0"),
     ("{psi: high}", "expected a number above 0")],
)  # fmt: skip
def test_a_height_that_cannot_be_is_told_with_its_place(thresholds, says) -> None:
    with pytest.raises(ModelFileErrors, match=says.replace("?", r"\?")):
        parsed(f"label: y\nmonitors: {{drift: {{thresholds: {thresholds}}}}}\n")


@pytest.mark.parametrize("name", THRESHOLDED)
def test_every_detector_that_may_be_named_compares_its_statistic_with_it(name) -> None:
    entry = CATALOGUE[name]
    assert "threshold" in entry.params.__struct_fields__
    generator = np.random.default_rng(1)
    is_number = Kind.NUMERIC in entry.kinds
    before, now = (
        numeric(generator.normal(at, 1.0, 200)) if is_number
        else levels(generator.choice(list("abc"), 200, p=[0.5 + at, 0.3 - at, 0.2]), "x")
        for at in (0.0, 0.2)
    )  # fmt: skip
    found = {
        height: by_hand(Drift(thresholds={name: height}), {"x": before}, {"x": now})
        for height in (1e-9, 1e9)
    }
    if not found[1e9]:
        return
    verdicts = [one[0].verdict for one in found.values()]
    assert verdicts == [Verdict.FAILED, Verdict.PASSED]
    assert {one[0].basis for one in found.values()} == {Basis.FIXED}


def test_only_the_columns_that_are_compared_are_judged() -> None:
    sample = numeric(np.arange(100.0))
    drift = Drift(columns=("other",), thresholds={"psi": 0.2})
    assert by_hand(drift, {"x": sample}, {"x": sample}) == []
