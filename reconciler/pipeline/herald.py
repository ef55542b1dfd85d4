"""Herald: tells others what happens, in a thread of its own: who listens slowly delays no cycle."""

import queue
import threading
from collections.abc import Callable, Mapping
from typing import Final, Protocol

import structlog

from reconciler.core.backoff import delay_s
from reconciler.core.outcome import CycleOutcome
from reconciler.core.tidings import Kind, Tiding, Told, tidings_of
from reconciler.errors import ReconcilerError, TransientError
from reconciler.pipeline.demand import Demand
from reconciler.pipeline.ports import Clock
from reconciler.stop import Stop

log = structlog.get_logger(__name__)

MAX_WAITING: Final = 200
"""Tidings that wait to be told; what is more is dropped, and that is logged."""

ATTEMPTS: Final = 5
FIRST_PAUSE_S: Final = 2.0
LONGEST_PAUSE_S: Final = 60.0


class Notifier(Protocol):
    """Tells one place of a tiding."""

    def tell(self, tiding: Tiding) -> None:
        """Tell it.

        Raises:
            TransientError: it could not be told, and may be later.
            StalledError: it will not be taken.
        """
        ...


class Herald:
    """Listens to cycles and has what is new told, one thing after the other."""

    def __init__(
        self,
        notifier: Notifier,
        kinds: Mapping[str, frozenset[Kind]],
        *,
        clock: Clock,
        jitter: Callable[[], float],
        stop: Stop,
    ) -> None:
        """Tell nothing yet.

        Args:
            notifier: tells.
            kinds: what is told of each source, by its name.
            clock: tells how long something has lasted.
            jitter: gives fractions from 0 to 1.
            stop: ends the telling; what waits then is dropped.
        """
        self._notifier = notifier
        self._kinds = kinds
        self._clock = clock
        self._jitter = jitter
        self._stop = stop
        self._told = {source: Told() for source in kinds}
        self._waiting: queue.Queue[Tiding | None] = queue.Queue(MAX_WAITING)

    def start(self) -> None:
        """Tell from now on."""
        threading.Thread(target=self._tell_all, name="herald", daemon=True).start()

    def started(self, source: str, demand: Demand) -> None:
        """A cycle that begins is no news."""

    def ended(self, outcome: CycleOutcome) -> None:
        """Have what is new of a cycle told."""
        source = outcome.source
        news, self._told[source] = tidings_of(self._told[source], outcome, now=self._clock.now())
        for tiding in news:
            if tiding.kind in self._kinds[source]:
                try:
                    self._waiting.put_nowait(tiding)
                except queue.Full:
                    log.warning("tiding.dropped", kind=tiding.kind.value, source=source)

    def _tell_all(self) -> None:
        with self._stop.ending_wait(self._wake):
            while not self._stop.is_asked:
                tiding = self._waiting.get()
                if tiding is not None and not self._stop.is_asked:
                    self._tell(tiding)

    def _wake(self) -> None:
        if not self._waiting.full():
            self._waiting.put_nowait(None)

    def _tell(self, tiding: Tiding) -> None:
        """Tell one thing, again and again for a while if it fails."""
        problem = ""
        for attempt in range(ATTEMPTS):
            try:
                self._notifier.tell(tiding)
            except TransientError as error:
                problem = error.message
                pause = delay_s(
                    attempt, base_s=FIRST_PAUSE_S, cap_s=LONGEST_PAUSE_S, jitter=self._jitter()
                )
                if attempt < ATTEMPTS - 1 and self._stop.wait(pause):
                    return
            except ReconcilerError as error:
                problem = error.message
                break
            else:
                log.debug("tiding.told", kind=tiding.kind.value, source=tiding.source)
                return
        facts = {"kind": tiding.kind.value, "source": tiding.source, "problem": problem}
        log.warning("tiding.untold", **facts)
