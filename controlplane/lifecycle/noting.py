"""What happened outside since the last look: processes that ended become facts in the ledger."""

from datetime import datetime, timedelta

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from connectors.artifacts import BadArtifact
from connectors.contract import ChampionSpec, Ended
from controlplane.domain.errors import NotFound, Refused
from controlplane.domain.estimates import measured_name
from controlplane.domain.models import LossScale, Model
from controlplane.domain.policy import Policy
from controlplane.domain.runs import Run
from controlplane.domain.schema import Schema
from controlplane.domain.states import RUN, RunEvent, RunState, moved
from controlplane.domain.versions import Version
from controlplane.domain.windows import Calendar, labels_closed_to
from controlplane.lifecycle import scoring, training
from controlplane.lifecycle.trying import scale_from
from controlplane.lifecycle.workshop import Workshop
from controlplane.store.ports import Known, Store, Transaction
from detectors.performance import losses

Measured = tuple[LossScale, pa.Table]
"""A loss scale, and the predictions of unseen rows that it was taken from."""


class Bench(msgspec.Struct, frozen=True, kw_only=True):
    """What the work on a model's runs needs at hand."""

    model: Model
    policy: Policy
    schema: Schema
    calendar: Calendar
    champion: Version | None
    now: datetime


def advance_run(store: Store, workshop: Workshop, run: Run, bench: Bench) -> bool:
    """Move a run on: start it, or take up its end. True when it has ended.

    Where the trainer is gone, or what was left cannot be used, the run failed with that reason.
    """
    try:
        return _advanced(store, workshop, run, bench)
    except (NotFound, Refused, BadArtifact, scoring.Unscorable) as error:
        return _failed(store, run, RunEvent.EXITED_BADLY, str(error), bench.now)


def _advanced(store: Store, workshop: Workshop, run: Run, bench: Bench) -> bool:
    if run.state is RunState.QUEUED:
        return _start(store, workshop, run, bench)
    ended = training.outcome(workshop, run)
    if ended is None:
        return False
    if ended.reason is not None:
        event = RunEvent.RAN_OUT_OF_TIME if ended.timed_out else RunEvent.EXITED_BADLY
        event = RunEvent.LOST if ended.code is None and not ended.timed_out else event
        return _failed(store, run, event, ended.reason, bench.now)
    if training.product(workshop, run.id) is None:
        reason = "it exited 0 and left no files in output/model/; expected the trained model there"
        return _failed(store, run, RunEvent.EXITED_BADLY, reason, bench.now)
    return _succeed(store, workshop, run, bench, ended)


def training_span(bench: Bench, asked_at: datetime) -> tuple[datetime | None, datetime]:
    """The event times that a run may learn from, half-open; the newest days are held out."""
    if bench.champion is None:
        return None, asked_at
    end = labels_closed_to(bench.calendar, asked_at) - bench.policy.trial.hold_out
    span = bench.policy.retrain.last or _first_span(bench)
    return (end - span if span is not None else None), end


def _first_span(bench: Bench) -> timedelta | None:
    version = bench.champion
    if version is None or version.trained_from is None or version.trained_to is None:
        return None
    return version.trained_to - version.trained_from


def _start(store: Store, workshop: Workshop, run: Run, bench: Bench) -> bool:
    start, end = training_span(bench, run.requested_at)
    features = [column.name for column in bench.schema.features]
    known = Known(start=start, end=end, by=run.requested_at)
    with store.read() as view:
        rows = view.events.labelled(bench.model.model, features, known)
    rows = rows.select(["id", "at", *features, "label"])
    if rows.num_rows == 0:
        reason = f"no labelled rows between {start or 'the beginning'} and {end}"
        return _failed(store, run, RunEvent.EXITED_BADLY, reason, bench.now)
    first, _ = training.span_of(rows)
    started = msgspec.structs.replace(
        run, rows=rows.num_rows, data_from=start or first, data_to=end,
        state=moved(RUN, run.id, run.state, RunEvent.STARTED),
    )  # fmt: skip
    order = training.Order(
        run=started, model=bench.model, policy=bench.policy, schema=bench.schema, rows=rows,
        champion=_champion(workshop, bench.champion),
    )  # fmt: skip
    content = training.begin(workshop, order)
    running = msgspec.structs.replace(started, data_sha256=content)
    if not store.write(lambda t: _put(t, running, was=run.state)).result():
        cancel(workshop, run)
    return False


def cancel(workshop: Workshop, run: Run) -> None:
    """End a run's processes."""
    for name in (run.id, f"{run.id}-measure"):
        workshop.trainer(run.trainer).cancel(workshop.directory(name))


def _put(t: Transaction, run: Run, *, was: RunState) -> bool:
    """Store a run unless somebody else moved it on meanwhile, as who cancels it does."""
    current = t.ledger.get(Run, run.id)
    if current is None or current.state is not was:
        return False
    t.ledger.put(run)
    return True


