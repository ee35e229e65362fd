"""What the API asks of the lifecycle; it knows the questions and nothing of how they are done.

Everything here takes and gives domain values, so that whoever answers need not know the wire.
Except for `announce` the calls block and are made from worker threads. What is not possible is
raised as one of ours: NotFound, BadInput, Conflict, Refused, Overloaded, StorageError. A `by` is
the name of whoever asks, for the journal.
"""

from collections.abc import Awaitable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Protocol

import msgspec

from controlplane.domain.alerts import AlarmVerdict, Alert, Delivery
from controlplane.domain.conditions import Condition
from controlplane.domain.decisions import Decision
from controlplane.domain.importances import Importance
from controlplane.domain.models import Model, Plan, Timing
from controlplane.domain.references import Reference
from controlplane.domain.runs import Run
from controlplane.domain.trials import Trial
from controlplane.domain.versions import Version


class Upload(msgspec.Struct, frozen=True, kw_only=True):
    """A version trained elsewhere: its files as a tar, or the allowed folder they are in."""

    files: bytes | Path
    trained_from: datetime | None = None
    trained_to: datetime | None = None
    made: bool = False


class Actions(Protocol):
    """The lifecycle, as far as people and other systems may steer it."""

    def apply(
        self, name: str, policy_text: str, *, dry_run: bool, timing: Timing | None,
        timed: bool | None, by: str,
    ) -> Plan:  # fmt: skip
        """Apply a model file, or say what it would change; `timing` and `timed` count at the
        model's creation alone (None: not said)."""
        ...

    def stop(self, model: str, *, by: str) -> Model:
        """End all actions of a model; its data stay."""
        ...

    def purge(self, model: str, *, by: str) -> None:
        """Stop a model and delete everything stored of it."""
        ...

    def announce(self, model: str, known_at: datetime, *, final: bool) -> Awaitable[datetime]:
        """Tell a replayed model its time; done when everything due by then is settled. Gives the
        model time that is settled."""
        ...

    def register(self, model: str, upload: Upload, *, by: str) -> Version:
        """Take in a version trained elsewhere."""
        ...

    def promote(self, model: str, version: str, *, reason: str, by: str) -> Decision:
        """Make a version champion by hand."""
        ...

    def rollback(self, model: str, *, reason: str, by: str) -> Decision:
        """Go back to the version that served before."""
        ...

    def open_trial(self, model: str, version: str, *, by: str, made: bool) -> Trial:
        """Put a registered version on trial."""
        ...

    def start_run(self, model: str, *, by: str, reason: str) -> Run:
        """Ask for a training run."""
        ...

    def cancel_run(self, run: str, *, by: str) -> Run:
        """End a run that is not finished."""
        ...

    def run_log(self, run: str, offset: int) -> bytes:
        """What a run printed, from byte `offset` on."""
        ...

    def approve(self, decision: str, *, by: str) -> Decision:
        """Let a decision that waits for approval be performed."""
        ...

    def reject(self, decision: str, *, by: str) -> Decision:
        """Refuse a decision that waits for approval."""
        ...

    def resume(self, model: str, *, by: str) -> Model:
        """An operator's go, after retraining or all actions were stopped."""
        ...

    def acknowledge(
        self, alert: str, *, by: str, verdict: AlarmVerdict | None = None, note: str = ""
    ) -> Alert:
        """Say that somebody is looking at it, and whether it was a true or a false alarm."""
        ...

    def recalibrate(self, model: str, windows: Sequence[str], *, by: str) -> Reference:
        """Make thresholds anew, with windows added in which nothing was wrong."""
        ...

    def ask_importance(self, window: str, *, by: str) -> Importance:
        """Have a window's version asked how much it depends on each feature; what is known of it."""
        ...

    def retry_delivery(self, delivery: str) -> Delivery:
        """Put a dead letter back into the queue."""
        ...

    def artifact(self, sha256: str) -> Path | None:
        """The tar with this hash, None where none is stored."""
        ...

    def conditions(self, model: str) -> Sequence[Condition]:
        """The policy's conditions as they stand."""
        ...
