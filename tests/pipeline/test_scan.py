import math
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

import pytest

from reconciler.core.images.listing import Listing
from reconciler.core.images.pull_secret import PullCredential, PullSecret
from reconciler.core.images.reference import Repository
from reconciler.core.redaction import Secret
from reconciler.errors import AccessDeniedError, NotFoundError, RegistryError, StoppedError
from reconciler.pipeline.host import (
    FAILURES_UNTIL_LEFT_ALONE,
    FASTEST,
    REQUESTS,
    SLOWEST,
    Host,
)
from reconciler.pipeline.inquiry import WORKERS
from reconciler.pipeline.scan import Tags, scan
from reconciler.stop import Stop
from tests.fakes.clock import FakeClock

Answer = Callable[[Repository, int], Sequence[str]]


class ScriptedTags:
    """A TagSource that asks a function: repository and how often it was asked before."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._lock = threading.Lock()
        self.asked: dict[Repository, int] = {}
        self.pull_secrets: dict[Repository, tuple[PullCredential, ...]] = {}

    def list_tags(
        self, repository: Repository, *, pull_secrets: Iterable[PullCredential] = ()
    ) -> Sequence[str]:
        self.pull_secrets[repository] = tuple(pull_secrets)
        with self._lock:
            before = self.asked.get(repository, 0)
            self.asked[repository] = before + 1
        return self._answer(repository, before)


def repositories(count: int, host: str = "one.example") -> list[Repository]:
    return [Repository(host, f"acme/web{index}") for index in range(count)]


def run(
    source: ScriptedTags, wanted: Sequence[Repository], clock: FakeClock
) -> dict[Repository, Tags]:
    return dict(scan(wanted, source, pull_secrets=lambda _: (), clock=clock, jitter=lambda: 0.5))


def test_every_repository_gets_its_tags_and_is_asked_once_however_often_it_is_wanted() -> None:
    source = ScriptedTags(lambda repository, _: ["v1", repository.path])
    wanted = repositories(100)

    results = run(source, wanted * 3, FakeClock())

    assert results == {each: Listing.of(["v1", each.path]) for each in wanted}
    assert set(source.asked.values()) == {1}


def test_every_try_gets_the_repositorys_pull_secrets_from_the_beginning() -> None:
    def answer(repository: Repository, before: int) -> Sequence[str]:
        seen.append((repository, source.pull_secrets[repository]))
        if before == 0:
            raise RegistryError("answered 503")
        return ["v1"]

    seen: list[tuple[Repository, tuple[PullCredential, ...]]] = []
    source = ScriptedTags(answer)
    wanted = repositories(3)
    secrets = {each: (PullSecret(each.path, Secret("{}")),) for each in wanted}

    scan(
        wanted,
        source,
        pull_secrets=lambda repository: iter(secrets[repository]),
        clock=FakeClock(),
        jitter=lambda: 0.5,
    )

    assert sorted(seen, key=lambda each: each[0]) == [
        (each, secrets[each]) for each in wanted for _ in range(2)
    ]


def test_a_failure_that_may_pass_is_tried_three_times_with_pauses_between() -> None:
    def answer(_: Repository, before: int) -> Sequence[str]:
        if before < 2:
            raise RegistryError("answered 503")
        return ["v1"]

    clock = FakeClock()
    (wanted,) = repositories(1)

    assert run(ScriptedTags(answer), [wanted], clock) == {wanted: Listing.of(["v1"])}
    assert len(clock.slept) == 2
    assert all(pause > 0 for pause in clock.slept)


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(NotFoundError("no such repository"), id="missing"),
        pytest.param(AccessDeniedError("wrong password"), id="denied"),
        pytest.param(RegistryError("lied", is_retryable=False), id="hopeless"),
    ],
)
def test_a_failure_that_will_not_pass_is_reported_without_another_try(error: Exception) -> None:
    def answer(_: Repository, __: int) -> Sequence[str]:
        raise error

    source = ScriptedTags(answer)
    (wanted,) = repositories(1)

    assert run(source, [wanted], FakeClock()) == {wanted: error}
    assert source.asked == {wanted: 1}


def test_a_registry_that_is_down_does_not_hold_back_the_others_and_is_left_alone() -> None:
    down, up = repositories(200, "down.example"), repositories(50, "up.example")

    def answer(repository: Repository, _: int) -> Sequence[str]:
        if repository.host == "down.example":
            raise RegistryError("connection refused")
        return ["v1"]

    source = ScriptedTags(answer)
    results = run(source, [*down, *up], FakeClock())

    assert all(results[each] == Listing.of(["v1"]) for each in up)
    assert all(isinstance(results[each], RegistryError) for each in down)
    asked_of_down = sum(times for each, times in source.asked.items() if each in set(down))
    assert asked_of_down <= 2 * FAILURES_UNTIL_LEFT_ALONE


def test_a_host_that_asks_for_time_is_not_asked_before_it_and_then_answers() -> None:
    clock = FakeClock()
    wanted = repositories(100)
    limited_until: list[float] = []
    asked_at: list[float] = []

    def answer(_: Repository, __: int) -> Sequence[str]:
        asked_at.append(clock.now())
        if not limited_until:
            limited_until.append(clock.now() + 2.0)
            raise RegistryError("answered 429", retry_after_s=2.0)
        return ["v1"]

    results = run(ScriptedTags(answer), wanted, clock)

    assert all(tags == Listing.of(["v1"]) for tags in results.values())
    early = [at for at in asked_at if at < limited_until[0]]
    assert len(early) == 1


def test_a_host_that_asks_for_more_time_than_a_cycle_has_is_reported_at_once() -> None:
    def answer(_: Repository, __: int) -> Sequence[str]:
        raise RegistryError("answered 429", retry_after_s=3600.0)

    clock = FakeClock()
    wanted = repositories(100)
    results = run(ScriptedTags(answer), wanted, clock)

    assert set(results) == set(wanted)
    assert all(isinstance(each, RegistryError) for each in results.values())
    assert sum(clock.slept) < 1


class Counted:
    """Counts how many requests to a host are under way, and lets them end when it is told to."""

    def __init__(self) -> None:
        self.under_way = 0
        self.most: list[int] = []
        self.asked = 0
        self._condition = threading.Condition()

    def answer(self, *, until: int) -> None:
        """Wait until so many are under way at once, or until all have been asked."""
        with self._condition:
            self.asked += 1
            self.under_way += 1
            self.most.append(self.under_way)
            self._condition.notify_all()
            self._condition.wait_for(lambda: self.under_way >= until, timeout=0.2)
            self.under_way -= 1


def test_a_host_gets_one_request_first_and_never_all_threads() -> None:
    counted = Counted()

    def answer(_: Repository, __: int) -> Sequence[str]:
        counted.answer(until=1 if counted.asked == 0 else REQUESTS)
        return ["v1"]

    run(ScriptedTags(answer), repositories(200), FakeClock())

    assert counted.most[:2] == [1, 1]
    assert max(counted.most) == REQUESTS


def test_no_more_is_sent_than_there_are_threads_and_retries_wait_for_one() -> None:
    wanted = [each for host in "abc" for each in repositories(60, f"{host}.example")]
    counted = Counted()
    failed: set[Repository] = set()

    def answer(repository: Repository, before: int) -> Sequence[str]:
        counted.answer(until=WORKERS * 3 // 4)
        if repository.path == "acme/web7" and before == 0:
            failed.add(repository)
            raise RegistryError("answered 503")
        return ["v1"]

    results = run(ScriptedTags(answer), wanted, FakeClock())

    assert set(results.values()) == {Listing.of(["v1"])}
    assert len(failed) == 3
    assert REQUESTS < max(counted.most) <= WORKERS


def test_a_host_that_hangs_leaves_threads_for_the_others() -> None:
    hanging = [each for host in "abcd" for each in repositories(50, f"{host}.example")]
    healthy = repositories(300, "z.example")
    others_done = threading.Event()
    left = set(healthy)

    def answer(repository: Repository, _: int) -> Sequence[str]:
        if repository.host != "z.example":
            assert others_done.wait(60)
            raise RegistryError("did not answer within 30 s")
        left.discard(repository)
        if not left:
            others_done.set()
        return ["v1"]

    results = run(ScriptedTags(answer), [*hanging, *healthy], FakeClock())

    assert all(results[each] == Listing.of(["v1"]) for each in healthy)
    assert all(isinstance(results[each], RegistryError) for each in hanging)


def test_hosts_that_hang_after_a_good_beginning_leave_threads_for_the_others() -> None:
    hanging = [each for host in "abcde" for each in repositories(130, f"{host}.example")]
    healthy = repositories(100, "z.example")
    others_done = threading.Event()
    asked: Counter[str] = Counter()
    lock = threading.Lock()
    left = set(healthy)

    def answer(repository: Repository, _: int) -> Sequence[str]:
        with lock:
            asked[repository.host] += 1
            is_quick = asked[repository.host] <= 60  # enough to be trusted with all it may have
            left.discard(repository)
            if not left:
                others_done.set()
        if repository.host != "z.example" and not is_quick:
            assert others_done.wait(60)
            raise RegistryError("did not answer within 30 s", is_retryable=False)
        return ["v1"]

    results = run(ScriptedTags(answer), [*hanging, *healthy], FakeClock())

    assert all(results[each] == Listing.of(["v1"]) for each in healthy)


def test_a_host_that_asks_for_no_time_over_and_over_is_not_asked_in_a_rush() -> None:
    def answer(_: Repository, __: int) -> Sequence[str]:
        raise RegistryError("answered 429", retry_after_s=0.0)

    clock = FakeClock()
    (wanted,) = repositories(1)
    source = ScriptedTags(answer)
    results = run(source, [wanted], clock)

    assert isinstance(results[wanted], RegistryError)
    assert source.asked[wanted] < 20
    assert min(clock.slept) >= 0.25


def test_a_host_that_asks_for_time_gets_half_as_many_requests_and_then_more_again() -> None:
    host: Host[str] = Host(limit=REQUESTS, answers=100)

    host.asked_for_time(7.0, now=1.0)
    assert (host.limit, host.rate, host.not_before) == (REQUESTS // 2, 50, 7.0)
    host.asked_for_time(5.0, now=1.1)  # was under way
    assert (host.limit, host.rate, host.not_before) == (REQUESTS // 2, 50, 7.0)
    host.asked_for_time(9.0, now=7.0)  # it was early
    assert (host.limit, host.rate, host.not_before) == (REQUESTS // 2, 50, 9.0)
    host.answered()
    assert (host.limit, host.rate) == (REQUESTS // 2 + 1, 51)
    host.asked_for_time(19.0, now=10.0)
    assert (host.limit, host.rate, host.not_before) == (REQUESTS // 4, 25.5, 19.0)
    for _ in range(20):
        host.asked_for_time(host.not_before, now=host.not_before)
        host.answered()
    assert SLOWEST <= host.rate < 2 * SLOWEST + 1


def test_a_host_that_asks_for_time_before_it_answered_anything_is_not_asked_more_slowly() -> None:
    host: Host[str] = Host(limit=1)

    host.asked_for_time(7.0, now=1.0)

    assert (host.limit, host.rate, host.not_before) == (1, math.inf, 7.0)


def test_a_host_that_never_asked_for_time_gets_as_many_a_second_as_it_answers() -> None:
    host: Host[str] = Host(limit=REQUESTS)

    assert [host.slot(5.0) for _ in range(REQUESTS)] == [5.0] * REQUESTS


def test_a_host_that_asked_for_time_gets_its_requests_one_after_the_other() -> None:
    host: Host[str] = Host(limit=REQUESTS, answers=8)
    host.asked_for_time(2.0, now=1.0)

    assert [host.slot(2.0) for _ in range(4)] == [2.0, 2.25, 2.5, 2.75]
    for _ in range(int(FASTEST)):
        host.answered()
    assert host.rate == math.inf


@pytest.mark.parametrize("retry_after_s", [2.0, None], ids=["with-retry-after", "without"])
def test_a_host_that_refuses_every_hundredth_request_is_not_asked_early_and_all_is_resolved(
    retry_after_s: float | None,
) -> None:
    clock = FakeClock()
    limited, other = repositories(1000, "limited.example"), repositories(50, "other.example")
    lock = threading.Lock()
    answered, until = 0, 0.0
    early: list[float] = []
    others_asked_at: list[float] = []

    def answer(repository: Repository, _: int) -> Sequence[str]:
        nonlocal answered, until
        with lock:
            now = clock.now()
            if repository.host == "other.example":
                others_asked_at.append(now)
                return ["v1"]
            if now < until:
                early.append(now)
            elif answered == 100:
                answered, until = 0, now + 2.0
            if now < until:
                raise RegistryError("answered 429", retry_after_s=retry_after_s, is_throttling=True)
            answered += 1
            return ["v1"]

    results = run(ScriptedTags(answer), [*limited, *other], clock)

    assert set(results) == {*limited, *other}
    assert set(results.values()) == {Listing.of(["v1"])}
    assert set(others_asked_at) == {1000.0}
    if retry_after_s:  # what was under way when it refused the first is all that came early
        assert all(early.count(at) < REQUESTS for at in early)


def test_a_host_that_refuses_for_ever_and_says_no_time_is_left_alone() -> None:
    def answer(_: Repository, __: int) -> Sequence[str]:
        raise RegistryError("answered 429", is_throttling=True)

    clock = FakeClock()
    wanted = repositories(100)
    source = ScriptedTags(answer)
    results = run(source, wanted, clock)

    assert set(results) == set(wanted)
    assert all(isinstance(each, RegistryError) for each in results.values())
    assert sum(source.asked.values()) < 3 * FAILURES_UNTIL_LEFT_ALONE
    assert sum(clock.slept) < 30
    for repository, error in results.items():  # what a question met says more than that it ended
        assert ("answered 429" in str(error)) is (source.asked.get(repository, 0) > 0)


def test_what_waits_for_its_turn_is_told_when_the_host_asks_for_too_much_time() -> None:
    def answer(_: Repository, __: int) -> Sequence[str]:
        with lock:
            asked.append(clock.now())
            if len(asked) == 20:
                raise RegistryError("answered 429", retry_after_s=1.0)
            if len(asked) >= 60:
                raise RegistryError("answered 429", retry_after_s=3600.0)
        return ["v1"]

    clock, lock = FakeClock(), threading.Lock()
    asked: list[float] = []
    wanted = repositories(200)
    results = run(ScriptedTags(answer), wanted, clock)

    assert set(results) == set(wanted)
    assert len(asked) < 60 + REQUESTS
    assert sum(isinstance(each, RegistryError) for each in results.values()) > 100


def test_an_unexpected_error_is_not_swallowed() -> None:
    def answer(_: Repository, __: int) -> Sequence[str]:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run(ScriptedTags(answer), repositories(40), FakeClock())


def test_a_scan_ends_without_the_answers_when_the_process_is_to_end() -> None:
    stop, answer = Stop(), threading.Event()

    def never(_repository: Repository, _before: int) -> Sequence[str]:
        stop.ask()
        answer.wait(60)
        return ["v1"]

    with pytest.raises(StoppedError):
        scan(
            repositories(3),
            ScriptedTags(never),
            pull_secrets=lambda _: (),
            clock=FakeClock(),
            jitter=lambda: 0.5,
            stop=stop,
        )
    answer.set()


def test_a_registry_that_lists_without_end_fills_no_more_than_its_room(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("reconciler.pipeline.scan.MAX_CHARACTERS", 3 * len("v1\n"))
    greedy = [Repository("greedy.example", f"web-{number}") for number in range(5)]
    modest = Repository("modest.example", "web")

    results = run(
        ScriptedTags(lambda _repository, _before: ("v1",)), [*greedy, modest], FakeClock()
    )

    kept = [each for each in greedy if results[each] == Listing.of(["v1"])]
    refused = [error for each in greedy if isinstance(error := results[each], RegistryError)]
    assert (len(kept), len(refused)) == (3, 2)
    assert not any(error.is_retryable for error in refused)
    assert "lists more than 0 MiB of tags in one scan" in refused[0].message
    assert results[modest] == Listing.of(["v1"])
