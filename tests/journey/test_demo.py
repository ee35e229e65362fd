"""The demonstration, as a newcomer runs it: a process, a terminal's end, a document."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

DEMO = [sys.executable, "-m", "controlplane.cli", "demo", "--headless", "--json"]


def processes_of(folder: Path) -> list[str]:
    """The command lines of what still runs for a folder."""
    found = []
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = place.read_bytes().split(b"\0")
        except OSError:  # it ended meanwhile
            continue
        if any(os.fsencode(folder) in word for word in words):
            found.append(b" ".join(words).decode(errors="replace"))
    return found


@pytest.mark.journey
@pytest.mark.slow
def test_the_demonstration_closes_the_loop(tmp_path: Path) -> None:
    done = subprocess.run(
        DEMO, capture_output=True, text=True, env={**os.environ, "TMPDIR": str(tmp_path)},
        timeout=500, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    summary = found["summary"]
    assert summary["served"] <= 1.20 * summary["always_retrained"]
    assert summary["served"] <= 0.66 * summary["never_retrained"]
    assert 1 <= summary["retrainings"] <= 10
    assert [p["version"] for p in found["promotions"] if p["kind"] == "first"] == ["v1"]
    [made] = [t for t in found["trials"] if t["made"]]
    assert made["verdict"] == "worse"
    [forced] = [p for p in found["promotions"] if p["kind"] == "by_hand"]
    [taken_back] = found["rollbacks"]
    assert taken_back["from"] == forced["version"] == made["candidate"]
    assert found["deliveries"]["sent"] == found["deliveries"]["verified"] > 0
    assert max(w["end"] for w in found["windows"]) <= "2012-12-01"
    assert processes_of(tmp_path) == []


@pytest.mark.journey
@pytest.mark.slow
def test_ctrl_c_ends_every_process_that_the_demonstration_began(tmp_path: Path) -> None:
    with subprocess.Popen(
        DEMO, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    ) as demo:  # fmt: skip
        assert demo.stderr is not None
        for line in demo.stderr:
            if "training v1" in line:  # a server is up and a training is under way
                break
        demo.send_signal(signal.SIGINT)
        told, rest = demo.communicate(timeout=60)

    assert demo.returncode == 130
    assert told == ""
    assert "every process that it began has ended" in rest
    assert processes_of(tmp_path) == []
