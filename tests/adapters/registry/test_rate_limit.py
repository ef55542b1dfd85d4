"""What registries say of their limits, and hosts that hold us to them."""

import threading
import time
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.adapters.registry.breaker import FAILURES, LONGEST_S, Breakers
from reconciler.adapters.registry.client import RegistryClient
from reconciler.adapters.registry.credentials import Keychain
from reconciler.adapters.registry.rate_limit import RateLimit, rate_limit_of
from reconciler.bootstrap import SystemClock
from reconciler.core.images.listing import Listing
from reconciler.core.images.reference import Repository
from reconciler.errors import RegistryError
from reconciler.pipeline.host import REQUESTS
from reconciler.pipeline.scan import scan
from reconciler.settings import RegistrySettings
from tests.fakes.clock import FakeClock
from tests.simulators.registry import RegistrySimulator, Reply, Request

NOW_S = 1_800_000_000.0


@pytest.mark.parametrize(
    ("headers", "found"),
    [
        pytest.param(
            {"RateLimit-Limit": "100;w=21600", "RateLimit-Remaining": "76;w=21600"},
            RateLimit(76, 100),
            id="docker-hub",
        ),
        pytest.param(
            {"RateLimit-Limit": "10, 10;w=1", "RateLimit-Remaining": "0", "RateLimit-Reset": "7"},
            RateLimit(0, 10, 7),
            id="draft-03",
        ),
        pytest.param(
            {"RateLimit": "limit=100, remaining=50, reset=30"},
            RateLimit(50, 100, 30),
            id="draft-07",
        ),
        pytest.param(
            {"RateLimit": '"default";r=50;t=30', "RateLimit-Policy": '"default";q=100;w=60'},
            RateLimit(50, 100, 30),
            id="draft-08",
        ),
        pytest.param(
            {
                "RateLimit": '"hour";r=900;t=3000, "second";r=0;t=1',
                "RateLimit-Policy": '"hour";q=1000;w=3600,"second";q=10;w=1',
            },
            RateLimit(0, 10, 1),
            id="draft-08-several",
        ),
        pytest.param({"RateLimit": '"default";r=50'}, RateLimit(50), id="draft-08-without-a-time"),
        pytest.param(
            {
                "X-RateLimit-Limit": "5000",
                "X-RateLimit-Remaining": "4987",
                "X-RateLimit-Reset": "1800000060",
            },
            RateLimit(4987, 5000, 60),
            id="github",
        ),
        pytest.param(
            {
                "RateLimit-Limit": "500",
                "RateLimit-Observed": "500",
                "RateLimit-Remaining": "0",
                "RateLimit-Reset": "1799999999",
            },
            RateLimit(0, 500, 0),
            id="gitlab-over",
        ),
        pytest.param({"RateLimit-Remaining": "many"}, None, id="no-number"),
        pytest.param({"RateLimit-Remaining": "-1"}, None, id="negative"),
        pytest.param({"RateLimit": "default"}, None, id="no-remaining"),
        pytest.param({"RateLimit": f"remaining={'9' * 2000}"}, None, id="too-long"),
        pytest.param({"RateLimit-Limit": "100"}, None, id="limit-alone"),
        pytest.param({}, None, id="nothing"),
    ],
)
def test_the_headers_of_a_limit_are_read(
    headers: Mapping[str, str], found: RateLimit | None
) -> None:
    assert rate_limit_of(headers, now_s=NOW_S) == found


@given(st.text(max_size=1100), st.text(max_size=100))
def test_any_header_is_read_or_ignored(header: str, policy: str) -> None:
    for name in ("RateLimit", "RateLimit-Remaining"):
        found = rate_limit_of({name: header, "RateLimit-Policy": policy}, now_s=NOW_S)

        assert found is None or found.remaining >= 0


