"""Leadership: of several processes with a source, one writes."""

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

import structlog

from reconciler.core.lease import DEADLINE_S, RENEW_S, LeaseRecord, Sighting
from reconciler.errors import AccessDeniedError, NotFoundError, ReconcilerError
from reconciler.stop import Stop

log = structlog.get_logger(__name__)

LOOK_S: Final = 2.0
"""From one look to the next, up to a tenth less: whoever takes over does so within LEASE_S and two
of these."""

JITTER: Final = 0.1


class LeaseStore(Protocol):
    """Leases in the cluster, one a source."""

    def all(self) -> Mapping[str, LeaseRecord]:
        """Return them by source.

        Raises:
            AccessDeniedError, ClusterError: they cannot be read.
        """
        ...

    def write(self, source: str, before: LeaseRecord | None, holder: str) -> LeaseRecord:
        """Write who holds a lease from now on (empty: nobody); return what stands there.

        Raises:
            ChangedError: somebody else has written since ``before`` was read.
            NotFoundError, AccessDeniedError, ClusterError: it cannot be written.
        """
        ...


@dataclass(slots=True)
class _Standing:
    """How we stand for one source.

    Attributes:
        sighting: its lease as we saw it last; None: never.
        until: we lead until then, by our clock.
        is_blind: whether we go on because nobody can be asked who leads.
        is_led: whether we told that we lead.
    """

    sighting: Sighting | None = None
    until: float = 0.0
    is_blind: bool = False
    is_led: bool = False


class Leadership:
    """Holds leases and renews them. Safe to use from many threads.

    Who held a lease last goes on while the API server says nothing: others cannot take it then, and
    what is pushed to Git is a fast-forward or nothing. Who may not have leases leads without them,
    and says so: two such processes do the same work twice.
    """

    def __init__(
        self,
        store: LeaseStore,
        sources: Iterable[str],
        *,
        identity: str,
        is_gone: Callable[[str], bool],
        on_change: Callable[[str, bool], None],
        random: Callable[[], float],
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """Hold nothing yet.

        Args:
            store: where the leases are.
            sources: that we have, by name.
            identity: who we are; no other process has it.
            is_gone: whether the process of another identity has certainly ended.
            on_change: told when we begin or cease to lead a source.
            random: gives fractions from 0 to 1.
            now: seconds of a monotonic clock.
        """
        self._store = store
        self._identity = identity
        self._is_gone = is_gone
        self._on_change = on_change
        self._random = random
        self._now = now
        self._lock = threading.RLock()
        self._standings = {source: _Standing() for source in sources}
        self._is_denied = False
        self._is_over = False

    def leads(self, source: str) -> bool:
        """Whether we may write for a source at this moment."""
        standing = self._standings[source]
        return standing.is_blind or self._now() < standing.until

    def holder(self, source: str) -> str:
        """Return who leads a source, as we saw it last; empty: nobody."""
        sighting = self._standings[source].sighting
        return sighting.record.holder if sighting and sighting.record else ""

    def sighting(self, source: str) -> Sighting | None:
        """Return its lease as we saw it last; None: we never did."""
        return self._standings[source].sighting

    def look(self) -> None:
        """Renew what is ours, take what has lapsed, and tell what that changes."""
        with self._lock:
            for source, standing in self._standings.items():
                if standing.is_led and not self.leads(source):  # we slept, or could not renew
                    self._tell(source, standing, is_led=False)
            if (
                self._is_over
                or self._is_denied
                or all(map(self._is_fresh, self._standings.values()))
            ):
                return
            try:
                found = self._store.all()
            except AccessDeniedError as error:
                self._lead_without(error)
            except ReconcilerError:
                self._lead_blindly()
            else:
                for source, standing in self._standings.items():
                    self._campaign(source, standing, found.get(source))
            for source, standing in self._standings.items():
                self._tell(source, standing, is_led=self.leads(source))

    def start(self, stop: Stop) -> None:
        """Look once, and then again and again in a thread of its own until the stop."""
        self.look()

        def go_on() -> None:
            while not stop.wait(LOOK_S * (1 - JITTER * self._random())):
                self.look()

        threading.Thread(target=go_on, name="leadership", daemon=True).start()

    def release(self) -> None:
        """Let others have what we hold, at once; what cannot be written lapses."""
        with self._lock:
            self._is_over = True  # a look that waits for us must not take it again
            for source, standing in self._standings.items():
                record = standing.sighting.record if standing.sighting else None
                if record is not None and record.holder == self._identity:
                    try:
                        self._store.write(source, record, "")
                    except ReconcilerError as error:
                        log.debug("lease.unreleased", source=source, problem=error.message)
                standing.until, standing.is_blind = 0.0, False

    def _is_fresh(self, standing: _Standing) -> bool:
        """Whether we lead, and were told so lately."""
        return not standing.is_blind and standing.until - self._now() > DEADLINE_S - RENEW_S

    def _campaign(self, source: str, standing: _Standing, record: LeaseRecord | None) -> None:
        now = self._now()
        if standing.sighting is None:
            standing.sighting = Sighting(record, now)
        sighting = standing.sighting = standing.sighting.followed_by(record, now=now)
        is_ours = record is not None and record.holder == self._identity
        is_free = sighting.has_lapsed(now=now) or (
            record is not None and self._is_gone(record.holder)
        )
        if not (is_ours or is_free):
            standing.until, standing.is_blind = 0.0, False
            return
        if is_ours and self._is_fresh(standing):
            return
        try:
            written = self._store.write(source, record, self._identity)
        except AccessDeniedError as error:
            self._lead_without(error)
        except NotFoundError:  # no namespace yet: nobody can hold anything in it
            standing.is_blind = True
        except ReconcilerError as error:  # somebody was first, or nothing was heard: look again
            log.debug("lease.unwritten", source=source, problem=error.message)
        else:
            standing.sighting = Sighting(written, now)
            standing.until, standing.is_blind = now + DEADLINE_S, False

    def _lead_blindly(self) -> None:
        for source, standing in self._standings.items():
            standing.is_blind = self.holder(source) in ("", self._identity)

    def _lead_without(self, error: ReconcilerError) -> None:
        if not self._is_denied:
            log.warning("lease.denied", problem=error.message)
        self._is_denied = True
        for standing in self._standings.values():
            standing.is_blind = True

    def _tell(self, source: str, standing: _Standing, *, is_led: bool) -> None:
        if standing.is_led != is_led:
            standing.is_led = is_led
            log.info("lease.changed", source=source, leads=is_led, holder=self.holder(source))
            self._on_change(source, is_led)
