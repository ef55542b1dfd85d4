"""A program that was started is known before Ctrl-C is heard."""

import os
import signal
import threading
import time
from collections.abc import Iterator

import pytest

from reconciler.interruption import interruptions_held


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    """The handlers that a program has, put back afterwards."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_is_put_off_until_it_is_let_go(number: signal.Signals) -> None:
    steps = []

    def start() -> None:
        with interruptions_held() as let_go:
            os.kill(os.getpid(), number)
            steps.append("started")
            try:
                let_go()
                steps.append("never reached")
            finally:
                steps.append("ended")

    with pytest.raises(KeyboardInterrupt):
        start()

    assert steps == ["started", "ended"]
    assert signal.getsignal(number) is signal.default_int_handler


def test_what_is_not_let_go_comes_at_the_end_of_the_block() -> None:
    with pytest.raises(KeyboardInterrupt), interruptions_held():
        os.kill(os.getpid(), signal.SIGINT)


def test_what_comes_after_it_was_let_go_comes_at_once() -> None:
    reached = []

    def start() -> None:
        with interruptions_held() as let_go:
            let_go()
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(10)  # it is told at a later instruction
            reached.append("the end")

    with pytest.raises(KeyboardInterrupt):
        start()

    assert not reached


def test_an_ignored_signal_stays_ignored() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with interruptions_held():
        os.kill(os.getpid(), signal.SIGINT)

    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN


def test_other_threads_have_nothing_to_put_off() -> None:
    done = []

    def start() -> None:
        with interruptions_held() as let_go:
            let_go()
            done.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=start)
    thread.start()
    thread.join()

    assert done == [signal.default_int_handler]
