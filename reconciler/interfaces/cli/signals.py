"""What signals mean to this program."""

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from queue import Empty, SimpleQueue
from types import FrameType

ENDING = (signal.SIGTERM, signal.SIGINT)
_KILLED = 128  # a shell's exit code for a program that a signal ended, plus the signal


class Signals:
    """Hands signals to whoever waits for them; a second one that asks to end does so at once."""

    def __init__(self, *, cut_off: Callable[[], None]) -> None:
        """Hear nothing yet.

        Args:
            cut_off: called before a second signal ends the process: what must not outlive it.
        """
        self._cut_off = cut_off
        self._heard: SimpleQueue[int] = SimpleQueue()  # whose put is safe in a signal handler
        self._is_ending = False

    @contextlib.contextmanager
    def heard(self) -> Iterator[None]:
        """Hear SIGTERM, SIGINT and SIGHUP while the block runs; only in the main thread."""
        numbers = (*ENDING, signal.SIGHUP)
        before = {number: signal.signal(number, self._handle) for number in numbers}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def wait(self, timeout_s: float) -> int | None:
        """Return the next signal; None if there is none in that time."""
        try:
            return self._heard.get(timeout=timeout_s)
        except Empty:
            return None

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        if number in ENDING and self._is_ending:
            self._cut_off()
            os._exit(_KILLED + number)
        self._is_ending = self._is_ending or number in ENDING
        self._heard.put(number)


def deafen() -> None:
    """Hear no signal that asks to end any more: that is being done."""
    for number in ENDING:
        signal.signal(number, signal.SIG_IGN)


def leave(code: int) -> int:
    """Return the exit code, if nothing keeps the process from ending; else end it now.

    A thread may wait for an answer that nobody will read, of a registry for example.
    """
    deafen()
    for thread in threading.enumerate():
        if thread is not threading.main_thread() and not thread.daemon:
            thread.join(0.2)
            if thread.is_alive():
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(code)
    return code
