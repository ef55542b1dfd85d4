"""Recorder: has what happens to workloads written beside them, once and not each cycle."""

import queue
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Final, Protocol

import structlog

from reconciler.core.outcome import CycleOutcome
from reconciler.core.workload_events import WorkloadEvent, events_of
from reconciler.errors import AccessDeniedError, NotFoundError, ReconcilerError
from reconciler.pipeline.demand import Demand
from reconciler.pipeline.ports import Clock
from reconciler.stop import Stop

log = structlog.get_logger(__name__)

MAX_PER_CYCLE: Final = 100
"""Events of one cycle that are written; the log has all."""

MAX_KNOWN: Final = 2000
MAX_WAITING: Final = 20
"""Cycles whose events wait to be written; what is more is dropped."""

REPEAT_S: Final = 300.0
"""Between two writes about something that happens again and again."""

REMIND_S: Final = 1800.0
"""Between two writes about something that goes on: the API server forgets events after an hour."""


class EventStore(Protocol):
    """Where events are written, with one source's rights."""

    def write(self, event: WorkloadEvent) -> str:
        """Write an event; return its name, or nothing if its workload is not there.

        Raises:
            AccessDeniedError, ClusterError: it cannot be written.
        """
        ...

    def repeat(self, event: WorkloadEvent, name: str, count: int) -> None:
        """Say how often an event that was written has been seen by now.

        Raises:
            NotFoundError: it has been forgotten.
            AccessDeniedError, ClusterError: it cannot be written.
        """
        ...


@dataclass(slots=True)
class _Known:
    """An event that was written.

    Attributes:
        name: of the object; empty if the workload was not there.
        count: how often it was seen.
        at: when it was written last, by the clock.
    """

    name: str
    count: int
    at: float


class Recorder:
    """Listens to cycles, and writes in a thread of its own: no cycle waits for it."""

    def __init__(self, stores: Mapping[str, EventStore], *, clock: Clock, stop: Stop) -> None:
        """Write nothing yet.

        Args:
            stores: of the sources whose events are written, by name.
            clock: tells how long ago something was written.
            stop: ends the writing; what waits then is dropped.
        """
        self._stores = stores
        self._clock = clock
        self._stop = stop
        self._known: dict[str, OrderedDict[WorkloadEvent, _Known]] = {
            name: OrderedDict() for name in stores
        }
        self._denied: set[str] = set()
        self._waiting: queue.Queue[tuple[str, tuple[WorkloadEvent, ...]] | None]
        self._waiting = queue.Queue(MAX_WAITING)

    def start(self) -> None:
        """Write from now on."""
        threading.Thread(target=self._write_all, name="recorder", daemon=True).start()

    def started(self, source: str, demand: Demand) -> None:
        """A cycle that begins is no event."""

    def ended(self, outcome: CycleOutcome) -> None:
        """Have the events of a cycle written."""
        if outcome.source not in self._stores or outcome.is_stopped:
            return
        events = tuple(islice(events_of(outcome), MAX_PER_CYCLE))
        try:
            self._waiting.put_nowait((outcome.source, events))
        except queue.Full:
            log.debug("event.dropped", source=outcome.source, events=len(events))

    def _write_all(self) -> None:
        with self._stop.ending_wait(self._wake):
            while not self._stop.is_asked:
                told = self._waiting.get()
                if told is not None:
                    self._write(*told)

    def _wake(self) -> None:
        if not self._waiting.full():
            self._waiting.put_nowait(None)

    def _write(self, source: str, events: tuple[WorkloadEvent, ...]) -> None:
        known = self._known[source]
        for event in [each for each in known if each.lasts and each not in events]:
            del known[event]  # it has passed: if it comes again, that is news
        for event in events:
            if self._stop.is_asked:
                return
            try:
                self._take(source, event)
            except AccessDeniedError as error:
                if source not in self._denied:
                    self._denied.add(source)
                    log.warning("event.denied", source=source, problem=error.message)
                return
            except ReconcilerError as error:
                log.debug("event.unwritten", source=source, problem=error.message)
                return
            self._denied.discard(source)

    def _take(self, source: str, event: WorkloadEvent) -> None:
        """Write an event, or count it with one that was written."""
        known, store, now = self._known[source], self._stores[source], self._clock.now()
        before = known.get(event)
        if before is None:
            known[event] = _Known(store.write(event), 1, now)
            if len(known) > MAX_KNOWN:
                known.popitem(last=False)
            return
        known.move_to_end(event)
        before.count += 1
        if now - before.at < (REMIND_S if event.lasts else REPEAT_S):
            return
        before.name = self._repeated(store, event, before) or store.write(event)
        before.at = now

    @staticmethod
    def _repeated(store: EventStore, event: WorkloadEvent, before: _Known) -> str:
        """Count an event that was written; return its name, or nothing if it is not there."""
        if before.name:
            try:
                store.repeat(event, before.name, before.count)
            except NotFoundError:
                return ""
        return before.name
