"""Ctrl-C while a program is being started: put off until somebody can end that program."""

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator

INTERRUPTING = (signal.SIGINT, signal.SIGTERM)


@contextlib.contextmanager
def interruptions_held() -> Iterator[Callable[[], None]]:
    """Put off what SIGINT and SIGTERM do, until the block ends or calls what it is given.

    A handler that raises, as Python's own for SIGINT does, may be run after a program was started
    and before its number is known here: then nobody could end it. So a program is started in such
    a block, and what was put off is called for inside the ``try`` that ends the program.

    Only the main thread runs handlers: in others nothing is to be put off. Handlers are replaced,
    not signals blocked, since a program would start with the same ones blocked.
    """
    if threading.current_thread() is not threading.main_thread():
        yield lambda: None
        return
    came: list[signal.Signals] = []
    before = {
        number: handler for number in INTERRUPTING if callable(handler := signal.getsignal(number))
    }

    def let_go() -> None:
        for number in tuple(before):
            signal.signal(number, before[number])
        while came:
            before[came[0]](came.pop(0), None)

    try:
        for number in before:
            signal.signal(number, lambda number, _frame: came.append(signal.Signals(number)))
        yield let_go
    finally:
        let_go()