def test_a_host_with_nothing_left_is_not_asked_before_it_has_more() -> None:
    told: list[tuple[str, int, int | None]] = []
    headers = {"RateLimit": '"default";r=0;t=30', "RateLimit-Policy": '"default";q=100;w=60'}
    with RegistrySimulator(lambda _: Reply(headers=headers)) as registry:
        client = RegistryClient(
            RegistrySettings(), Keychain(environment={}), on_limit=lambda *each: told.append(each)
        )
        assert client.list_tags(Repository(registry.host, "acme/web")) == ("v1",)
        with pytest.raises(RegistryError, match=r"it asked for time, and \d+ s") as raised:
            client.list_tags(Repository(registry.host, "acme/api"))
        client.close()

        assert len(registry.requests) == 1
    assert raised.value.retry_after_s is not None
    assert 0 < raised.value.retry_after_s <= 30
    assert told == [(registry.host, 0, 100)]


def test_a_host_with_nothing_left_that_names_no_time_is_asked_on() -> None:
    headers = {"RateLimit-Limit": "100;w=21600", "RateLimit-Remaining": "0;w=21600"}
    with RegistrySimulator(lambda _: Reply(headers=headers)) as registry:
        client = RegistryClient(RegistrySettings(), Keychain(environment={}))
        for _ in range(2):
            assert client.list_tags(Repository(registry.host, "acme/web")) == ("v1",)
        client.close()


class Limited:
    """Answers so many requests, and refuses all for a while then.

    Attributes:
        early: how many came in each of these whiles.
    """

    def __init__(self, requests: int, pause_s: int) -> None:
        self._requests = requests
        self._pause_s = pause_s
        self._lock = threading.Lock()
        self._answered = 0
        self._until = 0.0
        self.early: list[int] = []

    def __call__(self, _: Request) -> Reply:
        with self._lock:
            now = time.monotonic()
            if now >= self._until and self._answered >= self._requests:
                self._answered, self._until = 0, now + self._pause_s
                self.early.append(0)
            if now < self._until:
                self.early[-1] += 1
                return Reply(status=429, headers={"Retry-After": str(self._pause_s)})
            self._answered += 1
            return Reply()


def test_a_host_that_refuses_now_and_then_is_resolved_in_the_end_and_holds_back_nobody() -> None:
    limited = Limited(50, 1)
    with RegistrySimulator(limited) as slow, RegistrySimulator(lambda _: Reply()) as fast:
        client = RegistryClient(RegistrySettings(), Keychain(environment={}))
        wanted = [
            Repository(host, f"acme/web{number}")
            for host in (slow.host, fast.host)
            for number in range(150)
        ]
        results = scan(
            wanted, client, pull_secrets=lambda _: (), clock=SystemClock(), jitter=lambda: 0.5
        )
        client.close()

        assert set(results) == set(wanted)
        assert set(results.values()) == {Listing.of(["v1"])}
        assert len(fast.requests) == 150
    # the first refusal, and what was under way when it came; nobody asks before the time is over
    assert all(count <= REQUESTS for count in limited.early)
    assert len(limited.early) == 2


def test_a_host_that_was_down_in_one_cycle_gets_one_request_in_the_next() -> None:
    down = threading.Event()
    down.set()
    with RegistrySimulator(lambda _: Reply(500 if down.is_set() else 200)) as registry:
        client = RegistryClient(RegistrySettings(), Keychain(environment={}))
        clock = FakeClock()
        client._registries._breakers = Breakers(clock=clock.now, jitter=lambda: 1.0)
        wanted = [Repository(registry.host, f"acme/web{number}") for number in range(40)]

        def cycle() -> tuple[int, bool]:
            before = len(registry.requests)
            results = scan(
                wanted, client, pull_secrets=lambda _: (), clock=FakeClock(), jitter=lambda: 0.5
            )
            assert set(results) == set(wanted)
            return len(registry.requests) - before, set(results.values()) == {Listing.of(["v1"])}

        assert cycle()[0] >= FAILURES
        assert cycle() == (0, False)  # too soon
        clock.sleep(LONGEST_S)
        assert cycle() == (1, False)
        clock.sleep(LONGEST_S)
        down.clear()
        assert cycle() == (40, True)
        client.close()
