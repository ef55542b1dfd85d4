"""Mirrors: who is asked, for which path, with whose logins, and what is said if nobody can tell."""

import base64
from collections.abc import Iterable, Iterator
from contextlib import ExitStack

import pytest

from reconciler.adapters.registry.breaker import FAILURES
from reconciler.adapters.registry.client import RegistryClient
from reconciler.adapters.registry.credentials import Keychain
from reconciler.adapters.registry.endpoints import endpoints_of, rewritten
from reconciler.core.images.endpoint import Endpoint
from reconciler.core.images.pattern import Pattern
from reconciler.core.images.pull_secret import PullCredential
from reconciler.core.images.reference import Repository
from reconciler.errors import AccessDeniedError, NotFoundError, RegistryError, StoppedError
from reconciler.host_settings import HostSettings, Mirror, Rewrite
from reconciler.settings import RegistrySettings
from tests.adapters.registry.keychains import keychain_of, pull_secret
from tests.simulators.registry import RegistrySimulator, Reply, Request

BASIC = {"WWW-Authenticate": 'Basic realm="lab"'}
TO_PROJECT = Rewrite(Pattern("^acme/(.*)$"), "cache/$1")


class World:
    """An upstream and a mirror of it, each answering as it is told to."""

    def __init__(self, stack: ExitStack) -> None:
        self.upstream_reply = Reply(body=b'{"tags": ["upstream"]}')
        self.mirror_reply = Reply(body=b'{"tags": ["mirror"]}')
        self.upstream = stack.enter_context(RegistrySimulator(lambda _: self.upstream_reply))
        self.mirror = stack.enter_context(RegistrySimulator(lambda _: self.mirror_reply))
        self.repository = Repository(self.upstream.host, "acme/web")
        self._stack = stack

    def client(
        self, *mirrors: Mirror, keychain: Keychain | None = None, host: str | None = None
    ) -> RegistryClient:
        entry = HostSettings(
            host or self.upstream.host, mirrors=mirrors or (Mirror(self.mirror.host),)
        )
        client = RegistryClient(
            RegistrySettings(hosts=(entry,)), keychain or Keychain(environment={})
        )
        self._stack.callback(client.close)
        return client


@pytest.fixture
def world() -> Iterator[World]:
    with ExitStack() as stack:
        yield World(stack)


def user_of(request: Request) -> str:
    value = request.headers.get("Authorization", "")
    return base64.b64decode(value.removeprefix("Basic ")).decode().partition(":")[0]


def test_a_mirror_that_answers_is_all_that_is_asked(world: World) -> None:
    assert world.client().list_tags(world.repository) == ("mirror",)

    assert [each.path for each in world.mirror.requests] == ["/v2/acme/web/tags/list?n=1000"]
    assert world.upstream.requests == []


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(Reply(status=404), id="does-not-have-it"),
        pytest.param(Reply(status=401, headers=BASIC), id="wants-a-login"),
        pytest.param(Reply(status=403), id="forbids-it"),
        pytest.param(Reply(status=500), id="fails"),
        pytest.param(Reply(status=429, headers={"Retry-After": "60"}), id="asks-for-time"),
        pytest.param(Reply(body=b"<html>"), id="answers-with-nonsense"),
        pytest.param(Reply(wire=b""), id="hangs-up"),
    ],
)
def test_where_a_mirror_cannot_tell_the_registry_itself_is_asked(
    world: World, reply: Reply
) -> None:
    world.mirror_reply = reply

    assert world.client().list_tags(world.repository) == ("upstream",)


def test_mirrors_are_asked_in_their_order(world: World) -> None:
    with RegistrySimulator(lambda _: Reply(404)) as first:
        client = world.client(Mirror(first.host), Mirror(world.mirror.host))

        assert client.list_tags(world.repository) == ("mirror",)
        assert len(first.requests) == 1


def test_a_mirror_that_is_left_alone_costs_no_more_requests(world: World) -> None:
    world.mirror_reply = Reply(status=500)
    client = world.client()

    for _ in range(FAILURES + 5):
        assert client.list_tags(world.repository) == ("upstream",)

    assert len(world.mirror.requests) == FAILURES


