"""A Python script in a process of its own, killed when it has begun."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]


def child(script: str, *arguments: str, **options: object) -> subprocess.Popen[str]:
    """A script that may import what tests import."""
    return subprocess.Popen(
        [sys.executable, "-c", script, *arguments], cwd=ROOT, text=True, stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)}, **options,
    )  # fmt: skip


def begun(script: str, *arguments: str, **options: object) -> subprocess.Popen[str]:
    """The same, once it has said that it is ready."""
    process = child(script, *arguments, **options)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def killed(process: subprocess.Popen[str], seconds: float) -> list[str]:
    """Kill it after so many seconds; the whole lines that it has said and nobody read."""
    assert process.stdout is not None
    time.sleep(seconds)
    with process:
        process.kill()
        said = [line.rstrip("\n") for line in process.stdout if line.endswith("\n")]
    assert process.returncode == -signal.SIGKILL
    return said
