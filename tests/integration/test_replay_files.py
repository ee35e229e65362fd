"""Whole replays of small files of every make, with a real server and real trainings."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from datetime import time as clock
from datetime import timedelta
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from controlplane.cli.replay import run
from controlplane.cli.replay.asked import Asked
from controlplane.cli.replay.report import report
from controlplane.cli.replay.run import Outcome, Replay, replay
from controlplane.store.duckdb_store import open_store
from controlplane.store.ports import Known

pytestmark = pytest.mark.slow

N = 480
EVERY = np.timedelta64(2, "h")
TIMES = np.datetime64("2024-01-01", "us") + np.arange(N) * EVERY
"""Forty days; serving begins after the tenth."""
DRAWS = np.random.default_rng(4)
WIND, TIDE = DRAWS.normal(size=(2, N))
SAIL = DRAWS.choice(["jib", "genoa"], N)
WON = DRAWS.random(N) < 1 / (1 + np.exp(-2 * WIND))


def written(folder: Path, name: str = "boats.parquet", /, **columns: Any) -> Path:
    """A file of `ts`, `wind`, `tide`, `sail`, `y` and more; a column of None is left out."""
    whole = {"ts": TIMES, "wind": WIND, "tide": TIDE, "sail": SAIL, "y": WON, **columns}
    table = pa.table({key: values for key, values in whole.items() if values is not None})
    path = folder / name
    if name.endswith(".csv"):
        pyarrow.csv.write_csv(table, path)
    else:
        pq.write_table(table, path)
    return path


def replayed(
    path: Path, *, model: str | None = None, rivalled: bool = False, **asked: Any
) -> Outcome:
    """A replay; only where it is `rivalled` is it reckoned what always retraining would bring."""
    data = path.parent / "data"
    data.mkdir()
    file = path.parent / "model.yaml"
    if model is not None:
        file.write_text(model)
    with pytest.MonkeyPatch.context() as patched:
        if not rivalled:
            patched.setattr(run, "FOUR_WEEKS", timedelta(days=3650))
        return replay(
            Replay(
                file=path, asked=Asked(**{"label": "y", "time": "ts", **asked}), data=data,
                say=lambda _: None, model_file=file if model is not None else None,
            ),
            Event(),
        )  # fmt: skip


def stored(path: Path, model: str, features: list[str]) -> pa.Table:
    """The rows that the replay's server holds, with their labels, as whoever comes later sees them."""
    store = open_store(path.parent / "data")
    try:
        with store.read() as view:
            return view.events.labelled(model, features, Known())
    finally:
        store.close()


def odd_columns() -> Mapping[str, Any]:
    """A column of every kind and several with odd names or a bad history."""
    late = np.arange(N) > 300
    return {
        "at": WIND, "label": TIDE, "two words": WIND, "größe": TIDE, "a.b": WIND, "A.b": TIDE,
        "infinite": np.where(WIND > 1, np.inf, WIND), "nothing": pa.nulls(N),
        "clock": pa.array([clock(n % 24) for n in range(N)]),
        "lasting": pa.array(np.arange(N) % 7, pa.duration("s")),
        "day": TIMES.astype("datetime64[D]"), "parts": pa.array([[1]] * N),
        "name": pa.array([f"u{n}" for n in range(N)]),
        "still": np.where(late, WIND, 1.0), "gone": pa.array(WIND, mask=late),
        "comes": pa.array(SAIL, mask=~late),
    }  # fmt: skip


def test_columns_of_every_kind_are_served_watched_and_trained_on(tmp_path: Path) -> None:
    found = replayed(written(tmp_path, **odd_columns()), rivalled=True)
    story = found.story
    assert [column.name for column in story.history.features] == [
        "wind", "tide", "sail", "at_", "label_", "two words", "größe", "a.b", "A.b_2", "infinite",
        "nothing", "clock", "lasting", "day", "still", "gone", "comes",
    ]  # fmt: skip
    assert found.document.rows == N
    assert sum(window.rows for window in found.document.windows) == N - 120
    assert sum(window.served.rows for window in found.document.windows if window.served) == N - 120
    told = report(found.document, story)
    assert "comes is absent, or has values and never had any before" in " ".join(told.split())


