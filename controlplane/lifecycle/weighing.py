"""Versions are asked how much they depend on each feature, in their own process, one at a time.

Asking is a record in the ledger; the work goes on in turns, so that no request waits for it and a
restarted server takes it up where it stood.
"""

import time
from pathlib import Path
from typing import Final

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import structlog

from controlplane.clock import Clock
from controlplane.domain.errors import NotFound, Overloaded, Refused, StorageError
from controlplane.domain.importances import LOSS, Importance, importance_id, job_of
from controlplane.domain.schema import Schema
from controlplane.domain.states import IMPORTANCE, ImportanceEvent, ImportanceState, moved
from controlplane.domain.versions import Version
from controlplane.domain.windows import Score, Window
from controlplane.lifecycle.observe import file_in_force
from controlplane.lifecycle.scoring import Unscorable, read_scored, start_scoring, write_rows
from controlplane.lifecycle.shuffling import (
    FEWEST,
    Plan,
    plan_of,
    reliances,
    sample_of,
    shuffled,
    thinned,
)
from controlplane.lifecycle.workshop import Workshop
from controlplane.store.ports import Snapshot, Store, Transaction

PATIENCE_SECONDS: Final = 600.0
"""How long a version may take; then its process is ended."""
PAUSES: Final = (10.0, 60.0, 300.0)
"""Seconds until a question is tried again that broke off in a way that nobody foresaw, after the
first time, the second and so on; then it is left unanswered. Others go on meanwhile."""

LONGEST_REASON: Final = 1_000
"""Characters."""

log = structlog.get_logger()


class _Broken(msgspec.Struct, frozen=True):
    """How often a question broke off, and when it is tried again, by the monotonic clock."""

    times: int = 0
    again_at: float = 0.0


class Weigher:
    """Asks versions of scored windows; `turn` is to be called again and again."""

    def __init__(self, store: Store, workshop: Workshop, clock: Clock) -> None:
        self._store = store
        self._workshop = workshop
        self._clock = clock
        self._since: dict[str, float] = {}
        self._broken: dict[str, _Broken] = {}

    def ask(self, window: str, *, by: str) -> Importance:
        """Ask the version that a window was scored under, unless it was asked before.

        What is known already is given at once: it is asked again only where it failed, or where
        labels came since. Raises NotFound for a window that is not there or not scored, Refused
        where no registered version served in it.
        """

        def work(t: Transaction) -> Importance:
            record, version = _asked(t, window)
            before = t.ledger.get(Importance, importance_id(window, version.version))
            if before is not None and not _is_worth_asking_again(before, record):
                return before
            state = ImportanceState.ASKED
            if before is not None:
                state = moved(IMPORTANCE, before.id, before.state, ImportanceEvent.ASKED_AGAIN)
            now = self._clock.now()
            found = Importance(
                id=importance_id(window, version.version), model=record.model, window=window,
                version=version.version, state=state, revision=record.revision, asked_at=now,
            )  # fmt: skip
            t.ledger.put(found)
            t.ledger.journal(
                model=record.model, at=now, kind="importance_asked", subject=found.id, by=by, facts={}
            )  # fmt: skip
            return found

        return self._store.write(work).result()

    def turn(self) -> None:
        """Bring the question that is being answered, else the oldest, as far as it goes now.

        Raises StorageError and Overloaded, which are no fault of the question's.
        """
        with self._store.read() as view:
            waiting = view.ledger.find(Importance, states=[ImportanceState.ASKED])
        asked = self._next(waiting)
        if asked is None:
            return
        try:
            done = self._forward(asked, self._workshop.directory(job_of(asked)))
        except Unscorable as error:
            done = _moved(asked, ImportanceEvent.LEFT_UNANSWERED, reason=str(error))
        except (StorageError, Overloaded):
            raise
        except Exception as error:  # noqa: BLE001 - a version's process may bring about anything
            done = self._broke_off(asked, error)
        if done is not None:
            self._keep(asked, msgspec.structs.replace(done, made_at=self._clock.now()))
            self._let_go(asked)
            self._broken.pop(asked.id, None)

    def _next(self, waiting: list[Importance]) -> Importance | None:
        """One at a time: what is under way, else the oldest that does not rest after a failure."""
        now = time.monotonic()
        ready = [one for one in waiting if self._broken.get(one.id, _Broken()).again_at <= now]
        under_way = [one for one in ready if one.id in self._since]
        return next(iter([*under_way, *ready]), None)

    def _broke_off(self, asked: Importance, error: Exception) -> Importance | None:
        """What becomes of a question that failed in a way that nobody foresaw: None: it is tried
        again, from the beginning."""
        times = self._broken.get(asked.id, _Broken()).times + 1
        reason = f"{type(error).__name__}: {error}"[:LONGEST_REASON]
        log.warning("importance_broke_off", importance=asked.id, times=times, reason=reason)
        if times > len(PAUSES):
            says = f"it broke off {times} times, at last with {reason}"
            return _moved(asked, ImportanceEvent.LEFT_UNANSWERED, reason=says)
        self._broken[asked.id] = _Broken(times, time.monotonic() + PAUSES[times - 1])
        self._let_go(asked)
        return None

    def _let_go(self, asked: Importance) -> None:
        """Nothing is under way for a question any more."""
        self._workshop.clear(self._workshop.directory(job_of(asked)))
        self._since.pop(asked.id, None)

    def _forward(self, asked: Importance, folder: Path) -> Importance | None:
        """The answer once there is one; raises Unscorable, saying why there is none."""
        with self._store.read() as view:
            version = view.ledger.get(Version, f"{asked.model}/{asked.version}")
            if version is None:
                message = f"{asked.version} is not registered any more"
                raise Unscorable(message)
            schema = _schema(view, asked.model)
            if not (folder / "input.parquet").is_file():
                _prepare(view, asked, schema, folder)
        start_scoring(self._workshop, version, folder)
        ended = self._workshop.ended(version.trainer, folder)
        if ended is None:
            self._check_patience(asked, version, folder)
            return None
        if ended.reason is not None:
            raise Unscorable(ended.reason)
        return _answered(asked, schema, folder)

    def _check_patience(self, asked: Importance, version: Version, folder: Path) -> None:
        begun = self._since.setdefault(asked.id, time.monotonic())
        if time.monotonic() - begun > PATIENCE_SECONDS:
            self._workshop.trainer(version.trainer).cancel(folder)
            message = f"it did not answer within {PATIENCE_SECONDS:.0f} s"
            raise Unscorable(message)

    def _keep(self, asked: Importance, done: Importance) -> None:
        def work(t: Transaction) -> None:
            if t.ledger.get(Importance, asked.id) == asked:  # else its model is purged
                t.ledger.put(done)

        self._store.write(work).result()


