"""The false-alarm budget: how thresholds came about, what they cost, and how it was kept."""

from collections.abc import Iterator
from datetime import timedelta

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
from controlplane.domain.policy import Policy
from controlplane.domain.references import Reference
from controlplane.domain.streams import Stream, line_of
from controlplane.domain.windows import calendar_of
from controlplane.lifecycle.by_hand import model_time
from controlplane.lifecycle.facts import audit_of
from controlplane.lifecycle.observe import file_in_force
from controlplane.monitor.yardstick import Yardstick, stored_in
from controlplane.store.ports import Snapshot
from detectors.laws import Calibration


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
    budget = budget_of(policy.false_alarms, _length(record, policy), used)
    own = [r for r in view.ledger.find(Reference, model=model.model) if r.version == model.champion]
    reference = max(own, key=lambda r: r.made_at, default=None)
    yardstick = None if reference is None else stored_in(reference)
    found = dict(_calibrations(yardstick))
    streams = view.ledger.find(Stream, model=model.model, newest_first=True, limit=1)
    measured = [line_of(stream, budget.count) for stream in streams]
    lines = lines_of(budget, [line for line in measured if line is not None])
    audit = audit_of(view, record, policy, model_time(record, clock.now()))
    drift = policy.monitors.drift
    return wire.Budget(
        model=model.model, count=budget.count, period_seconds=budget.period.total_seconds(),
        windows_a_period=budget.windows, safety=budget.safety,
        predicted=sum(line.alarms for line in lines),
        version=None if reference is None else reference.version,
        calibration_windows=0 if yardstick is None else yardstick.windows,
        confirmed_windows=0 if reference is None else len(reference.confirmed),
        recalibrated_at=None if reference is None else reference.recalibrated_at,
        families=[_family(budget, family, found.get(family)) for family in Family if family in used],
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


def _length(model: Model, policy: Policy) -> timedelta:
    """How long a window is; a day while nothing has decided it."""
    return calendar_of(model, policy).every or timedelta(days=1)


def _calibrations(yardstick: Yardstick | None) -> Iterator[tuple[Family, Calibration | None]]:
    if yardstick is not None:
        yield Family.FEATURE_DRIFT, yardstick.drift
        yield Family.PREDICTION_DRIFT, yardstick.answer_drift
        if yardstick.rates is not None:
            yield Family.QUALITY, yardstick.rates.inputs


def _family(budget: Budget, family: Family, found: Calibration | None) -> wire.BudgetFamily:
    share = budget.shares[family]
    return wire.BudgetFamily(
        family=family, share=share, alarms_allowed=share * budget.count,
        alpha=budget.alpha(family), windows=0 if found is None else found.windows,
        mode="pooled" if found is None else found.mode,
        season=None if found is None or found.season is None else found.season.name,
        threshold=None if found is None else found.threshold,
        tail=None if found is None else found.tail,
        conformal=None if found is None else found.conformal,
        trustworthy=found is None or found.trustworthy,
        basis=None if found is None else found.basis, needs=0 if found is None else found.needs,
        says=in_words(family, found),
    )  # fmt: skip


def _columns(family: Family, found: Calibration) -> Iterator[wire.BudgetColumn]:
    seen = {(one.column, one.detector): one for one in found.detectable}
    for fitted in found.scales:
        shift = seen.get((fitted.column, "*")) or seen.get((fitted.column, fitted.detector))
        part = f" of {fitted.part}" if fitted.part else ""
        yield wire.BudgetColumn(
            family=family, column=fitted.column, detector=fitted.detector + part,
            windows=fitted.windows, floor=fitted.floor, usual=fitted.effect,
            detectable=None if shift is None else shift.shift,
            unit="sd" if shift is None else shift.unit, reason=fitted.reason,
        )  # fmt: skip
