"""The false-alarm budget: how thresholds came about, what they cost, and how it was kept."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import msgspec
from litestar import get, post
from litestar.status_codes import HTTP_200_OK

from controlplane.api import wire
from controlplane.api.asking import Recalibration, json_only, the_model
from controlplane.api.auth import Scope, needs
from controlplane.api.parts import By, Given
from controlplane.api.threads import in_thread
from controlplane.clock import Clock
from controlplane.domain.budget import Budget, Family, budget_of, families_of, in_words, lines_of
from controlplane.domain.models import Model
from controlplane.domain.moving import MOVING
from controlplane.domain.policy import Policy
from controlplane.domain.references import UNVERSIONED, Reference
from controlplane.domain.streams import Stream, line_of
from controlplane.domain.windows import Calendar, Window, calendar_of
from controlplane.lifecycle.by_hand import model_time
from controlplane.lifecycle.facts import audit_of
from controlplane.lifecycle.observe import file_in_force
from controlplane.monitor.lacking import FEWEST_APART, judged_from
from controlplane.monitor.yardstick import Yardstick, stored_in
from controlplane.store.ports import Snapshot
from detectors.laws import Calibration
from detectors.thresholds import FEWEST_WINDOWS

CALIBRATED = frozenset({Family.FEATURE_DRIFT, Family.PREDICTION_DRIFT, Family.QUALITY})
"""Families whose thresholds come from calibration windows."""
MOST_OPEN = 100
"""Among so many of the newest windows one that was scored is looked for."""


@get("/v1/models/{model:str}/budget", guards=[needs(Scope.READ)])
@in_thread
def get_budget(parts: Given, model: str) -> wire.Budget:
    """The false-alarm budget: shares, thresholds, what they rest on, and how it was kept."""
    with parts.store.read() as view:
        return budget_in(view, the_model(view.ledger, model), parts.clock)


@post(
    "/v1/models/{model:str}/recalibrate", guards=[needs(Scope.OPERATE), json_only],
    status_code=HTTP_200_OK,
)  # fmt: skip
@in_thread
def recalibrate_model(
    parts: Given, by: By, model: str, data: Recalibration | None = None
) -> wire.Budget:
    """Make the thresholds anew, with windows added in which nothing was wrong.

    Named windows, or those whose alerts were judged false. The next window is judged by them.
    """
    parts.actions.recalibrate(model, (data or Recalibration()).windows, by=by)
    with parts.store.read() as view:
        return budget_in(view, the_model(view.ledger, model), parts.clock)


def budget_in(view: Snapshot, model: Model, clock: Clock) -> wire.Budget:
    """The answer as the ledger has it."""
    record, policy = file_in_force(view.ledger, model.model)
    used = families_of(policy.monitors)
    calendar = calendar_of(record, policy)
    budget = budget_of(policy.false_alarms, calendar.every or timedelta(days=1), used)
    whose = model.champion or UNVERSIONED
    own = [r for r in view.ledger.find(Reference, model=model.model) if r.version == whose]
    reference = max(own, key=lambda r: r.made_at, default=None)
    yardstick = None if reference is None else stored_in(reference)
    found = dict(_calibrations(yardstick))
    streams = view.ledger.find(Stream, model=model.model, newest_first=True, limit=1)
    measured = [line_of(stream, budget.count) for stream in streams]
    lines = lines_of(budget, [line for line in measured if line is not None])
    coming = _coming(view, record, policy, calendar, reference)
    audit = audit_of(view, record, policy, model_time(record, clock.now()))
    drift = policy.monitors.drift
    return wire.Budget(
        model=model.model, count=budget.count, period_seconds=budget.period.total_seconds(),
        windows_a_period=budget.windows, safety=budget.safety,
        predicted=sum(line.alarms for line in lines),
        version=None if reference is None else reference.version,
        calibration_windows=coming.windows,
        confirmed_windows=0 if reference is None else len(reference.confirmed),
        recalibrated_at=None if reference is None else reference.recalibrated_at,
        families=[
            _family(budget, family, found.get(family), coming) for family in Family if family in used
        ],
        ledger=[msgspec.convert(msgspec.to_builtins(line), wire.BudgetLine) for line in lines],
        columns=[
            column for family, one in found.items() if one is not None
            for column in _columns(family, one)
        ],
        fixed={} if drift is None else dict(drift.thresholds),
        audit=None if audit is None else wire.BudgetAudit(
            since=audit.since, periods=audit.periods, alerts=audit.alerts,
            true_alarms=audit.true_alarms, false_alarms=audit.false_alarms,
            unjudged=audit.unjudged, rate=audit.rate, low=audit.low, high=audit.high,
            is_broken=audit.is_broken,
        ),
    )  # fmt: skip


class Coming(msgspec.Struct, frozen=True, kw_only=True):
    """How a model comes by calibration windows, and how many it has; `newest` was scored last.

    `moves` where its reference goes on with the windows, each of which is then one more.
    """

    calendar: Calendar
    policy: Policy
    newest: Window | None
    moves: bool
    windows: int


def _coming(
    view: Snapshot, model: Model, policy: Policy, calendar: Calendar, reference: Reference | None
) -> Coming:
    newest = view.ledger.find(Window, model=model.model, newest_first=True, limit=MOST_OPEN)
    scored = [window for window in newest if window.revision >= 0]
    before = reference is None and model.champion is None
    return Coming(
        calendar=calendar, policy=policy, newest=scored[0] if scored else None,
        moves=policy.reference.kind in MOVING or before or bool(reference and reference.spans),
        windows=0 if reference is None else reference.calibration_windows,
    )  # fmt: skip


def _calibrations(yardstick: Yardstick | None) -> Iterator[tuple[Family, Calibration | None]]:
    if yardstick is not None:
        yield Family.FEATURE_DRIFT, yardstick.drift
        yield Family.PREDICTION_DRIFT, yardstick.answer_drift
        if yardstick.rates is not None:
            yield Family.QUALITY, yardstick.rates.inputs


def _family(
    budget: Budget, family: Family, found: Calibration | None, coming: Coming
) -> wire.BudgetFamily:
    share = budget.shares[family]
    needs = _needs(family, found, coming)
    when = None
    if needs and coming.moves and coming.newest is not None:
        when = judged_from(coming.calendar, coming.policy.reference, coming.newest, needs)
    return wire.BudgetFamily(
        family=family, share=share, alarms_allowed=share * budget.count,
        alpha=budget.alpha(family), windows=0 if found is None else found.windows,
        counted_as=0 if found is None else found.windows if found.worth is None else found.worth,
        mode="pooled" if found is None else found.mode,
        season=None if found is None or found.season is None else found.season.name,
        threshold=None if found is None else found.threshold,
        tail=None if found is None else found.tail,
        conformal=None if found is None else found.conformal,
        trustworthy=found is None or found.trustworthy,
        basis=None if found is None else found.basis, needs=needs, judged_from=when,
        says=_says(family, found, coming, needs, when),
    )  # fmt: skip


def _needs(family: Family, found: Calibration | None, coming: Coming) -> int:
    """How many calibration windows are missing; none of families that windows do not calibrate."""
    if found is not None:
        return found.needs
    if family not in CALIBRATED or not coming.moves:
        return 0
    return max(FEWEST_WINDOWS - coming.windows, 0)


def _says(
    family: Family, found: Calibration | None, coming: Coming, needs: int, when: datetime | None
) -> str:
    said = in_words(family, found)
    if found is None and family in CALIBRATED and coming.moves and not needs:
        said = (
            f"made anew for every window from those before it, {coming.windows} for the newest; "
            "its findings hold its threshold"
        )
    if when is not None:
        said += f"; {needs} more windows, so from {when:%Y-%m-%d %H:%M} UTC on"
    elif needs and found is not None and found.threshold is None and not coming.moves:
        said += "; the reference holds no more: recalibrate with windows that you vouch for"
    if family in CALIBRATED and coming.calendar.overlap > 1 and coming.windows < FEWEST_APART:
        said += (
            f"; windows overlap, and until {FEWEST_APART} that do not can calibrate them they only "
            "inform"
        )
    return said


def _columns(family: Family, found: Calibration) -> Iterator[wire.BudgetColumn]:
    seen = {(one.column, one.detector): one for one in found.detectable}
    for fitted in found.scales:
        shift = seen.get((fitted.column, "*")) or seen.get((fitted.column, fitted.detector))
        part = f" of {fitted.part}" if fitted.part else ""
        yield wire.BudgetColumn(
            family=family, column=fitted.column, detector=fitted.detector + part,
            windows=fitted.windows, counted_as=fitted.counted, floor=fitted.floor, usual=fitted.effect,
            detectable=None if shift is None else shift.shift,
            unit="sd" if shift is None else shift.unit, reason=fitted.reason,
        )  # fmt: skip
