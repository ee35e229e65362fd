"""A fleet of three models as the server would tell it: one on trial, one in trouble, one new."""

from datetime import UTC, datetime, timedelta
from math import sin
from typing import Any

from connectors.client import wire
from tests.tui.double import Double, page

BEGAN = datetime(2023, 9, 4, tzinfo=UTC)
WEEK = timedelta(days=7)
N = 24
FEATURES = ["age", "income", "region", "tenure"]


def week(number: int) -> datetime:
    return BEGAN + number * WEEK


def a_summary(name: str = "bikes", **told: Any) -> wire.ModelSummary:
    told = {
        "task": "regression", "timing": "live", "generation": 2, "verdict": "passed",
        "champion": "v3", "metric": "mae", "reference_loss": 38.2, "activity": "trial of v4",
        "realised": wire.Figure(metric="mae", value=41.25, low=36.5, high=46.0, rows=168),
        "rows": wire.Rows(predictions=4032, labels=3864), "model_time": week(N),
    } | told  # fmt: skip
    return wire.ModelSummary(name=name, **told)


def a_window(number: int) -> wire.Window:
    value = 38 + 6 * sin(number / 3)
    failed = number in {9, 10}
    realised = wire.Figure(metric="mae", value=value, low=value - 5, high=value + 5, rows=168)
    if number == N - 1:
        return a_window_without_labels(number)
    return wire.Window(
        id=f"w_{number}", model="bikes", number=number, start=week(number), end=week(number + 1),
        state="matured", revision=1, rows=168, labels=168, verdict="failed" if failed else "passed",
        champion="v1" if number < 8 else "v2" if number < 16 else "v3",
        realised=realised,
        columns_failed=int(failed), columns_judged=4, scored_at=week(number + 1),
    )  # fmt: skip


def an_estimate(**told: Any) -> wire.Estimate:
    told = {
        "metric": "mae", "value": 39.5, "interval": wire.Interval(31.0, 48.0), "rows": 168,
        "method": "dle", "assumption": "P(y|x) unchanged",
    } | told  # fmt: skip
    return wire.Estimate(**told)


LACKS = "drift of the columns can be judged from 2024-03-04 00:00 UTC on: 2 more weekly windows"


def a_window_without_labels(number: int, **told: Any) -> wire.Window:
    told = {
        "state": "scored", "revision": 0, "rows": 168, "verdict": "passed", "champion": "v3",
        "estimated": an_estimate(), "columns_judged": 4, "scored_at": week(number + 1),
        "notes": [LACKS, "the stream reads means over 6 hours"],
    } | told  # fmt: skip
    return wire.Window(
        id=f"w_{number}", model="bikes", number=number, start=week(number), end=week(number + 1),
        **told,
    )  # fmt: skip


def a_metric() -> wire.Metric:
    """What was estimated of each window before its labels came."""
    points = [
        wire.EstimatedPoint(
            window=f"w_{number}", start=week(number), end=week(number + 1),
            **{name: getattr(an_estimate(), name) for name in wire.Estimate.__struct_fields__},
        )
        for number in range(N - 6, N)
    ]  # fmt: skip
    return wire.Metric(model="bikes", metric="mae", direction="down", series=[
        wire.Series(version="*", estimated=points)
    ])  # fmt: skip


def a_metric_of_the_north() -> wire.Metric:
    points = [
        wire.Point(window=f"w_{number}", start=week(number), end=week(number + 1),
                   value=70.0 + number, interval=wire.Interval(60.0, 100.0), rows=42)
        for number in range(N - 1)
    ]  # fmt: skip
    return wire.Metric(model="bikes", metric="mae", segment="region=north", series=[
        wire.Series(version="*", realised=points)
    ])  # fmt: skip


