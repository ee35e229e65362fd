"""Whether the budget was kept: what operators said of the alerts beside what was allowed.

Only what somebody looked at counts. The rate of false alarms a period gets the posterior of a
Poisson count under Jeffreys' prior, Gamma with shape 0.5 plus the false alarms and rate the periods
observed; less than one period counts as one, so that a first false alarm breaks nothing.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec

from controlplane.domain.alerts import AlarmVerdict, Alert
from controlplane.domain.decisions import Evidence
from controlplane.domain.holding import Condition
from controlplane.domain.policy import FalseAlarms
from detectors.tail_arrays import gamma_quantile

BROKEN: Final = "budget"
"""The condition, and its alert, that more alarms were false than the budget allows."""
_PRIOR: Final = 0.5
_LOW: Final = 0.10
"""The bound that the rate lies above with 90 %."""


class Audit(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a model's alerts since its thresholds were set.

    `periods` is how many budget periods that is; `low` and `high` bound the rate of false alarms a
    period with 90 % each, `rate` is its mean.
    """

    since: datetime
    periods: float
    alerts: int
    true_alarms: int
    false_alarms: int
    unjudged: int
    allowed: float
    rate: float
    low: float
    high: float

    @property
    def is_broken(self) -> bool:
        """Whether the rate lies above what is allowed with 90 %."""
        return self.low > self.allowed


def audit(
    alerts: Sequence[Alert], allowed: FalseAlarms, since: datetime, now: datetime
) -> Audit:  # fmt: skip
    """The alerts fired in `[since, now]`, with what operators said of them; not this one's own."""
    fired = [a for a in alerts if since <= a.fired_at <= now and a.condition != BROKEN]
    said = [alert.verdict for alert in fired]
    false = said.count(AlarmVerdict.FALSE_ALARM)
    periods = max((now - since) / allowed.period, 1.0)
    shape = _PRIOR + false
    return Audit(
        since=since, periods=max((now - since) / allowed.period, 0.0), alerts=len(fired),
        true_alarms=said.count(AlarmVerdict.TRUE_ALARM), false_alarms=false,
        unjudged=said.count(None), allowed=allowed.count, rate=shape / periods,
        low=gamma_quantile(_LOW, shape) / periods, high=gamma_quantile(1.0 - _LOW, shape) / periods,
    )  # fmt: skip


def kept(found: Audit | None, window: str | None, period: timedelta) -> list[Condition]:
    """The condition that the budget is broken; none while nobody has judged an alert."""
    if found is None or not found.true_alarms + found.false_alarms:
        return []
    days = period / timedelta(days=1)
    says = (
        f"{found.false_alarms} of {found.alerts} alerts since {found.since:%Y-%m-%d} were false: "
        f"{found.low:.2g} to {found.high:.2g} false alarms per {days:g} days, "
        f"{found.allowed:g} allowed"
    )
    if not found.is_broken:
        return [Condition(name=BROKEN, holds=False, window=window, says=says)]
    told = f"the false-alarm budget is broken: {says}; `leeboard budget recalibrate` mends it"
    figures: dict[str, float | None] = {
        "low": found.low,
        "high": found.high,
        "false_alarms": float(found.false_alarms),
    }
    cited = Evidence(kind="audit", id=BROKEN, says=says, figures=figures)
    return [Condition(name=BROKEN, holds=True, says=told, evidence=(cited,))]
