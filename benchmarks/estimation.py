"""Performance without labels: what it costs beside NannyML, and how far off each method is.

Cost: CPU seconds of learning from a labelled reference and of estimating as many rows again in
windows of 5000, two classes (accuracy, ROC AUC) and a number (MAE, RMSE). `--peers PYTHON` names an
interpreter with nannyml 0.13.1 and statsmodels, which is run on the same seeded rows in the same
minute. Error: the mean distance of the estimates from what is realised, times 1000, under six kinds
of change. Quick as it is; `--full` takes a million rows and fifteen seeds.
"""

import argparse
import json
import subprocess
import time
from collections.abc import Callable

import estimation_rivals as rivals
import numpy as np
from sklearn.ensemble import GradientBoostingClassifier

from detectors.estimation import (
    binary,
    calibrating,
    direct,
    expected,
    priors,
    regression,
    sampling,
    shift,
    wandering,
)
from detectors.estimation.shift import Inputs

WINDOW = 5000
CUT = 0.5
"""From which score on a row is predicted positive."""
PEER = """
import json, logging, os, sys, time, warnings
warnings.filterwarnings("ignore"); os.environ["NML_DISABLE_USAGE_LOGGING"] = "1"
import numpy as np, pandas as pd, nannyml as nml
logging.disable(logging.WARNING)
kind, n = sys.argv[1], int(sys.argv[2])
g = np.random.default_rng(0)
x = g.normal(size=(2 * n, 10)); s = x @ g.normal(size=10) * .5
df = pd.DataFrame(x, columns=[f"f{i}" for i in range(10)])
if kind == "classes":
    p = 1 / (1 + np.exp(-s)); df["score"] = np.clip(p + g.normal(0, .05, 2 * n), .001, .999)
    df["said"] = (df.score > .5).astype(int); df["truth"] = (g.random(2 * n) < p).astype(int)
    made = nml.CBPE(problem_type="classification_binary", y_pred_proba="score", y_pred="said", y_true="truth",
                    metrics=["roc_auc", "accuracy"], chunk_size=5000)
else:
    df["said"] = s; df["truth"] = s + g.normal(0, 1, 2 * n) * (1 + np.abs(x[:, 0]))
    made = nml.DLE(feature_column_names=[f"f{i}" for i in range(10)], y_pred="said", y_true="truth",
                   metrics=["mae", "rmse"], chunk_size=5000)
before, now = df.iloc[:n].reset_index(drop=True), df.iloc[n:].reset_index(drop=True).drop(columns="truth")
t = time.process_time(); made.fit(before); fit = time.process_time() - t
t = time.process_time(); found = made.estimate(now).filter(period="analysis").to_df()
print(json.dumps([fit, time.process_time() - t]))
"""


