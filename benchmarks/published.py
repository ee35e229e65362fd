"""What NannyML's documentation publishes of its car-loan data, computed again from the same rows.

    python benchmarks/published.py [--wheel nannyml-0.13.1-py3-none-any.whl]

The rows lie in NannyML's wheel, which pip downloads into a temporary directory unless one is
named; nothing of it is installed. Windows are of 5,000 rows, the reference is the 50,000 rows before them. Exits 1
where a figure that is defined alike differs in a digit that was published.
"""

import argparse
import io
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.csv

from detectors.chi_squared import chi_squared
from detectors.estimation import calibrating, expected, sampling
from detectors.finding import Kind, Sample
from detectors.ks import ks
from detectors.performance import realised

WHEEL: Final = "nannyml==0.13.1"
FOLDER: Final = "nannyml/datasets/data/synthetic_car_loan_"
ROWS: Final = 5_000
WINDOWS: Final = 10
HALF: Final = 0.5
LAST_DIGIT: Final = 0.6e-6
ROUNDED: Final = 2e-4
LEVEL: Final = 0.05
TIED: Final = 0.003
"""Scores have two decimals. Of a pair of rows with equal scores Leeboard counts half; NannyML all
or nothing, as the rows stand."""

# "Tutorial - Realized Performance - Binary Classification - Car Loan", ten windows.
REALISED: Final = {
    "roc_auc": (0.970962, 0.970248, 0.976282, 0.967721, 0.969886, 0.960050, 0.958530, 0.959041,
                0.963094, 0.957556),
    "specificity": (0.954847, 0.959874, 0.961494, 0.961875, 0.954564, 0.924091, 0.932525, 0.927113,
                    0.938443, 0.918886),
    "accuracy": (0.9422, 0.9422, 0.9502, 0.9436, 0.9410, 0.9146, 0.9156, 0.9144, 0.9224, 0.9122),
}  # fmt: skip
SAMPLING: Final = {"roc_auc": 0.00181072, "f1": 0.00643972, "accuracy": 0.0032614}
# "Tutorial - Estimating Performance - Binary Classification - Car Loan".
ESTIMATED: Final = {
    "roc_auc": (0.968631, 0.969044, 0.969444, 0.969047, 0.968873, 0.960478, 0.961134, 0.960536,
                0.961869, 0.960537),
    "accuracy": (0.941792, 0.943321, 0.945492, 0.944816, 0.944645, 0.910714, 0.911149, 0.911193,
                 0.914389, 0.911731),
}  # fmt: skip
# "Tutorial - Drift - Univariate - Car Loan", debt_to_income_ratio: counted on 10,000 equal bins,
# so that the exact distance is no smaller, and larger by no more than a bin holds.
BINNED_KS: Final = (0.0152, 0.0124, 0.0166, 0.0118, 0.0184, 0.0078, 0.0098, 0.0090, 0.0094, 0.0060)
A_BIN: Final = 0.002


class CarLoan:
    """The reference, the windows after it, and their labels."""

    def __init__(self, wheel: Path) -> None:
        with zipfile.ZipFile(wheel) as packed:
            self.reference, self.rows, self.labels = (
                pyarrow.csv.read_csv(io.BytesIO(packed.read(f"{FOLDER}{name}.csv")))
                for name in ("reference", "analysis", "analysis_target")
            )

    def windows(self) -> Iterator[tuple[pa.Table, pa.ChunkedArray]]:
        """Rows and labels of each window."""
        for at in range(0, ROWS * WINDOWS, ROWS):
            yield self.rows.slice(at, ROWS), self.labels["repaid"].slice(at, ROWS)


def wheel_at(folder: Path) -> Path:
    """The wheel, downloaded."""
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--quiet",
        "--no-deps",
        "--dest",
        str(folder),
    ]
    subprocess.run([*command, WHEEL], check=True, stderr=subprocess.DEVNULL)  # noqa: S603 - ours
    return next(folder.glob("nannyml-*.whl"))


