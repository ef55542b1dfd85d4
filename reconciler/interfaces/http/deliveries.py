"""What is remembered of webhooks: which were seen, and how many come."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

MAX_SEEN: Final = 2000
SEEN_S: Final = 3600.0


class Seen:
    """The deliveries of the last hour, as far as there is room. Safe to use from many threads."""

    def __init__(self, *, now: Callable[[], float] = time.monotonic) -> None:
        """Have seen nothing.

        Args:
            now: seconds of a monotonic clock.
        """
        self._now = now
        self._lock = threading.Lock()
        self._at: OrderedDict[str, float] = OrderedDict()

    def is_new(self, delivery: str) -> bool:
        """Take note of a delivery; return whether it was not seen before."""
        now = self._now()
        with self._lock:
            while self._at and (len(self._at) >= MAX_SEEN or self._oldest() < now - SEEN_S):
                self._at.popitem(last=False)
            if delivery in self._at:
                return False
            self._at[delivery] = now
            return True

    def _oldest(self) -> float:
        return next(iter(self._at.values()))


class Allowance:
    """So many requests a second, and a few more at once. Safe to use from many threads."""

    def __init__(
        self, rate: float, burst: float, *, now: Callable[[], float] = time.monotonic
    ) -> None:
        """Begin with a full burst.

        Args:
            rate: requests a second.
            burst: requests at once.
            now: seconds of a monotonic clock.
        """
        self._rate, self._burst, self._now = rate, burst, now
        self._lock = threading.Lock()
        self._left, self._at = burst, now()

    def take(self) -> bool:
        """Return whether one more is allowed."""
        with self._lock:
            now = self._now()
            self._left = min(self._burst, self._left + (now - self._at) * self._rate)
            self._at = now
            if self._left < 1:
                return False
            self._left -= 1
            return True
