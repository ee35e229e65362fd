"""What a comparison says beside its columns: the tables as such, what hangs together, the model."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

import msgspec

from controlplane.cli.compare.concluding import Measured
from detectors.comparison import rule
from detectors.comparison.result import Comparison

if TYPE_CHECKING:
    from controlplane.cli.compare.together import Together
    from detectors.comparison.correlations import Correlations
    from detectors.comparison.outcome import Outcome
    from detectors.comparison.overview import Overview

MOST_NAMED: Final = 3


class Beside(msgspec.Struct, frozen=True, kw_only=True):
    """What was gathered beside the columns; None where it was not asked for."""

    together: "Together | None" = None
    outcome: "Outcome | None" = None
    roles: dict[str, str] = {}
    level: float = rule.LEVEL


def completed(comparison: Comparison, found: Sequence[Measured], beside: Beside) -> Comparison:
    """The comparison with all of it, failed where the model plainly got worse."""
    overviews = correlations = None
    if beside.together is not None:
        overviews = beside.together.overviews(found)
        correlations = beside.together.correlations(found, beside.level)
    notes = [*comparison.notes, *_of_rows(overviews), *_of_pairs(correlations)]
    judged, sentence = comparison.findings, comparison.rule
    if beside.outcome is not None:
        finding = beside.outcome.quality.finding
        judged = (*judged, finding)
        sentence += (
            f". The model fails where its {finding.detector} rose by 5% at least and chance explains that "
            f"with less than {100.0 * beside.level:g}%"
        )
    return msgspec.structs.replace(
        comparison, overviews=overviews, correlations=correlations, outcome=beside.outcome,
        roles=beside.roles, findings=judged, notes=tuple(notes), rule=sentence,
        verdict=rule.verdict_of([comparison.verdict, *(f.verdict for f in judged)]),
    )  # fmt: skip


def _of_rows(overviews: "tuple[Overview, Overview] | None") -> Iterator[str]:
    """Rows that repeat others, where their share has risen by a hundredth at least, and to twice what it was."""
    if overviews is None or None in {overviews[0].repeated, overviews[1].repeated}:
        return
    counts = [side.repeated or 0 for side in overviews]
    shares = [count / side.rows for count, side in zip(counts, overviews, strict=True)]
    if shares[1] - shares[0] >= rule.FLOORS["missing"] and shares[1] >= 2.0 * shares[0]:
        yield (
            f"{counts[1]:,} rows of the current file ({shares[1]:.1%}) say in every column what an earlier one "
            f"says; in the reference {counts[0]:,} ({shares[0]:.1%}) do"
        )


def _of_pairs(correlations: "Correlations | None") -> Iterator[str]:
    """The pairs that came apart or together, in a sentence; they fail nothing."""
    plain = [] if correlations is None else [pair for pair in correlations.pairs if pair.plain]
    if not plain:
        return
    named = [
        f"{pair.one} and {pair.other} {pair.reference:.2f} → {pair.current:.2f}"
        for pair in plain[:MOST_NAMED]
    ]
    more = f" and {len(plain) - MOST_NAMED} more" if len(plain) > MOST_NAMED else ""
    yield f"correlated otherwise than in the reference, which is not judged: {', '.join(named)}{more}"