@pytest.mark.parametrize("task", ["regression", "binary"])
def test_figures_are_those_of_the_stored_rows(tmp_path: Path, task: str) -> None:
    """With labels that come after days or never: served, never and the counts, computed anew."""
    waits = np.exp(DRAWS.normal(0.5, 1.0, N)) * 86_400e6
    came = pa.array(TIMES + waits.astype("timedelta64[us]"), mask=DRAWS.random(N) < 0.2)
    labels = 3 * WIND + TIDE if task == "regression" else WON
    path = written(tmp_path, came=came, y=labels)
    found = replayed(path, label_time="came").document
    rows = stored(path, "boats", [])
    rows = rows.filter(pc.is_valid(rows["prediction"]))
    if task == "regression":
        losses = np.abs(rows["prediction"].to_numpy() - rows["label"].to_numpy())
    else:
        share = np.clip(rows["score:true"].to_numpy(), 1e-6, 1 - 1e-6)
        is_true = np.array(rows["label"].to_pylist()) == "true"
        losses = -np.log(np.where(is_true, share, 1 - share))
    at = rows["at"].to_numpy()
    for window in found.windows:
        inside = (at >= np.datetime64(window.start.replace(tzinfo=None))) & (
            at < np.datetime64(window.end.replace(tzinfo=None))
        )
        served = window.served
        assert served is not None
        assert served.value is not None
        assert served.rows == inside.sum()
        assert served.value == pytest.approx(losses[inside].mean())
        assert window.never_retrained == pytest.approx(served.value)  # v1 served all the while
        assert (
            served.low is None or served.high is None or served.low <= served.value <= served.high
        )
    assert {promotion.version for promotion in found.promotions} == {"v1"}
    assert found.summary.served == pytest.approx(losses.mean())
    assert found.summary.retrainings == 0


def test_a_break_is_noticed_repaired_and_told_of_in_rows_where_there_are_no_times(
    tmp_path: Path,
) -> None:
    rows = 1400
    wind = np.random.default_rng(5).normal(size=rows)
    label = np.where(np.arange(rows) < 520, 5 * wind, 20 - 5 * wind)
    path = tmp_path / "boats.csv"
    pyarrow.csv.write_csv(pa.table({"wind": wind, "y": label}), path)
    model = (
        "model: boats\ntask: regression\nlabel: y\n"
        "retrain: {when: [performance: {worse_by: 20%}], cooldown: 7d}\n"
    )
    found = replayed(path, time=None, model=model, rivalled=True)
    promoted = [p.version for p in found.document.promotions]
    assert promoted[0] == "v1"
    assert len(promoted) > 1
    summary = found.document.summary
    assert summary.retrainings_always == 1
    assert summary.retrainings == len(found.document.runs) - 1
    assert summary.served is not None
    assert summary.never_retrained is not None
    assert summary.served < 0.8 * summary.never_retrained
    told = report(found.document, found.story)
    assert "promoted" in told
    assert "1970" not in told


def test_a_class_that_comes_later_and_odd_classes_are_served(tmp_path: Path) -> None:
    labels = np.array(["Größe A", "b c"])[WON.astype(int)].astype(object)
    labels[300::3] = 'neu/"x"'
    found = replayed(written(tmp_path, "boats.csv", y=pa.array(labels.tolist())))
    assert (found.document.metric, found.story.history.labels.classes) == (
        "log_loss", ("Größe A", "b c", 'neu/"x"'),
    )  # fmt: skip
    assert found.document.summary.served == pytest.approx(found.document.summary.never_retrained)


def test_one_class_alone_at_first_is_served_and_the_other_noticed(tmp_path: Path) -> None:
    model = "model: boats\ntask: binary\nlabel: y\nwindows: {rows: 100}\n"
    labels = np.where(np.arange(N) < 240, False, WON)
    found = replayed(written(tmp_path, y=labels), model=model).document
    values = [window.served.value for window in found.windows if window.served]
    assert values[0] == pytest.approx(0.0, abs=1e-5)
    assert values[-1] is not None
    assert values[-1] > 1.0


