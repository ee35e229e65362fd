"""Model files become generations; models come and go."""

from collections.abc import Callable
from datetime import datetime

import msgspec

from controlplane.clock import Clock
from controlplane.domain.alerts import Alert, Delivery
from controlplane.domain.batches import KeyedBatch
from controlplane.domain.decisions import Decision
from controlplane.domain.errors import Conflict, NotFound, Refused
from controlplane.domain.guards import Guard
from controlplane.domain.importances import Importance
from controlplane.domain.models import Generation, Model, Plan, Timing
from controlplane.domain.names import model_name
from controlplane.domain.policy import Policy
from controlplane.domain.records import Record
from controlplane.domain.references import Reference
from controlplane.domain.reigns import Reign
from controlplane.domain.runs import Run
from controlplane.domain.schema import Schema, Task
from controlplane.domain.trials import Trial
from controlplane.domain.versions import Version
from controlplane.domain.windows import Score, Window
from controlplane.policy.plan import changes_between, not_yet
from controlplane.store.ports import Store, Transaction

KINDS: tuple[type[Record], ...] = (
    Alert, Decision, Delivery, Generation, Guard, Importance, KeyedBatch, Model, Reference, Reign, Run, Score,
    Trial, Version, Window,
)  # fmt: skip


class File(msgspec.Struct, frozen=True, kw_only=True):
    """A model file that was sent, and what was said beside it."""

    name: str
    policy: Policy
    text: str
    dry_run: bool = False
    timing: Timing | None = None
    timed: bool | None = None
    by: str


class Applying:
    """Applies, stops and purges models; `parse` checks a file's text."""

    def __init__(self, store: Store, clock: Clock, parse: Callable[[str, str], Policy]) -> None:
        self._store = store
        self._clock = clock
        self._parse = parse

    def apply(self, name: str, text: str, **said: object) -> Plan:
        """Check a model file and make it the model's next generation."""
        model_name(name)
        policy = self._parse(text, name)
        if policy.model != name:
            message = f"the file is of model {policy.model!r}; it was sent to {name!r}"
            raise Refused(message)
        file = File(name=name, policy=policy, text=text, **said)  # type: ignore[arg-type]
        if file.dry_run:
            with self._store.read() as view:
                current = view.ledger.get(Model, name)
                before = _generation(view.ledger.get, current)
            return _plan(file, current, before, applied=False)
        return self._store.write(lambda t: self._apply(t, file)).result()

    def stop(self, model: str, *, by: str) -> Model:
        """Switch all actions of a model off; monitoring goes on and its data stay."""

        def work(t: Transaction) -> Model:
            record = _there(t, model)
            frozen = msgspec.structs.replace(record, frozen=f"stopped by {by}")
            t.ledger.put(frozen)
            t.ledger.journal(model=model, at=self._clock.now(), kind="stopped", subject=model,
                             by=by, facts={})  # fmt: skip
            return frozen

        return self._store.write(work).result()

    def purge(self, model: str, *, by: str) -> None:
        """Delete everything stored of a model; the journal keeps that it was there."""

        def work(t: Transaction) -> None:
            _there(t, model)
            for kind in KINDS:
                t.ledger.remove(kind, model=model)
            t.events.drop(model)
            t.ledger.journal(model=model, at=self._clock.now(), kind="purged", subject=model,
                             by=by, facts={})  # fmt: skip

        self._store.write(work).result()

    def _apply(self, t: Transaction, file: File) -> Plan:
        current = t.ledger.get(Model, file.name)
        before = _generation(t.ledger.get, current)
        plan = _plan(file, current, before, applied=True)
        if current is not None and not plan.changes:
            return plan
        now = self._clock.now()
        model = _updated(current, file, plan.generation, now)
        if model.schema is not None:
            t.events.prepare(file.name, model.schema)
        t.ledger.put(model)
        t.ledger.put(
            Generation(
                id=f"{file.name}/{plan.generation}",
                model=file.name,
                number=plan.generation,
                policy=file.policy,
                text=file.text,
                applied_at=now,
                applied_by=file.by,
                changes=tuple(plan.changes),
            )
        )
        t.ledger.journal(model=file.name, at=now, kind="applied", subject=str(plan.generation),
                         by=file.by, facts={"changes": list(plan.changes)})  # fmt: skip
        return plan


def _there(t: Transaction, model: str) -> Model:
    record = t.ledger.get(Model, model)
    if record is None:
        message = f"there is no model called {model!r}"
        raise NotFound(message)
    return record


def _generation(get: Callable[..., Generation | None], model: Model | None) -> Generation | None:
    return get(Generation, f"{model.model}/{model.generation}") if model else None


def _plan(file: File, current: Model | None, before: Generation | None, *, applied: bool) -> Plan:
    if current is not None and file.timing is not None and file.timing is not current.timing:
        message = f"{file.name} is {current.timing} since it was made; delete it to change that"
        raise Conflict(message)
    if before is not None and before.policy.task is not file.policy.task:
        message = f"{file.name} is {before.policy.task}; another task is another model"
        raise Conflict(message)
    if changes := changes_between(before.policy if before else None, file.policy):
        changes = (*changes, *not_yet(file.policy))
    number = (before.number if before else 0) + (1 if before is None or changes else 0)
    return Plan(
        model=file.name, generation=number, created=current is None, changes=tuple(changes),
        applied=applied,
    )  # fmt: skip


def _updated(current: Model | None, file: File, generation: int, now: datetime) -> Model:
    if current is None:
        return Model(
            id=file.name, model=file.name, timing=file.timing or Timing.LIVE,
            timed=file.timed is not False, generation=generation, created_at=now,
            schema=_schema(file.policy), frozen=None,
            stepped=None if file.timing is Timing.REPLAY else now,
        )  # fmt: skip
    schema = _schema(file.policy) or current.schema
    return msgspec.structs.replace(current, generation=generation, schema=schema)


def _schema(policy: Policy) -> Schema | None:
    """The schema that a file declares; None where it is left to the first rows."""
    if policy.features is None:
        return None
    return schema_of(policy, policy.features)


def schema_of(policy: Policy, features: tuple) -> Schema:  # type: ignore[type-arg]
    """A policy's schema over given features."""
    return Schema(
        task=policy.task, features=tuple(features), prediction=policy.prediction,
        scores=scores_of(policy), positive=policy.label.positive,
    )  # fmt: skip


def scores_of(policy: Policy) -> dict[str, str]:
    """Class to the column that carries its score."""
    if policy.task is Task.REGRESSION:
        return {}
    if isinstance(policy.scores, str):
        return {policy.label.positive or "true": policy.scores}
    return dict(policy.scores)
