"""Commits wake a model, many of them once."""

import threading
from datetime import UTC, datetime, timedelta

from controlplane.scheduler import GATHER, LONGEST_REST, REST, Scheduler, rest_after


class Standing:
    """A clock that stands still unless it is moved, so that what is due later never comes."""

    def __init__(self) -> None:
        self.moment = datetime(2030, 1, 1, tzinfo=UTC)

    def now(self) -> datetime:
        return self.moment


class Engine:
    """Remembers for when jobs are put, and runs none of them."""

    def __init__(self) -> None:
        self.due: list[datetime] = []

    def get_job(self, _: str) -> object:
        return self

    def remove_job(self, _: str) -> None:
        pass

    def modify_job(self, job: str, *, next_run_time: datetime) -> None:
        self.due.append(next_run_time)


def scheduled(wake) -> tuple[Scheduler, Engine]:
    scheduler, engine = Scheduler(Standing(), wake), Engine()
    scheduler._engine = engine
    return scheduler, engine


def test_nudges_until_a_model_is_woken_are_one() -> None:
    scheduler, engine = scheduled(lambda _: timedelta(seconds=60))
    for _ in range(100):
        scheduler.nudge_all(frozenset({"boats"}))
    assert engine.due == [Standing().now() + GATHER]


def test_a_nudge_while_a_model_is_woken_wakes_it_once_more() -> None:
    scheduler, engine = scheduled(lambda _: timedelta(seconds=60))
    scheduler._wake = lambda model: (
        (scheduler.nudge(model), scheduler.nudge(model)) and timedelta(60)
    )
    scheduler._run("boats")
    assert engine.due == [Standing().now() + REST]
    scheduler._wake = lambda _: timedelta(seconds=7)
    scheduler._run("boats")
    assert engine.due[1:] == [Standing().now() + timedelta(seconds=7)]


def test_after_a_wake_commits_are_heard_again() -> None:
    scheduler, engine = scheduled(lambda _: timedelta(seconds=60))
    scheduler.nudge("boats")
    scheduler._run("boats")
    scheduler._clock.moment += timedelta(seconds=5)
    scheduler.nudge("boats")
    assert len(engine.due) == 3
    assert engine.due[-1] == scheduler._clock.now() + GATHER


def test_a_model_that_was_just_woken_is_left_alone_for_a_second() -> None:
    scheduler, engine = scheduled(lambda _: timedelta(seconds=60))
    scheduler._run("boats")
    for _ in range(10):
        scheduler._clock.moment += timedelta(milliseconds=50)
        scheduler.nudge("boats")
    scheduler.nudge("gulls")
    assert engine.due[1:] == [Standing().now() + REST, scheduler._clock.now() + GATHER]


def test_a_model_rests_longer_after_a_long_wake_but_not_beyond_what_is_due() -> None:
    minute = timedelta(seconds=60)
    assert rest_after(timedelta(milliseconds=10), minute) == REST
    assert rest_after(timedelta(milliseconds=600), minute) == timedelta(seconds=3)
    assert rest_after(minute, minute) == LONGEST_REST
    assert rest_after(minute, timedelta(seconds=2)) == timedelta(seconds=2)

    scheduler, engine = scheduled(lambda _: timedelta(milliseconds=300))
    scheduler._run("boats")
    scheduler.nudge("boats")
    assert engine.due == [Standing().now() + timedelta(milliseconds=300)] * 2


def test_a_clock_that_is_put_back_makes_no_rest_longer() -> None:
    scheduler, engine = scheduled(lambda _: timedelta(seconds=60))
    scheduler._run("boats")
    scheduler.nudge("boats")
    scheduler._clock.moment -= timedelta(hours=1)
    for _ in range(3):
        scheduler.nudge("boats")
    assert engine.due[2:] == [scheduler._clock.now() + GATHER]


def test_a_model_that_went_and_came_back_does_not_wait_for_its_former_self() -> None:
    scheduler, engine = scheduled(lambda _: timedelta(seconds=60))
    scheduler._run("boats")
    scheduler.forget("boats")
    scheduler.nudge("boats")
    assert engine.due[-1] == Standing().now() + GATHER


def test_nudges_of_many_threads_lose_none() -> None:
    woken: list[str] = []
    scheduler, engine = scheduled(lambda model: woken.append(model) or timedelta(seconds=60))
    threads = [
        threading.Thread(target=lambda: [scheduler.nudge("boats") for _ in range(50)])
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(engine.due) == 1
    scheduler._run("boats")
    assert woken == ["boats"]
