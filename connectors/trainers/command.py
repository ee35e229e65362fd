"""Trains and scores by commands: each job a detached process that a restarted server finds again.

A job's directory holds the job as JSON and the files that `supervise` names; nothing about a job
is kept in memory.
"""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Final

import msgspec

from connectors.contract import Ended, Job, TrainJob
from connectors.trainers import supervise

JOB: Final = "job.json"

_PASSED_ON: Final = frozenset(
    {"PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "TZ", "TMPDIR",
     "VIRTUAL_ENV", "LD_LIBRARY_PATH", "SSL_CERT_FILE", "SSL_CERT_DIR"}
)  # fmt: skip
_PASSED_ON_PREFIXES: Final = ("LC_", "PYTHON", "CONDA_", "OMP_", "MKL_", "OPENBLAS_", "CUDA_")

_LOG_PART: Final = 4 << 20


class NotStarted(RuntimeError):
    """The wrapper of a job could not be started; the text says why."""


class _Process(msgspec.Struct, frozen=True):
    """A pid and when it began; `started` is None where it was gone before anybody could look."""

    pid: int
    started: str | None = None

    def is_alive(self) -> bool:
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self.pid, os.WNOHANG)  # a wrapper falls to us where the server is process 1
        return self.started is not None and supervise.started(self.pid) == self.started


class CommandTrainer:
    """Runs one command to train and one to score, with LEEBOARD_JOB naming the job's file.

    A command gets the environment given here and of the server's own only what a program needs to
    run (PATH, HOME, the locale, Python's and the number libraries' settings): never its tokens.
    A process that is told to end has `grace` before it is killed with all that it started.
    """

    def __init__(
        self,
        train_command: Sequence[str],
        score_command: Sequence[str],
        *,
        working_directory: Path,
        timeout: timedelta = timedelta(hours=1),
        environment: Mapping[str, str] | None = None,
        grace: timedelta = timedelta(seconds=5),
    ) -> None:
        self._train = tuple(train_command)
        self._score = tuple(score_command)
        self._working_directory = working_directory
        self._timeout = timeout
        self._grace = grace
        self._environment = dict(environment or {})

    def start(self, job: Job, directory: Path) -> None:
        """Start the job unless it was started in this directory before; returns at once.

        When it returns the wrapper runs and has said so on disk. Raises NotStarted.
        """
        if (directory / supervise.SUPERVISOR).exists():
            return
        supervise.write_atomically(str(directory / JOB), msgspec.to_builtins(job))
        told: dict[str, object] = {
            "command": self._train if isinstance(job, TrainJob) else self._score,
            "working_directory": str(self._working_directory),
            "timeout_seconds": self._timeout.total_seconds(),
            "grace_seconds": self._grace.total_seconds(),
        }
        supervise.write_atomically(str(directory / supervise.COMMAND), told)
        _spawn(directory, self._environment_of(directory))

    def ended(self, directory: Path) -> Ended | None:
        """How the job ended; None while it runs.

        A job whose wrapper is gone without a word has vanished: what it left running is ended.
        """
        if (said := _said(directory)) is not None:
            return said
        wrapper = _process(directory / supervise.SUPERVISOR)
        if wrapper is None:
            return Ended(code=None, reason="vanished: it was never started in this directory")
        if wrapper.is_alive():
            return None
        if (said := _said(directory)) is not None:  # it spoke between the two looks
            return said
        _end_orphans(directory)
        return Ended(code=None, reason="vanished: its supervising process is gone without a word")

    def cancel(self, directory: Path) -> None:
        """Ask the job and all its processes to end; `ended` tells when they have."""
        if _said(directory) is not None:
            return
        wrapper = _process(directory / supervise.SUPERVISOR)
        if wrapper is not None and wrapper.is_alive():
            with contextlib.suppress(ProcessLookupError):
                os.kill(wrapper.pid, signal.SIGTERM)
        else:
            _end_orphans(directory)

    def log(self, directory: Path, offset: int = 0) -> bytes:
        """What the job printed, from byte `offset` on, at most 4 MiB of it."""
        try:
            with (directory / supervise.LOG).open("rb") as file:
                file.seek(offset)
                return file.read(_LOG_PART)
        except FileNotFoundError:
            return b""

    def _environment_of(self, directory: Path) -> dict[str, str]:
        kept = {
            name: value
            for name, value in os.environ.items()
            if name in _PASSED_ON or name.startswith(_PASSED_ON_PREFIXES)
        }
        # Last, so that `python` is found even where the server was not started from its shell.
        own = str(Path(sys.executable).parent)
        kept["PATH"] = os.pathsep.join([kept.get("PATH", os.defpath), own])
        return {
            **kept,
            "PYTHONUNBUFFERED": "1",
            **self._environment,
            "LEEBOARD_JOB": str(directory / JOB),
        }


def builtin_trainer(timeout: timedelta = timedelta(minutes=30)) -> CommandTrainer:
    """The trainer that is always there: gradient-boosted trees, in `connectors.trainers.builtin`."""
    command = (sys.executable, "-m", "connectors.trainers.builtin")
    root = Path(__file__).resolve().parents[2]
    return CommandTrainer(command, command, working_directory=root, timeout=timeout)


def _spawn(directory: Path, environment: dict[str, str]) -> None:
    # Isolated and without site-packages: the wrapper needs neither, and starts in a third of the time.
    command = [sys.executable, "-I", "-S", supervise.__file__, str(directory)]
    try:
        subprocess.run(  # noqa: S603 - our own wrapper, no shell
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=True,
        )
    except (OSError, subprocess.SubprocessError) as error:
        message = f"the job's wrapper could not be started in {directory}: {error}"
        raise NotStarted(message) from error


def _said(directory: Path) -> Ended | None:
    try:
        return msgspec.json.decode((directory / supervise.ENDED).read_bytes(), type=Ended)
    except FileNotFoundError:
        return None


def _process(path: Path) -> _Process | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=_Process)
    except FileNotFoundError:
        return None


def _end_orphans(directory: Path) -> None:
    """End the command of a wrapper that is gone, if it is still the process that it was."""
    process = _process(directory / supervise.PROCESS)
    if process is not None and process.is_alive():
        supervise.end_group(process.pid, signal.SIGKILL)
