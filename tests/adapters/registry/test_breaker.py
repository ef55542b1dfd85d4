"""A host that keeps failing is left alone, and then asked once."""

import pytest

from reconciler.adapters.registry.breaker import FAILURES, FIRST_S, LONGEST_S, PROBE_S, Breakers
from reconciler.errors import RegistryError
from tests.fakes.clock import FakeClock

HOST = "down.example"


def fail(breakers: Breakers, times: int = FAILURES) -> None:
    for _ in range(times):
        breakers.failed(HOST)


def is_asked(breakers: Breakers, host: str = HOST) -> bool:
    try:
        breakers.check(host)
    except RegistryError:
        return False
    return True


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def breakers(clock: FakeClock) -> Breakers:
    return Breakers(clock=clock.now, jitter=lambda: 1.0)


def test_a_host_that_fails_now_and_then_is_asked_on(breakers: Breakers) -> None:
    for _ in range(5):
        fail(breakers, FAILURES - 1)
        breakers.answered(HOST)

    assert is_asked(breakers)


def test_a_host_that_fails_over_and_over_is_left_alone_and_no_other(breakers: Breakers) -> None:
    fail(breakers)

    with pytest.raises(RegistryError, match="it failed 6 times in a row, and is left") as raised:
        breakers.check(HOST)
    assert not raised.value.is_retryable
    assert is_asked(breakers, "up.example")


def test_when_the_pause_is_over_one_request_is_let_through(
    breakers: Breakers, clock: FakeClock
) -> None:
    fail(breakers)
    clock.sleep(FIRST_S)

    assert [is_asked(breakers) for _ in range(3)] == [True, False, False]


def test_an_answer_to_that_one_lets_all_through(breakers: Breakers, clock: FakeClock) -> None:
    fail(breakers)
    clock.sleep(FIRST_S)
    assert is_asked(breakers)
    breakers.answered(HOST)

    assert [is_asked(breakers) for _ in range(3)] == [True, True, True]


def test_each_failure_of_that_one_makes_the_pause_longer_up_to_a_limit(
    breakers: Breakers, clock: FakeClock
) -> None:
    fail(breakers)
    pauses = []
    for _ in range(6):
        began = clock.now()
        while not is_asked(breakers):
            clock.sleep(FIRST_S)
        pauses.append(clock.now() - began)
        breakers.failed(HOST)

    assert pauses == [30, 60, 120, 240, LONGEST_S, LONGEST_S]


def test_late_failures_of_requests_that_were_under_way_make_no_pause_longer(
    breakers: Breakers, clock: FakeClock
) -> None:
    fail(breakers, FAILURES + 20)
    clock.sleep(FIRST_S)

    assert is_asked(breakers)


def test_a_request_whose_answer_never_came_is_followed_by_another(
    breakers: Breakers, clock: FakeClock
) -> None:
    fail(breakers)
    clock.sleep(FIRST_S)
    assert is_asked(breakers)
    clock.sleep(PROBE_S)

    assert is_asked(breakers)
