"""What every TagSource promises: the fake, and the real one at real registries."""

import itertools
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field

import pytest

from lab.registry import PASSWORD, USER, Registry
from reconciler.adapters.registry.client import RegistryClient
from reconciler.adapters.registry.credentials import Keychain
from reconciler.core.images.pull_secret import PullCredential, PullSecret, Unread
from reconciler.core.images.reference import Repository
from reconciler.errors import AccessDeniedError, ClusterError, NotFoundError, RegistryError
from reconciler.pipeline.ports import TagSource
from reconciler.settings import RegistrySettings
from tests.adapters.registry.keychains import keychain_of, pull_secret
from tests.fakes.registry import FakeRegistries

CANARY = "canary-7f3a"
DOWN = Repository("127.0.0.1:1", "acme/web")
_numbers = itertools.count(1)


@dataclass
class Side:
    """A registry that wants a login for what was pushed to it, and how it is asked.

    Attributes:
        registry: its host.
        push: makes a repository that lists these tags.
    """

    source: TagSource
    registry: str
    push: Callable[[str, list[str]], object]
    name: str = field(default_factory=lambda: f"tags{os.getpid()}-{next(_numbers)}")

    @property
    def repository(self) -> Repository:
        return Repository(self.registry, f"{self.name}/web")

    @property
    def right(self) -> PullSecret:
        return pull_secret({self.registry: f"{USER}:{PASSWORD}"}, "web/right")

    @property
    def wrong(self) -> PullSecret:
        return pull_secret({self.registry: f"{USER}:{CANARY}"}, "web/wrong")

    def has(self, *tags: str) -> None:
        self.push(f"{self.name}/web", list(tags))


class Looked:
    """Pull secrets that note how far they were looked through."""

    def __init__(self, *secrets: PullCredential) -> None:
        self._secrets = secrets
        self.count = 0

    def __iter__(self) -> Iterator[PullCredential]:
        for each in self._secrets:
            self.count += 1
            yield each


def fake(
    stack: ExitStack, request: pytest.FixtureRequest, *, has_own_login: bool, is_open: bool
) -> Side:
    del stack, request
    tags: dict[str, list[str] | RegistryError] = {str(DOWN): RegistryError("cannot connect")}
    logins: dict[str, str] = {}
    right = pull_secret({"r.example": f"{USER}:{PASSWORD}"}).content.reveal()

    def put(path: str, listed: list[str]) -> None:
        tags[f"r.example/{path}"] = listed
        if not is_open:
            logins[f"r.example/{path}"] = right

    source = FakeRegistries(tags, logins, frozenset({right} if has_own_login else ()))
    return Side(source, "r.example", put)


def basic(
    stack: ExitStack, request: pytest.FixtureRequest, *, has_own_login: bool, is_open: bool
) -> Side:
    registry: Registry = request.getfixturevalue("anonymous_registry" if is_open else "registry")
    return real(stack, registry, has_own_login=has_own_login)


def tls(
    stack: ExitStack, request: pytest.FixtureRequest, *, has_own_login: bool, is_open: bool
) -> Side:
    assert not is_open, "the lab has no such registry"
    return real(stack, request.getfixturevalue("tls_registry"), has_own_login=has_own_login)


def token(
    stack: ExitStack, request: pytest.FixtureRequest, *, has_own_login: bool, is_open: bool
) -> Side:
    assert not is_open, "a registry that wants tokens always asks"
    return real(stack, request.getfixturevalue("token_registry"), has_own_login=has_own_login)


def real(stack: ExitStack, registry: Registry, *, has_own_login: bool) -> Side:
    authority = registry.authority
    settings = RegistrySettings(ca_file=authority.ca_file if authority else None)
    own = keychain_of({registry.host: f"{USER}:{PASSWORD}"}) if has_own_login else Keychain()
    client = RegistryClient(settings, own, page_size=3)
    stack.callback(client.close)
    return Side(client, registry.host, lambda path, tags: registry.push(path, *tags))


