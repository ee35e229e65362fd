"""APScheduler's jobs: which part is woken, how often. Nothing is decided here.

A model has one job. Commits bring its next run forward; while it runs, a further nudge is kept
and honoured a moment after, since APScheduler itself would drop it.
"""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final

import structlog
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.base import JobLookupError
from apscheduler.schedulers.background import BackgroundScheduler

from controlplane.clock import Clock
from controlplane.domain.errors import LeeboardError
from controlplane.store.figures import Tally

WORKERS: Final = 4
SWEEP: Final = timedelta(seconds=60)
GATHER: Final = timedelta(milliseconds=200)
"""How long after a commit a model is woken: what is committed meanwhile needs no wake of its own."""
REST: Final = timedelta(seconds=1)
"""How long a model that was woken is left alone, whatever is committed: a wake looks at all that has
come, so under steady writing one a second finds what five would."""
TIMES: Final = 5
"""And so many times as long as it was woken, so that a busy machine has time for what it is sent."""
LONGEST_REST: Final = timedelta(seconds=5)

log = structlog.get_logger()


class Scheduler:
    """Wakes models and empties the outbox, each when it is due or when it is told to."""

    def __init__(self, clock: Clock, wake: Callable[[str], timedelta]) -> None:
        self._clock = clock
        self._wake = wake
        self._nudged: set[str] = set()
        self._running: set[str] = set()
        self._rested: dict[str, datetime] = {}
        """When a model that was woken may be woken again."""
        self._lock = threading.Lock()
        self._ended = threading.Condition(self._lock)
        self._at_work = 0
        self._is_stopping = False
        self.wakes = Tally()
        self._engine = BackgroundScheduler(
            executors={"default": ThreadPoolExecutor(WORKERS)},
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
            timezone=UTC,
        )

    def start(self) -> None:
        """Begin; jobs that were added before start then."""
        self._engine.start()

    def stop(self) -> None:
        """End: what runs is waited for, nothing new begins.

        The engine itself must not wait: it would do so under a lock that a job needs which
        brings the next one forward.
        """
        with self._lock:
            self._is_stopping = True
        self._engine.shutdown(wait=False)
        with self._ended:
            self._ended.wait_for(lambda: self._at_work == 0)

    def follow(self, model: str) -> None:
        """Give a model its job, due at once; a second time it is only nudged."""
        if self._engine.get_job(_job(model)) is not None:
            self.nudge(model)
            return
        self._engine.add_job(
            self._do, "interval", args=[partial(self._run, model)], id=_job(model),
            seconds=SWEEP.total_seconds(), next_run_time=self._clock.now(), replace_existing=True,
        )  # fmt: skip

    def forget(self, model: str) -> None:
        """Take a model's job away."""
        if self._engine.get_job(_job(model)) is not None:
            self._engine.remove_job(_job(model))
            self._rested.pop(model, None)

    def nudge(self, model: str) -> None:
        """Have a model woken in a moment, once for all nudges until then, and not before it has
        rested from when it was woken last."""
        with self._lock:
            now = self._clock.now()
            rested = self._rested.get(model, now)
            if rested > now + LONGEST_REST:  # the clock was put back: what was due is far off
                del self._rested[model]
                self._nudged.discard(model)
                rested = now
            is_told = model in self._nudged
            self._nudged.add(model)
            if model not in self._running and not is_told:
                self._due(model, max(now + GATHER, rested))

    def nudge_all(self, models: frozenset[str]) -> None:
        """Nudge the models that a commit touched; those without a job are not followed."""
        for model in models:
            self.nudge(model)

    def every(self, name: str, pause: timedelta, work: Callable[[], None]) -> None:
        """Run some work again and again."""
        self._engine.add_job(
            self._do, "interval", args=[work], id=name, seconds=pause.total_seconds(),
            next_run_time=self._clock.now(), replace_existing=True,
        )  # fmt: skip

    def _do(self, work: Callable[[], None]) -> None:
        with self._lock:
            if self._is_stopping:
                return
            self._at_work += 1
        try:
            work()
        except LeeboardError as error:
            log.warning("job_failed", error=str(error))
        finally:
            with self._ended:
                self._at_work -= 1
                self._ended.notify_all()

    def _run(self, model: str) -> None:
        with self._lock:
            self._running.add(model)
            self._nudged.discard(model)
        idle = SWEEP
        began = time.perf_counter()
        try:
            idle = self._wake(model)
            self.wakes.observe(time.perf_counter() - began)
        except LeeboardError as error:
            log.warning("wake_failed", model=model, error=str(error))
        finally:
            with self._lock:
                self._running.discard(model)
                now = self._clock.now()
                rest = rest_after(timedelta(seconds=time.perf_counter() - began), idle)
                self._rested[model] = now + rest
                self._due(model, now + (rest if model in self._nudged else min(idle, SWEEP)))

    def _due(self, model: str, moment: datetime) -> None:
        try:
            self._engine.modify_job(_job(model), next_run_time=moment)
        except JobLookupError:
            log.debug("no_job", model=model)


def rest_after(took: timedelta, idle: timedelta) -> timedelta:
    """How long a model is left alone whatever is committed, after a wake that took so long and said
    that something is due after `idle`.

    >>> rest_after(timedelta(seconds=0.5), timedelta(seconds=60)).total_seconds()
    2.5
    """
    return min(max(REST, TIMES * took), LONGEST_REST, idle)


def _job(model: str) -> str:
    return f"wake:{model}"
