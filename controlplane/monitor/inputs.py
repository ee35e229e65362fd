"""What a window's inputs and predictions look like beside the reference."""

from collections.abc import Mapping, Sequence

import msgspec
import pyarrow as pa

from controlplane.domain.verdicts import Headline, headline
from controlplane.monitor.dates import compared, dated_from, of_their_dates
from controlplane.monitor.fixed import by_hand
from controlplane.monitor.joint import judged_scores, table_of
from controlplane.monitor.lacking import is_informational
from controlplane.monitor.moving import window_panes
from controlplane.monitor.quality import JUDGED, judged_inputs
from controlplane.monitor.rows import Contents, prediction_columns, samples
from controlplane.monitor.season import Place, place_of
from controlplane.monitor.showing import Shown, shown
from controlplane.monitor.yardstick import Measure, tallied
from controlplane.store.ports import Snapshot, Store
from detectors import missing
from detectors.answers import MIN_ROWS
from detectors.binning import Bins, Tally
from detectors.binning import missing as values_missing
from detectors.finding import Basis, Finding, Reason, Sample, Verdict
from detectors.refmax import Calibration, judge
from detectors.scores import Scores
from detectors.tables import summed
from detectors.tables.summed import Sums
from detectors.tallies import merge


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """A window's features: counted on the bins that it is compared with, and as values; `sums` are
    those over its panes, of all columns together."""

    tallies: Sequence[Tally]
    columns: Mapping[str, Sample]
    sums: Sums | None = None


def seen(store: Store, view: Snapshot, measure: Measure, found: Contents) -> Seen:
    """The features of a window: of its rows, or where those are not at hand, of its panes."""
    scope, bins, names = found.scope, measure.yardstick.bins, measure.yardstick.names
    if found.has_features:
        columns = compared(scope, found.rows, names)
        sums = None
        if measure.together is not None:
            sums = summed.counted(measure.together, table_of(columns))
        return Seen(tallies=tallied(bins, columns), columns=columns, sums=sums)
    panes = window_panes(store, view, scope, found.window, measure)
    few = pa.concat_tables([pane.few for pane in panes], promote_options="permissive")
    tallies = [merge([pane.tallies[at] for pane in panes]) for at in range(len(bins))]
    parts = [pane.together for pane in panes if pane.together is not None]
    return Seen(
        tallies=tallies,
        columns=compared(scope, few, names),
        sums=summed.merge(parts) if parts else None,
    )


def judged(measure: Measure, found: Contents, inputs: Seen) -> tuple[list[Finding], Headline]:
    """Every finding about a window's rows, and the headline over its features."""
    yardstick, scope = measure.yardstick, found.scope
    answers = samples(found.rows, prediction_columns(scope.schema, found.rows))
    tallies, drifting = inputs.tallies, yardstick.drifting
    place = place_of(scope, found.window)
    features = _drift(
        yardstick.drift, [yardstick.bins[n] for n in drifting], [tallies[n] for n in drifting],
        place, judged_scores(measure.together, inputs.sums),
    )  # fmt: skip
    known = [frozen for frozen in yardstick.answers if frozen.column in answers]
    if is_informational(scope, measure, yardstick.drift):
        features = [_unjudged(finding, Reason.SHOWN) for finding in features]
    predicted = _drift(yardstick.answer_drift, known, tallied(known, answers), place)
    if is_informational(scope, measure, yardstick.answer_drift):
        predicted = [_unjudged(finding, Reason.SHOWN) for finding in predicted]
    findings = features + predicted
    if not found.whole:
        findings = [_unjudged(finding, Reason.PARTIAL) for finding in findings]
    if yardstick.rates is not None:
        findings += judged_inputs(yardstick.rates, found, yardstick.bins, tallies)
    if is_informational(scope, measure):
        findings = [_unjudged(finding, Reason.SHOWN) for finding in findings]
    features = findings[: len(features)]
    if scope.policy.monitors.drift is not None and found.rows.num_rows:
        fixed = by_hand(
            scope.policy.monitors.drift, measure.columns, inputs.columns, dated_from(scope.schema)
        )
        features += fixed
        findings += fixed + shown(Shown(
            reference=measure.columns, window={**inputs.columns, **answers},
            features=list(inputs.columns), together=measure.together, sums=inputs.sums,
            asked=scope.policy.monitors.drift.detectors,
        ))  # fmt: skip
    return findings, headline(of_their_dates(scope.schema, features))


def hard_limits(found: Contents) -> list[Finding]:
    """What needs nothing to compare with: a column without any value in thirty rows or more."""
    scope, rows = found.scope, found.rows.num_rows
    if scope.policy.monitors.quality is None or rows < MIN_ROWS or not found.has_features:
        return []
    kinds = {column.name: column.kind for column in scope.schema.features}
    return [
        Finding(
            column=name, detector=missing.NAME, statistic=share, effect=share, rows=rows,
            verdict=Verdict.FAILED if share == 1.0 else Verdict.PASSED, basis=Basis.HARD,
        )
        for name, sample in samples(found.rows, kinds).items()
        if (share := values_missing(sample) / rows) is not None
    ]  # fmt: skip


def _drift(
    calibration: Calibration | None, bins: Sequence[Bins], tallies: Sequence[Tally], place: Place,
    joint: Sequence[Scores] = (),
) -> list[Finding]:  # fmt: skip
    if calibration is None or not bins:
        return []
    return judge(calibration, bins, tallies, seed=place.seed, groups=place.seasons, joint=joint)


def _unjudged(finding: Finding, reason: Reason) -> Finding:
    """A finding about part of a window (half a week has other weekdays than the weeks by which it
    would be judged), or one that only informs; hard limits stay."""
    if finding.verdict not in JUDGED or finding.basis is Basis.HARD:
        return finding
    return msgspec.structs.replace(finding, verdict=Verdict.INCONCLUSIVE, reason=str(reason))
