"""The command trainer, with real processes."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from connectors.contract import Ended, Job, ScoreJob, TrainJob
from connectors.trainers import supervise
from connectors.trainers.command import CommandTrainer

JOB = ScoreJob(model_directory="/m", input="/i", output="/o")


def a_trainer(
    directory: Path, script: str, timeout: float = 30.0, grace: float = 0.3, **environment: str
) -> CommandTrainer:
    """A trainer whose commands are a shell script."""
    command = ("/bin/sh", "-c", script)
    return CommandTrainer(
        command,
        command,
        working_directory=directory,
        timeout=timedelta(seconds=timeout),
        environment=environment,
        grace=timedelta(seconds=grace),
    )


def the_end(trainer: CommandTrainer, directory: Path) -> Ended:
    """Wait for a job's end."""
    until = time.monotonic() + 10
    while time.monotonic() < until:
        if (ended := trainer.ended(directory)) is not None:
            return ended
        time.sleep(0.005)
    raise AssertionError("the job does not end")


def appears(path: Path) -> str:
    """The content of a file that a job writes, once it is there."""
    until = time.monotonic() + 10
    while time.monotonic() < until:
        if path.exists() and (text := path.read_text()):
            return text
        time.sleep(0.005)
    raise AssertionError(f"{path} does not appear")


def is_gone(pid: int) -> bool:
    """Whether a process ends within a second."""
    until = time.monotonic() + 1
    while time.monotonic() < until:
        if supervise.started(pid) is None:
            return True
        time.sleep(0.005)
    return False


def test_a_command_that_exits_with_0_ended_without_a_reason(tmp_path: Path) -> None:
    trainer = a_trainer(tmp_path, "echo out; echo err >&2")
    trainer.start(JOB, tmp_path)
    ended = the_end(trainer, tmp_path)
    assert (ended.code, ended.reason, ended.timed_out) == (0, None, False)
    assert trainer.log(tmp_path) == b"out\nerr\n"
    assert trainer.log(tmp_path, 4) == b"err\n"


def test_the_job_is_given_as_json_in_the_file_that_leeboard_job_names(tmp_path: Path) -> None:
    job = TrainJob(
        model="m", run="r", seed=7, task="binary", features=[], label="y",
        data="/d", validation="/v", output="/o",
    )  # fmt: skip
    trainer = a_trainer(tmp_path, 'cat "$LEEBOARD_JOB"')
    trainer.start(job, tmp_path)
    the_end(trainer, tmp_path)
    assert msgspec.json.decode(trainer.log(tmp_path), type=Job) == job
    assert json.loads(trainer.log(tmp_path))["kind"] == "train"


def test_a_non_zero_exit_says_its_status_and_the_last_line_that_was_printed(tmp_path: Path) -> None:
    trainer = a_trainer(tmp_path, "echo one; echo 'ValueError: no rows'; echo; exit 3")
    trainer.start(JOB, tmp_path)
    ended = the_end(trainer, tmp_path)
    assert (ended.code, ended.reason) == (3, "exited with status 3: ValueError: no rows")


def test_a_command_that_is_not_there_says_so(tmp_path: Path) -> None:
    trainer = CommandTrainer(["/no/such"], ["/no/such"], working_directory=tmp_path)
    trainer.start(JOB, tmp_path)
    ended = the_end(trainer, tmp_path)
    assert ended.code == 127
    assert ended.reason is not None
    assert "could not be started" in ended.reason
    assert "/no/such" in ended.reason


def test_a_command_that_was_killed_has_no_code(tmp_path: Path) -> None:
    trainer = a_trainer(tmp_path, "kill -9 $$")
    trainer.start(JOB, tmp_path)
    ended = the_end(trainer, tmp_path)
    assert (ended.code, ended.reason) == (None, "was killed by SIGKILL")


def test_a_timeout_ends_the_command_and_all_that_it_started(tmp_path: Path) -> None:
    script = "trap '' TERM; (trap '' TERM; sleep 60) & echo $! > child; while :; do sleep 60; done"
    trainer = a_trainer(tmp_path, script, timeout=0.3)
    trainer.start(JOB, tmp_path)
    child = int(appears(tmp_path / "child"))
    ended = the_end(trainer, tmp_path)
    assert ended.timed_out
    assert (ended.code, ended.reason) == (None, "ran longer than its 0.3 seconds and was ended")
    assert is_gone(child)


def test_cancelling_ends_the_command_and_all_that_it_started(tmp_path: Path) -> None:
    trainer = a_trainer(tmp_path, "sleep 60 & echo $! > child; wait")
    trainer.start(JOB, tmp_path)
    child = int(appears(tmp_path / "child"))
    trainer.cancel(tmp_path)
    ended = the_end(trainer, tmp_path)
    assert (ended.code, ended.reason, ended.timed_out) == (None, "was cancelled", False)
    assert is_gone(child)


def test_a_job_cancelled_at_once_is_cancelled_and_not_vanished(tmp_path: Path) -> None:
    for number in range(5):
        directory = tmp_path / str(number)
        directory.mkdir()
        trainer = a_trainer(tmp_path, "sleep 60")
        trainer.start(JOB, directory)
        trainer.cancel(directory)
        assert the_end(trainer, directory).reason == "was cancelled"


