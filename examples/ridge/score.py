"""Scores rows with what train.py left: a Parquet file of rows in, one of predictions out."""

import json
import os
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from train import matrix


def main() -> int:
    """Write `id` and `prediction` of every row."""
    job = json.loads(Path(os.environ["LEEBOARD_JOB"]).read_text(encoding="utf-8"))
    text = (Path(job["model_directory"]) / "ridge.json").read_text(encoding="utf-8")
    model = json.loads(text)
    rows = pq.read_table(job["input"])
    values = matrix(rows, model["features"], model["means"])
    prediction = values @ np.array(model["weights"]) + model["intercept"]
    pq.write_table(pa.table({"id": rows["id"], "prediction": prediction}), job["output"])
    return 0


if __name__ == "__main__":
    sys.exit(main())
