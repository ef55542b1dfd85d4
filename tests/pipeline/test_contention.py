"""A field that is taken back too often is held."""

from reconciler.pipeline.contention import WINDOW_S, Contention
from tests.fakes.clock import FakeClock
from tests.fakes.objects import NGINX, key


def test_three_times_in_ten_minutes_from_one_manager_are_too_often() -> None:
    clock = FakeClock()
    contention = Contention(now=clock.now)
    for _ in range(2):
        contention.note(NGINX, ["hpa-like"])
        clock.sleep(WINDOW_S / 4)
    assert contention.rival(NGINX) == ""

    contention.note(NGINX, ["hpa-like"])

    assert contention.rival(NGINX) == "hpa-like"
    assert contention.rival(key("Service")) == ""


def test_it_is_tried_again_when_the_first_time_is_long_ago() -> None:
    clock = FakeClock()
    contention = Contention(now=clock.now)
    for _ in range(3):
        contention.note(NGINX, ["other"])
        clock.sleep(10)
    assert contention.rival(NGINX) == "other"

    clock.sleep(WINDOW_S - 25)
    assert contention.rival(NGINX) == ""

    clock.sleep(WINDOW_S)
    assert contention.rival(NGINX) == ""


def test_different_managers_are_counted_apart() -> None:
    contention = Contention()
    for manager in ("a", "b", "c", "a", "b"):
        contention.note(NGINX, [manager])

    assert contention.rival(NGINX) == ""
