"""A lifecycle with memory, for tests of the API: it remembers what it was asked and can refuse."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from controlplane.api.actions import Upload
from controlplane.domain.alerts import Alert, Delivery
from controlplane.domain.conditions import Condition
from controlplane.domain.decisions import Decision, DecisionKind
from controlplane.domain.errors import NotFound
from controlplane.domain.importances import Importance
from controlplane.domain.models import Model, Plan, Timing
from controlplane.domain.references import Reference
from controlplane.domain.runs import Run
from controlplane.domain.trials import Trial
from controlplane.domain.versions import Version
from controlplane.store.ports import Store

T0 = datetime(2024, 3, 1, tzinfo=UTC)


class FakeActions:
    """Answers with what the store has; `asked` lists the calls; `refusal` is raised if set."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.asked: list[tuple[object, ...]] = []
        self.refusal: Exception | None = None
        self.artifacts: dict[str, Path] = {}
        self.log = b""
        self.held: list[Condition] = []

    def apply(
        self, name: str, policy_text: str, *, dry_run: bool, timing: Timing | None,
        timed: bool | None, by: str,
    ) -> Plan:  # fmt: skip
        self._ask("apply", name, policy_text, dry_run, timing, timed, by)
        with self.store.read() as snapshot:
            known = snapshot.ledger.get(Model, name)
        if known is None and not dry_run:
            model = Model(id=name, model=name, generation=1, created_at=T0)
            self.store.write(lambda t: t.ledger.put(model)).result()
        return Plan(
            model=name, generation=1, created=known is None, changes=("label: cnt",),
            applied=not dry_run,
        )  # fmt: skip

    def stop(self, model: str, *, by: str) -> Model:
        self._ask("stop", model, by)
        return self._stored(Model, model)

    def purge(self, model: str, *, by: str) -> None:
        self._ask("purge", model, by)

    async def announce(self, model: str, known_at: datetime, *, final: bool) -> datetime:
        self._ask("announce", model, known_at, final)
        return known_at

    def register(self, model: str, upload: Upload, *, by: str) -> Version:
        self._ask("register", model, upload, by)
        return Version(
            id=f"{model}/v1", model=model, version="v1", number=1, made_at=T0, sha256="0" * 64,
            trainer="outside", origin="registered", made=upload.made,
        )  # fmt: skip

    def promote(self, model: str, version: str, *, reason: str, by: str) -> Decision:
        self._ask("promote", model, version, reason, by)
        return a_decision(model=model, kind=DecisionKind.PROMOTE, subject=version, by=by)

    def rollback(self, model: str, *, reason: str, by: str) -> Decision:
        self._ask("rollback", model, reason, by)
        return a_decision(model=model, kind=DecisionKind.ROLL_BACK, by=by)

    def open_trial(self, model: str, version: str, *, by: str, made: bool) -> Trial:
        self._ask("open_trial", model, version, by, made)
        return a_trial(model=model, candidate=version, made=made)

    def start_run(self, model: str, *, by: str, reason: str) -> Run:
        self._ask("start_run", model, by, reason)
        return a_run(model=model)

    def cancel_run(self, run: str, *, by: str) -> Run:
        self._ask("cancel_run", run, by)
        return self._stored(Run, run)

    def run_log(self, run: str, offset: int) -> bytes:
        self._ask("run_log", run, offset)
        return self.log[offset:]

    def approve(self, decision: str, *, by: str) -> Decision:
        self._ask("approve", decision, by)
        return self._stored(Decision, decision)

    def reject(self, decision: str, *, by: str) -> Decision:
        self._ask("reject", decision, by)
        return self._stored(Decision, decision)

    def resume(self, model: str, *, by: str) -> Model:
        self._ask("resume", model, by)
        return self._stored(Model, model)

    def acknowledge(self, alert: str, *, by: str, verdict=None, note: str = "") -> Alert:
        self._ask("acknowledge", alert, by, *([verdict, note] if verdict or note else []))
        found = self._stored(Alert, alert)
        return msgspec.structs.replace(
            found, acknowledged_by=by, acknowledged_at=T0, verdict=verdict, note=note
        )

    def recalibrate(self, model: str, windows: Sequence[str], *, by: str) -> Reference:
        self._ask("recalibrate", model, *windows, by)
        return self._stored(Reference, f"{model}/v1")

    def ask_importance(self, window: str, *, by: str) -> Importance:
        self._ask("ask_importance", window, by)
        return Importance(
            id=f"{window}/v1", model="boats", window=window, version="v1", revision=1,
            asked_at=T0,
        )  # fmt: skip

    def retry_delivery(self, delivery: str) -> Delivery:
        self._ask("retry_delivery", delivery)
        return self._stored(Delivery, delivery)

    def artifact(self, sha256: str) -> Path | None:
        return self.artifacts.get(sha256)

    def conditions(self, model: str) -> Sequence[Condition]:
        self._ask("conditions", model)
        return self.held

    def _ask(self, *call: object) -> None:
        if self.refusal is not None:
            raise self.refusal
        self.asked.append(call)

    def _stored(self, kind, id: str):
        with self.store.read() as snapshot:
            found = snapshot.ledger.get(kind, id)
        if found is None:
            raise NotFound(f"there is no {kind.__name__.lower()} {id!r}")
        return found


def a_decision(**changes) -> Decision:
    facts = {
        "id": "d_1", "model": "bikes", "kind": DecisionKind.RETRAIN, "subject": "bikes",
        "generation": 1, "model_time": T0, "says": "retrain: the error is 30% worse",
    }  # fmt: skip
    return Decision(**{**facts, **changes})


def a_run(**changes) -> Run:
    facts = {
        "id": "r_1", "model": "bikes", "decision": "d_1", "generation": 1, "requested_at": T0,
        "trainer": "builtin", "seed": 1,
    }  # fmt: skip
    return Run(**{**facts, **changes})


def a_trial(**changes) -> Trial:
    facts = {
        "id": "t_1", "model": "bikes", "decision": "d_1", "generation": 1, "champion": "v1",
        "candidate": "v2", "opened_at": T0, "start": T0, "metric": "mae", "gain": 0.0,
        "margin_share": 0.05, "margin_absolute": None, "confidence": 0.95, "stop_blocks": 28,
    }  # fmt: skip
    return Trial(**{**facts, **changes})
