"""What is amiss with the data itself: conditions that alert and never ask for a run."""

from collections.abc import Mapping
from typing import Final

from controlplane.domain.holding import Condition, Facts, cite, day_of, figure, latest
from controlplane.domain.windows import Score
from detectors.finding import Basis, Finding, Verdict

QUALITY: Final = frozenset({"missing", "range", "unseen", "constant"})
TOGETHER: Final = "together"
WATCHED: Final[Mapping[str, frozenset[str]]] = {
    "quality": QUALITY,
    "volume": frozenset({"volume"}),
    "label_feed": frozenset({"label_feed"}),
    "schema": frozenset({"schema"}),
    "estimate": frozenset({"estimate"}),
    "concept": frozenset({"residual"}),
    TOGETHER: frozenset({"mmd", "reconstruction"}),
}
MATURED: Final = frozenset({"label_feed", "concept"})
"""Those that only a window whose labels are closed can show."""
"""Alert-only conditions and the detectors whose failed findings make them hold."""
WORDS: Final[Mapping[str, str]] = {
    "unseen": "{size:.0%} of the rows hold a level of {column} that the reference has not",
    "missing": "{column} is missing in {size:.1%} of the rows {more} than usual",
    "missing:hard": "{column} is missing in {size:.0%} of the rows",
    "range": "{statistic:.0%} of the values of {column} lie far outside the reference's range",
    "constant": "{column} does not move any more",
    "volume": "{rows} rows came, {size:.0%} {more} than usual",
    "label_feed": "labels came for {size:.0%} of the rows {more} than usual",
    "schema": "{column} is absent, or has values and never had any before",
    "estimate": "inputs moved to where a loss {size:.0%} of the reference's {higher} is to be expected, before labels are in",
    "mmd": "rows lie otherwise than they did, though no column moved by itself",
    "reconstruction": "columns hang together otherwise than they did, though none moved by itself",
    "residual": "the realised loss is {size:.0%} of the reference's {higher} than the inputs explain: labels no longer follow them as they did",
}
"""What a failed finding means, by its detector; effects are as the detectors document them."""
_TOLD: Final = frozenset({Verdict.PASSED, Verdict.FAILED})


def watched(facts: Facts) -> list[Condition]:
    """Failed findings about the data itself, in the newest window that could show them.

    Only a window whose labels are closed can show whether labels came.
    """
    scores = latest(facts.scores)
    matured = [score for score in scores if score.revision == 1]
    return [
        _data(name, detectors, newest[-1])
        for name, detectors in WATCHED.items()
        if (newest := matured if name in MATURED else scores)
    ]


def _data(name: str, detectors: frozenset[str], score: Score) -> Condition:
    judged = [f for f in score.findings if f.detector in detectors and f.verdict in _TOLD]
    failed = [f for f in judged if f.verdict is Verdict.FAILED]
    # Where a column moved by itself, that is what somebody should look at.
    if not failed or (name == TOGETHER and score.columns_failed):
        holds = False if judged or name == "schema" else None
        return Condition(name=name, holds=holds, window=score.window,
                         says=f"nothing amiss in the window from {day_of(score)}")  # fmt: skip
    says = f"in the window from {day_of(score)}: " + "; ".join(_words(f) for f in failed[:5])
    if len(failed) > 5:  # noqa: PLR2004  # a sentence holds five
        says += f"; and {len(failed) - 5} more"
    says += _wanted(name, score)
    figures = {f"{f.column}:{f.detector}": f.statistic for f in failed}
    return Condition(name=name, holds=True, window=score.window, says=says,
                     evidence=(cite(score, says, figures),))  # fmt: skip


def _wanted(name: str, score: Score) -> str:
    """How many labels would tell whether an estimate is right."""
    asked = (
        [e.labels_wanted for e in score.estimated if e.labels_wanted] if name == "estimate" else []
    )
    if not asked:
        return ""
    if max(asked) > score.rows:
        return f"; its {score.rows} rows are too few to tell by their labels alone"
    return f"; {max(asked)} labels drawn evenly from the window would tell"


def _words(finding: Finding) -> str:
    """What a failed finding means, in a clause."""
    hard = f"{finding.detector}:hard" if finding.basis is Basis.HARD else ""
    words = WORDS.get(hard) or WORDS.get(finding.detector)
    if words is None:
        return f"{finding.column} {finding.detector} {figure(finding.statistic)}"
    effect = finding.effect or 0.0
    return words.format(
        column=finding.column, rows=finding.rows, size=abs(effect),
        more="more" if effect > 0 else "fewer", higher="higher" if effect > 0 else "lower",
        statistic=finding.statistic or 0.0,
    )  # fmt: skip
