"""A keyed work queue: one entry a key, one worker a key, nothing lost while busy."""

import threading
from collections import deque
from typing import Generic, TypeVar

Key = TypeVar("Key")


class WorkQueue(Generic[Key]):
    """Keys that want work done. Safe to use from many threads.

    A key that is added while it waits is there already; one that is added while it is worked on
    comes back when that work is done, once, however often it was added. So no request is lost, none
    is served twice, and no key is worked on by two workers at a time (the rules of the queue in
    Kubernetes' client-go, ``util/workqueue``).
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: deque[Key] = deque()
        self._running: set[Key] = set()
        self._again: set[Key] = set()
        self._is_closed = False

    def add(self, key: Key) -> None:
        """Ask for work on a key; nothing happens after :meth:`close`."""
        with self._changed:
            if self._is_closed:
                return
            if key in self._running:
                self._again.add(key)
            elif key not in self._waiting:
                self._waiting.append(key)
                self._changed.notify()

    def take(self) -> Key | None:
        """Wait for a key and return it, oldest first; None when the queue is closed."""
        with self._changed:
            while not self._waiting and not self._is_closed:
                self._changed.wait()
            if self._is_closed:
                return None
            key = self._waiting.popleft()
            self._running.add(key)
            return key

    def done(self, key: Key) -> None:
        """Say that the work on a key that was taken has ended."""
        with self._changed:
            self._running.discard(key)
            if key in self._again and not self._is_closed:
                self._again.discard(key)
                self._waiting.append(key)
            self._changed.notify_all()

    def is_asked_again(self, key: Key) -> bool:
        """Whether a key that is being worked on was added meanwhile."""
        with self._changed:
            return key in self._again

    def close(self) -> None:
        """Give out no more keys; what is being worked on goes on."""
        with self._changed:
            self._is_closed = True
            self._waiting.clear()
            self._again.clear()
            self._changed.notify_all()

    def wait_idle(self, timeout_s: float) -> bool:
        """Wait until no key is being worked on; return whether that came to be in time."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._running, timeout_s)

    def __len__(self) -> int:
        """How many keys wait."""
        with self._changed:
            return len(self._waiting)
