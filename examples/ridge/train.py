"""A trainer of one's own, to begin from: ridge regression over the numeric features.

LEEBOARD_JOB names the job; docs/trainers.md says what is in it. What is printed is the run's log.
"""

import json
import os
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from sklearn.linear_model import Ridge


def matrix(rows: pa.Table, features: list[str], means: list[float]) -> np.ndarray:
    """The features as numbers, a missing one at its mean; shape (rows, features)."""
    columns = [
        np.nan_to_num(rows[name].cast(pa.float64()).to_numpy(zero_copy_only=False), nan=mean)
        for name, mean in zip(features, means, strict=True)
    ]
    return np.column_stack(columns)


def main() -> int:
    """Fit on the training rows, measure on the validation rows, leave `model/` behind."""
    job = json.loads(Path(os.environ["LEEBOARD_JOB"]).read_text(encoding="utf-8"))
    if job["task"] != "regression":
        sys.exit(f"this trainer does regression; the job is {job['task']}")
    features = [f["name"] for f in job["features"] if f["kind"] in {"numeric", "boolean"}]
    if not features:
        sys.exit("this trainer needs a numeric or boolean feature; the job has none")
    rows, unseen = pq.read_table(job["data"]), pq.read_table(job["validation"])
    known = [rows[name].cast(pa.float64()).to_numpy(zero_copy_only=False) for name in features]
    means = [float(np.nanmean(column)) if np.isfinite(column).any() else 0.0 for column in known]
    fitted = Ridge(alpha=float(job["parameters"].get("alpha", "1.0")))
    fitted.fit(matrix(rows, features, means), rows[job["label"]].to_numpy())
    error = fitted.predict(matrix(unseen, features, means)) - unseen[job["label"]].to_numpy()
    mae = float(np.abs(error).mean())
    print(f"{rows.num_rows} rows, {len(features)} features; mae {mae:.4g} on {unseen.num_rows}")

    output = Path(job["output"])
    (output / "model").mkdir(parents=True, exist_ok=True)
    model = {
        "features": features, "means": means,
        "weights": fitted.coef_.tolist(), "intercept": float(fitted.intercept_),
    }  # fmt: skip
    (output / "model" / "ridge.json").write_text(json.dumps(model), encoding="utf-8")
    (output / "metrics.json").write_text(json.dumps({"mae": mae}), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
