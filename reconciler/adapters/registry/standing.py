"""Which logins a registry took and which it refused: what to try first, and what not again."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from reconciler.adapters.registry.login import Login
from reconciler.core.images.reference import Repository

TRIES: Final = 3
"""A login is refused for that many repositories in a row, and then it is left for a while, lest the
host lock out its user. More than one, because some hosts refuse a good login where it has no
rights; those where it was refused before get one try between them, so that the others get theirs.
"""

PAUSE_S: Final = 60.0
MAX_KEPT: Final = 20_000


@dataclass(slots=True)
class _Record:
    """One login at one host."""

    refusals: int = 0  # since it was accepted, or left alone
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
            return record.refusals > 0 or repository.path in record.refused_for

    def is_paused(self, login: Login, repository: Repository) -> bool:
        """Whether this login was refused so often that it is not to be tried now."""
        with self._lock:
            record = self._record(login, repository)
            tries = 1 if repository.path in record.refused_for else TRIES
            return record.refusals >= tries and self._clock() < record.last_refusal + PAUSE_S

    def worked(self, login: Login, repository: Repository) -> None:
        """Take down that a login was accepted."""
        with self._lock:
            record = self._record(login, repository)
            record.refusals = 0
            record.refused_for.discard(repository.path)

    def refused(self, login: Login, repository: Repository) -> None:
        """Take down that a login was refused: its password may be wrong."""
        with self._lock:
            record = self._record(login, repository)
            now = self._clock()
            is_recent = now < record.last_refusal + PAUSE_S
            record.refusals = record.refusals + 1 if is_recent else 1
            record.last_refusal = now
            _add(record.refused_for, repository.path)

    def forbidden(self, login: Login, repository: Repository) -> None:
        """Take down that a login was believed, and has no rights for a repository."""
        with self._lock:
            _add(self._record(login, repository).refused_for, repository.path)

    def _record(self, login: Login, repository: Repository) -> _Record:
        if len(self._records) >= MAX_KEPT:
            self._records.clear()  # costs a few requests
        return self._records.setdefault((repository.host, login), _Record())


def _add(paths: set[str], path: str) -> None:
    if len(paths) < MAX_KEPT:
        paths.add(path)
