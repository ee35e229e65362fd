"""A drift report of two files, Parquet to result, beside the floor of reading and sorting them.

Each figure is of cold processes, in CPU seconds, floor and product in turn: the floor is
a process that imports NumPy and Arrow, reads both files and sorts every numeric column. `--full`
adds a million rows and 300 columns; `--peers DIR` other tools, each in a
virtual environment of its own under DIR, which is made where there is none. A tool that takes more
than a minute of CPU is ended. The floor of a
comparison by ten segments is that of none; that of a profile, of the current file alone.

    python benchmarks/drift_report.py [--full] [--peers DIR] [--data DIR]
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import threading
import venv
from collections.abc import Callable
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

MOST_SECONDS = 60
"""Of CPU, of a tool."""
HANGS = 600
"""Seconds of wall time after which a tool will not end by itself."""
SEGMENTS = 10
LEVELS = (5, 5, 8, 10, 12, 15, 20, 25, 30, 40, 50, 75, 100, 150, 200)
NUMERIC, TEXT = 45, 15

FLOOR = """
import sys
import numpy as np
import pyarrow.parquet as pq
import pyarrow.types
for path in sys.argv[1:]:
    table = pq.read_table(path)
    for name in table.column_names:
        if pyarrow.types.is_floating(table.schema.field(name).type):
            np.sort(table[name].to_numpy())
"""
PRODUCT = """
import sys
from controlplane.cli.__main__ import main
sys.argv = ["leeboard", "compare", *sys.argv[1:], "--json"]
main()
"""
PROFILE = PRODUCT.replace('"compare"', '"profile"')
PEERS = {
    "SciPy, a loop": (("scipy==1.17.1", "pandas", "pyarrow"), """
from scipy.stats import chi2_contingency, ks_2samp
def job(before, now):
    side = np.r_[np.zeros(len(before), "i1"), np.ones(len(now), "i1")]
    for name in NUMBERS:
        ks_2samp(before[name], now[name], method="asymp")
    for name in TEXTS:
        chi2_contingency(pd.crosstab(pd.concat([before[name], now[name]]).to_numpy(), side))
"""),
    "Evidently": (("evidently==0.7.23", "pandas<3", "pyarrow"), """
from evidently import Report
from evidently.presets import DataDriftPreset
def job(before, now):
    Report([DataDriftPreset()]).run(now, before).dict()
"""),
    "NannyML": (("nannyml==0.13.1", "statsmodels", "pyarrow"), """
import nannyml
def job(before, now):
    found = nannyml.UnivariateDriftCalculator(
        column_names=NUMBERS + TEXTS, continuous_methods=["kolmogorov_smirnov", "jensen_shannon"],
        categorical_methods=["jensen_shannon"])
    found.fit(before).calculate(now).to_df()
"""),
    "whylogs": (("whylogs[viz]==1.6.4", "pandas<3", "pyarrow"), """
import whylogs
from whylogs.viz.drift.column_drift_algorithms import calculate_drift_scores
def job(before, now):
    views = [whylogs.log(frame).view() for frame in (now, before)]
    calculate_drift_scores(target_view=views[0], reference_view=views[1], with_thresholds=True)
"""),
    "Alibi Detect": (("alibi-detect==0.13.0", "numpy<2", "pyarrow<20"), """
from alibi_detect.cd import TabularDrift
def job(before, now):
    for name in TEXTS:
        codes = pd.Categorical(pd.concat([before[name], now[name]])).codes
        before[name], now[name] = codes[:len(before)], codes[len(before):]
    places = {len(NUMBERS) + at: None for at in range(len(TEXTS))}
    found = TabularDrift(before.to_numpy("f8"), p_val=.05, categories_per_feature=places)
    found.predict(now.to_numpy("f8"), drift_type="feature")
"""),
    "Frouros, numbers alone": (("frouros==0.9.0", "pandas", "pyarrow"), """
from frouros.detectors.data_drift import KSTest
def job(before, now):
    for name in NUMBERS:
        test = KSTest()
        test.fit(X=before[name].to_numpy())
        test.compare(X=now[name].to_numpy())
"""),
}  # fmt: skip
SETTINGS = {
    **{name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"},
    "DO_NOT_TRACK": "1", "NML_DISABLE_USAGE_LOGGING": "1",
}  # fmt: skip
"""What processes are started with."""
PEER = """
import sys, warnings
warnings.filterwarnings("ignore")
import numpy as np
import pandas as pd
{code}
before, now = (pd.read_parquet(path) for path in sys.argv[1:3])
NUMBERS = [name for name in before if name.startswith("n")]
TEXTS = [name for name in before if name.startswith("c")]
job(before[NUMBERS + TEXTS].copy(), now[NUMBERS + TEXTS].copy())
"""


class Cost(NamedTuple):
    """What a process took: CPU seconds, peak MB."""

    cpu: float
    peak: float


def table(rows: int, numbers: int, texts: int, *, seed: int, moved: bool) -> pa.Table:
    """Normal, lognormal, uniform, rounded and counted columns, and levels by a power law."""
    generator = np.random.default_rng(seed)
    draws: list[Callable[[], Any]] = [
        lambda: generator.normal(size=rows),
        lambda: generator.lognormal(0.0, 0.8, rows),
        lambda: generator.uniform(-1.0, 1.0, rows),
        lambda: np.round(generator.gamma(2.0, 50.0, rows), 2),
        lambda: generator.poisson(30.0, rows).astype(np.float64),
    ]
    columns = {}
    for at in range(numbers):
        values = draws[at % len(draws)]()
        columns[f"n{at:03d}"] = values * 1.05 + 0.02 if moved and at % 6 == 0 else values
    for at in range(texts):
        size = LEVELS[at % len(LEVELS)]
        shares = 1.0 / np.arange(1, size + 1) ** 0.8
        if moved and at % 4 == 0:
            shares = shares * np.linspace(1.0, 1.15, size)
        codes = generator.choice(size, rows, p=shares / shares.sum()).astype(np.int32)
        names = pa.array([f"level_{level:03d}" for level in range(size)])
        columns[f"c{at:03d}"] = pa.DictionaryArray.from_arrays(codes, names).cast(pa.string())
    # Of a generator of its own, so that the other columns are what they were without it.
    part = np.random.default_rng(seed + 1).integers(0, SEGMENTS, rows)
    columns["part"] = pa.array([f"part {at}" for at in range(SEGMENTS)]).take(pa.array(part))
    return pa.table(columns)


def write(path: Path, shape: tuple[int, int, int], side: int) -> None:
    """One side's file: rows, numeric columns, text columns."""
    made = table(*shape, seed=side + shape[0], moved=bool(side))
    pq.write_table(made, path, row_group_size=122_880)


