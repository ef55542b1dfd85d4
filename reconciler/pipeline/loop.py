"""Loop: when cycles run, and how they end. The only user of APScheduler, as a clock."""

import logging
import operator
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

import structlog
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.date import DateTrigger

from reconciler.core.outcome import CycleOutcome
from reconciler.pipeline.demand import Demand, Why
from reconciler.pipeline.pace import Pace
from reconciler.pipeline.ports import Clock
from reconciler.pipeline.queue import WorkQueue
from reconciler.pipeline.slots import Slots
from reconciler.stop import Stop

log = structlog.get_logger(__name__)

MAX_WORKING = 4
"""Cycles that work at the same time; those that wait for health do not count."""

MAX_THREADS = 256
"""Cycles that are under way at the same time, those that wait for health too."""

CUT_OFF_S = 2.0  # for a cycle to tell how far it came, when what it was doing is cut off
ABANDON_S = 30.0  # for a cycle that is abandoned to finish what it has begun
OVERDUE = 1.5  # pauses without a cycle being asked for: the scheduler's clock was set back


@dataclass(slots=True)
class SourceStatus:
    """How a source fares.

    Attributes:
        pace: how long it pauses.
        stop: asks its present cycle to end.
        asked_at: when the scheduler last asked for a cycle, by the clock.
        pause_s: seconds from then until it asks again.
        running_since: when its present cycle began, by the clock; None between cycles.
        is_abandoned: whether that was asked to end because it takes too long.
        cycles: how many have ended.
    """

    pace: Pace
    stop: Stop
    asked_at: float
    pause_s: float = 0.0
    running_since: float | None = None
    is_abandoned: bool = False
    cycles: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)


