"""Hosts that asked for time (``Retry-After``): not asked before it, in this scan or a later one."""

import time
from collections.abc import Callable
from typing import Final

from reconciler.errors import RegistryError

LONGEST_S: Final = 3600.0
"""Nobody can send us away for longer: a slip there would outlast its repair."""


class Respites:
    """When which host may be asked again. Safe to use from many threads."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._until: dict[str, float] = {}

    def check(self, host: str) -> None:
        """Raise if a host asked for time that is not over.

        Raises:
            RegistryError: with the seconds that are left.
        """
        left_s = self._until.get(host, float("-inf")) - self._clock()
        if left_s > 0:
            message = f"not asked: it asked for time, and {left_s:.0f} s of it are left"
            raise RegistryError(message, where=host, retry_after_s=left_s)

    def note(self, host: str, error: RegistryError) -> None:
        """Take down the time that a host asks for in its answer, if it does."""
        if error.retry_after_s is not None:
            self.grant(host, error.retry_after_s)

    def grant(self, host: str, seconds: float) -> None:
        """Let a host have its time; a longer one that it has already stays."""
        until = self._clock() + min(seconds, LONGEST_S)
        self._until[host] = max(until, self._until.get(host, until))
