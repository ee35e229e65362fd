"""What windows that overlap count for, and what a model that is trained elsewhere is told."""

from datetime import timedelta

import pytest

from controlplane.domain.conditions import Facts, conditions_of
from controlplane.domain.policy import Retrain
from controlplane.domain.windows import Score
from tests.watched import DAY, DRIFTED, SERVED, a_policy, a_score, a_version

HOURS = timedelta(hours=1)


def sliding(hour: int, *, failed: int, **facts: object) -> Score:
    """A day that ends so many hours after serving began, with so many of 4 columns failed."""
    end = SERVED + hour * HOURS
    return a_score(
        0, 0, id=f"h{hour}/0", window=f"h{hour}", start=end - DAY, end=end, scored_at=end,
        columns_failed=failed, **facts,
    )  # fmt: skip


def drift(scores: list[Score], **facts: object) -> object:
    policy = a_policy(retrain=Retrain(when=(DRIFTED,)), **facts)
    champion = None if facts.get("trainer", "") is None else a_version()
    found = conditions_of(policy, Facts(now=SERVED, champion=champion, scores=tuple(scores)))
    return next(c for c in found if c.name == "drift")


@pytest.mark.parametrize(("since", "holds"), [(47, False), (24, True), (48, False), (1, True)])
def test_two_windows_in_a_row_do_not_hold_the_same_rows(since: int, holds: bool) -> None:
    scores = [sliding(hour, failed=4 if hour >= since else 0) for hour in range(24, 49)]
    assert drift(scores).holds is holds


def test_the_evidence_of_two_windows_is_two_windows_that_do_not_overlap() -> None:
    found = drift([sliding(hour, failed=4) for hour in range(24, 60)])
    assert [each.id for each in found.evidence] == ["h59/0", "h35/0"]


def test_without_a_champion_a_model_trained_elsewhere_has_its_drift_and_its_data_watched() -> None:
    scores = [sliding(hour, failed=4, champion=None, reference="boats/:x") for hour in (24, 48)]
    policy = a_policy(retrain=Retrain(when=(DRIFTED,)), trainer=None)
    found = conditions_of(policy, Facts(now=SERVED, champion=None, scores=tuple(scores)))
    assert [(c.name, c.holds) for c in found][:1] == [("drift", True)]
    assert {c.name for c in found} == {
        "drift",
        "together",
        "quality",
        "volume",
        "schema",
        "estimate",
    }


def test_what_cannot_be_judged_yet_is_told_with_its_date() -> None:
    note = "drift of the columns can be judged from 2024-04-09 00:00 UTC on: 7 more daily windows"
    unjudged = {"columns_judged": 0, "columns_unjudged": 4, "champion": None, "reference": None}
    found = drift([sliding(24, failed=0, notes=("another", note), **unjudged)], trainer=None)
    assert (found.holds, found.says) == (None, note)


def test_before_the_first_window_it_is_told_when_that_closes() -> None:
    facts = Facts(now=SERVED, champion=None, outlook="the first window ends at noon")
    found = conditions_of(a_policy(trainer=None), facts)
    assert [(c.name, c.holds, c.says) for c in found if c.name == "windows"] == [
        ("windows", None, "the first window ends at noon")
    ]
    assert conditions_of(a_policy(), facts) == ()
