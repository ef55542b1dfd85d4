"""Attendance: a running reconciler looks at what people want of it, and answers them."""

import logging
import threading
import uuid
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from operator import itemgetter
from typing import Final, Protocol

import structlog

from reconciler.core.objects.control import (
    MAX_REPOSITORIES,
    Answer,
    Control,
    Request,
    Suspension,
)
from reconciler.core.outcome import CycleOutcome
from reconciler.errors import ReconcilerError, StalledError
from reconciler.pipeline.demand import Demand, Why
from reconciler.pipeline.events import Applying, Event, Fetching, Progress
from reconciler.stop import Stop

log = structlog.get_logger(__name__)

LOOK_S: Final = 2.0
"""Between two looks: one small request each."""


class Controls(Protocol):
    """What is said of all sources, in the cluster."""

    def all(self) -> Mapping[str, Control]:
        """Return what is said, by source.

        Raises:
            AccessDeniedError, ClusterError: it cannot be read.
        """
        ...

    def of(self, source: str) -> Control:
        """Return what is said of one source.

        Raises:
            RefusedError, AccessDeniedError, ClusterError: it cannot be read.
        """
        ...

    def suspend(self, source: str, suspension: Suspension | None) -> Suspension | None:
        """Suspend a source, or resume it with None; return what was before.

        Raises:
            NotFoundError: the namespace of our state is not there.
            RefusedError, AccessDeniedError, ClusterError: it cannot be written.
        """
        ...

    def request(self, source: str, request: Request) -> None:
        """Ask for a cycle of a source.

        Raises:
            NotFoundError, RefusedError, AccessDeniedError, ClusterError: as for :meth:`suspend`.
        """
        ...

    def answer(self, source: str, answer: Answer) -> None:
        """Say what becomes of a request; nothing if it is not the newest one any more.

        Raises:
            RefusedError, AccessDeniedError, ClusterError: it cannot be written.
        """
        ...


