"""When cycles run, and how they end."""

import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import ClassVar

import pytest
import structlog

from reconciler.core.outcome import CycleOutcome
from reconciler.pipeline.loop import JITTER, Loop
from reconciler.stop import Stop
from tests.fakes.clock import FakeClock

PATIENCE_S = 30.0


class Cycles:
    """Cycles that take until they are let go."""

    def __init__(self) -> None:
        self.is_free = threading.Event()
        self.is_free.set()
        self.names: list[str] = []
        self.running = 0
        self.most_at_once = 0
        self.error: Exception | None = None
        self._lock = threading.Lock()

    def run(self, name: str) -> CycleOutcome:
        with self._lock:
            self.names.append(name)
            self.running += 1
            self.most_at_once = max(self.most_at_once, self.running)
        self.is_free.wait(PATIENCE_S)
        with self._lock:
            self.running -= 1
        if self.error:
            raise self.error
        return CycleOutcome(name, "https://git.example/web")


class Started:
    """A loop that runs, with what a test needs to look into it."""

    all: ClassVar[list["Started"]] = []

    def __init__(self, *sources: str, interval_s: float = 3600.0) -> None:
        self.cycles = Cycles()
        self.clock = FakeClock()
        self.stop = Stop()
        self.loop = Loop(
            sources or ("default",),
            run=self.cycles.run,
            interval_s=interval_s,
            stuck_s=100.0,
            clock=self.clock,
            stop=self.stop,
        )
        self.all.append(self)

    def until(self, is_true: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not is_true():
            assert time.monotonic() < deadline
            time.sleep(0.01)

    def ran(self, count: int) -> Callable[[], bool]:
        return lambda: len(self.cycles.names) >= count


@pytest.fixture(autouse=True)
def _nothing_goes_on() -> Iterator[None]:
    """End every loop of a test, also of one that failed: threads of it would keep pytest."""
    yield
    while Started.all:
        started = Started.all.pop()
        started.cycles.is_free.set()
        assert started.loop.shut_down(PATIENCE_S)


@pytest.fixture
def started() -> Started:
    return Started()


def test_each_source_has_its_first_cycle_at_once_and_is_ready_then() -> None:
    started = Started("a", "b", "c")
    assert not started.loop.is_ready

    started.loop.start()
    started.until(lambda: started.loop.is_ready)

    assert sorted(started.cycles.names) == ["a", "b", "c"]
    assert started.loop.shut_down(PATIENCE_S)


def test_cycles_follow_one_another_by_the_interval() -> None:
    started = Started(interval_s=0.1)
    started.loop.start()

    started.until(started.ran(4))

    assert started.loop.shut_down(PATIENCE_S)


def test_the_interval_is_jittered_around_what_was_asked_for(started: Started) -> None:
    interval_s = 3600.0
    started.loop.start()
    (job,) = started.loop._scheduler.get_jobs()
    due = datetime.now(UTC)
    pauses = []
    for _ in range(200):
        before, due = due, job.trigger.get_next_fire_time(due, due)
        pauses.append((due - before).total_seconds())

    assert len(set(pauses)) > 100
    assert all(abs(each - interval_s) <= 2 * JITTER * interval_s for each in pauses)


def test_ticks_during_a_cycle_make_one_more_cycle_and_not_many() -> None:
    started = Started(interval_s=0.05)
    started.cycles.is_free.clear()
    started.loop.start()
    started.until(started.ran(1))

    started.until(lambda: started.loop.is_hurried("default"))
    time.sleep(0.5)  # ten ticks
    assert (started.loop.waiting, started.cycles.most_at_once) == (0, 1)
    started.loop._scheduler.pause()
    started.cycles.is_free.set()
    started.until(lambda: started.cycles.running == 0 and not started.loop.is_hurried("default"))

    assert len(started.cycles.names) == 2
    assert started.loop.shut_down(PATIENCE_S)


def test_a_request_during_a_cycle_is_kept(started: Started) -> None:
    started.cycles.is_free.clear()
    started.loop.start()
    started.until(started.ran(1))

    started.loop.request("default")
    started.loop.request("default")
    started.cycles.is_free.set()
    started.until(started.ran(2))

    assert started.cycles.most_at_once == 1


def test_a_cycle_that_crashes_is_told_and_followed_by_others(started: Started) -> None:
    started.cycles.error = ValueError("a bug")
    with structlog.testing.capture_logs() as logged:
        started.loop.start()
        started.until(lambda: started.loop.is_ready)
        started.loop.request("default")
        started.until(started.ran(2))
        started.until(lambda: len(logged) >= 2)

    told = {(line["event"], line["log_level"], line["exc_info"]) for line in logged}
    assert told == {("loop.crashed", "error", True)}


def test_a_clock_that_was_set_forward_makes_one_cycle() -> None:
    started = Started()
    started.loop.start()
    started.until(lambda: started.loop.is_ready)
    job = started.loop._scheduler.get_job("default")

    job.modify(next_run_time=datetime.now(UTC) - timedelta(days=30))
    started.until(started.ran(2))
    started.loop.shut_down(PATIENCE_S)

    assert len(started.cycles.names) == 2


def test_a_clock_that_was_set_back_does_not_make_a_source_wait_until_the_old_time_comes_again(
    started: Started,
) -> None:
    started.loop.start()
    started.until(lambda: started.loop.is_ready)
    job = started.loop._scheduler.get_job("default")
    job.modify(next_run_time=datetime.now(UTC) + timedelta(days=30))

    started.clock.sleep(3600.0)
    started.loop.catch_up()
    assert len(started.cycles.names) == 1
    started.clock.sleep(3600.0)
    started.loop.catch_up()
    started.until(started.ran(2))

    due = started.loop._scheduler.get_job("default").next_run_time
    assert due < datetime.now(UTC) + timedelta(hours=2)


def test_a_cycle_that_takes_longer_than_any_can_is_stuck(started: Started) -> None:
    started.cycles.is_free.clear()
    started.loop.start()
    started.until(started.ran(1))

    before = started.loop.stuck
    started.clock.sleep(101.0)
    assert (before, started.loop.stuck) == ((), ("default",))
    started.cycles.is_free.set()
    started.until(lambda: not started.loop.stuck)


def test_shutting_down_asks_cycles_to_end_and_begins_no_more(started: Started) -> None:
    started.cycles.is_free.clear()
    started.loop.start()
    started.until(started.ran(1))
    started.loop.request("default")
    ended: list[str] = []

    with started.stop.ending_work(lambda: ended.append("cut off")):
        is_clean = started.loop.shut_down(0.01)

    assert (is_clean, ended, started.loop.is_ending) == (False, ["cut off"], True)
    started.cycles.is_free.set()
    assert started.loop.shut_down(PATIENCE_S)
    assert started.cycles.names == ["default"]
