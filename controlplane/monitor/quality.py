"""Whether the data itself is as it should be: how much came, how much of it is empty, labels.

Counts of rows, shares of missing values and shares of labels are judged by the false-alarm
budget against those of the calibration windows; limits that need no calibration stand beside it.
"""

from collections.abc import Mapping, Sequence

import msgspec
import numpy as np

from controlplane.domain.budget import Family
from controlplane.monitor.dates import dated_from
from controlplane.monitor.material import Material, Part
from controlplane.monitor.rows import Contents, micros, micros_of, samples
from controlplane.monitor.scope import Scope
from controlplane.monitor.season import groupings_of, seasons_of
from detectors import arrivals, label_feed, missing, schema, volume
from detectors.binning import Bins, Tally
from detectors.finding import Finding, Verdict
from detectors.refmax import Calibration, Options, calibrate_rates, judge_rates

LABELS_PART = 0.2
"""The part of the family's budget that the label feed has; it is judged when labels close."""
LABELS = "labels"
"""What the rate is called that the label feed is judged by."""
MOST_CELLS = 5_000_000
"""Of more, repeated rows are not looked for: the table of them would not fit beside the rows."""
OF_GAPS = frozenset({missing.NAME, schema.NAME})
"""Detectors of which values are there, rather than of what they are."""
JUDGED = frozenset({Verdict.PASSED, Verdict.FAILED})


class Rates(msgspec.Struct, frozen=True, kw_only=True):
    """Calibrated rates: the rows of a window and each column's missing share, then labels alone.

    `columns` are those whose missing share is judged; `usual_rows` are the rows of each
    calibration window, `usual_labels` the labelled share of each whose labels had closed.
    """

    columns: tuple[str, ...]
    inputs: Calibration
    labels: Calibration
    usual_rows: tuple[int, ...]
    usual_labels: tuple[float, ...]
    usual_repeats: tuple[float, ...] = ()
    """The share of repeated rows of each calibration window; none where there are too many cells."""
    usual_silences: tuple[float, ...] = ()
    """The longest silence between rows of each calibration window, in seconds."""


def rates_from(
    scope: Scope, material: Material, bins: Sequence[Bins], tallies: Sequence[Sequence[Tally]]
) -> Rates | None:
    """The calibrated rates of a reference; None where the file switches quality off."""
    if scope.policy.monitors.quality is None:
        return None
    dated = dated_from(scope.schema)
    places = [place for place, frozen in enumerate(bins) if frozen.column not in dated]
    columns = tuple(bins[place].column for place in places)
    alpha = scope.budget().alpha(Family.QUALITY)
    inputs = np.array(
        [
            _inputs([window[place] for place in places], part)
            for window, part in zip(tallies, material.parts, strict=True)
        ]
    )
    labels = np.array(
        [np.nan if part.unlabelled is None else 1.0 - part.unlabelled for part in material.parts]
    )
    usual = np.array([part.rows.num_rows for part in material.parts], dtype=np.int64)
    family = str(Family.QUALITY)
    return Rates(
        columns=columns,
        inputs=calibrate_rates(
            _names(columns), inputs.reshape(-1, len(columns) + 1), family=family,
            alpha=alpha * (1.0 - LABELS_PART), rows=usual, options=Options(
                groupings=groupings_of(scope.calendar, [part.first for part in material.parts])
            ),
        ),
        labels=calibrate_rates(
            (LABELS,), labels.reshape(-1, 1), family=family, alpha=alpha * LABELS_PART, rows=usual
        ),
        usual_rows=tuple(usual.tolist()),
        usual_labels=tuple(labels[~np.isnan(labels)].tolist()),
        usual_repeats=_repeats(scope, material.parts),
        usual_silences=_silences(material.parts),
    )  # fmt: skip


def judged_inputs(
    rates: Rates, found: Contents, bins: Sequence[Bins], tallies: Sequence[Tally]
) -> list[Finding]:
    """What came: the count of rows, of whole windows only, and what its columns hold."""
    rows = found.rows.num_rows
    groups = seasons_of(found.scope.calendar, found.window.start)
    columns = judged_columns(rates, rows, bins, tallies, groups=groups)
    if not found.whole:
        return columns
    soft = judge_rates(
        rates.inputs, np.array([float(rows)]), rows, names=(volume.NAME,), groups=groups
    )
    hard = volume.volume(rows, np.array(rates.usual_rows, dtype=np.int64))
    return [*_merged([*soft, hard]), *columns, *_arrivals(rates, found)]


