"""What reading single images costs at real registries: the requests that the reference tells of."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from lab.image_content import Recipe
from lab.lanes import LANES, Lanes
from lab.registry import PASSWORD, USER
from reconciler.adapters.registry.client import RegistryClient
from reconciler.core.images.reference import Repository
from reconciler.host_settings import HostSettings
from reconciler.settings import RegistrySettings
from tests.adapters.registry.keychains import keychain_of

pytestmark = pytest.mark.registry

INDEX = Recipe(["linux/amd64", "linux/arm64"], created="2025-01-01T00:00:00Z")
IN_TLS = 400  # at loopback alone plain HTTP is tried first, where no certificate is configured
GREETINGS = {
    "plain": [],
    "htpasswd": [401],
    "tls": [IN_TLS, 401],
    "mutual-tls": [],
    "token": [IN_TLS, 401, 200],
}
"""Statuses of what comes before the first answer: a challenge, and where tokens are sold, one."""


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.mark.parametrize("lane", LANES)
def test_a_pin_costs_one_request_platforms_one_and_a_time_two(
    lanes: Lanes, lane: str, stack: ExitStack
) -> None:
    registry = lanes[lane]
    index = registry.push_by("cost/web", "index", INDEX)
    single = registry.push_by("cost/web", "single", Recipe())
    shown = HostSettings(registry.host, client_cert_file=registry.client_pem)
    settings = RegistrySettings(
        ca_file=registry.authority.ca_file if registry.authority else None, hosts=(shown,)
    )
    asked: list[int] = []
    keychain = keychain_of({registry.host: f"{USER}:{PASSWORD}"})
    client = RegistryClient(settings, keychain, on_request=lambda _, status: asked.append(status))
    stack.callback(client.close)
    images, web = client.images(), Repository(registry.host, "cost/web")

    def cost(ask: Callable[..., object], what: str) -> list[int]:
        asked.clear()
        ask(web, what)
        return list(asked)

    assert cost(images.digest_of, "index") == [*GREETINGS[lane.partition("-")[2]], 200]
    assert cost(images.digest_of, "single") == [200]
    assert cost(images.platforms_of, index) == [200]
    assert cost(images.created_of, single) == [200, 200]
    assert cost(images.platforms_of, single) == []
    assert cost(images.created_of, index) == [200, 200]
