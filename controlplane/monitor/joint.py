"""All features together in the budget of drift: what no column shows alone."""

from collections.abc import Mapping, Sequence

import msgspec

from controlplane.monitor.dates import compared
from controlplane.monitor.material import Material, Part
from controlplane.monitor.scope import Scope
from controlplane.monitor.showing import frozen_of
from detectors.finding import Sample
from detectors.moments import Moments
from detectors.scores import Scores
from detectors.tables import together
from detectors.tables.summed import Frozen, Sums, counted
from detectors.tables.table import Table
from detectors.thresholds import GUMBEL_FROM


def whole_of(scope: Scope, columns: Mapping[str, Sample]) -> Frozen | None:
    """What is frozen of a reference's rows with all their columns; None where drift is not asked."""
    if scope.policy.monitors.drift is None or not columns:
        return None
    return frozen_of(columns)


def are_judged_together(scope: Scope, windows: int) -> bool:
    """Whether so many windows make the budget judge all features together.

    Not where the model file leaves some of them out; nor by fewer than 14 windows, since the
    threshold of so few rises with every score that there is.
    """
    drift = scope.policy.monitors.drift
    return drift is not None and drift.columns is None and windows >= GUMBEL_FROM


def calibrating(scope: Scope, whole: Frozen | None, material: Material) -> Sequence[Scores]:
    """The scores of calibration windows whose rows are at hand; none where they are not judged.

    `whole` is frozen of the reference's rows.
    """
    if whole is None or not are_judged_together(scope, len(material.parts)):
        return ()
    features = compared(scope, material.sample)
    parts = [table_of(compared(scope, part.rows, features)) for part in material.parts]
    inside = [part.inside for part in material.parts]
    sums = together.calibrating(whole, table_of(features), parts, inside)
    return together.scores(whole, sums, inside)


def calibrating_sums(
    scope: Scope, whole: Frozen | None, windows: Sequence[Sums], inside: Sequence[bool],
    fitted: Sequence[bool],
) -> Sequence[Scores]:  # fmt: skip
    """The same of windows that are known by their sums; `fitted[i]`: components fit window i's rows.

    They do so better than later ones, so the errors of such windows do not calibrate.
    """
    if whole is None or not are_judged_together(scope, len(windows)):
        return ()
    unknown = Moments(0, 0.0, 0.0)
    sums = [
        msgspec.structs.replace(one, errors=unknown) if known else one
        for one, known in zip(windows, fitted, strict=True)
    ]
    return together.scores(whole, sums, inside)


def without_own(
    scope: Scope, whole: Frozen | None, material: Material, parts: Sequence[Part]
) -> tuple[Frozen | None, ...]:
    """What each of some calibration windows is compared with, its own rows no part of it; nothing
    where all features together are not judged."""
    if whole is None or not are_judged_together(scope, len(material.parts)):
        return (None,) * len(parts)
    features = compared(scope, material.sample)
    tables = [table_of(compared(scope, part.rows, features)) for part in parts]
    inside = [part.inside for part in parts]
    fitted = together.left_out(whole, table_of(features), tables, inside)
    return tuple(
        together.others(msgspec.structs.replace(whole, components=own), counted(whole, table))
        if held else whole
        for own, table, held in zip(fitted, tables, inside, strict=True)
    )  # fmt: skip


def table_of(columns: Mapping[str, Sample]) -> Table:
    """Columns of the same rows as one table."""
    return Table(tuple(columns.values()))


def judged_scores(whole: Frozen | None, window: Sums | None) -> Sequence[Scores]:
    """The scores of a window, as far as there is anything to compare it with."""
    if whole is None or window is None:
        return ()
    return together.scores(whole, [window], [False])
