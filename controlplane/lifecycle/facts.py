"""What the monitors say of a model at an instant: its conditions, and which windows are new."""

from datetime import datetime
from typing import Final

import msgspec

from controlplane.domain.conditions import Condition, conditions_of
from controlplane.domain.conditions import Facts as Found
from controlplane.domain.decisions import Decision, DecisionKind
from controlplane.domain.models import Model
from controlplane.domain.policy import Policy, TriggerKind
from controlplane.domain.versions import Version
from controlplane.domain.windows import Score
from controlplane.store.ports import Snapshot

SCORES: Final = 24
"""How many of the newest scores the conditions look back on; a window has up to two of them."""


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """The conditions as they stand, and the windows that were scored at this very instant."""

    conditions: tuple[Condition, ...]
    fresh: frozenset[str]


def facts_at(view: Snapshot, model: Model, policy: Policy, now: datetime) -> Facts:
    """Look at the newest scores; where the file asks for it, count the new labels."""
    champion = _champion(view, model)
    newest = view.ledger.find(Score, model=model.model, newest_first=True, limit=SCORES)
    scores = tuple(score for score in reversed(newest) if score.scored_at <= now)
    found = Found(
        now=now, champion=champion, scores=scores,
        new_labels=_new_labels(view, model, policy, champion, now),
    )  # fmt: skip
    fresh = frozenset(s.window for s in scores if s.scored_at == now and s.revision in {0, 1})
    return Facts(conditions=conditions_of(policy, found), fresh=fresh)


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
    decisions = view.ledger.find(Decision, model=model.model, newest_first=True, limit=SCORES)
    runs = [d.model_time for d in decisions if d.kind is DecisionKind.RETRAIN]
    labels = view.events.new_labels(model.model, max([champion.made_at, *runs]), now)
    return int(labels.num_rows)