class Attendance:
    """Knows who is suspended, asks for the cycles that people ask for, and answers them.

    What was heard last holds while the API server says nothing; before it has said anything, nobody
    is suspended: a cluster that cannot be reached does not hold back Git.
    """

    def __init__(
        self,
        controls: Controls,
        request: Callable[[str, Demand], None],
        *,
        sources: Collection[str],
        stop: Stop,
        leads: Callable[[str], bool] = lambda _source: True,
    ) -> None:
        """Look at nothing yet.

        Args:
            controls: where it is said.
            sources: the names of those that are ours; what is said of others is left to others.
            request: asks for a cycle of a source.
            stop: ends the looking.
            leads: whether this process runs a source's cycles; else another one answers.
        """
        self._leads = leads
        self._controls = controls
        self._request = request
        self._sources = frozenset(sources)
        self._stop = stop
        self._lock = threading.Lock()
        self._known: Mapping[str, Control] = {}
        self._is_silent = False
        self._seen: dict[str, str] = {}  # the newest request of each source, by its id
        self._open: dict[str, Request] = {}  # those that wait for a cycle
        self._served: dict[str, Answer] = {}  # what is said of those whose cycle is running
        self._answers: dict[str, Answer] = {}  # that are to be written
        self._passed_on: dict[str, Demand] = {}
        self._news = threading.Event()

    def suspension(self, source: str) -> Suspension | None:
        """Return who has suspended a source, as it was heard last."""
        return self._known.get(source, Control()).suspension

    def start(self) -> None:
        """Look once, and then go on in a thread of its own until the stop."""
        self._look(is_first=True)
        threading.Thread(target=self._attend, name="attendance", daemon=True).start()

    def pass_on(self, source: str, demand: Demand) -> None:
        """Have whoever leads a source asked for a cycle: this process was, and does not lead."""
        with self._lock:
            before = self._passed_on.get(source)
            self._passed_on[source] = before | demand if before else demand
        self._news.set()

    def hearing(self, source: str, progress: Progress) -> Progress:
        """Return a progress of a source's cycles that tells whoever asked for them, too."""
        return _Hearing(self, source, progress)

    def heard(self, source: str, event: Event) -> None:
        """Have whoever asked for the cycle told how far it is."""
        with self._lock:
            said = self._served.get(source)
            if said is None:
                return
            if isinstance(event, Fetching):
                said = replace(said, url=event.url)
            elif isinstance(event, Applying):
                said = replace(said, revision=str(event.revision))
            else:
                return
            self._served[source] = self._answers[source] = said
        self._news.set()

    def started(self, source: str, demand: Demand) -> None:
        """Remember whose wish the cycle that begins fulfils."""
        with self._lock:
            if Why.COMMAND in demand.reasons and source in self._open:
                self._served[source] = Answer(self._open.pop(source).id)

    def ended(self, outcome: CycleOutcome) -> None:
        """Have whoever asked for the cycle told how it ended."""
        with self._lock:
            said = self._served.pop(outcome.source, None)
            if said is None:
                return
            told = outcome.problems[0] if outcome.problems else outcome.suspension or ""
            self._answers[outcome.source] = replace(
                said,
                url=outcome.url,
                result=outcome.result,
                revision=str(outcome.revision or said.revision),
                message=str(told),
                code=outcome.exit_code,
            )
        self._news.set()

    def _attend(self) -> None:
        with self._stop.ending_wait(self._news.set):
            while not self._stop.is_asked:
                self._news.wait(LOOK_S)
                self._news.clear()
                self._write()
                if not self._stop.is_asked:
                    self._look()
            self._write()

    def _look(self, *, is_first: bool = False) -> None:
        try:
            said = self._controls.all()
        except ReconcilerError as error:
            if not self._is_silent:  # what may pass is told by the cycles, which need the same
                level = logging.WARNING if isinstance(error, StalledError) else logging.DEBUG
                log.log(level, "control.unread", problem=error.message)
            self._is_silent = True
            return
        self._is_silent = False
        known = {name: said[name] for name in self._sources & said.keys()}
        before, self._known = self._known, known
        for source, control in known.items():
            self._take(source, control)
        for source in before.keys() | known.keys():
            was = before.get(source, Control()).suspension
            held = known.get(source, Control()).suspension
            if held != was and not is_first:
                self._tell(source, held)

    def _take(self, source: str, control: Control) -> None:
        """Ask for the cycle that a new request wants, unless somebody has answered it before us."""
        request, answer = control.request, control.answer
        if request is None or self._seen.get(source) == request.id or not self._leads(source):
            return
        self._seen[source] = request.id
        if answer is not None and answer.id == request.id and answer.result:
            return
        with self._lock:
            self._open[source] = request
            self._answers[source] = Answer(request.id)
        log.info("loop.asked", source=source, by=request.by)
        self._request(source, Demand.of(Why.COMMAND, request.repositories))
        self._news.set()

    def _tell(self, source: str, held: Suspension | None) -> None:
        if held is not None:
            log.warning("source.suspended", source=source, by=held.by, why=held.why)
        else:
            log.info("source.resumed", source=source)
        self._request(source, Demand.of(Why.COMMAND))

    def _write(self) -> None:
        """Write the answers; what cannot be written is left: who asks does not wait for ever."""
        with self._lock:
            answers, self._answers = self._answers, {}
            passed_on, self._passed_on = self._passed_on, {}
        for source, demand in sorted(passed_on.items(), key=itemgetter(0)):
            try:
                self._controls.request(source, _request(demand))
            except ReconcilerError as error:
                log.warning("control.unanswered", source=source, problem=error.message)
        for source, answer in answers.items():
            try:
                self._controls.answer(source, answer)
            except ReconcilerError as error:
                log.warning("control.unanswered", source=source, problem=error.message)


def _request(demand: Demand) -> Request:
    """Return what asks another process for what was asked of this one."""
    named = demand.repositories
    is_few = named is not None and len(named) <= MAX_REPOSITORIES
    return Request(uuid.uuid4().hex, str(demand), named if is_few else None)


class _Hearing:
    """Hears what a source's cycles do, for those who asked for them."""

    def __init__(self, attendance: Attendance, source: str, progress: Progress) -> None:
        self._attendance = attendance
        self._source = source
        self._progress = progress

    def tell(self, event: Event) -> None:
        """Pass it on to both."""
        self._attendance.heard(self._source, event)
        self._progress.tell(event)