def some_findings(number: int) -> wire.WindowFindings:
    def finding(column: str, **told: Any) -> wire.Finding:
        told = {
            "detector": "a1", "statistic": 0.4, "threshold": 3.9, "p_value": 0.35, "effect": 0.02,
            "rows": 168, "rows_reference": 4000, "verdict": "passed", "basis": "calibrated",
        } | told  # fmt: skip
        return wire.Finding(column=column, **told)

    failed = number in {9, 10}
    return wire.WindowFindings(
        window=f"w_{number}", revision=1, scored_at=week(number + 1),
        verdict="failed" if failed else "passed",
        findings=[
            finding("age"),
            finding("age", detector="jensen_shannon", verdict="inconclusive", reason="shown",
                    effect=0.05 * (number % 8), threshold=None, basis=None),
            finding("income", verdict="failed", statistic=7.25, p_value=1e-9, effect=0.31)
            if failed else finding("income"),
            finding("region", detector="share", verdict="inconclusive", reason="insufficient",
                    statistic=None, effect=None, rows=12),
            finding("tenure", verdict="error" if number == 15 else "passed"),
            finding("*", detector="volume"),
            finding("region", detector="segment", segment="region=north", verdict="inconclusive",
                    reason="shown", statistic=0.25, effect=0.05, rows=42, threshold=None,
                    basis=None),
            finding("income", detector="segment_drift", segment="region=north",
                    verdict="inconclusive", reason="shown", effect=0.4, threshold=None, basis=None),
        ],
    )  # fmt: skip


def a_version(number: int, **told: Any) -> wire.Version:
    states = {1: "retired", 2: "retired", 3: "champion", 4: "on_trial"}
    served = {1: (0, 8), 2: (8, 16), 3: (16, None), 4: (None, None)}[number]
    told = {
        "state": states[number], "made_at": week(6 * number), "origin": "run", "run": f"r_{number}",
        "parent": f"v{number - 1}" if number > 1 else None, "trainer": "builtin",
        "trained_from": week(6 * number - 26), "trained_to": week(6 * number), "rows_trained": 4000,
        "metrics": {"mae": 37.5 + number}, "reference_loss": 40.0 - number if number < 4 else None,
        "promoted_at": None if served[0] is None else week(served[0]),
        "ended_at": None if served[1] is None else week(served[1]),
    } | told  # fmt: skip
    return wire.Version(version=f"v{number}", model="bikes", sha256=f"{number}" * 64, **told)


def a_trial(**told: Any) -> wire.Trial:
    series = [
        wire.Progress(
            at=week(20) + timedelta(days=d), blocks=d + 1, rows=24 * (d + 1),
            difference=4.0 - 8.0 / (d + 1), low=None if d < 4 else -2.0 + d / 8,
            high=None if d < 4 else 9.0 - d / 8,
        )
        for d in range(12)
    ]  # fmt: skip
    told = {
        "state": "running", "champion": "v3", "candidate": "v4", "metric": "mae",
        "opened_at": week(21), "start": week(20), "rows": 288, "blocks": 12, "stop_blocks": 28,
        "difference": 3.333, "low": -0.625, "high": 7.625, "loss_champion": 41.5,
        "loss_candidate": 38.17, "series": series, "decision": "d_trial",
    } | told  # fmt: skip
    return wire.Trial(id="t_4", model="bikes", **told)


def an_alert(**told: Any) -> wire.Alert:
    told = {
        "model": "churn", "condition": "performance", "subject": "performance",
        "severity": "critical", "state": "firing", "decision": "d_alert",
        "summary": "auc 0.61 [0.58, 0.64] on 900 rows; allowed 0.7", "window": "w_9",
        "fired_at": week(23),
    } | told  # fmt: skip
    return wire.Alert(id="a_1", **told)


