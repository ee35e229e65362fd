"""What operators do beside deciding: registering versions, ending runs, answering alerts."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import msgspec

from controlplane.clock import Clock
from controlplane.domain.alerts import AlarmVerdict, Alert, Delivery
from controlplane.domain.errors import NotFound, Refused
from controlplane.domain.references import Reference
from controlplane.domain.runs import Run
from controlplane.domain.states import DELIVERY, RUN, DeliveryEvent, RunEvent, moved
from controlplane.domain.versions import Version
from controlplane.lifecycle.by_hand import model_time
from controlplane.lifecycle.confirming import confirmed_windows, reference_in_use
from controlplane.lifecycle.noting import cancel
from controlplane.lifecycle.observe import file_in_force
from controlplane.lifecycle.workshop import Workshop
from controlplane.store.ports import Store, Transaction


class Registration(msgspec.Struct, frozen=True, kw_only=True):
    """A version trained elsewhere: its files as a tar or a folder, and what it was trained on."""

    files: bytes | Path
    trained_from: datetime | None = None
    trained_to: datetime | None = None
    made: bool = False


class Attending:
    """An operator's hands: facts that change at once and decide nothing."""

    def __init__(self, store: Store, workshop: Workshop, clock: Clock) -> None:
        self._store = store
        self._workshop = workshop
        self._clock = clock

    def register(self, model: str, asked: Registration, *, by: str) -> Version:
        """Take in a version that was trained elsewhere; it serves nothing yet."""
        sha256 = (
            self._workshop.shelve(asked.files)
            if isinstance(asked.files, Path)
            else self._workshop.shelve_tar(asked.files)
        )

        def work(t: Transaction) -> Version:
            record, policy = file_in_force(t.ledger, model)
            number = record.versions + 1
            version = Version(
                id=f"{model}/v{number}", model=model, version=f"v{number}", number=number,
                made_at=model_time(record, self._clock.now()), origin="registered", made=asked.made,
                parent=record.champion, sha256=sha256, trainer=policy.trainer or "builtin",
                trained_from=asked.trained_from, trained_to=asked.trained_to,
            )  # fmt: skip
            t.ledger.put(version)
            t.ledger.put(msgspec.structs.replace(record, versions=number))
            t.ledger.journal(model=model, at=version.made_at, kind="registered",
                             subject=version.version, by=by, facts={"sha256": sha256})  # fmt: skip
            return version

        return self._store.write(work).result()

    def cancel_run(self, run: str, *, by: str) -> Run:
        """End a run that is not finished, with its processes."""

        def work(t: Transaction) -> Run:
            found = t.ledger.get(Run, run)
            if found is None:
                message = f"there is no run {run}"
                raise NotFound(message)
            state = moved(RUN, found.id, found.state, RunEvent.CANCELLED)
            record, _ = file_in_force(t.ledger, found.model)
            cancelled = msgspec.structs.replace(
                found, state=state, reason=f"cancelled by {by}",
                finished_at=model_time(record, self._clock.now()),
            )  # fmt: skip
            t.ledger.put(cancelled)
            t.ledger.journal(model=found.model, at=model_time(record, self._clock.now()), kind="run_cancelled",
                             subject=run, by=by, facts={})  # fmt: skip
            return cancelled

        done = self._store.write(work).result()
        cancel(self._workshop, done)
        return done

    def run_log(self, run: str, offset: int) -> bytes:
        """What a run printed, from byte `offset` on."""
        with self._store.read() as view:
            found = view.ledger.get(Run, run)
        if found is None:
            message = f"there is no run {run}"
            raise NotFound(message)
        return self._workshop.trainer(found.trainer).log(self._workshop.directory(run), offset)

    def acknowledge(
        self, alert: str, *, by: str, verdict: AlarmVerdict | None = None, note: str = ""
    ) -> Alert:
        """Say that somebody is looking at it, and what they found; said again, the last holds.

        Without a verdict or a note what was said before stays.
        """

        def work(t: Transaction) -> Alert:
            found = t.ledger.get(Alert, alert)
            if found is None:
                message = f"there is no alert {alert}"
                raise NotFound(message)
            seen = msgspec.structs.replace(
                found, acknowledged_by=by, acknowledged_at=self._clock.now(),
                verdict=verdict or found.verdict, note=note or found.note,
            )  # fmt: skip
            t.ledger.put(seen)
            t.ledger.journal(model=found.model, at=found.fired_at, kind="acknowledged",
                             subject=alert, by=by,
                             facts={"verdict": verdict, "note": note} if verdict or note else {})  # fmt: skip
            return seen

        return self._store.write(work).result()

    def recalibrate(self, model: str, windows: Sequence[str], *, by: str) -> Reference:
        """Make the champion's thresholds anew, with windows added in which nothing was wrong.

        `windows` are those that an operator vouches for; none named: those whose alerts were
        judged, and all of them false. Never done by itself: it would learn the drift.
        """

        def work(t: Transaction) -> Reference:
            record, _ = file_in_force(t.ledger, model)
            reference = reference_in_use(t.ledger, record)
            spans = tuple((w.start, w.end) for w in confirmed_windows(t.ledger, model, windows))
            added = tuple(span for span in spans if span not in reference.confirmed)
            if not added:
                message = (
                    f"no window to add to the calibration of {model}: none named, and no alert on "
                    "one was judged a false alarm; `leeboard alerts acknowledge ID --false-alarm`"
                )
                raise Refused(message)
            now = model_time(record, self._clock.now())
            again = msgspec.structs.replace(
                reference, confirmed=(*reference.confirmed, *added), recalibrated_at=now
            )
            t.ledger.put(again)
            facts = {"windows": [f"{s.isoformat()}/{e.isoformat()}" for s, e in added]}
            t.ledger.journal(model=model, at=now, kind="recalibrated", subject=reference.version,
                             by=by, facts=facts)  # fmt: skip
            return again

        return self._store.write(work).result()

    def retry_delivery(self, delivery: str) -> Delivery:
        """Put a dead letter back into the queue."""

        def work(t: Transaction) -> Delivery:
            found = t.ledger.get(Delivery, delivery)
            if found is None:
                message = f"there is no delivery {delivery}"
                raise NotFound(message)
            state = moved(DELIVERY, found.id, found.state, DeliveryEvent.RETRIED)
            again = msgspec.structs.replace(
                found, state=state, attempts=0, due_at=self._clock.now()
            )
            t.ledger.put(again)
            return again

        return self._store.write(work).result()
