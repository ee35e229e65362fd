"""Two years of a model in the ledger: v1 served, v2 was turned away, v3 replaced it, v4 was taken
back, v5 waits for approval. Every figure of the tests stands here."""

from datetime import UTC, datetime, timedelta

from controlplane.domain.alerts import Alert, Delivery, Severity
from controlplane.domain.decisions import Decision, DecisionKind, Evidence
from controlplane.domain.guards import Guard
from controlplane.domain.models import Generation, LossScale, Model
from controlplane.domain.policy import Label, Monitors, Performance, Policy, Retrain, Trial
from controlplane.domain.runs import Run
from controlplane.domain.schema import Column, Schema, Task
from controlplane.domain.states import (
    AlertState,
    DecisionState,
    DeliveryState,
    GuardState,
    RunState,
    TrialState,
    VersionState,
    WindowState,
)
from controlplane.domain.trials import Progress
from controlplane.domain.trials import Trial as Tried
from controlplane.domain.versions import Version
from controlplane.domain.windows import Realised, Score, Window
from controlplane.store.ports import Store, Transaction
from detectors.finding import Basis, Finding, Interval, Kind, Verdict

START = datetime(2024, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
POLICY = Policy(
    model="bikes", task=Task.REGRESSION, label=Label(column="cnt"), retrain=Retrain(when=()),
    monitors=Monitors(drift=None, quality=None, performance=Performance(metric="mae"), stream=None),
    trial=Trial(metric="mae"),
)  # fmt: skip
SCHEMA = Schema(task=Task.REGRESSION, features=(Column("temp", Kind.NUMERIC),))
FIGURES = {"value": 28.14, "low": 22.72, "high": 33.57, "rows": 167.0, "limit": 22.51}


def day(number: float) -> datetime:
    """So many days after the beginning of 2024."""
    return START + number * DAY


def tell(store: Store) -> None:
    """Put the story into a store."""
    records = [*_models(), *_versions(), *_runs(), *_decisions(), *_trials(), *_guards(),
               *_windows(), *_alerts()]  # fmt: skip

    def work(t: Transaction) -> None:
        for record in records:
            t.ledger.put(record)
        t.events.prepare("bikes", SCHEMA)
        # The first entry is of the clock, the others of a replay's model time, which is earlier.
        for number, at in enumerate((day(900), day(10), day(20))):
            t.ledger.journal(model="bikes", at=at, kind="decided", subject=f"d_{number}",
                             by="policy", facts={"number": number})  # fmt: skip

    store.write(work).result()


def _models() -> list[object]:
    bikes = Model(
        id="bikes", model="bikes", generation=2, created_at=START, schema=SCHEMA, champion="v3",
        moves=4, versions=5, stepped=day(130), serving_from=START, origin=START,
    )  # fmt: skip
    boats = Model(
        id="boats", model="boats", generation=1, created_at=day(1), stepped=day(130),
        retraining_stopped="stop retraining: the last 3 runs failed",
    )  # fmt: skip
    return [
        bikes, boats,
        Generation(id="bikes/2", model="bikes", number=2, policy=POLICY, text="model: bikes\n",
                   applied_at=START, applied_by="owner"),
        Generation(id="boats/1", model="boats", number=1, policy=POLICY, text="model: boats\n",
                   applied_at=START, applied_by="owner"),
    ]  # fmt: skip


def _version(number: int, state: VersionState, **facts: object) -> Version:
    told = {
        "id": f"bikes/v{number}", "model": "bikes", "version": f"v{number}", "number": number,
        "state": state, "made_at": day(20 * number), "sha256": f"{number}" * 64,
        "trainer": "builtin", "run": f"r_{number}", "rows_trained": 4000 + number,
        "trained_from": START, "trained_to": day(20 * number - 14), "metrics": {"mae": 30.5},
    }  # fmt: skip
    return Version(**{**told, **facts})


def _versions() -> list[Version]:
    scale = LossScale(reference_loss=20.46, loss_cap=99.0, rows=336)
    return [
        _version(1, VersionState.RETIRED, served=True, promoted_at=day(20), ended_at=day(60)),
        _version(2, VersionState.REJECTED, parent="v1"),
        _version(3, VersionState.CHAMPION, parent="v1", served=True, promoted_at=day(60), scale=scale),
        _version(4, VersionState.ROLLED_BACK, parent="v3", served=True, promoted_at=day(80), ended_at=day(88), made=True),
        _version(5, VersionState.CANDIDATE, run=None, origin="registered", trained_from=None, trained_to=None, rows_trained=0),
    ]  # fmt: skip


def _runs() -> list[Run]:
    made = [
        Run(
            id=f"r_{number}", model="bikes", state=RunState.SUCCEEDED, decision=f"d_ask{number}",
            generation=2, requested_at=day(20 * number), finished_at=day(20 * number),
            trainer="builtin", seed=1, rows=4000 + number, data_from=START,
            data_to=day(20 * number - 14), version=f"v{number}", seconds=1.5,
            triggers=("performance",),
        )
        for number in (1, 2, 3, 4)
    ]  # fmt: skip
    failed = Run(
        id="r_bad", model="bikes", state=RunState.FAILED, decision="d_none", generation=2,
        requested_at=day(120), finished_at=day(120), trainer="forest", seed=1,
        reason="exit status 2", seconds=0.1,
    )  # fmt: skip
    return [*made, failed]


def _decision(name: str, kind: DecisionKind, subject: str, at: datetime, says: str, **facts: object) -> Decision:  # fmt: skip
    told = {
        "id": f"d_{name}", "model": "bikes", "kind": kind, "subject": subject, "generation": 2,
        "model_time": at, "state": DecisionState.PERFORMED, "says": says, "recorded_at": day(900),
    }  # fmt: skip
    return Decision(**{**told, **facts})


def _decisions() -> list[Decision]:
    score = Evidence(kind="score", id="w_1/1", says="mae 28.14 is beyond 22.51", figures=FIGURES)
    guard = Evidence(
        kind="guard", id="g_4", says="v4 lost 9.5 a row more than v3 over 190 rows; allowed 1.023",
        figures={"mean_difference": 9.5, "rows": 190.0, "level": 10_100.0, "threshold": 9720.0},
    )  # fmt: skip
    back = Evidence(kind="target", id="v3", says="v3 served before")
    kind = DecisionKind
    return [
        _decision("ask1", kind.RETRAIN, "first:0", day(20), "train a first version", triggers=("first",)),
        _decision("first", kind.FIRST, "v1", day(20), "v1 is the first version"),
        _decision("ask2", kind.RETRAIN, "v1", day(40), "retrain: mae 28.14 is beyond 22.51", evidence=(score,), window="w_1", triggers=("performance",)),
        _decision("alert", kind.ALERT, "performance", day(40), "mae 28.14 is beyond 22.51", evidence=(score,), window="w_1", condition="performance"),
        _decision("try2", kind.TRIAL, "v2", day(40), "try v2 against v1"),
        _decision("no2", kind.REJECT, "v2", day(41), "keep v1, turn v2 away", verdict="worse"),
        _decision("held", kind.HOLD, "cooldown:d_ask2", day(45), "no run: cooling down", triggers=("age",)),
        _decision("ask3", kind.RETRAIN, "v1", day(60), "retrain: v1 learned nothing for 75 days", triggers=("age",)),
        _decision("try3", kind.TRIAL, "v3", day(60), "try v3 against v1"),
        _decision("yes3", kind.PROMOTE, "v3", day(60), "promote v3 in place of v1: v3 is better", verdict="better"),
        _decision("yes4", kind.PROMOTE, "v4", day(80), "promote v4 in place of v3 by hand: agreed", by="anna", made=True),
        _decision("back4", kind.ROLL_BACK, "v4", day(88), "take v4 back and serve v3 again", evidence=(guard, back), verdict="breached"),
        _decision("wait5", kind.PROMOTE, "v5", day(129), "promote v5 in place of v3", state=DecisionState.AWAITING_APPROVAL),
    ]  # fmt: skip


def _trials() -> list[Tried]:
    def tried(number: int, state: TrialState, gain: tuple[float, float, float]) -> Tried:
        difference, low, high = gain
        point = Progress(
            blocks=14, rows=336, at=day(20 * number), difference=difference, low=low, high=high,
            loss_champion=30.0, loss_candidate=30.0 - difference,
        )  # fmt: skip
        return Tried(
            id=f"t_{number}", model="bikes", state=state, decision=f"d_try{number}", generation=2,
            champion="v1", candidate=f"v{number}", opened_at=day(20 * number),
            ended_at=day(20 * number), start=day(20 * number - 14), metric="mae", gain=0.0,
            margin_share=0.05, margin_absolute=None, confidence=0.95, stop_blocks=28,
            series=(point,), says=f"v{number} is {state}",
        )  # fmt: skip

    return [
        tried(2, TrialState.WORSE, (-9.5, -16.0, -3.0)),
        tried(3, TrialState.BETTER, (9.1, 0.55, 17.7)),
    ]


def _guards() -> list[Guard]:
    return [
        Guard(
            id="g_4", model="bikes", state=GuardState.BREACHED, decision="d_yes4", generation=2,
            version="v4", previous="v3", started_at=day(80), start=day(80), until=day(94),
            metric="mae", margin=1.023, loss_cap=99.0, threshold=9720.0, levels=(10_100.0,), rows=190,
            mean_difference=9.5, ended_at=day(88),
        )
    ]  # fmt: skip


def _windows() -> list[object]:
    found = Finding(
        column="temp", segment=None, detector="jensen_shannon", statistic=5.5, p_value=0.001,
        interval=None, threshold=4.1, effect=0.31, rows=167, rows_reference=4001,
        verdict=Verdict.FAILED, reason=None, basis=Basis.CALIBRATED,
    )  # fmt: skip
    return [
        Window(id="w_1", model="bikes", number=1, start=day(30), end=day(37), rows_close=day(38),
               labels_close=day(39), state=WindowState.MATURED, revision=1),
        Score(id="w_1/1", model="bikes", window="w_1", revision=1, start=day(30), end=day(37),
              scored_at=day(39), generation=2, champion="v1", reference="bikes/v1",
              verdict=Verdict.FAILED, rows=167, labels=167, findings=(found,), columns_failed=1,
              columns_judged=1, realised=(Realised(version="*", metric="mae", value=28.14,
                                                   interval=Interval(22.72, 33.57), rows=167),)),
    ]  # fmt: skip


def _alerts() -> list[object]:
    return [
        Alert(id="a_1", model="bikes", fingerprint="f_1", condition="performance",
              subject="performance", severity=Severity.WARNING, state=AlertState.RESOLVED,
              summary="mae 28.14 is beyond 22.51", decision="d_alert", window="w_1",
              fired_at=day(40), resolved_at=day(60), resolved_because="v3 was promoted"),
        Alert(id="a_2", model="bikes", fingerprint="f_2", condition="rollback", subject="v4",
              severity=Severity.CRITICAL, state=AlertState.FIRING, summary="v4 was taken back",
              decision="d_back4", fired_at=day(88)),
        Delivery(id="msg_1", model="bikes", state=DeliveryState.DEAD, receiver="ops", alert="a_1",
                 type="alert.fired", body="{}", attempts=9, queued_at=day(40), due_at=day(41),
                 last_error="connection refused"),
    ]  # fmt: skip