def files(folder: Path, rows: int, numbers: int, texts: int) -> list[str]:
    """Both files of a size, written if they are not there."""
    paths = []
    for seed, name in enumerate(("reference", "current")):
        path = folder / f"{name}_{rows}_{numbers}_{texts}_{SEGMENTS}.parquet"
        if not path.exists():
            # In a process of its own: what this one ever held would count as its children's peak.
            maker = get_context("spawn").Process(
                target=write, args=(path, (rows, numbers, texts), seed)
            )
            maker.start()
            maker.join()
            assert maker.exitcode == 0
        paths.append(str(path))
    return paths


def cost(words: list[str], times: int, python: str = sys.executable) -> Cost | None:
    """The least that a cold process took of several, each waited for by itself."""
    found = []
    for _ in range(times):
        process = subprocess.Popen(  # noqa: S603 - this interpreter and the programs above
            [python, *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env=SETTINGS,
        )  # fmt: skip
        if python != sys.executable:
            resource.prlimit(process.pid, resource.RLIMIT_CPU, (MOST_SECONDS, MOST_SECONDS))
        killer = threading.Timer(HANGS, process.kill)
        killer.start()
        _, status, used = os.wait4(process.pid, 0)
        killer.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode not in {0, 3}:
            return None
        found.append(Cost(used.ru_utime + used.ru_stime, used.ru_maxrss / 1024.0))
    return min(found)


def costs(jobs: list[list[str]], times: int) -> list[Cost]:
    """The least of each of several, in turn, so that all see the same load."""
    found: list[list[Cost]] = [[] for _ in jobs]
    for _ in range(times):
        for of, words in zip(found, jobs, strict=True):
            took = cost(words, 1)
            assert took is not None, words
            of.append(took)
    return [min(of) for of in found]


def kept(folder: Path, path: str) -> str:
    """The profile of a file, written if it is not there."""
    profile = folder / f"{Path(path).stem}.profile.json"
    if not profile.exists():
        words = ["-c", PROFILE, path, "--output", str(profile)]
        assert cost(words, 1) is not None
    return str(profile)


def line(what: str, floor: Cost, found: Cost | None) -> None:
    if found is None:
        print(f"| {what} | {floor.cpu:.2f} · {floor.peak:.0f} | did not end |  |", flush=True)
        return
    print(
        f"| {what} | {floor.cpu:.2f} · {floor.peak:.0f} | {found.cpu:.2f} · {found.peak:.0f} "
        f"| {found.cpu / floor.cpu:.2f} |",
        flush=True,
    )


def environment(folder: Path, name: str, wanted: tuple[str, ...]) -> str:
    """The Python of a peer's own environment."""
    place = folder / name.split(maxsplit=1)[0].strip(",").lower()
    python = place / "bin" / "python"
    if not python.exists():
        venv.create(place, with_pip=True)
        words = [str(python), "-m", "pip", "install", "-q", *wanted]
        subprocess.run(words, check=True)  # noqa: S603 - as above
    return str(python)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--peers", type=Path)
    parser.add_argument("--data", type=Path, help="Keep the files here.")
    asked = parser.parse_args()
    sizes = [(10_000, NUMERIC, TEXT, 5), (100_000, NUMERIC, TEXT, 3)]
    if asked.full:
        sizes += [(1_000_000, NUMERIC, TEXT, 1), (100_000, 240, 60, 1)]
    print("| rows a side x columns | floor, CPU s · MB | took, CPU s · MB | times the floor |")
    print("| --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as scratch:
        folder = asked.data or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        # Modules are compiled once, as installed ones are, even where the checkout keeps none so.
        SETTINGS["PYTHONPYCACHEPREFIX"] = str(folder.resolve() / "bytecode")
        for rows, numbers, texts, times in sizes:
            paths = files(folder, rows, numbers, texts)
            what = f"{rows:,} x {numbers + texts}"
            product, profile = ["-c", PRODUCT, *paths], kept(folder, paths[0])
            floor, whole, parts = costs(
                [["-c", FLOOR, *paths], product, [*product, "--by", "part"]], times
            )
            alone, beside = costs(
                [["-c", FLOOR, paths[1]], ["-c", PRODUCT, profile, paths[1]]], times
            )
            line(f"leeboard compare, {what}", floor, whole)
            line(f"leeboard compare --by, {SEGMENTS} segments, {what}", floor, parts)
            line(f"leeboard compare of a profile with a file, {what}", alone, beside)
            if asked.peers is not None and rows <= 100_000:  # noqa: PLR2004
                for name, (wanted, code) in PEERS.items():
                    python = environment(asked.peers, name, wanted)
                    found = cost(["-c", PEER.format(code=code), *paths], 1, python)
                    line(f"{name}, {what}", floor, found)


if __name__ == "__main__":
    main()
