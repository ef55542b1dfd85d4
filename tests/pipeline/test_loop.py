"""When cycles run, and how they end."""

import random
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import ClassVar

import pytest
import structlog

from reconciler.core.outcome import READ, SYNC, UPDATE, CycleOutcome, Problem
from reconciler.pipeline.demand import Demand, Why
from reconciler.pipeline.loop import ABANDON_S, MAX_WORKING, Loop
from reconciler.pipeline.pace import JITTER, LONGEST_RETRY_S, RETRY_S, Pace
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
        self.demands: list[Demand] = []
        self.problems: tuple[Problem, ...] = ()
        self._lock = threading.Lock()

    def run(self, name: str, demand: Demand) -> CycleOutcome:
        with self._lock:
            self.names.append(name)
            self.demands.append(demand)
            self.running += 1
            self.most_at_once = max(self.most_at_once, self.running)
        self.is_free.wait(PATIENCE_S)
        with self._lock:
            self.running -= 1
        if self.error:
            raise self.error
        return CycleOutcome(name, "https://git.example/web", problems=self.problems)


class Started:
    """A loop that runs, with what a test needs to look into it."""

    all: ClassVar[list["Started"]] = []

    def __init__(self, *sources: str, interval_s: float = 3600.0) -> None:
        self.cycles = Cycles()
        self.clock = FakeClock()
        self.stop = Stop()
        self.loop = Loop(
            {name: Pace(interval_s, random.random) for name in sources or ("default",)},
            run=self.cycles.run,
            deadline_s=100.0,
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


def test_pauses_are_the_interval_and_up_to_a_tenth_less() -> None:
    pace = Pace(3600.0, random.random)
    pauses = [pace.pause_s() for _ in range(200)]

    assert len(set(pauses)) > 100
    assert all(3600.0 * (1 - JITTER) <= each <= 3600.0 for each in pauses)


def failed(stage: str, *, finished: frozenset[str], is_stalled: bool = False) -> CycleOutcome:
    problem = Problem("", "down", is_stalled=is_stalled, kind="git", stage=stage)
    return CycleOutcome("web", "", problems=(problem,), finished=finished)


@pytest.mark.parametrize(
    ("interval_s", "first_s", "longest_s"),
    [(300.0, RETRY_S, 300.0), (1.0, 1.0, LONGEST_RETRY_S), (3600.0, RETRY_S, 3600.0)],
)
def test_failures_make_pauses_longer_from_time_to_time_until_a_cycle_succeeds(
    interval_s: float, first_s: float, longest_s: float
) -> None:
    pace = Pace(interval_s, lambda: 1.0)
    pauses = []
    for _ in range(12):
        assert pace.record(failed(READ, finished=frozenset()))
        pauses.append(pace.pause_s())

    assert pauses[0] == first_s
    assert pauses == sorted(pauses)
    assert pauses[-1] == longest_s
    assert pace.record(CycleOutcome("web", "", finished=frozenset({READ, UPDATE, SYNC})))
    assert pace.pause_s() == interval_s * (1 - JITTER)


@pytest.mark.parametrize(
    "outcome",
    [
        pytest.param(failed(UPDATE, finished=frozenset({READ, UPDATE, SYNC})), id="registry"),
        pytest.param(failed(READ, finished=frozenset(), is_stalled=True), id="stalled"),
        pytest.param(CycleOutcome("web", "", is_stopped=True), id="stopped"),
    ],
)
def test_what_would_not_be_better_sooner_leaves_the_pause_as_it_is(outcome: CycleOutcome) -> None:
    pace = Pace(300.0, lambda: 0.0)

    assert not pace.record(outcome)
    assert pace.pause_s() == 300.0


def test_a_failure_is_tried_again_by_its_own_pause_and_not_by_ticks_that_came_meanwhile(
    started: Started,
) -> None:
    down = Problem("", "down", is_stalled=False, kind="git", stage=READ)
    started.cycles.problems = (down,)
    started.cycles.is_free.clear()
    started.loop.start()
    started.until(started.ran(1))
    started.loop._due("default")
    started.cycles.is_free.set()
    started.until(lambda: started.loop.is_ready)

    assert not started.loop.is_hurried("default")
    due = started.loop._scheduler.get_job("default").next_run_time - datetime.now(UTC)
    assert due < timedelta(seconds=RETRY_S)
    assert len(started.cycles.names) == 1


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

    started.loop.request("default", Demand.of(Why.WEBHOOK, ["r.example/web"]))
    started.loop.request("default", Demand.of(Why.COMMAND, ["r.example/api"]))
    started.cycles.is_free.set()
    started.until(started.ran(2))

    assert started.cycles.most_at_once == 1
    both = Demand(
        frozenset({Why.WEBHOOK, Why.COMMAND}), frozenset({"r.example/web", "r.example/api"})
    )
    assert started.cycles.demands == [Demand.of(Why.START), both]


def test_a_cycle_that_crashes_is_told_and_followed_by_others(started: Started) -> None:
    started.cycles.error = ValueError("a bug")
    with structlog.testing.capture_logs() as logged:
        started.loop.start()
        started.until(lambda: started.loop.is_ready)
        started.loop.request("default", Demand.of(Why.SIGNAL))
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
    started.loop.look_after()
    assert len(started.cycles.names) == 1
    started.clock.sleep(3600.0)
    started.loop.look_after()
    started.until(started.ran(2))

    due = started.loop._scheduler.get_job("default").next_run_time
    assert due < datetime.now(UTC) + timedelta(hours=2)


def test_a_cycle_that_overruns_is_abandoned_then_cut_off_and_stuck_if_it_goes_on_even_then(
    started: Started,
) -> None:
    ended: list[str] = []
    stop = started.loop.stop_of("default")
    started.cycles.is_free.clear()
    started.loop.start()
    started.until(started.ran(1))

    def after(seconds: float) -> tuple[bool, list[str], tuple[str, ...]]:
        started.clock.sleep(seconds)
        started.loop.look_after()
        return stop.is_asked, ended, started.loop.stuck

    with stop.ending_work(lambda: ended.append("cut off")):
        assert after(100.0) == (False, [], ())
        assert after(1.0) == (True, [], ())
        assert after(ABANDON_S) == (True, ["cut off"], ())
        assert after(ABANDON_S)[2] == ("default",)
    started.cycles.is_free.set()
    started.until(lambda: not started.loop.stuck)
    started.until(lambda: not stop.is_asked)
    assert not started.stop.is_asked


def test_cycles_that_wait_let_others_work() -> None:
    count = 3 * MAX_WORKING
    started = Started(*(f"source-{number}" for number in range(count)))
    waiting = threading.Barrier(count + 1)

    def run(name: str, _demand: Demand) -> CycleOutcome:
        with started.loop.slots.lent():
            waiting.wait(PATIENCE_S)
        return CycleOutcome(name, "")

    started.loop._run = run
    started.loop.start()
    waiting.wait(PATIENCE_S)
    started.until(lambda: started.loop.is_ready)


def test_a_source_that_another_process_leads_has_no_cycle_until_that_ends() -> None:
    led = {"web": False}
    cycles, stop = Cycles(), Stop()
    loop = Loop(
        {"web": Pace(3600.0, random.random), "own": Pace(3600.0, random.random)},
        run=cycles.run,
        deadline_s=100.0,
        clock=FakeClock(),
        stop=stop,
        leads={"web": lambda: led["web"]},
    )
    started = Started()
    loop.start()
    loop.request("web", Demand.of(Why.WEBHOOK))
    started.until(lambda: loop.is_ready)
    assert (cycles.names, loop.stop_of("web").is_asked) == (["own"], True)

    def lead(is_led: bool) -> None:
        led["web"] = is_led
        loop.lead("web", is_led)

    for count in (1, 2):  # what was stopped between two times of leading is begun anew
        lead(True)
        assert not loop.stop_of("web").is_asked
        started.until(lambda count=count: cycles.names.count("web") == count)  # type: ignore[misc]  # bound
        started.until(lambda: not cycles.running)
        lead(False)
        assert loop.stop_of("web").is_asked
    assert cycles.demands[1] == Demand.of(Why.WEBHOOK) | Demand.of(Why.START)
    assert loop.shut_down(PATIENCE_S)


def test_no_more_cycles_work_at_once_than_are_allowed_to() -> None:
    started = Started(*(f"source-{number}" for number in range(3 * MAX_WORKING)))
    started.cycles.is_free.clear()
    started.loop.start()
    started.until(started.ran(MAX_WORKING))
    started.cycles.is_free.set()
    started.until(lambda: started.loop.is_ready)

    assert started.cycles.most_at_once <= MAX_WORKING


def test_shutting_down_asks_cycles_to_end_and_begins_no_more(started: Started) -> None:
    started.cycles.is_free.clear()
    started.loop.start()
    started.until(started.ran(1))
    started.loop.request("default", Demand.of(Why.SIGNAL))
    ended: list[str] = []

    with started.stop.ending_work(lambda: ended.append("cut off")):
        is_clean = started.loop.shut_down(0.01)

    assert (is_clean, ended, started.loop.is_ending) == (False, ["cut off"], True)
    started.cycles.is_free.set()
    assert started.loop.shut_down(PATIENCE_S)
    assert started.cycles.names == ["default"]
