"""`leeboard budget`, and what an operator says of an alert."""

import json
from datetime import UTC, datetime

import pytest

from connectors.client import wire
from controlplane.cli import budget
from controlplane.domain.references import Reference
from tests.fakes_actions import T0


@pytest.fixture
def reference(served):
    """The reference whose thresholds are made anew."""
    known = Reference(
        id="bikes/v1", model="bikes", version="v1", start=datetime(2011, 1, 1, tzinfo=UTC),
        end=T0, known_at=T0, rows=100, made_at=T0,
    )  # fmt: skip
    served.store.write(lambda t: t.ledger.put(known)).result()


def test_the_budget_is_told_in_words_and_as_one_document(lee) -> None:
    found = lee("budget", "bikes")
    assert found.exit_code == 0, found.stderr
    assert "Thresholds are designed for 50% of it" in " ".join(found.stdout.split())
    assert "performance: judged by intervals, trials and guards" in " ".join(found.stdout.split())
    document = json.loads(lee("budget", "bikes", "--columns", "--json").stdout)
    assert document["safety"] == 0.5
    assert sum(family["share"] for family in document["families"]) == pytest.approx(1.0)
    assert lee("budget", "bikez").exit_code == 1


def test_windows_that_resemble_each_other_are_told_as_how_many_they_count() -> None:
    family = wire.BudgetFamily(family="quality", windows=60, counted_as=12, basis="provisional")
    column = wire.BudgetColumn(
        family="quality", column="x", detector="missing", windows=60, counted_as=60
    )
    told = wire.Budget(
        model="bikes", period_seconds=86_400.0, windows_a_period=1.0, families=[family],
        columns=[column],
    )  # fmt: skip
    said = [" ".join(line.split()) for line in budget._sheet(told, with_columns=True)]
    assert any("60 as 12 windows, provisional, pooled" in line for line in said)
    assert any(line.startswith("x missing") and line.endswith("60") for line in said)


@pytest.mark.parametrize("verdict", ["false-alarm", "true-alarm"])
def test_an_alert_is_judged_true_or_false_with_a_note(lee, actions, verdict) -> None:
    word = verdict.replace("-", "_")
    found = lee("alerts", "acknowledge", "a_2", f"--{verdict}", "--note", "a bank holiday")
    assert found.exit_code == 0, found.stderr
    assert actions.asked == [("acknowledge", "a_2", "owner", word, "a bank holiday")]
    assert f"as a {word.replace('_', ' ')}" in found.stdout


def test_thresholds_are_made_anew_with_the_windows_that_are_named(lee, actions, reference) -> None:
    found = lee("budget", "recalibrate", "bikes", "w_1", "w_2")
    assert found.exit_code == 0, found.stderr
    assert ("recalibrate", "bikes", "w_1", "w_2", "owner") in actions.asked
    assert "the next window is judged by the new thresholds" in found.stdout
