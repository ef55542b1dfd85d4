"""Hosts that keep failing: left alone for a while, in later cycles too, and then asked once.

A host that is down costs its time-outs with each request; one that is about to come up again needs
no crowd at its door.
"""

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from reconciler.core.backoff import delay_s
from reconciler.errors import RegistryError

FAILURES: Final = 6  # in a row, until a host is left alone
FIRST_S: Final = 30.0
LONGEST_S: Final = 300.0
"""An interval between cycles by default: a host that is down gets one request a cycle."""

PROBE_S: Final = 60.0
"""How long the one request may take whose answer the others wait for."""


@dataclass(slots=True)
class _Record:
    """A host that failed since it last answered."""

    failures: int = 0
    pauses: int = 0  # without an answer between them
    until: float = 0.0
    is_probed: bool = False


class Breakers:
    """Which hosts are left alone. Safe to use from many threads."""

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.monotonic,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._clock = clock
        self._jitter = jitter
        self._lock = threading.Lock()
        self._records: dict[str, _Record] = {}

    def check(self, host: str) -> None:
        """Raise if a host is left alone. When its pause is over, one request is let through.

        Raises:
            RegistryError: not worth another try in this cycle.
        """
        if host not in self._records:
            return
        with self._lock:
            record = self._records.get(host)
            if record is None or record.failures < FAILURES:
                return
            now = self._clock()
            if now >= record.until:
                record.is_probed = True
                record.until = now + PROBE_S  # the others wait for what this one learns
                return
        message = f"not asked: it failed {FAILURES} times in a row, and is left alone for a while"
        raise RegistryError(message, where=host, is_retryable=False)

    def answered(self, host: str) -> None:
        """Take down that a host answered, whatever it said."""
        if host in self._records:
            with self._lock:
                self._records.pop(host, None)

    def failed(self, host: str) -> None:
        """Take down that a host gave no answer, or said that it has failed."""
        with self._lock:
            record = self._records.setdefault(host, _Record())
            record.failures += 1
            if record.failures == FAILURES or record.is_probed:  # else it is an old request's
                record.is_probed = False
                record.until = self._clock() + delay_s(
                    record.pauses, base_s=FIRST_S, cap_s=LONGEST_S, jitter=self._jitter()
                )
                record.pauses += 1