SIDES = {"fake": fake, "basic": basic, "tls": tls, "token": token}
WITH_OPEN = ["fake", pytest.param("basic", marks=pytest.mark.registry)]
ALL = [*WITH_OPEN, *(pytest.param(name, marks=pytest.mark.registry) for name in ("tls", "token"))]


@pytest.fixture(params=ALL)
def make(request: pytest.FixtureRequest) -> Iterator[Callable[..., Side]]:
    with ExitStack() as stack:
        yield lambda *, has_own_login=False, is_open=False: SIDES[request.param](
            stack, request, has_own_login=has_own_login, is_open=is_open
        )


@pytest.fixture
def side(make: Callable[..., Side]) -> Side:
    return make()


def test_every_tag_is_listed_once(side: Side) -> None:
    tags = [f"v{number}" for number in range(7)]
    side.has(*tags)

    listed = side.source.list_tags(side.repository, pull_secrets=[side.right])

    assert sorted(listed) == tags


def test_what_is_not_there_is_told(side: Side) -> None:
    with pytest.raises(NotFoundError):
        side.source.list_tags(side.repository, pull_secrets=[side.right])


def test_a_registry_that_is_down_is_told_and_no_secret_is_looked_at(side: Side) -> None:
    secrets = Looked(side.right)

    with pytest.raises(RegistryError):
        side.source.list_tags(DOWN, pull_secrets=secrets)

    assert secrets.count == 0


def test_pull_secrets_are_tried_in_order_and_no_further_than_the_first_that_is_accepted(
    side: Side,
) -> None:
    side.has("v1")
    secrets = Looked(side.wrong, side.right, side.wrong, side.right)

    assert list(side.source.list_tags(side.repository, pull_secrets=secrets)) == ["v1"]
    assert secrets.count == 2


@pytest.mark.parametrize("make", WITH_OPEN, indirect=True)
def test_no_secret_is_looked_at_while_the_registry_asks_for_none(make: Callable[..., Side]) -> None:
    side = make(is_open=True)
    side.has("v1")
    secrets = Looked(side.right)

    assert list(side.source.list_tags(side.repository, pull_secrets=secrets)) == ["v1"]
    assert secrets.count == 0


def test_a_secret_that_could_not_be_read_is_passed_over(side: Side) -> None:
    side.has("v1")
    secrets = Looked(Unread("the secret web/gone", "it is not there"), side.right)

    assert list(side.source.list_tags(side.repository, pull_secrets=secrets)) == ["v1"]


def test_our_own_login_comes_after_those_of_the_cluster(make: Callable[..., Side]) -> None:
    side = make(has_own_login=True)
    side.has("v1")
    secrets = Looked(Unread("the secret web/gone", "it is not there"), side.wrong)

    assert list(side.source.list_tags(side.repository, pull_secrets=secrets)) == ["v1"]
    assert secrets.count == 2


def test_a_refusal_says_whose_logins_there_were_and_shows_none(side: Side) -> None:
    side.has("v1")
    secrets = Looked(Unread("the secret web/gone", "it is not there"), side.wrong)

    with pytest.raises(AccessDeniedError) as raised:
        side.source.list_tags(side.repository, pull_secrets=secrets)

    assert "the secret web/gone cannot be used: it is not there" in str(raised.value)
    assert "the secret web/wrong" in str(raised.value)
    assert CANARY not in f"{raised.value} {raised.value!r}"


def test_a_refusal_may_pass_if_a_secret_could_not_be_read_for_now(side: Side) -> None:
    side.has("v1")
    secrets = [Unread("the secret web/regcred", "the API server is down", may_pass=True)]

    with pytest.raises(ClusterError, match="the secret web/regcred cannot be used"):
        side.source.list_tags(side.repository, pull_secrets=secrets)


def test_many_threads_may_ask(side: Side) -> None:
    side.has("v1")

    def ask(_: int) -> list[str]:
        return list(side.source.list_tags(side.repository, pull_secrets=[side.wrong, side.right]))

    with ThreadPoolExecutor(8) as executor:
        assert list(executor.map(ask, range(40))) == [["v1"]] * 40
