"""What the monitors say of a model at an instant: its conditions, and which windows are new."""

from datetime import datetime
from typing import Final

import msgspec

from controlplane.domain.alerts import Alert
from controlplane.domain.budget_audit import Audit, audit, kept
from controlplane.domain.conditions import Condition, conditions_of
from controlplane.domain.conditions import Facts as Found
from controlplane.domain.models import Model
from controlplane.domain.policy import Policy, TriggerKind
from controlplane.domain.references import Reference
from controlplane.domain.runs import Run
from controlplane.domain.versions import Version
from controlplane.domain.windows import Score, Window, calendar_of
from controlplane.store.ports import Snapshot

SCORES: Final = 24
"""How many of the newest scores of each revision the conditions look back on."""
REVISIONS: Final = ("0", "1")


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """The conditions as they stand, and the windows that were scored at this very instant."""

    conditions: tuple[Condition, ...]
    fresh: frozenset[str]


def facts_at(view: Snapshot, model: Model, policy: Policy, now: datetime) -> Facts:
    """Look at the newest scores; where the file asks for it, count the new labels."""
    champion = _champion(view, model)
    newest = [
        score
        for revision in REVISIONS
        for score in view.ledger.find(
            Score,
            model=model.model,
            states=[revision],
            newest_first=True,
            limit=_looked_back(model, policy),
        )
        if score.scored_at <= now
    ]
    scores = tuple(sorted(newest, key=lambda score: (score.start, score.end, score.revision)))
    judged = audit_of(view, model, policy, now)
    found = Found(
        now=now, champion=champion, scores=scores,
        new_labels=_new_labels(view, model, policy, champion, now),
        false_alarms=tuple(
            kept(judged, scores[-1].window if scores else None, policy.false_alarms.period)
        ),
        outlook=None if scores else _outlook(view, model, policy),
    )  # fmt: skip
    fresh = frozenset(score.window for score in scores if score.scored_at == now)
    return Facts(conditions=conditions_of(policy, found), fresh=fresh)


def audit_of(view: Snapshot, model: Model, policy: Policy, now: datetime) -> Audit | None:
    """What operators said of the alerts since the thresholds in force; None before there are any.

    Thresholds are in force since the champion's reference was made, or recalibrated by hand.
    """
    if model.champion is None:
        return None
    references = view.ledger.find(Reference, model=model.model)
    own = [r for r in references if r.version == model.champion and not r.spans]
    times = [time for r in own for time in (r.made_at, r.recalibrated_at) if time is not None]
    since = max(times, default=model.serving_from)
    if since is None:
        return None
    alerts = view.ledger.find(Alert, model=model.model, since=since)
    return audit(alerts, policy.false_alarms, since, now)


def _looked_back(model: Model, policy: Policy) -> int:
    """How many of the newest scores hold as many windows that do not overlap as triggers ask for."""
    overlap = calendar_of(model, policy).overlap
    asked = max((trigger.windows for trigger in policy.retrain.when), default=1)
    return max(SCORES, (asked + 1) * overlap) if overlap > 1 else SCORES


def _outlook(view: Snapshot, model: Model, policy: Policy) -> str:
    """When the first window of a model closes, as far as that can be told."""
    windows = view.ledger.find(Window, model=model.model, limit=1)
    if windows:
        return (
            f"the first window ends {windows[0].end:%Y-%m-%d %H:%M} UTC and is judged from "
            f"{windows[0].rows_close:%Y-%m-%d %H:%M} UTC on"
        )
    if model.serving_from is None:
        return "no live row came yet; windows begin with the first"
    if calendar_of(model, policy).grid is None:
        return (
            "how long windows are is told once there is a day of rows; windows.every in the model "
            "file says it at once"
        )
    return "the first window is about to begin"


def _champion(view: Snapshot, model: Model) -> Version | None:
    if model.champion is None:
        return None
    return view.ledger.get(Version, f"{model.model}/{model.champion}")


def _new_labels(
    view: Snapshot, model: Model, policy: Policy, champion: Version | None, now: datetime
) -> int | None:
    """Labels known since the champion was made or a run was last asked for."""
    asked = any(t.kind is TriggerKind.NEW_LABELS for t in policy.retrain.when)
    if champion is None or not asked:
        return None
    runs = view.ledger.find(Run, model=model.model, newest_first=True, limit=1)
    since = max([champion.made_at, *(run.requested_at for run in runs)])
    labels = view.events.new_labels(model.model, since, now)
    return int(labels.num_rows)
