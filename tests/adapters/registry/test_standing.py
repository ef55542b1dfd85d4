"""What is remembered of logins and hosts: nobody is locked out, nobody is kept from their own."""

import pytest

from reconciler.adapters.registry import standing as standing_module
from reconciler.adapters.registry.login import Login
from reconciler.adapters.registry.respite import LONGEST_S, Respites
from reconciler.adapters.registry.standing import PAUSE_S, TRIES, Standings
from reconciler.core.images.reference import Repository
from reconciler.core.redaction import Secret
from reconciler.errors import RegistryError
from tests.fakes.clock import FakeClock

LOGIN = Login("robot", Secret("hunter2"))


def repository(name: str, host: str = "r.example") -> Repository:
    return Repository(host, f"acme/{name}")


def refused_for(standings: Standings, *names: str) -> Standings:
    for name in names:
        standings.refused(LOGIN, repository(name))
    return standings


def test_a_login_that_is_refused_three_times_in_a_row_is_left_alone_for_a_while() -> None:
    clock = FakeClock()
    standings = refused_for(Standings(clock=clock.now), "a", "b")
    assert not standings.is_paused(LOGIN, repository("new"))

    refused_for(standings, "c")

    assert standings.is_paused(LOGIN, repository("new"))
    assert not standings.is_paused(LOGIN, repository("new", host="other.example"))
    clock.sleep(PAUSE_S)
    assert not standings.is_paused(LOGIN, repository("new"))


def test_where_a_login_was_refused_before_it_does_not_use_up_the_tries_of_the_others() -> None:
    clock = FakeClock()
    standings = refused_for(Standings(clock=clock.now), "a", "b", "c")
    clock.sleep(PAUSE_S)

    refused_for(standings, "a")

    assert standings.is_paused(LOGIN, repository("b"))
    assert not standings.is_paused(LOGIN, repository("z"))


def test_a_login_that_is_accepted_begins_anew() -> None:
    standings = refused_for(Standings(), "a", "b")

    standings.worked(LOGIN, repository("z"))

    refused_for(standings, "a", "b")
    assert not standings.is_paused(LOGIN, repository("c"))
    assert TRIES == 3


def test_a_login_that_worked_until_its_password_changed_is_left_alone_too() -> None:
    standings = Standings()
    standings.worked(LOGIN, repository("a"))

    refused_for(standings, "a", "b", "c")

    assert standings.is_paused(LOGIN, repository("d"))


def test_missing_rights_are_no_wrong_password() -> None:
    standings = Standings()

    for name in "abcdef":
        standings.forbidden(LOGIN, repository(name))

    assert not standings.is_paused(LOGIN, repository("a"))
    assert standings.goes_last(LOGIN, repository("a"))
    assert not standings.goes_last(LOGIN, repository("g"))


def test_a_login_that_was_refused_goes_last_until_it_is_accepted() -> None:
    standings = refused_for(Standings(), "a")
    assert standings.goes_last(LOGIN, repository("a"))
    assert standings.goes_last(LOGIN, repository("b"))

    standings.worked(LOGIN, repository("a"))

    assert not standings.goes_last(LOGIN, repository("a"))
    assert not standings.goes_last(LOGIN, repository("b"))


def test_no_more_is_remembered_than_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standing_module, "MAX_KEPT", 2)
    standings = Standings()
    for name in "abc":
        standings.forbidden(LOGIN, repository(name))
    assert not standings.goes_last(LOGIN, repository("c"))

    for host in ("x.example", "y.example"):
        standings.forbidden(LOGIN, repository("a", host))

    assert not standings.goes_last(LOGIN, repository("a"))


def test_a_host_that_asked_for_time_gets_it_and_no_more_than_an_hour() -> None:
    clock = FakeClock()
    respites = Respites(clock=clock.now)
    respites.check("r.example")
    respites.note("r.example", RegistryError("answered 503"))
    respites.check("r.example")

    respites.note("r.example", RegistryError("answered 429", retry_after_s=30))
    respites.note("r.example", RegistryError("answered 429", retry_after_s=10))

    clock.sleep(20)
    with pytest.raises(RegistryError, match="it asked for time, and 10 s of it are left") as raised:
        respites.check("r.example")
    assert raised.value.retry_after_s == 10
    respites.check("other.example")
    clock.sleep(10)
    respites.check("r.example")
    respites.note("r.example", RegistryError("answered 429", retry_after_s=1e9))
    clock.sleep(LONGEST_S)
    respites.check("r.example")
