"""The wrapper around one job's command: it outlives the server and writes down how it ended.

Run by path in Python's isolated mode, so it imports the standard library alone and little of it:
pathlib and typing would take as long to import as the rest of its start.
Its files, all in the job's directory:

- `command.json` (read): command, working_directory, timeout_seconds, grace_seconds
- `supervisor.json`, `process.json`: the wrapper's and the command's pid with their start times
- `log`: what the command printed
- `ended.json`: code, reason, timed_out, seconds
"""
# Paths are texts here, for the reason that the docstring gives.
# ruff: noqa: PTH105, PTH108, PTH110, PTH118, PTH123

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from types import FrameType

COMMAND = "command.json"
SUPERVISOR = "supervisor.json"
PROCESS = "process.json"
LOG = "log"
ENDED = "ended.json"

_STARTED = b"1"
_TAIL = 4096
_LINE = 300


def main(directory: str) -> int:
    """Fork the wrapper off and return 0 once its pid is on disk; it goes on by itself."""
    told, tell = os.pipe()
    if os.fork() == 0:
        code = 1
        try:
            os.setsid()
            os.close(told)
            _supervise(directory, tell)
            code = 0
        finally:
            os._exit(code)
    os.close(tell)
    return 0 if os.read(told, 1) == _STARTED else 1


def started(pid: int) -> str | None:
    """When a process began, as a text to compare; None where it has ended or never was.

    Together with the pid it names a process: a pid alone is given to another one some day.
    """
    if not os.path.exists("/proc/self/stat"):
        return _started_by_ps(pid)
    try:
        fields = _read(f"/proc/{pid}/stat").rpartition(")")[2].split()
    except OSError:
        return None
    if fields[0] in "ZX":
        return None
    boot = _read("/proc/sys/kernel/random/boot_id").strip()
    return f"{boot}:{fields[19]}"


def write_atomically(path: str, content: Mapping[str, object]) -> None:
    """Write JSON so that a reader finds all of it or nothing, whoever else writes it, too."""
    partial = f"{path}.{os.getpid()}.{threading.get_ident()}"
    with open(partial, "w") as file:
        json.dump(content, file)
    os.replace(partial, path)


def end_group(pid: int, number: int) -> None:
    """Send a signal to a process group; nothing happens where there is none."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)


class _Watch:
    """What the wrapper does on a signal: SIGALRM is its timer, SIGTERM asks to cancel."""

    def __init__(self, grace: float) -> None:
        self._grace = grace
        self._pid: int | None = None
        self.why: str | None = None

    def over(self, pid: int) -> None:
        """Watch a process; one that was cancelled before it began is ended at once."""
        self._pid = pid
        if self.why is not None:
            self._end(signal.SIGTERM)

    def rest(self) -> None:
        """There is nothing left to end."""
        self._pid = None
        signal.setitimer(signal.ITIMER_REAL, 0)

    def on_signal(self, number: int, _frame: FrameType | None) -> None:
        """First ask the group to end; when the grace is over, end it."""
        if self.why is None:
            self.why = "timed out" if number == signal.SIGALRM else "cancelled"
            self._end(signal.SIGTERM)
        elif number == signal.SIGALRM:
            self._end(signal.SIGKILL)

    def _end(self, number: int) -> None:
        signal.setitimer(signal.ITIMER_REAL, self._grace)
        if self._pid is not None:
            end_group(self._pid, number)


def _supervise(directory: str, tell: int) -> None:
    told = json.loads(_read(os.path.join(directory, COMMAND)))
    watch = _Watch(told["grace_seconds"])
    signal.signal(signal.SIGTERM, watch.on_signal)
    signal.signal(signal.SIGALRM, watch.on_signal)
    claimed = _claim(os.path.join(directory, SUPERVISOR))
    os.write(tell, _STARTED)
    os.close(tell)
    if not claimed:
        return
    begun = time.monotonic()
    code, reason = _run(directory, told, watch)
    write_atomically(
        os.path.join(directory, ENDED),
        {
            "code": code,
            "reason": reason,
            "timed_out": watch.why == "timed out",
            "seconds": time.monotonic() - begun,
        },
    )


def _claim(path: str) -> bool:
    """Say in the directory that this process supervises it; false where another one does."""
    claim = f"{path}.{os.getpid()}.claim"
    write_atomically(claim, {"pid": os.getpid(), "started": started(os.getpid())})
    try:
        os.link(claim, path)
    except FileExistsError:
        return False
    finally:
        os.unlink(claim)
    return True


def _run(directory: str, told: dict[str, object], watch: _Watch) -> tuple[int | None, str | None]:
    command = [str(word) for word in told["command"]]  # type: ignore[attr-defined]
    with open(os.path.join(directory, LOG), "ab") as log:
        try:
            process = subprocess.Popen(  # noqa: S603 - the operator's own command, no shell
                command,
                cwd=str(told["working_directory"]),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            return 127, f"could not be started: {error}"
    born = {"pid": process.pid, "started": started(process.pid)}
    write_atomically(os.path.join(directory, PROCESS), born)
    if watch.why is None:
        signal.setitimer(signal.ITIMER_REAL, float(told["timeout_seconds"]))  # type: ignore[arg-type]
    watch.over(process.pid)
    code = _wait(process, watch)
    return _said(directory, code, watch.why, float(told["timeout_seconds"]))  # type: ignore[arg-type]


def _wait(process: subprocess.Popen[bytes], watch: _Watch) -> int:
    """Wait for the command, then end what it left running in its group."""
    if hasattr(os, "waitid"):
        # Not reaped yet: its number, which is the group's, belongs to nobody else.
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        watch.rest()
        end_group(process.pid, signal.SIGKILL)
    code = process.wait()
    watch.rest()
    return code


def _said(
    directory: str, code: int, why: str | None, timeout: float
) -> tuple[int | None, str | None]:
    """The exit code, None where it was killed, and the sentence that goes with it."""
    if why == "timed out":
        return None, f"ran longer than its {timeout:g} seconds and was ended"
    if why is not None:
        return None, "was cancelled"
    if code < 0:
        return None, f"was killed by {signal.Signals(-code).name}"
    if code > 0:
        last = _last_line(os.path.join(directory, LOG))
        return code, f"exited with status {code}" + (f": {last}" if last else "")
    return 0, None


def _last_line(log: str) -> str:
    with open(log, "rb") as file:
        file.seek(max(0, os.fstat(file.fileno()).st_size - _TAIL))
        lines = file.read().decode(errors="replace").split("\n")
    return next((line.strip()[:_LINE] for line in reversed(lines) if line.strip()), "")


def _read(path: str) -> str:
    with open(path) as file:
        return file.read()


def _started_by_ps(pid: int) -> str | None:
    """Where there is no /proc, to the second."""
    asked = ["/bin/ps", "-o", "stat=,lstart=", "-p", str(pid)]
    said = subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip()  # noqa: S603
    state, _, when = said.partition(" ")
    return when.strip() if when and not state.startswith("Z") else None


if __name__ == "__main__":
    os._exit(main(sys.argv[1]))  # at once: tidying the interpreter takes as long as the work
