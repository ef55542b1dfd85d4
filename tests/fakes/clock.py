"""A clock that moves only when somebody sleeps."""

import threading


class FakeClock:
    """Time that passes by sleeping: ``sleep(3)`` makes ``now()`` three seconds later."""

    def __init__(self) -> None:
        self._now = 1000.0
        self._lock = threading.Lock()
        self.slept: list[float] = []

    def now(self) -> float:
        """Return the fake time in seconds."""
        with self._lock:
            return self._now

    def sleep(self, seconds: float) -> None:
        """Let that much time pass at once."""
        with self._lock:
            self._now += seconds
            self.slept.append(seconds)
