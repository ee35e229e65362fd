"""What a model's windows are scored with at one instant: its file, its calendar, its champions."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec
import pyarrow.compute as pc

from controlplane.domain.budget import Budget, budget_of, families_of
from controlplane.domain.errors import StorageError
from controlplane.domain.grid import HOUR
from controlplane.domain.lengths import default_every
from controlplane.domain.models import Generation, Model, Timing
from controlplane.domain.policy import Policy
from controlplane.domain.reigns import Reign, champion_at
from controlplane.domain.schema import Schema
from controlplane.domain.windows import Calendar, calendar_of
from controlplane.policy.where import columns_asked
from controlplane.store.ports import EventsReader, Snapshot, Store, Transaction

MOMENT: Final = timedelta(microseconds=1)
LAST: Final = datetime(9999, 1, 1, tzinfo=UTC)


class Scope(msgspec.Struct, frozen=True, kw_only=True):
    """A model as its windows are scored at `instant`; nothing in it was learned later."""

    model: Model
    policy: Policy
    schema: Schema
    calendar: Calendar
    reigns: tuple[Reign, ...]
    instant: datetime

    @property
    def name(self) -> str:
        """The model's name."""
        return self.model.model

    @property
    def features(self) -> list[str]:
        """The names of the model's features."""
        return [column.name for column in self.schema.features]

    @property
    def segment_columns(self) -> list[str]:
        """The features that the model file's segments ask for, each once."""
        asked = [name for segment in self.policy.segments for name in columns_asked(segment)]
        return [name for name in dict.fromkeys(asked) if self.schema.kind_of(name) is not None]

    @property
    def loss(self) -> str:
        """The task's loss: what trials, guards and triggers compare."""
        return self.policy.trial.metric

    @property
    def ended_at(self) -> datetime | None:
        """When a replay's end was announced, at that very instant and after; None before."""
        announced = self.model.announced
        if not self.model.final or announced is None or self.instant < announced:
            return None
        return announced

    @property
    def is_watched(self) -> bool:
        """Whether the model is trained elsewhere, so that its windows need no champion."""
        return self.policy.trainer is None

    def champion_at(self, moment: datetime) -> str | None:
        """The version in force at a moment. Before the first one was, that first one; None for a
        live model that is trained elsewhere: it is watched whoever serves."""
        found = champion_at(self.reigns, moment)
        if found is not None or not self.reigns:
            return found
        is_live = self.model.timing is Timing.LIVE
        return None if self.is_watched and is_live else self.reigns[0].version

    def budget(self) -> Budget:
        """The false-alarm budget, shared out over the model's windows."""
        every = self.calendar.every or timedelta(seconds=self.model.every_seconds or 86_400.0)
        return budget_of(self.policy.false_alarms, every, families_of(self.policy.monitors))


def policy_of(view: Snapshot, model: Model) -> Policy:
    """The model file in force; raises StorageError where the ledger lacks it."""
    found = view.ledger.get(Generation, f"{model.model}/{model.generation}")
    if found is None:
        message = f"the ledger has no generation {model.generation} of {model.model}"
        raise StorageError(message)
    return found.policy


def open_scope(store: Store, name: str, instant: datetime) -> Scope | None:
    """The scope of a model at an instant, once there are rows to cut and a champion (a model that
    is trained elsewhere needs none); else None.

    Decides what only data can decide, and stores it with the model: where windows begin and how
    long they are.
    """
    with store.read() as view:
        model = view.ledger.get(Model, name)
        if model is None or model.schema is None:
            return None
        policy = policy_of(view, model)
        reigns = tuple(r for r in view.ledger.find(Reign, model=name) if r.since <= instant)
        decided = _decided(view.events, model, policy, reigns, instant)
    if decided != model:
        model = store.write(lambda t: _put(t, decided)).result()
    if model is None or model.schema is None:
        return None
    if policy.trainer is not None and (not reigns or model.champion is None):
        return None
    calendar = calendar_of(model, policy)
    if model.serving_from is None or (calendar.grid is None and calendar.rows is None):
        return None
    return Scope(
        model=model, policy=policy, schema=model.schema, calendar=calendar, reigns=reigns,
        instant=instant,
    )  # fmt: skip


def served_from(
    events: EventsReader, model: Model, policy: Policy, reigns: Sequence[Reign]
) -> datetime | None:
    """The event time at which windows begin: with the first row served under a champion.

    None until there are both. A model that is trained elsewhere needs no champion: its windows
    begin with the first row that it was served after it was made, not with its history.
    """
    is_live = model.timing is Timing.LIVE
    if model.serving_from is not None:
        return model.serving_from
    if is_live and policy.trainer is None:
        at = events.new_rows(model.model, model.created_at - MOMENT, LAST)["at"]
        first: datetime | None = pc.min(at).as_py()
        return first
    if not reigns:
        return None
    first = events.counts(model.model).first_served_at
    if first is None:
        return None
    return max(first, reigns[0].since) if is_live else first


def _decided(
    events: EventsReader, model: Model, policy: Policy, reigns: Sequence[Reign], instant: datetime
) -> Model:
    """The model with what its rows decide by now."""
    if (
        model.serving_from is None
        and (start := served_from(events, model, policy, reigns)) is not None
    ):
        origin = start if model.timing is Timing.REPLAY and model.origin is None else model.origin
        model = msgspec.structs.replace(model, serving_from=start, origin=origin)
    every = _every(events, model, policy, instant)
    if every is not None and model.every_seconds != every.total_seconds():
        model = msgspec.structs.replace(model, every_seconds=every.total_seconds())
    return model


def _every(
    events: EventsReader, model: Model, policy: Policy, instant: datetime
) -> timedelta | None:
    """The length of a window: the file's; else what was decided; else what the rows ask for.

    Counted windows are given the time that so many rows took so far.
    """
    if policy.windows.every is not None:
        return policy.windows.every
    if model.every_seconds is not None:
        return timedelta(seconds=model.every_seconds)
    calendar = calendar_of(model, policy)
    if calendar.rows is not None and not model.timed:
        return calendar.rows * HOUR
    hours = events.hours(model.model, instant)
    if calendar.rows is not None:
        rows = pc.sum(hours["rows"]).as_py() or 0
        if rows <= calendar.rows:
            return None
        span = pc.max(hours["last"]).as_py() - pc.min(hours["first"]).as_py()
        return timedelta(microseconds=float(span) * calendar.rows / rows)
    return default_every(
        dict(zip(hours["hour"].to_pylist(), hours["rows"].to_pylist(), strict=True))
    )


def _put(t: Transaction, decided: Model) -> Model | None:
    """What the data decided, into the model as it is now; None where it is gone."""
    current = t.ledger.get(Model, decided.id)
    if current is None:
        return None
    model = msgspec.structs.replace(
        current, serving_from=decided.serving_from, origin=decided.origin,
        every_seconds=decided.every_seconds,
    )  # fmt: skip
    t.ledger.put(model)
    return model