def test_a_mirror_that_asked_for_time_is_not_asked_before_it(world: World) -> None:
    world.mirror_reply = Reply(status=429, headers={"Retry-After": "60"})
    client = world.client()

    for _ in range(3):
        assert client.list_tags(world.repository) == ("upstream",)

    assert len(world.mirror.requests) == 1


def test_the_path_is_rewritten_for_the_mirror_alone(world: World) -> None:
    world.mirror_reply = Reply(status=404)
    client = world.client(Mirror(world.mirror.host, (TO_PROJECT,)))

    client.list_tags(world.repository)

    assert world.mirror.requests[0].path.startswith("/v2/cache/web/tags/list")
    assert world.upstream.requests[0].path.startswith("/v2/acme/web/tags/list")


def test_a_token_is_asked_for_the_path_that_the_mirror_has(world: World) -> None:
    scopes: list[str] = []

    def script(request: Request) -> Reply:
        if request.path.startswith("/token"):
            scopes.append(request.path)
            return Reply(body=b'{"token": "t"}')
        if "Authorization" in request.headers:
            return Reply()
        realm = f"http://{request.headers['Host']}/token"
        return Reply(status=401, headers={"WWW-Authenticate": f'Bearer realm="{realm}"'})

    with RegistrySimulator(script) as mirror:
        client = world.client(Mirror(mirror.host, (TO_PROJECT,)))
        assert client.list_tags(world.repository) == ("v1",)

    assert scopes == ["/token?scope=repository%3Acache%2Fweb%3Apull"]


def test_each_host_gets_its_own_login_and_no_other_hosts(world: World) -> None:
    def script(request: Request) -> Reply:
        wanted = "to-mirror" if request.headers["Host"] == mirror.host else "to-upstream"
        if user_of(request) == wanted and wanted == "to-upstream":
            return Reply()
        return Reply(status=401, headers=BASIC)

    with RegistrySimulator(script) as mirror, RegistrySimulator(script) as upstream:
        secrets: Iterable[PullCredential] = iter(
            (
                pull_secret({upstream.host: "to-upstream:x"}),
                pull_secret({mirror.host: "to-mirror:x"}),
            )
        )
        keychain = keychain_of({mirror.host: "of-file:x", "docker.io": "hub:x"})
        client = world.client(Mirror(mirror.host), keychain=keychain, host=upstream.host)
        repository = Repository(upstream.host, "acme/web")

        assert client.list_tags(repository, pull_secrets=secrets) == ("v1",)

        assert {user_of(each) for each in mirror.requests} == {"", "to-mirror", "of-file"}
        assert {user_of(each) for each in upstream.requests} == {"", "to-upstream"}


def test_if_nobody_can_tell_each_place_is_named_with_its_reason(world: World) -> None:
    world.mirror_reply = Reply(status=403)
    world.upstream_reply = Reply(status=404)

    with pytest.raises(NotFoundError) as raised:
        world.client().list_tags(world.repository)

    assert str(raised.value) == (
        f"http://{world.upstream.host}/v2/acme/web/tags/list: "
        "the registry has no repository 'acme/web' "
        f"(also asked: http://{world.mirror.host}/v2/acme/web/tags/list: "
        "the registry forbids listing the tags of 'acme/web')"
    )


def test_what_may_pass_counts_more_than_what_will_not(world: World) -> None:
    world.mirror_reply = Reply(status=503, headers={"Retry-After": "7"})
    world.upstream_reply = Reply(status=401, headers=BASIC)

    with pytest.raises(RegistryError) as raised:
        world.client().list_tags(world.repository)

    assert raised.value.retry_after_s == 7
    assert raised.value.is_retryable
    assert f"http://{world.upstream.host}/v2/acme/web/tags/list: the registry wants a" in str(
        raised.value
    )


