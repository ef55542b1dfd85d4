"""A request to end, made once and heard everywhere: at the next point where nothing is half done.

It comes in two degrees. When it is *asked for*, waits end at once and work is finished. When it is
*insisted on*, because the time for that is over, work is cut off too; every act of ours is safe to
be cut off and taken up by the next process.
"""

import contextlib
import itertools
import threading
from collections.abc import Callable, Iterator

from reconciler.errors import StoppedError


class Stop:
    """A request to end. Safe to use from many threads, and from a signal handler.

    A handler runs between two instructions of the main thread, which may be anywhere in here: so
    there is no lock, and what is called back may be called twice.
    """

    def __init__(self) -> None:
        self._is_insisted = False
        self._event = threading.Event()
        self._numbers = itertools.count()
        self._waits: dict[int, Callable[[], None]] = {}
        self._works: dict[int, Callable[[], None]] = {}

    @property
    def is_asked(self) -> bool:
        """Whether somebody asked."""
        return self._event.is_set()

    def ask(self) -> None:
        """Ask everybody to end."""
        self._event.set()
        _call_all(self._waits)

    def insist(self) -> None:
        """Cut off also what should have been finished. The one thing for a signal handler."""
        self._is_insisted = True
        _call_all(self._waits)
        _call_all(self._works)

    def wait(self, seconds: float | None = None) -> bool:
        """Wait for the request, at most that long; return whether it came."""
        return self._event.wait(seconds)

    def check(self) -> None:
        """End the caller's work here if that was asked for.

        Raises:
            StoppedError: it was.
        """
        if self.is_asked:
            raise StoppedError("stopped before it was done: this process was asked to end")

    @contextlib.contextmanager
    def ending_wait(self, end: Callable[[], None]) -> Iterator[None]:
        """Call ``end`` when a stop is asked for while the block waits; at once if it was before."""
        with _kept(self._waits, next(self._numbers), end):
            if self.is_asked or self._is_insisted:
                end()
            yield

    @contextlib.contextmanager
    def ending_work(self, end: Callable[[], None]) -> Iterator[None]:
        """Call ``end`` when a stop is insisted on while the block works."""
        with _kept(self._works, next(self._numbers), end):
            if self._is_insisted:
                end()
            yield


@contextlib.contextmanager
def _kept(
    calls: dict[int, Callable[[], None]], number: int, end: Callable[[], None]
) -> Iterator[None]:
    calls[number] = end
    try:
        yield
    finally:
        del calls[number]


def _call_all(calls: dict[int, Callable[[], None]]) -> None:
    for end in tuple(calls.values()):
        end()
