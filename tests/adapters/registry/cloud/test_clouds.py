"""When a cloud is asked, and how long its answer is used."""

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from reconciler.adapters.registry.client import RegistryClient
from reconciler.adapters.registry.cloud.clouds import FAILURE_KEPT_S, YOUNG_S, Clouds
from reconciler.adapters.registry.cloud.grant import CloudProblem
from reconciler.adapters.registry.credentials import Keychain, Unusable
from reconciler.adapters.registry.login import Login
from reconciler.core.images.reference import Repository
from reconciler.errors import AccessDeniedError, ClusterError
from reconciler.settings import RegistrySettings
from tests.adapters.registry.cloud.clouds import CANARY, CloudWorld, basic_registry
from tests.adapters.registry.cloud.test_google import FLAVOR
from tests.fakes.clock import FakeClock
from tests.simulators.registry import RegistrySimulator, Reply, Request

HOST = "europe-west4-docker.pkg.dev"
REPOSITORY = Repository(HOST, "acme/shop/web")


def counting(world: CloudWorld, *, life_s: int = 3600, status: int = 200) -> RegistrySimulator:
    """Start a metadata server that gives another token each time."""
    given: list[Request] = []

    def script(request: Request) -> Reply:
        given.append(request)
        token = {"access_token": f"token-{len(given)}", "expires_in": life_s}
        return Reply(status, json.dumps(token).encode(), FLAVOR)

    server = world.serve(script)
    world.environment["GCE_METADATA_HOST"] = server.host
    return server


def password(clouds: Clouds, host: str = HOST) -> str:
    _, found = next(clouds.offers(host))
    assert isinstance(found, Login)
    return found.password.reveal()


def test_a_login_is_used_until_shortly_before_its_end(world: CloudWorld) -> None:
    counting(world, life_s=1000)
    clock = FakeClock()

    with world.clouds(clock.now) as clouds:
        first = password(clouds)
        clock.sleep(899)
        second = password(clouds, "us-docker.pkg.dev")
        clock.sleep(2)
        third = password(clouds)

    assert (first, second, third) == ("token-1", "token-1", "token-2")


def test_many_threads_share_one_flight(world: CloudWorld) -> None:
    server = counting(world)

    with world.clouds() as clouds, ThreadPoolExecutor(8) as threads:
        found = set(threads.map(lambda _: password(clouds), range(32)))

    assert found == {"token-1"}
    assert len(server.requests) == 1


def test_a_cloud_that_failed_is_left_alone_for_a_while(world: CloudWorld) -> None:
    server = counting(world, status=500)
    clock = FakeClock()

    with world.clouds(clock.now) as clouds:
        for _ in range(5):
            _, found = next(clouds.offers(HOST))
            assert isinstance(found, CloudProblem)
        assert len(server.requests) == 1
        clock.sleep(FAILURE_KEPT_S + 1)
        next(clouds.offers(HOST))
        assert len(server.requests) == 2


def test_a_login_that_was_refused_is_asked_for_anew_unless_it_is_young(world: CloudWorld) -> None:
    server = counting(world)
    clock = FakeClock()

    with world.clouds(clock.now) as clouds:
        young = [found for _, found in clouds.offers(HOST)]
        clock.sleep(YOUNG_S)
        old = [found for _, found in clouds.offers(HOST)]

    assert len(young) == 1
    assert [each.password.reveal() for each in old if isinstance(each, Login)] == [
        "token-1",
        "token-2",
    ]
    assert len(server.requests) == 2


def test_a_token_that_the_registry_takes_no_more_is_replaced_in_the_same_breath(
    world: CloudWorld,
) -> None:
    server = counting(world)
    world.serve_as(HOST, basic_registry("oauth2accesstoken", "token-2"))
    clock = FakeClock()

    with world.clouds(clock.now) as clouds:
        password(clouds)
        clock.sleep(YOUNG_S)
        client = RegistryClient(world.settings, Keychain(environment={}, clouds=clouds))
        tags = client.list_tags(REPOSITORY)
        client.close()

    assert tags == ("v1", "v2")
    assert len(server.requests) == 2


def test_a_cloud_that_is_not_switched_on_is_not_asked_and_the_refusal_names_the_switch(
    world: CloudWorld,
) -> None:
    clouds = Clouds(RegistrySettings(), {})

    offers = list(Keychain(environment={}, clouds=clouds).offers(REPOSITORY))

    origin = "Google Cloud (--registry-cloud gcp)"
    assert offers == [Unusable(origin, "it is not switched on")]
    assert world.names.asked == set()


def test_hosts_of_no_cloud_cost_nothing(world: CloudWorld) -> None:
    with world.clouds() as clouds:
        assert list(clouds.offers("ghcr.io")) == []

    assert world.names.asked == set()


def test_no_clouds_login_goes_to_a_host_of_plain_http(world: CloudWorld) -> None:
    server = counting(world)
    world.insecure = frozenset({HOST})

    assert world.problem(HOST) == "its logins do not go to a host of --registry-insecure"
    assert server.requests == []


@pytest.mark.parametrize(
    ("status", "kind"), [(404, AccessDeniedError), (503, ClusterError)], ids=["stays", "may pass"]
)
def test_what_a_cloud_says_is_told_if_the_registry_then_refuses_us(
    world: CloudWorld, status: int, kind: type[Exception]
) -> None:
    counting(world, status=status)
    world.serve_as(HOST, basic_registry("oauth2accesstoken", CANARY))

    with pytest.raises(kind) as caught:
        world.tags(REPOSITORY)

    assert "Google Cloud (--registry-cloud gcp) cannot be used: the metadata" in str(caught.value)


def test_a_cloud_is_loaded_when_its_first_registry_asks_for_a_login() -> None:
    script = """
import sys
from reconciler import bootstrap
from reconciler.adapters.registry.cloud.clouds import Clouds
from reconciler.settings import RegistrySettings

def loaded():
    package = "reconciler.adapters.registry.cloud."
    return sorted(name.removeprefix(package) for name in sys.modules if name.startswith(package))

print(*loaded())
clouds = Clouds(RegistrySettings(clouds=frozenset({"aws", "gcp", "azure"})), {})
list(clouds.offers("ghcr.io"))
print(*loaded())
clouds._provider("gcp")
print(*loaded())
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )

    before, switched_on, used = (line.split() for line in done.stdout.splitlines())
    assert set(before) == {"caller", "clouds", "grant", "place"}
    assert switched_on == before
    assert set(used) - set(before) == {"google"}