def rows(kind: str, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Inputs, score or prediction, prediction, label: the same as the peer's."""
    g = np.random.default_rng(0)
    x = g.normal(size=(2 * count, 10))
    s = x @ g.normal(size=10) * 0.5
    if kind == "classes":
        p = 1 / (1 + np.exp(-s))
        score = np.clip(p + g.normal(0, 0.05, 2 * count), 0.001, 0.999)
        return x, score, score > CUT, g.random(2 * count) < p
    return x, s, s, s + g.normal(0, 1, 2 * count) * (1 + np.abs(x[:, 0]))


def classes(count: int) -> tuple[float, float]:
    """CPU seconds of learning and of estimating: calibration, its errors, metrics and intervals."""
    _, score, said, truth = rows("classes", count)
    none = Inputs(np.zeros((0, 0)), np.zeros(0, dtype=bool))
    start = time.process_time()
    calibrator, _ = calibrating.chosen(score[:count], truth[:count])
    maps = wandering.drawn_again(score[:count], truth[:count], form=calibrator.form, seed=1)
    for metric in ("accuracy", "roc_auc"):
        sampling.of(metric, truth[:count], said[:count], score[:count])
    fit = time.process_time() - start
    start = time.process_time()
    for first in range(count, 2 * count, WINDOW):
        part = slice(first, first + WINDOW)
        window = binary.Rows(inputs=none, score=score[part], predicted=said[part])
        p, laid = calibrator.probabilities(window.score), binary.laid_on(maps, window)
        for metric in ("accuracy", "roc_auc"):
            expected.value(metric, p, window.predicted, window.score)
            binary.calibration_error(maps, laid, metric)
    return fit, time.process_time() - start


def numbers(count: int) -> tuple[float, float]:
    """CPU seconds of growing the trees of both errors on all rows, and of estimating."""
    x, _, said, label = rows("numbers", count)
    inputs = Inputs(np.column_stack([x, said])[:count], np.zeros(11, dtype=bool))
    start = time.process_time()
    tellers = [
        direct.Foreteller(inputs, regression.errors_of(m, label[:count], said[:count]), seed=1)
        for m in ("mae", "rmse")
    ]
    fit = time.process_time() - start
    now = np.column_stack([x, said])[count:]
    start = time.process_time()
    for first in range(0, count, WINDOW):
        for teller in tellers:
            teller.errors(now[first : first + WINDOW]).mean()
    return fit, time.process_time() - start


def peer(python: str, kind: str, count: int) -> tuple[float, float]:
    """The same by NannyML in an environment of its own."""
    done = subprocess.run(  # noqa: S603 - the program above, in the environment asked for
        [python, "-c", PEER, kind, str(count)], check=True, capture_output=True, text=True
    )
    fit, estimate = json.loads(done.stdout.strip().splitlines()[-1])
    return fit, estimate


class Model:
    """A gradient-boosted classifier of five inputs that has learned its training rows by heart."""

    def __init__(self, seed: int) -> None:
        self._generator = np.random.default_rng(seed)
        x, y = self.draw(6000)
        self._trees = GradientBoostingClassifier(
            n_estimators=120, max_depth=5, learning_rate=0.15, random_state=seed
        ).fit(x, y)

    def draw(
        self,
        count: int,
        *,
        mean: float = 0.0,
        spread: float = 1.0,
        share: float | None = None,
        turned: float = 1.0,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Inputs and labels; `share` of positives, `turned` multiplies what the labels follow."""
        g = self._generator
        many = count * (6 if share is not None else 1)
        x = g.normal(0.0, spread, (many, 5))
        x[:, 0] += mean
        z = turned * (1.4 * x[:, 0] + 0.9 * x[:, 1] * (x[:, 2] > 0) + 0.5 * x[:, 3]) - 0.4
        y = g.random(many) < 1 / (1 + np.exp(-z))
        if share is not None:
            yes, no = np.flatnonzero(y), np.flatnonzero(~y)
            kept = np.r_[yes[: int(count * share)], no[: count - int(count * share)]]
            x, y = x[kept], y[kept]
        return x, y

    def answered(self, x: np.ndarray) -> binary.Rows:
        """The model's answers to inputs."""
        score = self._trees.predict_proba(x)[:, 1]
        return binary.Rows(
            inputs=Inputs(x, np.zeros(5, dtype=bool)), score=score, predicted=score > CUT
        )


CHANGES: dict[str, dict[str, float]] = {
    "none": {},
    "inputs, mild": {"mean": 0.5},
    "inputs, strong": {"mean": 1.5},
    "spread × 1.6": {"spread": 1.6},
    "mix of classes": {"share": 0.70},
    "concept": {"turned": 0.3},
}
METRICS = ("accuracy", "f1", "precision")
Methods = dict[str, Callable[[str], float]]


def methods(fitted: binary.Fitted, window: binary.Rows) -> Methods:
    """What each method says of a metric of a window; NaN where it says nothing."""
    both = [
        Inputs(np.column_stack([r.inputs.values, r.score]), np.zeros(6, dtype=bool))
        for r in (fitted.rows, window)
    ]
    moved = shift.shift(both[0], both[1], seed=1)
    usual = fitted.calibrator.probabilities(window.score)
    weighted = binary.adapted(fitted, moved.weights).probabilities(window.score)
    before = np.array([1.0 - fitted.prior, fitted.prior])
    pair = np.column_stack([1.0 - usual, usual])
    mixed = priors.reweighted(pair, before, priors.mix(pair, before))[:, 1]
    truth = fitted.truth.astype(np.float64)
    seen = fitted.rows
    sure = [np.maximum(p, 1.0 - p) for p in (fitted.apart, usual)]
    right = seen.predicted == fitted.truth

    def of(p: np.ndarray) -> Callable[[str], float]:
        return lambda metric: expected.value(metric, p, window.predicted, window.score)

    def weighted_reference(metric: str) -> float:
        return float(expected.RATIOS[metric](
            expected.sums(truth, seen.predicted, seen.score, moved.weights)
        ))  # fmt: skip

    def accuracy_only(value: float) -> Callable[[str], float]:
        return lambda metric: value if metric == "accuracy" else float("nan")

    return {
        "reference value": lambda m: expected.value(m, truth, seen.predicted, seen.score),
        "scores as they are": of(np.clip(window.score, 1e-4, 1 - 1e-4)),
        "CBPE": of(usual),
        "PAPE": of(weighted),
        "importance weighting": weighted_reference,
        "ATC": accuracy_only(rivals.average_threshold_confidence(sure[0], right, sure[1])),
        "DoC": accuracy_only(rivals.difference_of_confidences(sure[0], right, sure[1])),
        "CBPE + mix of classes": of(mixed),
        "Leeboard's choice": of(weighted if moved.is_strong else usual),
    }


def errors(seeds: int) -> dict[str, dict[str, list[float]]]:
    """By method and change the mean distance of each metric, times 1000."""
    found: dict[str, dict[str, list[list[float]]]] = {}
    for seed in range(seeds):
        model = Model(seed)
        x, y = model.draw(6000)
        fitted = binary.fit(model.answered(x), y, seed=seed)
        for change, facts in CHANGES.items():
            x, y = model.draw(3000, **facts)
            window = model.answered(x)
            for name, told in methods(fitted, window).items():
                off = [
                    abs(told(m) - expected.value(m, y.astype(float), window.predicted, window.score))
                    for m in METRICS
                ]  # fmt: skip
                found.setdefault(name, {}).setdefault(change, []).append(off)
    return {
        name: {c: (np.mean(off, axis=0) * 1000).tolist() for c, off in changes.items()}
        for name, changes in found.items()
    }


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peers", metavar="PYTHON", help="an interpreter with nannyml 0.13.1")
    parser.add_argument("--full", action="store_true", help="a million rows, fifteen seeds")
    asked = parser.parse_args()
    count = 1_000_000 if asked.full else 100_000
    calibrating.fit(np.linspace(0, 1, 1200), np.arange(1200) % 2 == 0)  # what imports cost, paid
    print(f"| {count:,} rows, CPU s | Leeboard fit, estimate | NannyML fit, estimate | ratios |")
    print("| --- | --- | --- | --- |")
    for kind, run in (("classes", classes), ("numbers", numbers)):
        ours = run(count)
        theirs = peer(asked.peers, kind, count) if asked.peers else None
        told = "–" if theirs is None else f"{theirs[0]:.2f}, {theirs[1]:.2f}"
        ratio = "–" if theirs is None else ", ".join(
            f"{b / a:.1f}" for a, b in zip(ours, theirs, strict=True)
        )  # fmt: skip
        print(f"| {kind} | {ours[0]:.2f}, {ours[1]:.2f} | {told} | {ratio} |", flush=True)
    seeds = 15 if asked.full else 2
    print(
        f"\n| error × 1000 of accuracy / F1 / precision, {seeds} seeds | "
        + " | ".join(CHANGES)
        + " |"
    )
    print("| --- |" + " --- |" * len(CHANGES))
    for name, changes in errors(seeds).items():
        cells = [
            "/".join("–" if np.isnan(v) else f"{v:.0f}" for v in off) for off in changes.values()
        ]
        print(f"| {name} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
