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

    def __init__(
        self, parent: "Stop | None" = None, is_over: Callable[[], bool] = lambda: False
    ) -> None:
        self._is_insisted = False
        self._parent = parent
        self._is_over = is_over
        self._event = threading.Event()
        self._numbers = itertools.count()
        self._waits: dict[int, Callable[[], None]] = {}
        self._works: dict[int, Callable[[], None]] = {}
        self._children: list[Stop] = []

    def child(self, is_over: Callable[[], bool] = lambda: False) -> "Stop":
        """Return a request to end something smaller; who is asked here is asked there too.

        Args:
            is_over: whether that is to end without anybody asking.
        """
        child = Stop(self, is_over)
        self._children.append(child)
        if self.is_asked:
            child.ask()
        return child

    def leave(self) -> None:
        """Have a child asked no more when its parent is: what it could end is over."""
        if self._parent is not None:
            self._parent.forget(self)

    def forget(self, child: "Stop") -> None:
        """Ask a child no more."""
        self._children.remove(child)

    def renew(self) -> None:
        """Take a child's request back: what was to end has ended."""
        self._is_insisted = False
        self._event.clear()
        if self._parent is not None and self._parent.is_asked:  # asked before, or just now
            self.ask()

    @property
    def is_asked(self) -> bool:
        """Whether somebody asked."""
        return self._event.is_set() or self._is_over()

    def ask(self) -> None:
        """Ask everybody to end."""
        self._event.set()
        _call_all(self._waits)
        for each in tuple(self._children):
            each.ask()

    def insist(self) -> None:
        """Cut off also what should have been finished. The one thing for a signal handler."""
        self._is_insisted = True
        _call_all(self._waits)
        _call_all(self._works)
        for each in tuple(self._children):
            each.insist()

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
