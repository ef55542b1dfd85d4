"""A request to end is heard by everybody who waits."""

import threading

import pytest

from reconciler.errors import StoppedError
from reconciler.stop import Stop


def test_who_waits_is_ended_when_it_is_asked_for_and_who_works_when_it_is_insisted_on() -> None:
    stop, heard = Stop(), []

    with (
        stop.ending_wait(lambda: heard.append("wait")),
        stop.ending_work(lambda: heard.append("work")),
    ):
        stop.ask()
        assert heard == ["wait"]
        stop.insist()

    assert heard == ["wait", "wait", "work"]


def test_who_comes_later_is_ended_at_once() -> None:
    stop, heard = Stop(), []
    stop.ask()
    with stop.ending_work(lambda: heard.append("work")):
        assert heard == []
    stop.insist()

    with (
        stop.ending_wait(lambda: heard.append("wait")),
        stop.ending_work(lambda: heard.append("work")),
    ):
        assert heard == ["wait", "work"]


def test_who_has_finished_is_left_alone() -> None:
    stop, heard = Stop(), []
    with stop.ending_wait(lambda: heard.append("wait")):
        pass

    stop.ask()

    assert heard == []


def test_a_check_ends_the_work_only_after_the_request() -> None:
    stop = Stop()
    stop.check()
    assert not stop.wait(0.0)
    stop.ask()

    with pytest.raises(StoppedError, match="asked to end"):
        stop.check()


def test_a_wait_ends_when_another_thread_asks() -> None:
    stop = Stop()
    asking = threading.Timer(0.05, stop.ask)
    asking.start()

    assert stop.wait(60.0)
    asking.join()


def test_who_is_asked_asks_all_below_and_a_child_asks_nobody_else() -> None:
    parent = Stop()
    child, other = parent.child(), parent.child()
    child.ask()
    assert (child.is_asked, other.is_asked, parent.is_asked) == (True, False, False)

    child.renew()
    assert not child.is_asked
    parent.ask()
    child.renew()
    assert (child.is_asked, other.is_asked, parent.child().is_asked) == (True, True, True)


def test_a_child_that_is_cut_off_is_as_new_after_that() -> None:
    parent = Stop()
    child = parent.child()
    calls: list[str] = []
    with child.ending_work(lambda: calls.append("work")):
        parent.insist()
    child.renew()
    with child.ending_work(lambda: calls.append("new work")):
        pass
    assert calls == ["work"]


def test_a_child_that_has_left_is_asked_no_more() -> None:
    parent = Stop()
    child = parent.child()
    child.leave()
    parent.ask()
    assert not child.is_asked
