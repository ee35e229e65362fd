"""What a window's inputs and predictions look like beside the reference."""

from collections.abc import Mapping, Sequence

import msgspec

from controlplane.domain.budget import Family
from controlplane.domain.verdicts import Headline, headline
from controlplane.monitor.quality import JUDGED, judged_inputs
from controlplane.monitor.rows import Contents, prediction_columns, samples
from controlplane.monitor.scope import Scope
from controlplane.monitor.yardstick import Measure, tallied
from detectors.binning import Bins, Tally
from detectors.catalogue import shown_of
from detectors.finding import Finding, Reason, Sample, Verdict
from detectors.refmax import Calibration, judge


def judged(scope: Scope, measure: Measure, found: Contents) -> tuple[list[Finding], Headline]:
    """Every finding about a window's rows, and the headline over its features."""
    yardstick = measure.yardstick
    columns = samples(found.rows, {c.name: c.kind for c in scope.schema.features})
    answers = samples(found.rows, prediction_columns(scope.schema, found.rows))
    tallies = tallied(yardstick.bins, columns)
    drifting = yardstick.drifting
    features = _drift(
        yardstick.drift, [yardstick.bins[n] for n in drifting], [tallies[n] for n in drifting]
    )
    known = [frozen for frozen in yardstick.answers if frozen.column in answers]
    findings = features + _drift(yardstick.answer_drift, known, tallied(known, answers))
    if not found.whole:
        findings = [_of_a_part(finding) for finding in findings]
        features = findings[: len(features)]
    if yardstick.rates is not None:
        findings += judged_inputs(yardstick.rates, found, yardstick.bins, tallies)
    if scope.policy.monitors.drift is not None and found.rows.num_rows:
        findings += _shown(measure.columns, {**columns, **answers})
    return findings, headline(features)


def notes_on(scope: Scope, measure: Measure) -> tuple[str, ...]:
    """What could not be judged of a window and why, a sentence each."""
    yardstick, version = measure.yardstick, measure.reference.version
    said = []
    if yardstick.drift is not None and yardstick.drift.needs:
        said.append(
            f"{yardstick.drift.needs} more calibration windows are needed before drift against "
            f"{version}'s reference is judged; there are {yardstick.windows}"
        )
    if scope.policy.monitors.drift is not None and yardstick.answer_drift is None:
        said.append(f"{version} predicted nothing before it served, so its predictions are shown "
                    f"without {Family.PREDICTION_DRIFT.replace('_', ' ')}")  # fmt: skip
    return tuple(said)


def _drift(
    calibration: Calibration | None, bins: Sequence[Bins], tallies: Sequence[Tally]
) -> list[Finding]:
    return [] if calibration is None or not bins else judge(calibration, bins, tallies)


def _of_a_part(finding: Finding) -> Finding:
    """A finding about the part of a window that serving began in, or that a replay ended in: half
    a week has other weekdays than the weeks by which it would be judged."""
    if finding.verdict not in JUDGED:
        return finding
    return msgspec.structs.replace(
        finding, verdict=Verdict.INCONCLUSIVE, reason=str(Reason.PARTIAL)
    )


def _shown(reference: Mapping[str, Sample], columns: Mapping[str, Sample]) -> list[Finding]:
    return [
        detector(reference[name], sample)
        for name, sample in columns.items()
        if name in reference
        for detector in shown_of(sample.kind)
    ]