def _asked(t: Transaction, window: str) -> tuple[Window, Version]:
    """A scored window and the version that it was scored under."""
    record = t.ledger.get(Window, window)
    score = None if record is None else t.ledger.get(Score, f"{window}/{record.revision}")
    if record is None or score is None:
        message = f"there is no scored window {window[:100]!r}"
        raise NotFound(message)
    if score.champion is None:
        message = f"no version is known to have served in window {window}, so none can be asked"
        raise Refused(message)
    version = t.ledger.get(Version, f"{record.model}/{score.champion}")
    if version is None:
        message = (
            f"{score.champion} is not registered here, so it cannot be asked; "
            "`leeboard versions register` takes a version in"
        )
        raise Refused(message)
    return record, version


def _is_worth_asking_again(before: Importance, window: Window) -> bool:
    match before.state:
        case ImportanceState.ASKED:
            return False
        case ImportanceState.FAILED:
            return True
        case ImportanceState.MADE:
            return before.rests_on != LOSS and window.revision > before.revision


def _schema(view: Snapshot, model: str) -> Schema:
    record, _ = file_in_force(view.ledger, model)
    if record.schema is None:
        message = f"{model} has no columns yet"
        raise Unscorable(message)
    return record.schema


def _prepare(view: Snapshot, asked: Importance, schema: Schema, folder: Path) -> None:
    """Write what the version is asked, and beside it what the answer is held against."""
    window = view.ledger.get(Window, asked.window)
    score = view.ledger.get(Score, f"{asked.window}/{asked.revision}")
    if window is None or score is None:
        message = f"window {asked.window} is not there any more"
        raise Unscorable(message)
    rows = sample_of(view, window, schema, score)
    if rows.num_rows < FEWEST or not schema.features:
        message = f"the window has {rows.num_rows} rows with features; {FEWEST} are needed"
        raise Unscorable(message)
    _, policy = file_in_force(view.ledger, asked.model)
    plan = plan_of(rows, schema, policy, score)
    rows = thinned(rows, plan)
    if plan.rests_on == LOSS:
        pq.write_table(rows.select(["label"]), folder / "labels.parquet")
    (folder / "plan.json").write_bytes(msgspec.json.encode(plan))
    write_rows(shuffled(rows, plan, asked.id), folder / "input.parquet")


def _answered(asked: Importance, schema: Schema, folder: Path) -> Importance:
    plan = msgspec.json.decode((folder / "plan.json").read_bytes(), type=Plan)
    ids = pq.read_table(folder / "input.parquet", columns=["id"])["id"]
    scored = read_scored(folder / "scored.parquet", schema, ids)
    labels: pa.ChunkedArray | None = None
    if plan.rests_on == LOSS:
        labels = pq.read_table(folder / "labels.parquet")["label"]
    found = reliances(plan, schema, labels, scored)
    return _moved(
        asked, ImportanceEvent.ANSWERED, rests_on=plan.rests_on, rows=plan.rows,
        metric=plan.metric if plan.rests_on == LOSS else None, repeats=plan.repeats,
        values={name: one.value for name, one in found.items()},
        errors={name: one.error for name, one in found.items()},
    )  # fmt: skip


def _moved(asked: Importance, event: ImportanceEvent, **facts: object) -> Importance:
    state = moved(IMPORTANCE, asked.id, asked.state, event)
    return msgspec.structs.replace(asked, state=state, **facts)