def test_what_a_model_file_says_of_names_windows_and_delay_holds(tmp_path: Path) -> None:
    model = (
        "model: mine\ntask: binary\nlabel: {column: y, delay: 12h}\nprediction: yhat\nscore: p\n"
        "features: {wind: numeric, sail: categorical}\nwindows: {rows: 100}\n"
    )
    days = TIMES.astype("datetime64[D]")  # rows of one day share their time; windows cut days
    path = written(tmp_path, ts=days)
    found = replayed(path, label="", model=model).document
    assert [window.rows for window in found.windows] == [100, 100, 100, 60]
    for window in found.windows:
        assert window.served is not None
        assert window.never_retrained == pytest.approx(window.served.value)
    rows = stored(path, "mine", ["wind"])
    assert rows["score:true"].null_count == 120  # the history before the first version
    waits = set(pc.unique(pc.subtract(rows["label_known_at"], rows["at"])).to_pylist())
    assert waits == {timedelta(hours=12)}


# The command: its statuses, its two outputs, and what it leaves running.


@pytest.fixture
def commanded(tmp_path: Path) -> Iterator[Any]:
    """Start `leeboard replay` with a mark of its own in the data folder's name."""
    started: list[subprocess.Popen[str]] = []

    def start(*words: str) -> "subprocess.Popen[str]":
        process = subprocess.Popen(
            [sys.executable, "-m", "controlplane.cli", "replay", *words, "--headless",
             "--data", str(tmp_path / "house")],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        )  # fmt: skip
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def running(folder: Path) -> list[str]:
    """The processes that have a folder in their command or environment."""
    found = []
    for place in Path("/proc").iterdir():
        if place.name.isdigit():
            try:
                said = (place / "cmdline").read_bytes() + (place / "environ").read_bytes()
            except OSError:
                continue
            if str(folder).encode() in said:
                found.append(place.name)
    return found


def test_the_document_is_alone_on_standard_output_and_nothing_stays(
    tmp_path: Path, commanded: Any
) -> None:
    path = written(tmp_path, "boats.csv")
    process = commanded(str(path), "--label", "y", "--time", "ts", "--json")
    output, words = process.communicate()
    assert (process.returncode, json.loads(output)["rows"]) == (0, N)
    assert "100 % of the history has passed" in words
    assert "leeboard serve --data" in words
    assert running(tmp_path / "house") == []


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks for processes in /proc")
@pytest.mark.parametrize(
    "reached",
    ["jobs", "server.json", "jobs/*", "replay/*/serving-v1/scored.parquet"],
)
def test_ctrl_c_ends_everything_wherever_it_comes(
    tmp_path: Path, commanded: Any, reached: str
) -> None:
    path = written(tmp_path)
    process = commanded(str(path), "--label", "y", "--time", "ts", "--json", "--speed", "10")
    until = time.monotonic() + 60
    while not list((tmp_path / "house").glob(reached)) and time.monotonic() < until:
        time.sleep(0.005)
    process.send_signal(signal.SIGINT)
    output, words = process.communicate()
    assert (process.returncode, output) == (130, "")
    assert "stopped; every process that it began has ended" in words
    assert running(tmp_path / "house") == []


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["--time", "ts"], 2, "which column holds what turned out true? Say --label COLUMN"),
        (["--label", "y", "--label-time", "ts"], 2, "--label-time needs --time"),
        (["--label", "y", "--delay", "nan"], 2, "--delay: nan days is no delay"),
        (["--label", "y", "--time-zone", "Europe/Lisabon"], 2, "did you mean Europe/Lisbon?"),
        (["--label", "yy"], 1, "has no column 'yy' (did you mean y?)"),
        (["--label", "y", "--time", "sail"], 1, "column 'sail' holds texts such as"),
        (["--label", "y", "--positive", "maybe"], 1, "'maybe' is not a class of 'y'"),
        (["--model", "wrong.yaml"], 1, "wrong.yaml:2:7: task is binry; expected one of"),
    ],
)
def test_bad_input_is_an_error_that_says_what_was_found(
    tmp_path: Path, words: list[str], status: int, said: str
) -> None:
    path = written(tmp_path)
    (tmp_path / "wrong.yaml").write_text("model: boats\ntask: binry\nlabel: y\nwindos: 7d\n")
    found = subprocess.run(
        [sys.executable, "-m", "controlplane.cli", "replay", str(path), *words, "--json"],
        capture_output=True, text=True, check=False, cwd=tmp_path,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )  # fmt: skip
    assert (found.returncode, found.stdout) == (status, "")
    assert said in found.stderr
    assert "Traceback" not in found.stderr
    assert "is not a key" in found.stderr or "wrong.yaml" not in words
    assert not list(tmp_path.glob("leeboard-replay-*"))
