"""Builders of domain values for tests of decisions: what does not matter is filled in."""

from datetime import datetime, timedelta

import msgspec

from controlplane.domain.alerts import Alert, Delivery, Severity
from controlplane.domain.conditions import Condition
from controlplane.domain.decisions import Decision, DecisionKind, Evidence
from controlplane.domain.guards import Guard
from controlplane.domain.models import LossScale, Model, Timing
from controlplane.domain.runs import Run
from controlplane.domain.situation import Situation
from controlplane.domain.states import RunState
from controlplane.domain.trials import Block, Progress, Trial
from controlplane.domain.versions import Version
from tests.voyage import SERVED, WEEK, a_file

DAY = timedelta(days=1)
NOW = SERVED + 5 * WEEK


def a_model(**changes: object) -> Model:
    """A replay with weekly windows whose champion is v1."""
    model = Model(id="boats", model="boats", timing=Timing.REPLAY, generation=1,
                  created_at=SERVED, champion="v1", moves=1, every_seconds=WEEK.total_seconds())  # fmt: skip
    return msgspec.structs.replace(model, **changes)


def a_version(name: str = "v1", **changes: object) -> Version:
    """A version with a loss of 1 on rows it had not seen."""
    version = Version(
        id=f"boats/{name}", model="boats", version=name, number=int(name[1:]), made_at=SERVED,
        run=f"r_{name}", sha256="0" * 64, trainer="builtin", rows_trained=500,
        scale=LossScale(reference_loss=1.0, loss_cap=4.0, rows=300),
    )  # fmt: skip
    return msgspec.structs.replace(version, **changes)


def a_situation(**changes: object) -> Situation:
    """Nothing is going on: v1 serves, nothing holds, nothing was ever asked for."""
    policy = changes.pop("policy", None) or a_file()
    situation = Situation(now=NOW, model=a_model(), policy=policy, champion=a_version())
    return msgspec.structs.replace(situation, **changes)


def a_condition(name: str = "performance", **changes: object) -> Condition:
    """A trigger that holds, on a window that was scored just now."""
    condition = Condition(
        name=name, trigger=0, holds=True, window="w5", says=f"{name} is worse",
        evidence=(Evidence(kind="score", id="w5/1", says=f"{name} is worse"),),
    )  # fmt: skip
    return msgspec.structs.replace(condition, **changes)


def asked(**changes: object) -> Situation:
    """A situation in which a trigger speaks."""
    return a_situation(**{"conditions": (a_condition(),), "fresh": frozenset({"w5"}), **changes})


def a_decision(kind: DecisionKind, subject: str = "v1", **changes: object) -> Decision:
    """A decision of the policy, made long ago."""
    decision = Decision(
        id=f"d_{kind}", model="boats", kind=kind, subject=subject, generation=1,
        model_time=SERVED, says="because",
    )  # fmt: skip
    return msgspec.structs.replace(decision, **changes)


def a_run(number: int = 1, state: RunState = RunState.FAILED, **changes: object) -> Run:
    """A run that failed."""
    run = Run(
        id=f"r_{number}", model="boats", state=state, decision=f"d_{number}", generation=1,
        requested_at=SERVED + number * DAY, trainer="builtin", seed=1, reason="exited with 1",
    )  # fmt: skip
    return msgspec.structs.replace(run, **changes)


def a_progress(low: float | None, high: float | None, **changes: object) -> Progress:
    """Bounds after 14 days of 24 rows on which the champion lost 1."""
    middle = None if low is None or high is None else (low + high) / 2
    progress = Progress(
        blocks=14, rows=336, at=NOW, difference=middle, low=low, high=high, loss_champion=1.0,
        loss_candidate=1.0 - (middle or 0.0),
    )  # fmt: skip
    return msgspec.structs.replace(progress, **changes)


def a_trial(**changes: object) -> Trial:
    """v2 against v1, with the policy's own margin of 5 %."""
    trial = Trial(
        id="t_1", model="boats", decision="d_t", generation=1, champion="v1", candidate="v2",
        opened_at=SERVED, start=SERVED, metric="mae", gain=0.0, margin_share=0.05,
        margin_absolute=None, confidence=0.95, stop_blocks=28,
    )  # fmt: skip
    return msgspec.structs.replace(trial, **changes)


def a_block(day: int, champion: float, candidate: float, rows: int = 24) -> Block:
    """The paired losses of a day."""
    start = SERVED + day * DAY
    return Block(start=start, end=start + DAY, rows=rows, loss_champion=champion,
                 loss_candidate=candidate)  # fmt: skip


def a_guard(**changes: object) -> Guard:
    """v2 watched against v1 for two weeks."""
    guard = Guard(
        id="g_1", model="boats", decision="d_p", generation=1, version="v2", previous="v1",
        started_at=SERVED, start=SERVED, until=SERVED + 14 * DAY, metric="mae", margin=0.05, loss_cap=4.0,
        threshold=2160.0,
    )  # fmt: skip
    return msgspec.structs.replace(guard, **changes)


def an_alert(condition: str = "performance", **changes: object) -> Alert:
    """An alert that fires."""
    alert = Alert(
        id=f"a_{condition}", model="boats", fingerprint=f"f_{condition}", condition=condition,
        severity=Severity.WARNING, summary="it got worse", fired_at=SERVED,
    )  # fmt: skip
    return msgspec.structs.replace(alert, **changes)


def a_delivery(name: str = "msg_1", *, at: datetime = SERVED, **changes: object) -> Delivery:
    """A message to `ops` that is due."""
    delivery = Delivery(
        id=name, model="boats", receiver="ops", alert="a_performance", type="alert.fired",
        body="{}", queued_at=at, due_at=at,
    )  # fmt: skip
    return msgspec.structs.replace(delivery, **changes)
