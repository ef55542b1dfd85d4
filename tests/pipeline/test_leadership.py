"""Of several processes with a source, one writes; clocks and API servers do what they like."""

import random
from collections.abc import Mapping

import pytest
import structlog

from reconciler.core.lease import DEADLINE_S, LEASE_S, RENEW_S, LeaseRecord
from reconciler.errors import AccessDeniedError, ChangedError, ClusterError, NotFoundError
from reconciler.pipeline.leadership import LOOK_S, Leadership
from tests.fakes.clock import FakeClock


class Leases:
    """Leases in memory: a write that somebody came before fails."""

    def __init__(self) -> None:
        self.records: dict[str, LeaseRecord] = {}
        self.writes = 0
        self.lists = 0
        self.error: Exception | None = None

    def all(self) -> Mapping[str, LeaseRecord]:
        self.lists += 1
        if self.error:
            raise self.error
        return dict(self.records)

    def write(self, source: str, before: LeaseRecord | None, holder: str) -> LeaseRecord:
        if self.error:
            raise self.error
        if self.records.get(source) != before:
            raise ChangedError("somebody was first")
        self.writes += 1
        self.records[source] = LeaseRecord(holder, LEASE_S, str(self.writes))
        return self.records[source]


class Candidate:
    """One process that wants to lead."""

    def __init__(self, leases: Leases, clock: FakeClock, name: str, *sources: str) -> None:
        self.changes: list[tuple[str, bool]] = []
        self.gone: set[str] = set()
        self.leadership = Leadership(
            leases,
            sources or ("web",),
            identity=name,
            is_gone=self.gone.__contains__,
            on_change=lambda source, is_led: self.changes.append((source, is_led)),
            random=random.random,
            now=clock.now,
        )

    @property
    def leads(self) -> bool:
        return self.leadership.leads("web")

    def look(self) -> bool:
        self.leadership.look()
        return self.leads


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def leases() -> Leases:
    return Leases()


def test_the_first_one_leads_and_the_others_follow_as_long_as_it_renews(
    leases: Leases, clock: FakeClock
) -> None:
    one, other = Candidate(leases, clock, "one"), Candidate(leases, clock, "other")

    for _ in range(50):
        assert (one.look(), other.look()) == (True, False)
        clock.sleep(LOOK_S)

    assert other.leadership.holder("web") == "one"
    assert (one.changes, other.changes) == ([("web", True)], [])
    assert leases.writes <= 50 * LOOK_S / RENEW_S + 2


def test_who_leads_asks_only_when_it_is_time_to_renew(leases: Leases, clock: FakeClock) -> None:
    one = Candidate(leases, clock, "one")
    one.look()
    one.look()
    assert leases.lists == 1

    clock.sleep(RENEW_S)
    assert one.look()
    assert (leases.lists, leases.writes) == (2, 2)


def test_a_lease_that_is_not_renewed_is_taken_after_its_time_and_no_sooner(
    leases: Leases, clock: FakeClock
) -> None:
    one, other = Candidate(leases, clock, "one"), Candidate(leases, clock, "other")
    one.look()
    other.look()
    clock.sleep(LEASE_S)
    assert not other.look()

    clock.sleep(0.1)
    assert other.look()
    assert not one.leads  # it ceased long before, by its own clock
    assert not one.look()
    assert one.changes == [("web", True), ("web", False)]


def test_who_could_not_renew_in_time_ceases_before_others_begin(
    leases: Leases, clock: FakeClock
) -> None:
    one = Candidate(leases, clock, "one")
    one.look()
    clock.sleep(DEADLINE_S - 0.1)
    before = one.leads
    clock.sleep(0.2)
    assert (before, one.leads) == (True, False)
    assert DEADLINE_S < LEASE_S


def test_who_slept_is_told_that_it_ceased_and_begins_anew(leases: Leases, clock: FakeClock) -> None:
    one = Candidate(leases, clock, "one")
    one.look()
    clock.sleep(3600.0)

    assert one.look()
    assert one.changes == [("web", True), ("web", False), ("web", True)]


def test_what_is_released_and_who_is_gone_is_not_waited_for(
    leases: Leases, clock: FakeClock
) -> None:
    one, other, third = (Candidate(leases, clock, name) for name in ("one", "other", "third"))
    one.look()
    other.look()
    one.leadership.release()
    assert not one.leads
    assert other.look()

    third.look()
    third.gone.add("other")
    assert third.look()


def test_who_led_goes_on_while_nobody_can_be_asked_and_who_followed_does_not_begin(
    leases: Leases, clock: FakeClock
) -> None:
    one, other = Candidate(leases, clock, "one"), Candidate(leases, clock, "other")
    new = Candidate(leases, clock, "new")
    one.look()
    other.look()
    leases.error = ClusterError("down")
    clock.sleep(60.0)

    assert (one.look(), other.look(), new.look()) == (True, False, True)
    leases.error = None
    assert (one.look(), other.look(), new.look()) == (True, False, False)


def test_where_the_namespace_is_missing_nobody_can_hold_anything(
    leases: Leases, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(_source: str, _before: LeaseRecord | None, _holder: str) -> LeaseRecord:
        raise NotFoundError("no namespace")

    one = Candidate(leases, clock, "one")
    with monkeypatch.context() as patch:
        patch.setattr(leases, "write", missing)
        assert one.look()
    assert one.look()
    assert leases.records["web"].holder == "one"


@pytest.mark.parametrize("is_list", [True, False])
def test_who_may_have_no_leases_leads_without_and_says_so_once(
    leases: Leases, clock: FakeClock, monkeypatch: pytest.MonkeyPatch, is_list: bool
) -> None:
    def denied(*_given: object) -> LeaseRecord:
        raise AccessDeniedError("forbidden")

    monkeypatch.setattr(leases, "all" if is_list else "write", denied)
    one = Candidate(leases, clock, "one")
    with structlog.testing.capture_logs() as logs:
        for _ in range(5):
            assert one.look()
            clock.sleep(60.0)

    assert [line["event"] for line in logs] == ["lease.denied", "lease.changed"]


def test_sources_are_led_one_by_one(leases: Leases, clock: FakeClock) -> None:
    one = Candidate(leases, clock, "one", "web")
    both = Candidate(leases, clock, "both", "web", "api")
    one.look()
    both.look()

    assert (both.leadership.leads("web"), both.leadership.leads("api")) == (False, True)
    assert both.changes == [("api", True)]


def test_there_are_never_two_whatever_stops_and_starts(leases: Leases, clock: FakeClock) -> None:
    chance = random.Random(5)  # noqa: S311 - the same each time
    candidates = [Candidate(leases, clock, str(number)) for number in range(4)]
    asleep = dict.fromkeys(range(4), 0.0)
    led = set()
    for _ in range(3000):
        clock.sleep(chance.uniform(0.1, 3.0))
        for number, each in enumerate(candidates):
            if asleep[number] < clock.now():
                each.look()
                if chance.random() < 0.03:
                    asleep[number] = clock.now() + chance.uniform(1.0, 60.0)
        leading = [number for number, each in enumerate(candidates) if each.leads]
        assert len(leading) <= 1
        led.update(leading)

    assert led == {0, 1, 2, 3}