def a_decision(kind: str, number: int, **told: Any) -> wire.Decision:
    told = {
        "subject": f"v{number}", "generation": 2, "model_time": week(8 * (number - 1)),
        "recorded_at": week(8 * (number - 1)), "state": "performed", "by": "policy",
        "says": f"promote v{number} in place of v{number - 1}: gain 4.1 [1.2, 7] over 14 days",
        "verdict": "better",
        "evidence": [wire.Evidence(
            kind="trial", id="t_4", says="gain 4.1 [1.2, 7] over 14 days",
            figures={"difference": 4.1, "low": 1.2, "high": 7.0, "rows": 336.0},
        )],
    } | told  # fmt: skip
    return wire.Decision(id=f"d_{kind}_{number}", model="bikes", kind=kind, **told)


def a_detail(**told: Any) -> wire.ModelDetail:
    told = {
        "summary": a_summary(), "file": "model: bikes\ntask: regression\n", "watermark": week(N),
        "features": FEATURES, "champion": a_version(3), "trial": a_trial(), "timed": True,
        "window_seconds": WEEK.total_seconds(),
        "conditions": [
            wire.Condition(name="age", holds=True, says="v3 learned nothing for 60 days"),
            wire.Condition(name="drift", holds=False, says="one column of four"),
        ],
    } | told  # fmt: skip
    return wire.ModelDetail(name="bikes", **told)


def a_column() -> wire.ColumnPicture:
    return wire.ColumnPicture(
        model="bikes", column="income", kind="numeric", window="w_9", version="v2",
        edges=[0.0, 10.0, 20.0, 30.0],
        reference=wire.ColumnSide(rows=4000, counts=[1000, 2000, 1000], mean=15.0,
                                  quantiles={"0.5": 15.0}),
        current=wire.ColumnSide(rows=168, missing=0.25, counts=[6, 20, 100], mean=22.5,
                                quantiles={"0.5": 24.0}),
    )  # fmt: skip


def a_budget(**told: Any) -> wire.Budget:
    told = {
        "period_seconds": 90 * 86400.0, "windows_a_period": 12.86, "predicted": 0.5,
        "version": "v3", "calibration_windows": 59,
        "families": [
            wire.BudgetFamily(
                family="feature_drift", share=0.4, alarms_allowed=0.4, alpha=0.0156, windows=59,
                threshold=3.9, tail="gumbel", conformal=5.2, trustworthy=False, basis="calibrated",
                says="in each of 59 windows the score that stands out most was taken",
            ),
            wire.BudgetFamily(
                family="prediction_drift", share=0.15, alarms_allowed=0.15, alpha=0.0058,
                windows=3, needs=5, says="no threshold yet: 3 windows can calibrate it",
            ),
            wire.BudgetFamily(family="performance", share=0.2, alarms_allowed=0.2, alpha=0.0078,
                              says="judged by intervals, trials and guards"),
        ],
        "ledger": [
            wire.BudgetLine(family="feature_drift", detector="*", share=0.4, alarms=0.2),
            wire.BudgetLine(family="performance", detector="e_sr", share=0.1, alarms=0.04,
                            is_measured=True),
        ],
        "columns": [
            wire.BudgetColumn(family="feature_drift", column="age", detector="a1", windows=59,
                              floor=0.1, usual=0.02, detectable=0.25),
            wire.BudgetColumn(family="feature_drift", column="income", detector="a1", windows=59,
                              floor=0.1, usual=0.05, detectable=0.5),
            wire.BudgetColumn(family="feature_drift", column="region", detector="share of north",
                              windows=59, floor=0.04, reason="degenerate"),
        ],
        "audit": wire.BudgetAudit(since=week(10), periods=1.2, alerts=3, true_alarms=2,
                                  false_alarms=0, unjudged=1, rate=0.4, low=0.01, high=1.6),
    } | told  # fmt: skip
    return wire.Budget(model="bikes", **told)


