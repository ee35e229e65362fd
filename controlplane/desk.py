"""Where the API's questions are answered: each is handed to the part that knows.

It decides nothing; it is the one place that knows which part answers what, and that a model
that was just made has to be followed.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import msgspec

from controlplane.api.actions import Upload
from controlplane.clock import Clock
from controlplane.domain.alerts import AlarmVerdict, Alert, Delivery
from controlplane.domain.conditions import Condition
from controlplane.domain.decisions import Decision
from controlplane.domain.importances import Importance
from controlplane.domain.models import Model, Plan, Timing
from controlplane.domain.references import Reference
from controlplane.domain.runs import Run
from controlplane.domain.trials import Trial
from controlplane.domain.versions import Version
from controlplane.lifecycle.applying import Applying
from controlplane.lifecycle.attending import Attending, Registration
from controlplane.lifecycle.by_hand import ByHand, model_time
from controlplane.lifecycle.facts import facts_at
from controlplane.lifecycle.observe import file_in_force
from controlplane.lifecycle.weighing import Weigher
from controlplane.lifecycle.workshop import Workshop
from controlplane.scheduler import Scheduler
from controlplane.store.ports import Store
from controlplane.wake import Waker


class Desk(msgspec.Struct, frozen=True, kw_only=True):
    """What `api.actions.Actions` asks for, over the parts of a built server."""

    applying: Applying
    by_hand: ByHand
    attending: Attending
    weigher: Weigher
    waker: Waker
    scheduler: Scheduler
    workshop: Workshop
    store: Store
    clock: Clock

    def apply(
        self, name: str, policy_text: str, *, dry_run: bool, timing: Timing | None,
        timed: bool | None, by: str,
    ) -> Plan:  # fmt: skip
        """Apply a model file; a live model is followed from then on."""
        plan = self.applying.apply(
            name, policy_text, dry_run=dry_run, timing=timing, timed=timed, by=by
        )
        if plan.applied:
            with self.store.read() as view:
                record, _ = file_in_force(view.ledger, name)
            if record.timing is Timing.LIVE:
                self.scheduler.follow(name)
        return plan

    def stop(self, model: str, *, by: str) -> Model:
        """End all actions of a model; its data stay."""
        return self.applying.stop(model, by=by)

    def purge(self, model: str, *, by: str) -> None:
        """Stop a model and delete everything stored of it."""
        self.scheduler.forget(model)
        self.applying.purge(model, by=by)

    async def announce(self, model: str, known_at: datetime, *, final: bool) -> datetime:
        """Tell a replayed model its time; done when everything due by then is settled."""
        return await asyncio.to_thread(self.waker.announce, model, known_at, final=final)

    def register(self, model: str, upload: Upload, *, by: str) -> Version:
        """Take in a version trained elsewhere."""
        asked = Registration(
            files=upload.files, trained_from=upload.trained_from, trained_to=upload.trained_to,
            made=upload.made,
        )  # fmt: skip
        return self.attending.register(model, asked, by=by)

    def promote(self, model: str, version: str, *, reason: str, by: str) -> Decision:
        """Make a version champion by hand."""
        return self.by_hand.promote(model, version, reason=reason, by=by)

    def rollback(self, model: str, *, reason: str, by: str) -> Decision:
        """Go back to the version that served before."""
        return self.by_hand.rollback(model, reason=reason, by=by)

    def open_trial(self, model: str, version: str, *, by: str, made: bool) -> Trial:
        """Put a registered version on trial."""
        return self.by_hand.open_trial(model, version, by=by, made=made)

    def start_run(self, model: str, *, by: str, reason: str) -> Run:
        """Ask for a training run."""
        return self.by_hand.start_run(model, by=by, reason=reason)

    def cancel_run(self, run: str, *, by: str) -> Run:
        """End a run that is not finished."""
        return self.attending.cancel_run(run, by=by)

    def run_log(self, run: str, offset: int) -> bytes:
        """What a run printed, from byte `offset` on."""
        return self.attending.run_log(run, offset)

    def approve(self, decision: str, *, by: str) -> Decision:
        """Let a decision that waits for approval be performed."""
        return self.by_hand.approve(decision, by=by)

    def reject(self, decision: str, *, by: str) -> Decision:
        """Refuse a decision that waits for approval."""
        return self.by_hand.reject(decision, by=by)

    def resume(self, model: str, *, by: str) -> Model:
        """An operator's go, after retraining or all actions were stopped."""
        return self.by_hand.resume(model, by=by)

    def acknowledge(
        self, alert: str, *, by: str, verdict: AlarmVerdict | None = None, note: str = ""
    ) -> Alert:
        """Say that somebody is looking at it, and whether it was a true or a false alarm."""
        return self.attending.acknowledge(alert, by=by, verdict=verdict, note=note)

    def recalibrate(self, model: str, windows: Sequence[str], *, by: str) -> Reference:
        """Make thresholds anew, with windows added in which nothing was wrong."""
        return self.attending.recalibrate(model, windows, by=by)

    def ask_importance(self, window: str, *, by: str) -> Importance:
        """Have a window's version asked how much it depends on each feature."""
        return self.weigher.ask(window, by=by)

    def retry_delivery(self, delivery: str) -> Delivery:
        """Put a dead letter back into the queue."""
        return self.attending.retry_delivery(delivery)

    def artifact(self, sha256: str) -> Path | None:
        """The tar with this hash, None where none is stored."""
        return self.workshop.artifact(sha256)

    def conditions(self, model: str) -> Sequence[Condition]:
        """The policy's conditions as they stand."""
        with self.store.read() as view:
            record, policy = file_in_force(view.ledger, model)
            now = model_time(record, self.clock.now())
            return facts_at(view, record, policy, now).conditions