def test_a_process_that_is_to_end_asks_nobody_else(world: World) -> None:
    class Stopping(Iterable[PullCredential]):
        def __iter__(self) -> Iterator[PullCredential]:
            raise StoppedError("the process is to end")

    world.mirror_reply = Reply(status=401, headers=BASIC)

    with pytest.raises(StoppedError):
        world.client().list_tags(world.repository, pull_secrets=Stopping())
    assert world.upstream.requests == []


def test_a_registry_without_an_entry_is_asked_itself(world: World) -> None:
    client = world.client()

    assert client.list_tags(Repository(world.mirror.host, "acme/web")) == ("mirror",)


def test_a_refusal_of_a_single_place_is_told_as_it_is(world: World) -> None:
    world.mirror_reply = Reply(status=403)

    with pytest.raises(AccessDeniedError) as raised:
        world.client().list_tags(Repository(world.mirror.host, "acme/web"))

    assert "also asked" not in str(raised.value)


HUB = Repository("docker.io", "library/nginx")


@pytest.mark.parametrize(
    ("mirrors", "asked"),
    [
        pytest.param([], ["registry-1.docker.io"], id="none"),
        pytest.param(["m.example"], ["m.example", "registry-1.docker.io"], id="before-the-host"),
        pytest.param(["docker.io", "m.example"], ["registry-1.docker.io", "m.example"], id="after"),
        pytest.param(
            ["m.example", "m.example"], ["m.example", "registry-1.docker.io"], id="named-twice"
        ),
    ],
)
def test_the_registry_itself_comes_last_unless_it_is_listed(
    mirrors: list[str], asked: list[str]
) -> None:
    hosts = {"docker.io": HostSettings("docker.io", mirrors=tuple(map(Mirror, mirrors)))}

    assert [each.host for each in endpoints_of(HUB, hosts)] == asked


def test_the_host_itself_may_have_a_rewrite_where_it_is_listed() -> None:
    own = Mirror("r.example", (TO_PROJECT,))
    hosts = {"r.example": HostSettings("r.example", mirrors=(own,))}

    assert endpoints_of(Repository("r.example", "acme/web"), hosts) == (
        Endpoint("r.example", Repository("r.example", "cache/web")),
    )


def test_a_host_in_capitals_is_the_same_host() -> None:
    hosts = {"registry": HostSettings("registry", mirrors=(Mirror("registry"), Mirror("m.test")))}

    asked = endpoints_of(Repository("Registry", "acme/web"), hosts)

    assert [(each.host, each.is_mirror) for each in asked] == [
        ("registry", False),
        ("m.test", True),
    ]


@pytest.mark.parametrize(
    ("pattern", "replacement", "path"),
    [
        pytest.param("^acme/(.*)$", "mirror/$1", "mirror/web/api", id="group"),
        pytest.param("^acme/(.*)$", "mirror/${1}x", "mirror/web/apix", id="braces"),
        pytest.param("^(?P<org>[^/]+)/", "m/$org-", "m/acme-web/api", id="named-group"),
        pytest.param("^acme/", "mirror/", "mirror/web/api", id="only-the-match"),
        pytest.param("/api$", "/v2", "acme/web/v2", id="at-the-end"),
        pytest.param("a", "b", "bcme/web/api", id="first-match"),
        pytest.param("^", "dockerhub/", "dockerhub/acme/web/api", id="prefix"),
        pytest.param("^acme/", "", "web/api", id="nothing-in-its-place"),
        pytest.param("^other/", "mirror/", "acme/web/api", id="no-match"),
    ],
)
def test_a_rewrite_replaces_what_its_pattern_matches(
    pattern: str, replacement: str, path: str
) -> None:
    assert rewritten("acme/web/api", (Rewrite(Pattern(pattern), replacement),)) == path


def test_the_first_rewrite_that_matches_is_the_only_one() -> None:
    rewrites = (
        Rewrite(Pattern("^none/"), "x/"),
        Rewrite(Pattern("^acme/"), "one/"),
        Rewrite(Pattern("^one/"), "two/"),
    )

    assert rewritten("acme/web", rewrites) == "one/web"