def some_causes(**told: Any) -> wire.Causes:
    told = {
        "version": "v2", "metric": "mae", "rows": 168, "rows_reference": 600, "loss": 44.0,
        "loss_reference": 38.0,
        "moved": [
            wire.MovedColumn(column="income", z=7.25, p_value=1e-9, effect=0.31, detector="a1",
                             share=0.8, stands_out=True, importance=1.0, weight=7.25),
            wire.MovedColumn(column="age", z=0.4, p_value=1.0, effect=0.02, detector="a1",
                             share=0.2, importance=0.3, weight=0.12),
        ],
        "slices": [
            wire.WorseSlice(slice="income > 20", rows=100, rows_reference=150, loss=52.0,
                            loss_reference=41.0, within=4.5, mix=-0.75, effect=0.6, p_value=0.002),
        ],
        "credit": wire.Credit(change=6.0, inputs=1.5, answers=4.5, effective=0.62),
        "notes": ["compared with 600 labelled rows of v2"],
    } | told  # fmt: skip
    return wire.Causes(window="w_9", model="bikes", start=week(9), end=week(10), **told)


def a_run(**told: Any) -> wire.Run:
    told = {
        "state": "running", "decision": "d_retrain_4", "triggers": ["age"], "trainer": "builtin",
        "requested_at": week(21), "rows": 4000, "data_from": week(0), "data_to": week(20),
    } | told  # fmt: skip
    return wire.Run(id="r_4", model="bikes", **told)


def a_busy_server() -> Double:
    """Everything above, at its paths."""
    windows = [a_window(number) for number in range(N)]
    moves = {"first": a_decision("first", 1), "promote": a_decision("promote", 2)}
    promoted = [a_decision("promote", 3), moves["promote"]]
    churn = a_summary(
        "churn", verdict="failed", champion="v12", metric="roc_auc", reference_loss=0.71,
        realised=wire.Figure(metric="roc_auc", value=0.61, low=0.58, high=0.64, rows=900),
        activity="guard over v12", open_alerts=1, worst_alert="critical",
    )  # fmt: skip
    fraud = a_summary(
        "fraud", verdict=None, champion=None, realised=None, reference_loss=None,
        activity="no champion yet", rows=wire.Rows(predictions=57), model_time=week(1),
    )  # fmt: skip
    answers: dict[str, Any] = {
        "/v1/models": page(a_summary(), churn, fraud),
        "/v1/models/bikes": a_detail(),
        "/v1/models/fraud": a_detail(summary=fraud, champion=None, trial=None, conditions=[]),
        "/v1/models/fraud/windows": page(),
        "/v1/models/bikes/windows": page(*reversed(windows)),
        "/v1/models/bikes/versions": page(*(a_version(n) for n in (4, 3, 2, 1))),
        "/v1/models/bikes/versions/v4": a_version(4),
        "/v1/models/bikes/trials": page(a_trial()),
        "/v1/models/bikes/runs": page(a_run()),
        "/v1/models/bikes/columns/income": a_column(),
        "/v1/models/bikes/metrics/mae": a_metric(),
        "/v1/models/bikes/metrics/mae?segment=region=north": a_metric_of_the_north(),
        "/v1/models/bikes/budget": a_budget(),
        "/v1/windows/w_9/causes": some_causes(),
        "/v1/trials/t_4": a_trial(),
        "/v1/runs/r_4": a_run(),
        "/v1/runs/r_4/log?offset=0": b"epoch 1\n",
        "/v1/runs/r_4/log?offset=8": b"epoch 2\n",
        "/v1/runs/r_4/log": b"",
        "/v1/alerts": page(an_alert()),
        "/v1/alerts/a_1": an_alert(),
        "/v1/decisions": page(*promoted, moves["first"]),
        "/v1/decisions?kind=promote": page(*promoted),
        "/v1/decisions?kind=first": page(moves["first"]),
        "/v1/decisions/d_promote_3": promoted[0],
        "/v1/deliveries": page(),
    }
    for number, window in enumerate(windows):
        answers[f"/v1/windows/w_{number}"] = window
        answers[f"/v1/windows/w_{number}/findings"] = some_findings(number)
    return Double(answers=answers)
