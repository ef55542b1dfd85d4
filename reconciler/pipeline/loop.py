"""Loop: when cycles run, and how they end. The only user of APScheduler, as a clock."""

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.interval import IntervalTrigger

from reconciler.core.outcome import CycleOutcome
from reconciler.pipeline.ports import Clock
from reconciler.pipeline.queue import WorkQueue
from reconciler.stop import Stop

log = structlog.get_logger(__name__)

JITTER = 0.1  # of the interval, so that many sources and many of us do not ask all at once
MAX_WORKERS = 4
CUT_OFF_S = 2.0  # for a cycle to tell how far it came, when what it was doing is cut off
OVERDUE = 1.5  # intervals without a cycle being asked for: the scheduler's clock was set back


@dataclass(slots=True)
class SourceStatus:
    """How a source fares.

    Attributes:
        asked_at: when the scheduler last asked for a cycle, by the clock.
        running_since: when its present cycle began, by the clock; None between cycles.
        cycles: how many have ended.
    """

    asked_at: float
    running_since: float | None = None
    cycles: int = 0


class Loop:
    """Runs the cycles of all sources, each source's one at a time, until it is asked to end.

    The scheduler's jobs only add sources to the queue: whoever else adds one (a signal, later a
    webhook) is served by the same workers and never lost, as it would be if it changed a job that
    is running.
    """

    def __init__(
        self,
        sources: Sequence[str],
        *,
        run: Callable[[str], CycleOutcome],
        interval_s: float,
        stuck_s: float,
        clock: Clock,
        stop: Stop,
    ) -> None:
        """Prepare a loop; nothing runs yet.

        Args:
            sources: their names.
            run: runs one cycle of a source.
            interval_s: from one cycle's due time to the next one's, before jitter.
            stuck_s: seconds after which a cycle is called stuck: longer than any can take.
            clock: tells how long a cycle has been running.
            stop: is asked to end cycles.
        """
        self._run = run
        self._interval_s = interval_s
        self._stuck_s = stuck_s
        self._clock = clock
        self._stop = stop
        self._queue: WorkQueue[str] = WorkQueue()
        self._status = {name: SourceStatus(clock.now()) for name in sources}
        self._scheduler = BackgroundScheduler(
            timezone=UTC,
            executors={"default": ThreadPoolExecutor(1)},
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )

    def start(self) -> None:
        """Run the first cycle of each source now, and the others when they are due."""
        logging.getLogger("apscheduler").setLevel(logging.ERROR)  # a tick is no news
        for name in self._status:
            self._queue.add(name)
            self._schedule(name)
        for number in range(min(len(self._status), MAX_WORKERS)):
            threading.Thread(target=self._work, name=f"cycle-{number}").start()
        self._scheduler.start()

    def request(self, source: str) -> None:
        """Ask for a cycle of a source as soon as may be."""
        self._queue.add(source)

    def is_hurried(self, source: str) -> bool:
        """Whether a cycle that is running should not linger: another one is asked for."""
        return self._queue.is_asked_again(source)

    def catch_up(self) -> None:
        """Ask for what is overdue; to be called now and then.

        The scheduler goes by the wall clock. When that is set forward, what it missed is one cycle
        and not many; when it is set back, it would sleep until the old time comes again.
        """
        now = self._clock.now()
        for name, status in self._status.items():
            if now - status.asked_at > OVERDUE * self._interval_s:
                log.warning("loop.overdue", source=name, seconds=round(now - status.asked_at))
                self._schedule(name)
                self._due(name)

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
        """Whether each source has had a cycle, however it went.

        A registry that is down makes nobody who reads our metrics better served by another replica,
        so it does not count here.
        """
        return all(status.cycles for status in self._status.values())

    @property
    def stuck(self) -> tuple[str, ...]:
        """The sources whose cycle has been running for longer than any can."""
        now = self._clock.now()
        return tuple(
            name
            for name, status in self._status.items()
            if (since := status.running_since) is not None and now - since > self._stuck_s
        )

    @property
    def waiting(self) -> int:
        """How many sources wait for a cycle."""
        return len(self._queue)

    def _schedule(self, name: str) -> None:
        trigger = IntervalTrigger(
            seconds=self._interval_s,
            start_date=datetime.now(UTC) + timedelta(seconds=self._interval_s),
            timezone=UTC,
            jitter=self._interval_s * JITTER,
        )
        self._scheduler.add_job(self._due, trigger, args=[name], id=name, replace_existing=True)

    def _due(self, name: str) -> None:
        self._status[name].asked_at = self._clock.now()
        self._queue.add(name)

    def _work(self) -> None:
        while (name := self._queue.take()) is not None:
            status = self._status[name]
            status.running_since = self._clock.now()
            try:
                with structlog.contextvars.bound_contextvars(source=name):
                    self._run(name)
            except Exception:  # a cycle turns its own bugs into outcomes: this one is around it
                log.exception("loop.crashed", source=name)
            finally:
                status.cycles += 1
                status.running_since = None
                self._queue.done(name)
