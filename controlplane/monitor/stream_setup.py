"""Setting a stream up for a reign: its scale, its bound, its part of the budget, its false alarms.

Measured once, when the reign's first window is read, and kept with the stream.
"""

from datetime import timedelta
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from controlplane.domain.budget import families_of, family_of, shares_of
from controlplane.domain.models import LossScale
from controlplane.domain.names import digest, seed_of
from controlplane.domain.policy import Stream as Asked
from controlplane.domain.reigns import Reign
from controlplane.domain.streams import AUTO, ERROR, PART, Setup, Stream
from controlplane.domain.versions import Version
from controlplane.monitor.scope import Scope
from controlplane.monitor.stream_values import Read, is_right_or_wrong, reference
from controlplane.store.ports import Snapshot
from detectors.streaming.catalogue import ANSWERS, CATALOGUE, ERRORS, begin
from detectors.streaming.rates import CORRELATED, FEWEST, Tuned, correlation, tuned, upper_limit
from detectors.streaming.state import State, Values

MARGIN: Final = 0.05
"""The bound lies this share above the upper limit of the reference's mean."""
SPANS: Final = (timedelta(minutes=5), timedelta(hours=1), timedelta(hours=6), timedelta(days=1))
"""Over which means are read where neighbouring values resemble each other."""
_LOW, _HIGH = 0.001, 0.999


def made_of(scope: Scope, reign: Reign, asked: Asked) -> str:
    """A name for everything that a stream is set up for."""
    return digest(
        "s", 1, scope.model.created_at, reign.id, reign.decision, asked, scope.policy.false_alarms,
        scope.loss, scope.calendar.every, scope.calendar.rows,
    )  # fmt: skip


def set_up(view: Snapshot, scope: Scope, reign: Reign, asked: Asked) -> Stream | None:
    """The stream of a reign that has read nothing; None where errors have no scale yet."""
    version = view.ledger.get(Version, f"{scope.name}/{reign.version}")
    scale = None if version is None else version.scale
    has_scale = scale is not None and scale.loss_cap > 0.0
    if asked.on == ERROR and not has_scale:
        return None
    detector = asked.detector
    if detector == AUTO:
        detector = "e_sr" if asked.on == ERROR else "adwin"
    wrong = is_right_or_wrong(scope, CATALOGUE[detector].reads)
    found = reference(view, scope, reign, asked.on, wrong=wrong)
    setup, state = _measured(scope, asked, detector, found, None if wrong else scale)
    return Stream(
        id=f"{reign.id}/{asked.on}", model=scope.name, version=reign.version, reign=reign.id,
        made_of=made_of(scope, reign, asked), on=asked.on, setup=setup, detector=state,
        begun_at=scope.instant,
    )  # fmt: skip


def scaled(setup: Setup, values: Values, reads: str) -> Values:
    """Values in the units in which they are read; 0 and 1 for detectors of errors and answers.

    There, a value above the reference's mean is an error.
    """
    within = np.clip((values - setup.low) / (setup.high - setup.low), 0.0, 1.0)
    if reads not in {ERRORS, ANSWERS}:
        return within
    mean = known_mean(setup)
    errors = (within > (mean if 0.0 < mean < 1.0 else 0.5)).astype(np.float64)
    return errors if reads == ERRORS else 1.0 - errors


def known_mean(setup: Setup) -> float:
    """The reference's mean in the units of what is read; one half where it is not known."""
    return 0.5 if setup.mean is None else setup.mean


def spanned(setup: Setup, read: Read, values: Values) -> tuple[Values, NDArray[np.int64]]:
    """The values, or their means over spans, and the place of the last row of each."""
    if setup.span_seconds is None or not values.size:
        return values, np.arange(values.size)
    spans = read.at // int(setup.span_seconds * 1e6)
    last = np.flatnonzero(np.append(spans[1:] != spans[:-1], True))
    first = np.concatenate(([0], last[:-1] + 1))
    return np.add.reduceat(values, first) / (last - first + 1), last


def _measured(
    scope: Scope, asked: Asked, detector: str, found: Read, scale: LossScale | None
) -> tuple[Setup, State]:
    """The setup on a reference's values, and the detector as it keeps its share of the budget."""
    setup = _scale(scope, asked, found, scale)
    reads = CATALOGUE[detector].reads
    if setup is None:
        why = "there are no values of a reference to scale it by"
        return Setup(share=_share(scope, asked.on), refused=why), begin(
            detector, dict(asked.params)
        )
    values = scaled(setup, found.values, reads)
    if reads not in {ERRORS, ANSWERS} and values.size >= FEWEST:
        setup = _prewhitened(setup, found, values)
        values, _ = spanned(setup, found, values)
    per_period = _per_period(scope, setup, found)
    params = dict(asked.params)
    if "bound" in CATALOGUE[detector].parameters:
        params.setdefault("bound", _bound(values, scale))
        params.setdefault("run_length", min(max(per_period / setup.share, 20.0), 1e15))
    if values.size < FEWEST:
        return setup, begin(detector, params)
    seed = seed_of(f"{scope.name} {asked.on} {detector}")
    kept = tuned(detector, params, values, share=setup.share, per_period=per_period, seed=seed)
    return _noted(setup, detector, kept, begin(detector, kept.params or params))