class Loop:
    """Runs the cycles of all sources, each source's one at a time, until it is asked to end.

    The scheduler's jobs only add sources to the queue: whoever else adds one (a signal, a webhook,
    a command) is served by the same workers and never lost, as it would be if it changed a job that
    is running.
    """

    def __init__(
        self,
        paces: Mapping[str, Pace],
        *,
        run: Callable[[str, Demand], CycleOutcome],
        deadline_s: float,
        clock: Clock,
        stop: Stop,
        leads: Mapping[str, Callable[[], bool]] = MappingProxyType({}),
    ) -> None:
        """Prepare a loop; nothing runs yet.

        Args:
            paces: how long each source pauses between cycles, by its name.
            run: runs one cycle of a source.
            deadline_s: seconds after which a cycle is abandoned: longer than any should take.
            clock: tells how long a cycle has been running.
            stop: is asked to end cycles.
            leads: whether we may write for a source at this moment, by its name; a source without
                that is ours alone, one with it has no cycle until :meth:`lead` says so.
        """
        self._run = run
        self._deadline_s = deadline_s
        self._clock = clock
        self._stop = stop
        self._queue: WorkQueue[str, Demand] = WorkQueue(operator.or_)
        self._slots = Slots(MAX_WORKING)
        self._following = set(leads)
        for name in self._following:
            self._queue.hold(name)
        self._status = {
            name: SourceStatus(pace, _stop(stop, leads.get(name)), clock.now())
            for name, pace in paces.items()
        }
        self._scheduler = BackgroundScheduler(
            timezone=UTC,
            executors={"default": ThreadPoolExecutor(1)},
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )

    def start(self) -> None:
        """Run the first cycle of each source now, and the others when they are due."""
        logging.getLogger("apscheduler").setLevel(logging.ERROR)  # a tick is no news
        for name, status in self._status.items():
            self._queue.add(name, Demand.of(Why.START))
            self._schedule(name, status.pace.pause_s())
        for number in range(min(len(self._status), MAX_THREADS)):
            threading.Thread(target=self._work, name=f"cycle-{number}").start()
        self._scheduler.start()

    def request(self, source: str, demand: Demand) -> None:
        """Ask for a cycle of a source as soon as may be."""
        self._queue.add(source, demand)

    def lead(self, source: str, is_led: bool) -> None:
        """Begin to run a source's cycles, or cease to: another process runs them then."""
        status = self._status[source]
        if is_led:
            if status.running_since is None:  # else it is renewed when that cycle has ended
                status.stop.renew()
            self._following.discard(source)
            self._queue.add(source, Demand.of(Why.START))
            self._queue.release(source)
        else:
            self._following.add(source)
            self._queue.hold(source)
            status.stop.ask()

    def stop_of(self, source: str) -> Stop:
        """Return what asks the source's present cycle to end."""
        return self._status[source].stop

    @property
    def sources(self) -> tuple[str, ...]:
        """Their names."""
        return tuple(self._status)

    @property
    def slots(self) -> Slots:
        """What cycles take to work, and may lend while they wait."""
        return self._slots

    def is_hurried(self, source: str) -> bool:
        """Whether a cycle that is running should not linger: another one is asked for."""
        return self._queue.is_asked_again(source)

    def look_after(self) -> None:
        """Ask for what is overdue and abandon what takes too long; to be called now and then.

        The scheduler goes by the wall clock. When that is set forward, or the machine was asleep,
        what it missed is one cycle and not many; when it is set back, it would sleep until the old
        time comes again.
        """
        now = self._clock.now()
        for name, status in self._status.items():
            if now - status.asked_at > OVERDUE * status.pause_s:
                log.warning("loop.overdue", source=name, seconds=round(now - status.asked_at))
                self._due(name)
            self._abandon(name, status, now)

    def shut_down(self, grace_s: float) -> bool:
        """Begin no more cycles and wait for those that run; return whether all ended in time.

        What has not ended by then is cut off: the next process takes it up.
        """
        self._queue.close()
        self._stop.ask()
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)
        is_idle = self._queue.wait_idle(grace_s)
        if not is_idle:
            self._stop.insist()
            self._queue.wait_idle(CUT_OFF_S)
        return is_idle

    @property
    def is_ending(self) -> bool:
        """Whether it was asked to end."""
        return self._stop.is_asked

    @property
    def is_ready(self) -> bool:
        """Whether each source has had a cycle, however it went, or is another process's to run.

        A registry that is down makes nobody who reads our metrics better served by another replica,
        so it does not count here.
        """
        return all(
            status.cycles or name in self._following for name, status in self._status.items()
        )

    @property
    def stuck(self) -> tuple[str, ...]:
        """The sources whose cycle did not even end when it was abandoned and cut off."""
        limit = self._deadline_s + 2 * ABANDON_S
        now = self._clock.now()
        return tuple(
            name
            for name, status in self._status.items()
            if (since := status.running_since) is not None and now - since > limit
        )

    @property
    def waiting(self) -> int:
        """How many sources wait for a cycle."""
        return len(self._queue)

    def _schedule(self, name: str, pause_s: float) -> None:
        """Have a source asked for in that many seconds, and at no other time."""
        status = self._status[name]
        with status.lock:
            status.asked_at, status.pause_s = self._clock.now(), pause_s
            due = datetime.now(UTC) + timedelta(seconds=pause_s)
            self._scheduler.add_job(
                self._due, DateTrigger(due, UTC), args=[name], id=name, replace_existing=True
            )

    def _due(self, name: str) -> None:
        """Ask for a cycle, and have the next one asked for a pause later."""
        self._schedule(name, self._status[name].pace.pause_s())
        self._queue.add(name, Demand.of(Why.SCHEDULE))

    def _abandon(self, name: str, status: SourceStatus, now: float) -> None:
        """Have a cycle that overruns end where nothing is half done; cut it off if it does not."""
        since = status.running_since
        if since is None or now - since <= self._deadline_s:
            return
        if not status.is_abandoned:
            status.is_abandoned = True
            log.error("cycle.abandoned", source=name, seconds=round(now - since))
            status.stop.ask()
        elif now - since > self._deadline_s + ABANDON_S:
            status.stop.insist()

    def _work(self) -> None:
        while (taken := self._queue.take()) is not None:
            name, demand = taken
            with self._slots.taken():
                self._cycle(name, self._status[name], demand)
            self._queue.done(name)

    def _cycle(self, name: str, status: SourceStatus, demand: Demand) -> None:
        status.running_since = self._clock.now()
        outcome = None
        try:
            with structlog.contextvars.bound_contextvars(source=name):
                outcome = self._run(name, demand)
        except Exception:  # a cycle turns its own bugs into outcomes: this one is around it
            log.exception("loop.crashed", source=name)
        finally:
            status.cycles += 1
            status.running_since = None
            status.is_abandoned = False
            status.stop.renew()
        if status.pace.record(outcome) and not self._stop.is_asked:
            if status.pace.failures:  # a tick during the cycle is no reason to begin again at once
                self._queue.withdraw(name, Demand.of(Why.SCHEDULE))
            self._schedule(name, status.pace.pause_s())


def _stop(stop: Stop, leads: Callable[[], bool] | None) -> Stop:
    return stop.child(lambda: not leads()) if leads else stop.child()
