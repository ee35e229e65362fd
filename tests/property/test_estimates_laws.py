"""Whatever is estimated, only an alert of its own may follow."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from controlplane.domain.conditions import Facts, conditions_of
from controlplane.domain.deciding import decide
from controlplane.domain.decisions import Decision, DecisionKind
from controlplane.domain.estimates import Estimated
from controlplane.domain.situation import Situation
from controlplane.domain.windows import Realised, Score
from detectors.finding import Finding, Interval, Verdict
from tests.watched import DAY, SERVED, a_model, a_policy, a_score, a_version

OWN = {"estimate", "concept"}
VALUES = st.floats(0.0, 1e6)


@st.composite
def estimates(draw: st.DrawFn) -> tuple[tuple[Estimated, ...], tuple[Finding, ...]]:
    """Any estimates of a window, and findings on them."""
    figures = tuple(
        Estimated(
            version=version, metric="mae", value=value, interval=Interval(0.0, 1e6), rows=168,
            method="dle", assumption="P(y|x) unchanged", labels_wanted=draw(st.integers(1, 9999)),
        )
        for version in ("v1", "*")
        for value in draw(st.lists(st.one_of(st.none(), VALUES), max_size=1))
    )  # fmt: skip
    findings = tuple(
        Finding(column="*", detector=name, effect=draw(st.floats(-9, 9)), verdict=verdict)
        for name in ("estimate", "residual")
        for verdict in draw(st.lists(st.sampled_from(list(Verdict)), max_size=1))
    )
    return figures, findings


def seen(score: Score) -> tuple[Facts, list[Decision]]:
    facts = Facts(now=SERVED + 8 * DAY, champion=a_version(), scores=(score,))
    held = conditions_of(a_policy(), facts)
    situation = Situation(
        now=facts.now, model=a_model(), policy=a_policy(), champion=a_version(), conditions=held,
        fresh=frozenset({score.window}),
    )  # fmt: skip
    return facts, decide(situation)


@given(estimates(), st.floats(0.5, 3.0), st.integers(0, 1), st.integers(0, 4))
def test_an_estimate_changes_no_other_condition_and_no_other_decision(
    told: tuple[tuple[Estimated, ...], tuple[Finding, ...]], loss: float, revision: int, failed: int
) -> None:
    true = Realised(
        version="v1", metric="mae", value=loss, interval=Interval(loss - 0.1, loss + 0.1), rows=168
    )
    plain = a_score(0, revision, realised=(true,), columns_failed=failed)
    score = msgspec.structs.replace(plain, estimated=told[0], findings=told[1])
    without, with_it = seen(plain), seen(score)

    def others(facts: Facts) -> list[object]:
        return [c for c in conditions_of(a_policy(), facts) if c.name not in OWN]

    assert others(with_it[0]) == others(without[0])
    kept = [d for d in with_it[1] if d.condition not in OWN]
    assert kept == [d for d in without[1] if d.condition not in OWN]
    assert {d.kind for d in with_it[1] if d.condition in OWN} <= {DecisionKind.ALERT}