def _champion(workshop: Workshop, champion: Version | None) -> ChampionSpec | None:
    if champion is None:
        return None
    return ChampionSpec(champion.version, str(workshop.unpacked(champion.sha256)))


def _succeed(store: Store, workshop: Workshop, run: Run, bench: Bench, ended: Ended) -> bool:
    product = training.product(workshop, run.id)
    assert product is not None
    sha256 = workshop.shelve(product)
    metrics, parameters = training.notes(workshop, run)
    number = bench.model.versions + 1
    version = Version(
        id=f"{run.model}/v{number}", model=run.model, version=f"v{number}", number=number,
        made_at=bench.now, run=run.id, sha256=sha256, trainer=run.trainer,
        parent=bench.champion.version if bench.champion else None,
        trained_from=run.data_from, trained_to=run.data_to, rows_trained=run.rows,
        data_sha256=run.data_sha256, metrics=metrics, parameters=parameters,
    )  # fmt: skip
    measured: Measured | None = None
    if "first" in run.triggers:
        measured = _measured(workshop, run, version, bench)
        if measured is None:
            return False
        version = msgspec.structs.replace(version, scale=measured[0])
    done = msgspec.structs.replace(
        run, state=moved(RUN, run.id, run.state, RunEvent.EXITED_CLEAN), finished_at=bench.now,
        seconds=ended.seconds,
    )  # fmt: skip
    unseen = None if measured is None else measured[1]
    store.write(lambda t: _record(t, done, version, unseen)).result()
    return True


def _record(t: Transaction, run: Run, version: Version, unseen: pa.Table | None) -> None:
    """The run's end and the version it made, together; its number is the next one by now.

    With a first version go the predictions that measured it: what its estimates are learned from.
    """
    model = t.ledger.get(Model, run.model)
    if model is None:
        return
    number = model.versions + 1
    name = f"v{number}"
    if not _put(t, msgspec.structs.replace(run, version=name), was=RunState.RUNNING):
        return
    t.ledger.put(msgspec.structs.replace(
        version, id=f"{run.model}/{name}", version=name, number=number
    ))  # fmt: skip
    t.ledger.put(msgspec.structs.replace(model, versions=number))
    if unseen is not None:
        scoring.append_spared(t, run.model, measured_name(name), unseen)
    facts = {"run": run.id, "sha256": version.sha256, "rows": run.rows}
    t.ledger.journal(model=run.model, at=version.made_at, kind="trained", subject=name,
                     by="trainer", facts=facts)  # fmt: skip


def _measured(workshop: Workshop, run: Run, version: Version, bench: Bench) -> Measured | None:
    """The first version's loss scale and the predictions that it rests on, by the fit that is
    thrown away; None while it scores.

    The version itself scores the same rows: the proof that it loads and scores.
    """
    folder = workshop.directory(f"{run.id}-measure")
    product = training.product(workshop, f"{run.id}-measure")
    if product is None:
        raise scoring.Unscorable("the fit that the reference loss rests on left no files")
    thrown_away = workshop.shelve(product)
    unseen = pq.read_table(folder / "unseen.parquet")
    results = []
    for name, sha256 in (("measure", thrown_away), ("proof", version.sha256)):
        place = workshop.directory(f"{run.id}-{name}-scoring")
        if not (place / "input.parquet").is_file():
            pq.write_table(unseen.drop_columns(["label"]), place / "input.parquet")
        scoring.start_scoring(workshop, msgspec.structs.replace(version, sha256=sha256), place)
        results.append((place, workshop.ended(run.trainer, place)))
    if any(ended is None for _, ended in results):
        return None
    for place, ended in results:
        if ended is not None and ended.reason is not None:
            raise scoring.Unscorable(f"the version does not score rows: {ended.reason}")
        scoring.read_scored(place / "scored.parquet", bench.schema, unseen["id"])
    measured = scoring.read_scored(results[0][0] / "scored.parquet", bench.schema, unseen["id"])
    rows = unseen.select(["id", "label"]).join(measured, "id")
    scores = {label: rows[f"score:{label}"] for label in bench.schema.scores}
    values = losses(str(bench.schema.task), bench.policy.trial.metric, rows["label"],
                    rows["prediction"], scores)  # fmt: skip
    scale = scale_from(values, bench.policy.trial.metric) or LossScale(
        reference_loss=0.0, loss_cap=1.0, rows=0
    )
    return scale, unseen.select(["id", "at"]).join(measured, "id")


def _failed(store: Store, run: Run, event: RunEvent, reason: str, now: datetime) -> bool:
    ended = msgspec.structs.replace(
        run, state=moved(RUN, run.id, run.state, event), reason=reason, finished_at=now
    )

    def work(t: Transaction) -> None:
        if not _put(t, ended, was=run.state):
            return
        t.ledger.journal(model=run.model, at=now, kind="run_failed", subject=run.id, by="trainer",
                         facts={"reason": reason})  # fmt: skip

    store.write(work).result()
    return True