def metric_over(name: str, rows: pa.Table, labels: pa.ChunkedArray) -> float:
    """A realised metric of a window."""
    at = np.datetime64("2018-01-01", "us") + np.arange(rows.num_rows) * np.timedelta64(1, "s")
    value, _, _ = realised(
        "binary", name, classes(labels), classes(rows["y_pred"]), {"1": rows["y_pred_proba"]}, at,
        positive="1",
    )  # fmt: skip
    assert value is not None
    return value


def classes(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Zeros and ones as two classes."""
    return values.cast(pa.int64()).cast(pa.string())


def column(rows: pa.Table, name: str, kind: Kind = Kind.NUMERIC) -> Sample:
    """A column as the detectors take it."""
    return Sample(name, kind, rows[name])


def agree(name: str, ours: list[float], theirs: tuple[float, ...], close: Callable[[float, float], bool]) -> bool:  # fmt: skip
    """Print both, and say whether every pair is close."""
    fits = all(close(a, b) for a, b in zip(ours, theirs, strict=True))
    apart = max(abs(a - b) for a, b in zip(ours, theirs, strict=True))
    print(f"{name:<44} {'agrees' if fits else 'DIFFERS':<8} greatest difference {apart:.2g}")
    return fits


def same_digits(ours: float, theirs: float) -> bool:
    """Equal in the six digits that were published."""
    return abs(ours - theirs) <= LAST_DIGIT


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--wheel", type=Path)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        data = CarLoan(asked.wheel or wheel_at(Path(folder)))
    windows = list(data.windows())
    fits = [
        agree(f"realised {name}", [metric_over(name, *w) for w in windows], theirs, same_digits)
        for name, theirs in REALISED.items()
    ]
    fits += (
        list(sampling_errors(data)) + list(estimates(data, windows)) + list(drift(data, windows))
    )
    print(f"{sum(fits)} of {len(fits)} agree")
    return 0 if all(fits) else 1


def sampling_errors(data: CarLoan) -> Iterator[bool]:
    """The standard error of a metric over 5,000 rows, from the reference."""
    truth = data.reference["repaid"].to_numpy() > HALF
    predicted = data.reference["y_pred"].to_numpy() > HALF
    score = data.reference["y_pred_proba"].to_numpy()
    for name, theirs in SAMPLING.items():
        ours = sampling.of(name, truth, predicted, score).error(ROWS)
        yield agree(
            f"sampling error of {name}", [ours], (theirs,), lambda a, b: abs(a - b) < ROUNDED
        )


def estimates(data: CarLoan, windows: list[tuple[pa.Table, pa.ChunkedArray]]) -> Iterator[bool]:
    """Estimated without labels; both keep these scores as they are, for they are calibrated."""
    truth = data.reference["repaid"].to_numpy() > HALF
    calibrator, _ = calibrating.chosen(data.reference["y_pred_proba"].to_numpy(), truth)
    for name, theirs in ESTIMATED.items():
        ours = []
        for rows, _ in windows:
            score = rows["y_pred_proba"].to_numpy()
            ours.append(
                expected.value(
                    name, calibrator.probabilities(score), rows["y_pred"].to_numpy() > HALF, score
                )
            )
        apart = TIED if name == "roc_auc" else LAST_DIGIT
        yield agree(f"estimated {name}", ours, theirs, lambda a, b, e=apart: abs(a - b) < e)


def drift(data: CarLoan, windows: list[tuple[pa.Table, pa.ChunkedArray]]) -> Iterator[bool]:
    """The distance of a number from the reference, and that levels are found to have moved."""
    name = "debt_to_income_ratio"
    ours = [
        ks(column(data.reference, name), column(rows, name)).statistic or 0.0 for rows, _ in windows
    ]
    yield agree(f"ks of {name}, exact", ours, BINNED_KS, lambda a, b: b - 1e-9 <= a <= b + A_BIN)
    levels = "salary_range"
    p = [
        chi_squared(
            column(data.reference, levels, Kind.CATEGORICAL), column(rows, levels, Kind.CATEGORICAL)
        ).p_value
        for rows, _ in windows
    ]
    found = [value is not None and value < LEVEL for value in p]
    yield agree(f"chi-squared alarms of {levels}", [float(f) for f in found],
                (0.0,) * 5 + (1.0,) * 5, lambda a, b: a == b)  # fmt: skip


if __name__ == "__main__":
    raise SystemExit(main())