def judged_columns(
    rates: Rates, rows: int, bins: Sequence[Bins], tallies: Sequence[Tally], *,
    groups: Mapping[str, int],
) -> list[Finding]:  # fmt: skip
    """Hard limits and the calibrated shares of missing values; of two findings the one that says
    more. `groups` are the window's seasons.

    What is derived of a date lacks what the date lacks, which is said of the date alone.
    """
    own = set(rates.columns)
    both = [pair for pair in zip(bins, tallies, strict=True) if pair[0].column in own]
    names = _names([frozen.column for frozen, _ in both])[1:]
    shares = np.array(_missing([tally for _, tally in both]))
    soft = judge_rates(rates.inputs, shares, rows, names=names, groups=groups)
    hard = [
        finding
        for finding in schema.hard_limits(bins, tallies)
        if finding.column in own or finding.detector not in OF_GAPS
    ]
    return _merged([*soft, *hard])


def judged_labels(rates: Rates, found: Contents) -> list[Finding]:
    """Whether the labels came that were to come; to be asked when a window's labels close."""
    rows, labelled = found.rows.num_rows, found.labelled.num_rows
    if not rows:
        return []
    hard = label_feed.label_feed(labelled, rows, np.array(rates.usual_labels))
    soft = judge_rates(rates.labels, np.array([labelled / rows]), rows, names=(LABELS,))
    named = [msgspec.structs.replace(finding, detector=label_feed.NAME) for finding in soft]
    return _merged([*named, hard])


def _arrivals(rates: Rates, found: Contents) -> list[Finding]:
    """Repeated rows, and the longest silence to the window's end: for the reader alone."""
    rows, end = found.rows.num_rows, micros_of(found.window.end)
    silence = arrivals.longest_silence(micros(found.rows["at"]), end)
    shown = [arrivals.freshness(silence, rows, np.array(rates.usual_silences))]
    features = found.scope.schema.features
    if found.has_features and rates.usual_repeats and rows * len(features) <= MOST_CELLS:
        columns = samples(found.rows, {column.name: column.kind for column in features})
        repeated = arrivals.repeats(list(columns.values()))
        shown.append(arrivals.duplicates(repeated, rows, np.array(rates.usual_repeats)))
    return shown


def _repeats(scope: Scope, parts: Sequence[Part]) -> tuple[float, ...]:
    kinds = {column.name: column.kind for column in scope.schema.features}
    parts = [part for part in parts if part.has_values]
    if not kinds or sum(part.rows.num_rows for part in parts) * len(kinds) > MOST_CELLS:
        return ()
    return tuple(
        arrivals.repeats(list(samples(part.rows, kinds).values())) / part.rows.num_rows
        for part in parts
        if part.rows.num_rows
    )


def _silences(parts: Sequence[Part]) -> tuple[float, ...]:
    known = [part for part in parts if part.has_values]
    found = [arrivals.longest_silence(micros(part.rows["at"]), 0) for part in known]
    return tuple(seconds for seconds in found if seconds is not None)


def _names(columns: Sequence[str]) -> tuple[str, ...]:
    return (volume.NAME, *(f"{missing.NAME}:{column}" for column in columns))


def _inputs(window: Sequence[Tally], part: Part) -> list[float]:
    return [float(part.rows.num_rows), *_missing(window)]


def _missing(tallies: Sequence[Tally]) -> list[float]:
    return [t.missing / t.rows if t.rows else float("nan") for t in tallies]


def _merged(findings: Sequence[Finding]) -> list[Finding]:
    """One finding a column and detector: a failed one, else a judged one, else the last."""
    kept: dict[tuple[str, str], Finding] = {}
    for finding in findings:
        key = (finding.column, finding.detector)
        before = kept.get(key)
        if before is None or _weight(finding) > _weight(before):
            kept[key] = finding
    return list(kept.values())


def _weight(finding: Finding) -> int:
    return (finding.verdict is Verdict.FAILED) + (finding.verdict in JUDGED)
