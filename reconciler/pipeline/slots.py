"""Slots: how many cycles may work at the same time. One that only waits takes none."""

import contextlib
import threading
from collections.abc import Iterator


class Slots:
    """A number of places to work at. Safe to use from many threads."""

    def __init__(self, count: int) -> None:
        """Have that many, all free."""
        self._free = threading.Semaphore(count)

    @contextlib.contextmanager
    def taken(self) -> Iterator[None]:
        """Wait for a place, and keep it while the block runs."""
        self._free.acquire()
        try:
            yield
        finally:
            self._free.release()

    @contextlib.contextmanager
    def lent(self) -> Iterator[None]:
        """Let others have the caller's place while the block waits for something."""
        self._free.release()
        try:
            yield
        finally:
            self._free.acquire()
