"""Which logins a registry took and which it refused: what to try first, and what not again."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from reconciler.adapters.registry.login import Login
from reconciler.core.images.reference import Repository

TRIES: Final = 3
"""A login that never worked at a host is tried for that many repositories, lest the host lock out
its user; more than one, because some hosts refuse a good login where it has no rights."""

PAUSE_S: Final = 60.0
MAX_KEPT: Final = 20_000


@dataclass(slots=True)
class _Record:
    """One login at one host."""

    has_worked: bool = False
    refusals: int = 0
    last_refusal: float = float("-inf")
    refused_for: set[str] = field(default_factory=set)  # paths


class Standings:
    """The record of every login at every host. Safe to use from many threads."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._records: dict[tuple[str, Login], _Record] = {}

    def goes_last(self, login: Login, repository: Repository) -> bool:
        """Whether there is reason to try other logins before this one."""
        with self._lock:
            record = self._record(login, repository)
            never_worked = record.refusals > 0 and not record.has_worked
            return never_worked or repository.path in record.refused_for

    def is_paused(self, login: Login, repository: Repository) -> bool:
        """Whether this login was refused so often that it is not to be tried now."""
        with self._lock:
            record = self._record(login, repository)
            is_recent = self._clock() < record.last_refusal + PAUSE_S
            return not record.has_worked and record.refusals >= TRIES and is_recent

    def worked(self, login: Login, repository: Repository) -> None:
        """Take down that a login was accepted."""
        with self._lock:
            record = self._record(login, repository)
            record.has_worked = True
            record.refused_for.discard(repository.path)

    def refused(self, login: Login, repository: Repository) -> None:
        """Take down that a login was refused."""
        with self._lock:
            record = self._record(login, repository)
            if self._clock() >= record.last_refusal + PAUSE_S:
                record.refusals = 0
            record.refusals += 1
            record.last_refusal = self._clock()
            if len(record.refused_for) < MAX_KEPT:
                record.refused_for.add(repository.path)

    def _record(self, login: Login, repository: Repository) -> _Record:
        if len(self._records) >= MAX_KEPT:
            self._records.clear()  # costs a few requests
        return self._records.setdefault((repository.host, login), _Record())
