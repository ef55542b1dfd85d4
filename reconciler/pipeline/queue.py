"""A keyed work queue: one entry a key, one worker a key, nothing lost while busy."""

import threading
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

Key = TypeVar("Key")
Wish = TypeVar("Wish")


class WorkQueue(Generic[Key, Wish]):
    """Keys that want work done, each with what is wanted. Safe to use from many threads.

    A key that is added while it waits is there already, and wants both from now on; one that is
    added while it is worked on comes back when that work is done, once, however often it was added.
    So no request is lost, none is served twice, and no key is worked on by two workers at a time
    (the rules of the queue in Kubernetes' client-go, ``util/workqueue``).
    """

    def __init__(self, merge: Callable[[Wish, Wish], Wish]) -> None:
        """Be empty.

        Args:
            merge: returns the wish that satisfies two.
        """
        self._merge = merge
        self._changed = threading.Condition()
        self._waiting: deque[Key] = deque()
        self._wishes: dict[Key, Wish] = {}  # of those that wait, and of those that come back
        self._running: set[Key] = set()
        self._held: set[Key] = set()
        self._is_closed = False

    def add(self, key: Key, wish: Wish) -> None:
        """Ask for work on a key; nothing happens after :meth:`close`."""
        with self._changed:
            if self._is_closed:
                return
            if key in self._wishes:
                self._wishes[key] = self._merge(self._wishes[key], wish)
                return
            self._wishes[key] = wish
            if key not in self._running:
                self._waiting.append(key)
                self._changed.notify_all()

    def take(self) -> tuple[Key, Wish] | None:
        """Wait for a key and return it with what is wanted, oldest first; None when closed."""
        with self._changed:
            while (key := self._next()) is None and not self._is_closed:
                self._changed.wait()
            if key is None or self._is_closed:
                return None
            self._waiting.remove(key)
            self._running.add(key)
            return key, self._wishes.pop(key)

    def done(self, key: Key) -> None:
        """Say that the work on a key that was taken has ended."""
        with self._changed:
            self._running.discard(key)
            if key in self._wishes:
                self._waiting.append(key)
            self._changed.notify_all()

    def withdraw(self, key: Key, wish: Wish) -> None:
        """Forget that a key that is being worked on was added, if nothing but this was wanted."""
        with self._changed:
            if key in self._running and self._wishes.get(key) == wish:
                del self._wishes[key]

    def is_asked_again(self, key: Key) -> bool:
        """Whether a key that is being worked on was added meanwhile."""
        with self._changed:
            return key in self._running and key in self._wishes

    def hold(self, key: Key) -> None:
        """Do not give out a key until :meth:`release`; what is asked for meanwhile is kept."""
        with self._changed:
            self._held.add(key)

    def release(self, key: Key) -> None:
        """Give out a key again."""
        with self._changed:
            self._held.discard(key)
            self._changed.notify_all()

    def close(self) -> None:
        """Give out no more keys; what is being worked on goes on."""
        with self._changed:
            self._is_closed = True
            self._waiting.clear()
            self._wishes.clear()
            self._changed.notify_all()

    def wait_idle(self, timeout_s: float) -> bool:
        """Wait until no key is being worked on; return whether that came to be in time."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._running, timeout_s)

    def _next(self) -> Key | None:
        return next((key for key in self._waiting if key not in self._held), None)

    def __len__(self) -> int:
        """How many keys wait."""
        with self._changed:
            return len(self._waiting)
