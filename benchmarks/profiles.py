"""What profiles cost: making them against a sort of the column, merging, comparing, files.

CPU seconds of one process. The floor of making one is NumPy's sort of the same numbers; that of a
file is reading and sorting its columns. `--file` adds 60 columns of a million rows (some minutes).
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from controlplane.cli.profiling.gathering import Asked, profiled
from controlplane.cli.tables.opening import opened
from detectors.comparison.profiles import compare_profiles
from detectors.finding import Kind, Sample
from detectors.profile import comparing, merging, written
from detectors.profile.building import column
from detectors.profile.form import ColumnProfile, Profile

ROWS = 1_000_000
HOURS = 720
HOURLY_ROWS = 1_000
COLUMNS = 50
FILE_COLUMNS = 60


def seconds(of: Callable[[], object], times: int = 15) -> float:
    """The least CPU time of a few runs."""
    best = np.inf
    for _ in range(times):
        before = time.process_time()
        of()
        best = min(best, time.process_time() - before)
    return float(best)


def numbers(values: np.ndarray, name: str = "x") -> Sample:
    """A numeric column."""
    return Sample(name, Kind.NUMERIC, pa.chunked_array([values]))


def making(draws: np.random.Generator) -> None:
    """A million numbers: the sort, a profile on its own edges, one on another's."""
    values = draws.lognormal(size=ROWS)
    sample, other = numbers(values), column(numbers(draws.lognormal(size=ROWS)))
    sort = seconds(lambda: np.sort(values))
    own = seconds(lambda: column(sample))
    like = seconds(lambda: column(sample, other.bins))
    print(f"profile of 1,000,000 numbers: sort {sort * 1e3:.0f} ms; on its own edges "
          f"{own * 1e3:.0f} ms ({own / sort:.1f} sorts); on another's {like * 1e3:.0f} ms "
          f"({like / sort:.1f})")  # fmt: skip
    found = Profile(rows=ROWS, columns=(column(sample),))
    print(f"written {len(written.encoded(found)):,} bytes a column, "
          f"{len(written.packed(found)):,} gzipped")  # fmt: skip


def merged_hours(draws: np.random.Generator) -> list[ColumnProfile]:
    """A month of hours, merged to its day-long windows and to the month."""
    reference = column(numbers(draws.normal(size=50_000)))
    hours = [column(numbers(draws.normal(size=HOURLY_ROWS)), reference.bins) for _ in range(HOURS)]
    days = [hours[first : first + 24] for first in range(0, HOURS, 24)]
    took = seconds(lambda: [merging.column(day) for day in days])
    month = seconds(lambda: merging.column(hours))
    whole = merging.column(hours)
    error = whole.points.rank_error / whole.rows if whole.points else 0.0
    print(f"merging 720 hours of a column: to 30 days {took * 1e3:.0f} ms, to the month "
          f"{month * 1e3:.0f} ms (rank error {error:.2%})")  # fmt: skip
    return [reference, whole]


def comparisons(draws: np.random.Generator) -> None:
    """Columns a second, whatever the rows."""
    for like in (True, False):
        pairs = []
        for _ in range(COLUMNS):
            first = column(numbers(draws.normal(size=100_000)))
            second = numbers(draws.normal(0.05, 1.0, 100_000))
            pairs.append((first, column(second, first.bins if like else None)))
        took = seconds(lambda pairs=pairs: [comparing.findings(a, b) for a, b in pairs])
        edges = "on common edges" if like else "on edges of their own"
        print(f"findings of numeric columns {edges}: {COLUMNS / took:,.0f} columns a second")


def files(rows: int, columns: int) -> None:
    """A Parquet file against a profile: the whole comparison over reading and sorting it."""
    draws = np.random.default_rng(9)
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / f"{name}.parquet" for name in ("reference", "current")]
        for path in paths:
            pq.write_table(
                pa.table({f"f{k}": draws.normal(size=rows) for k in range(columns)}), path
            )
        reference = _profile(paths[0], None)

        def floor() -> None:
            with pq.ParquetFile(paths[1]) as file:
                for name in file.schema_arrow.names:
                    np.sort(file.read(columns=[name])[name].to_numpy())

        def compared() -> None:
            compare_profiles(reference, _profile(paths[1], reference))

        least, took = seconds(floor, 3), seconds(compared, 3)
    print(f"a file of {columns} columns and {rows:,} rows against a profile: {took:.2f} s, "
          f"{took / least:.2f} times reading and sorting it ({least:.2f} s)")  # fmt: skip


def _profile(path: Path, like: Profile | None) -> Profile:
    file = opened(path)
    return profiled(Asked(files=(file,), columns=file.names, like=like))[0]


def main() -> None:
    """Everything, in half a minute."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--file", action="store_true", help="60 columns of a million rows as well")
    asked = parser.parse_args()
    draws = np.random.default_rng(1)
    making(draws)
    merged_hours(draws)
    comparisons(draws)
    files(ROWS, FILE_COLUMNS if asked.file else 6)


if __name__ == "__main__":
    main()