def test_what_a_command_leaves_running_is_ended_with_it(tmp_path: Path) -> None:
    trainer = a_trainer(tmp_path, "sleep 60 & echo $! > child")
    trainer.start(JOB, tmp_path)
    assert the_end(trainer, tmp_path).code == 0
    assert is_gone(int(appears(tmp_path / "child")))


def test_a_wrapper_that_was_killed_leaves_a_vanished_job_and_no_process(tmp_path: Path) -> None:
    trainer = a_trainer(tmp_path, "echo $$ > shell; sleep 60")
    trainer.start(JOB, tmp_path)
    shell = int(appears(tmp_path / "shell"))
    appears(tmp_path / supervise.PROCESS)
    os.kill(json.loads(appears(tmp_path / supervise.SUPERVISOR))["pid"], signal.SIGKILL)
    ended = the_end(trainer, tmp_path)
    assert ended.code is None
    assert ended.reason is not None
    assert ended.reason.startswith("vanished")
    assert is_gone(shell)
    assert trainer.ended(tmp_path) == ended


def test_a_pid_that_another_process_has_now_is_not_taken_for_the_wrapper(tmp_path: Path) -> None:
    other = subprocess.Popen(["/bin/sleep", "60"])
    try:
        told = json.dumps({"pid": other.pid, "started": "yesterday"})
        (tmp_path / supervise.SUPERVISOR).write_text(told)
        (tmp_path / supervise.PROCESS).write_text(told)
        trainer = a_trainer(tmp_path, "true")
        ended = trainer.ended(tmp_path)
        assert ended is not None
        assert ended.reason is not None
        assert ended.reason.startswith("vanished")
        trainer.cancel(tmp_path)
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


def test_a_directory_in_which_nothing_was_started_says_so(tmp_path: Path) -> None:
    ended = a_trainer(tmp_path, "true").ended(tmp_path)
    assert ended == Ended(code=None, reason="vanished: it was never started in this directory")
    a_trainer(tmp_path, "true").cancel(tmp_path)
    assert a_trainer(tmp_path, "true").log(tmp_path) == b""


def test_another_trainer_object_takes_up_a_running_job(tmp_path: Path) -> None:
    a_trainer(tmp_path, "while [ ! -e go ]; do sleep 0.01; done; echo done").start(JOB, tmp_path)
    restarted = a_trainer(tmp_path, "echo another")
    assert restarted.ended(tmp_path) is None
    (tmp_path / "go").touch()
    assert the_end(restarted, tmp_path).code == 0
    assert restarted.log(tmp_path) == b"done\n"


def test_a_job_survives_the_process_that_started_it(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path;"
        "from connectors.contract import ScoreJob; from connectors.trainers.command import *;"
        "d = Path(sys.argv[1]); c = ['/bin/sh', '-c', 'sleep 0.3; echo alive'];"
        "CommandTrainer(c, c, working_directory=d).start("
        "ScoreJob(model_directory='', input='', output=''), d);"
        "import os; os.kill(os.getpid(), 9)"
    )
    killed = subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=False)
    assert killed.returncode == -signal.SIGKILL
    trainer = a_trainer(tmp_path, "false")
    assert trainer.ended(tmp_path) is None
    assert the_end(trainer, tmp_path).code == 0
    assert trainer.log(tmp_path) == b"alive\n"


def test_a_job_asked_for_many_times_at_once_runs_once(tmp_path: Path) -> None:
    trainer = a_trainer(tmp_path, "echo once; sleep 0.2")
    threads = [threading.Thread(target=trainer.start, args=(JOB, tmp_path)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    the_end(trainer, tmp_path)
    trainer.start(JOB, tmp_path)
    assert trainer.log(tmp_path) == b"once\n"


def test_the_servers_secrets_are_not_in_a_commands_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("LEEBOARD_TOKEN", "OPS_SECRET", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "hush")
    trainer = a_trainer(tmp_path, "env", MINE="given")
    trainer.start(JOB, tmp_path)
    the_end(trainer, tmp_path)
    said = trainer.log(tmp_path).decode()
    assert "hush" not in said
    assert "MINE=given" in said
    assert "PATH=" in said
    files = [path for path in tmp_path.iterdir() if path.name != supervise.LOG]
    assert not any("given" in path.read_text() for path in files)


def test_no_zombie_is_left_to_the_server(tmp_path: Path) -> None:
    trainer = a_trainer(tmp_path, "true")
    trainer.start(JOB, tmp_path)
    the_end(trainer, tmp_path)
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


def test_a_job_starts_and_ends_without_noticeable_overhead(tmp_path: Path) -> None:
    taken = []
    for number in range(5):
        directory = tmp_path / str(number)
        directory.mkdir()
        trainer = a_trainer(tmp_path, ":")
        begun = time.perf_counter()
        trainer.start(JOB, directory)
        the_end(trainer, directory)
        taken.append(time.perf_counter() - begun)
    assert min(taken) < 0.15  # about 0.05 where nothing else runs