def _noted(setup: Setup, detector: str, kept: Tuned, state: State) -> tuple[Setup, State]:
    """The setup with what was measured, and in words what had to be changed for it."""
    notes, why = setup.notes, None
    share, before, after = setup.share, kept.before.alarms, kept.rate.alarms
    if kept.params is None:
        why = (
            f"{detector} has {after:.3g} false alarms a period on the reference at its strictest, "
            f"of {share:.3g} that it may have"
        )
    elif after != before:
        name = CATALOGUE[detector].strictness
        note = (
            f"the stream's {name} is {state.params[name]:.4g}, so that {detector} keeps to "
            f"{share:.3g} false alarms a period; before, it had {before:.3g}"
        )
        notes = (*notes, note)
    setup = msgspec.structs.replace(
        setup, alarms=after, periods=kept.rate.periods, notes=notes, refused=why
    )
    return setup, state


def _scale(scope: Scope, asked: Asked, found: Read, scale: LossScale | None) -> Setup | None:
    share = _share(scope, asked.on)
    if asked.on == ERROR:
        cap = 1.0 if scale is None else scale.loss_cap
        mean = None if scale is None else min(scale.reference_loss / cap, 1.0)
        if found.values.size >= FEWEST:
            mean = float(np.clip(found.values / cap, 0.0, 1.0).mean())
        return Setup(high=cap, mean=mean, rows=found.values.size, share=share)
    if found.values.size < FEWEST:
        return None
    low, high = (float(bound) for bound in np.quantile(found.values, [_LOW, _HIGH]))
    if high <= low:
        high = low + 1.0
    mean = float(np.clip((found.values - low) / (high - low), 0.0, 1.0).mean())
    return Setup(low=low, high=high, mean=mean, rows=found.values.size, share=share)


def _prewhitened(setup: Setup, found: Read, values: Values) -> Setup:
    """With spans where neighbours resemble each other: the shortest whose means do not."""
    if correlation(values) <= CORRELATED:
        return setup
    best = setup
    for span in SPANS:
        tried = msgspec.structs.replace(setup, span_seconds=span.total_seconds())
        means, _ = spanned(tried, found, values)
        if means.size < FEWEST:
            break
        best = tried
        if correlation(means) <= CORRELATED:
            break
    if best.span_seconds is None:
        return setup
    note = (
        f"neighbouring values resemble each other (r = {correlation(values):.2f}), so the stream "
        f"reads means over {timedelta(seconds=best.span_seconds)}"
    )
    return msgspec.structs.replace(best, notes=(*best.notes, note))


def _bound(values: Values, scale: LossScale | None) -> float:
    """The upper limit of the reference's mean and a margin, in the units of what is read.

    Of a mean whose values are not known, the error is at most that of zeros and ones.
    """
    if values.size >= FEWEST:
        limit = upper_limit(values)
    elif scale is None:
        limit = 0.5
    else:
        mean = min(scale.reference_loss / scale.loss_cap, 1.0)
        limit = mean + 1.645 * float(np.sqrt(mean * (1.0 - mean) / max(scale.rows, 1)))
    return min(max(limit * (1.0 + MARGIN), 1e-6), 1.0)


def _per_period(scope: Scope, setup: Setup, found: Read) -> float:
    """How many values a budget period has, from how dense the reference's are."""
    period = scope.policy.false_alarms.period
    spacing = np.diff(found.at)
    usual = float(np.median(spacing[spacing > 0])) / 1e6 if (spacing > 0).any() else 3600.0
    if found.at.size >= FEWEST and found.at[-1] > found.at[0]:
        usual = max(float(found.at[-1] - found.at[0]) / 1e6 / found.at.size, 1e-6)
    each = usual if setup.span_seconds is None else max(setup.span_seconds, usual)
    return max(period.total_seconds() / each, 1.0)


def _share(scope: Scope, on: str) -> float:
    """The false alarms a period that a stream may have: half of what its family has."""
    family = family_of(on)
    used = {*families_of(scope.policy.monitors), family}
    return shares_of(used)[family] * scope.policy.false_alarms.count * PART
