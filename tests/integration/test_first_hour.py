"""The first hour of a live model that is trained elsewhere, on a real server: with its past, and
without any."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import numpy as np
import pytest

from controlplane.clock import SystemClock
from tests.served import LIMIT, Served

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
FILE = """\
model: boats
task: regression
label: {column: knots, delay: 1d}
trainer: none
windows: {every: EVERY, lateness: 0s}
features: {wind: numeric, sail: categorical}
"""


def leeboard(served: Served, *words: str | Path) -> subprocess.CompletedProcess[str]:
    """The command line, of the user whose server it is."""
    env = {**os.environ, "XDG_DATA_HOME": str(served.data.parent), "LEEBOARD_SERVER": served.address,
           "LEEBOARD_TOKEN": served.token}  # fmt: skip
    return subprocess.run(
        [sys.executable, "-m", "controlplane.cli", *map(str, words)], env=env, check=False,
        capture_output=True, text=True, timeout=LIMIT,
    )  # fmt: skip


def applied(served: Served, every: str) -> None:
    path = served.data.parent / "boats.yaml"
    path.write_text(FILE.replace("EVERY", every))
    done = leeboard(served, "apply", path)
    assert done.returncode == 0, done.stderr


def rows(start: datetime, count: int, apart: timedelta, **more: object) -> list[dict[str, object]]:
    """Rows with a wind, a sail and a prediction; with `shift` the wind is another."""
    chance = np.random.default_rng(count)
    wind = chance.normal(10.0 + float(str(more.pop("shift", 0.0))), 2.0, count)
    sail = np.array(["jib", "main", "genoa", "drifter"])[chance.integers(0, 4, count)]
    return [
        {"id": f"{(start + n * apart):%Y%m%d%H%M%S}", "at": (start + n * apart).isoformat(),
         "wind": float(wind[n]), "sail": str(sail[n]), "prediction": float(wind[n]) / 2.0, **more}
        for n in range(count)
    ]  # fmt: skip


def sent(served: Served, found: list[dict[str, object]]) -> None:
    body = b"\n".join(json.dumps(row).encode() for row in found)
    headers = {"Authorization": f"Bearer {served.token}", "Content-Type": "application/x-ndjson"}
    url = f"{served.address}/v1/models/boats/predictions"
    answer = httpx.post(url, content=body, headers=headers, timeout=LIMIT)
    assert answer.json()["accepted"] == len(found), answer.text


def asked(served: Served, path: str) -> dict[str, object]:
    headers = {"Authorization": f"Bearer {served.token}"}
    return httpx.get(f"{served.address}{path}", headers=headers, timeout=LIMIT).json()


def scored(
    served: Served, enough: Callable[[list[dict[str, object]]], bool]
) -> list[dict[str, object]]:
    """The windows that are scored, once they are enough."""
    until = time.monotonic() + LIMIT
    while time.monotonic() < until:
        windows = asked(served, "/v1/models/boats/windows")["items"]
        found = [w for w in windows if w["revision"] >= 0]
        if enough(found):
            return found
        time.sleep(0.1)
    pytest.fail(f"not enough windows were scored within {LIMIT} s")


@pytest.mark.slow
def test_a_drifted_day_fails_at_once_where_the_past_was_logged(tmp_path: Path) -> None:
    today = SystemClock().now().replace(hour=0, minute=0, second=0, microsecond=0)
    with Served(tmp_path / "data") as served:
        applied(served, "1d")
        past = rows(today - 61 * DAY, 60 * 48, HOUR / 2)
        path = tmp_path / "past.ndjson"
        path.write_text(
            "".join(json.dumps({**row, "knots": row["prediction"]}) + "\n" for row in past)
        )
        done = leeboard(served, "log", path, "--model", "boats", "--history")
        assert done.returncode == 0, done.stderr
        assert "2,880 rows are stored" in done.stdout
        sent(served, rows(today - DAY, 48, HOUR / 2, shift=6.0))
        [window] = scored(served, lambda found: len(found) == 1)
        findings = asked(served, f"/v1/windows/{window['id']}/findings")["findings"]
        status = leeboard(served, "status", "boats")
    assert (window["start"][:10], window["rows"], window["verdict"]) == (
        f"{today - DAY:%Y-%m-%d}", 48, "failed",
    )  # fmt: skip
    failed = {
        (f["column"], f["detector"], f["basis"]) for f in findings if f["verdict"] == "failed"
    }
    assert ("wind", "a1", "calibrated") in failed
    assert not any(column == "sail" for column, _, _ in failed)
    assert status.returncode == 3
    assert "watching, trained elsewhere" in status.stdout


@pytest.mark.slow
def test_without_a_past_hard_limits_are_judged_and_the_rest_is_named_with_its_date(
    tmp_path: Path,
) -> None:
    hour = SystemClock().now().replace(minute=0, second=0, microsecond=0)
    with Served(tmp_path / "data") as served:
        applied(served, "1h")
        sent(served, rows(hour - HOUR, 60, HOUR / 60, wind=None))
        [window] = scored(served, lambda found: len(found) == 1)
        findings = asked(served, f"/v1/windows/{window['id']}/findings")["findings"]
        status = leeboard(served, "status", "boats")
    [failed] = [f for f in findings if f["verdict"] == "failed"]
    assert (failed["column"], failed["detector"], failed["basis"]) == ("wind", "missing", "hard")
    assert window["verdict"] == "failed"
    when = f"{hour + 8 * HOUR:%Y-%m-%d %H:%M} UTC"
    for what in ("drift of the columns", "prediction drift", "missing shares and volume"):
        assert f"{what} can be judged from {when} on: 8 more hourly windows" in window["notes"]
    assert "wind is missing in 100% of the rows" in status.stdout
    said = " ".join(status.stdout.split())
    assert f"drift of the columns can be judged from {when} on" in said
