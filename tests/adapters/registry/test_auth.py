"""Which login is shown to a registry, when, and how often."""

import base64
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from lab.authority import Authority, serving_context
from reconciler.adapters.registry.auth import Visit
from reconciler.adapters.registry.client import RegistryClient
from reconciler.adapters.registry.credentials import Keychain
from reconciler.adapters.registry.request import Request
from reconciler.adapters.registry.transport import Response
from reconciler.core.images.pull_secret import PullSecret
from reconciler.core.images.reference import Repository
from reconciler.errors import AccessDeniedError, RegistryError
from reconciler.settings import RegistrySettings
from tests.adapters.registry.keychains import keychain_of, pull_secret
from tests.simulators.registry import RegistrySimulator, Reply, Script
from tests.simulators.registry import Request as Asking

CANARY = "canary-7f3a"
GOOD, BAD = f"good:{CANARY}", f"bad:{CANARY}"
BASIC = Reply(status=401, headers={"WWW-Authenticate": 'Basic realm="lab"'})
TAGS = Reply(body=b'{"tags": ["v1"]}')


def user_of(request: Asking) -> str:
    """Return who asks: a user name, the text of a token, or nobody."""
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    return base64.b64decode(value).decode().partition(":")[0] if scheme == "Basic" else value


def basic(request: Asking) -> Reply:
    """Let in whom the good password belongs to, and nobody else."""
    return TAGS if user_of(request) == "good" else BASIC


class TokenRegistry:
    """A registry with its token service on one host; what it does may be changed."""

    def __init__(self) -> None:
        self.service = "lab"
        self.scope = ""
        self.sold: list[str] = []
        self.refused_tokens: set[str] = set()
        self.permits: Callable[[str], bool] = lambda _: True
        self.status = 401

    def __call__(self, request: Asking) -> Reply:
        if request.path.startswith("/token"):
            return self._sell(request)
        token = user_of(request)
        if token and token not in self.refused_tokens and self.permits(token):
            return TAGS
        realm = f'realm="http://{request.headers["Host"]}/token",service="{self.service}"'
        scope = f',scope="{self.scope}"' if self.scope else ""
        status = self.status if token else 401
        return Reply(status, headers={"WWW-Authenticate": f"Bearer {realm}{scope}"})

    def _sell(self, request: Asking) -> Reply:
        user = user_of(request)
        if user == "bad":
            return Reply(status=401)
        self.sold.append(f"{user}/{len(self.sold)}")
        return Reply(body=json.dumps({"token": self.sold[-1]}).encode())


class Asked:
    """A client of one simulated registry."""

    def __init__(self, script: Script, keychain: Callable[[str], Keychain]) -> None:
        self.simulator = RegistrySimulator(script)
        self.client = RegistryClient(RegistrySettings(), keychain(self.simulator.host))

    def tags(self, name: str = "web", secrets: Sequence[PullSecret] = ()) -> tuple[str, ...]:
        repository = Repository(self.simulator.host, f"acme/{name}")
        return self.client.list_tags(repository, pull_secrets=secrets)

    @property
    def users(self) -> list[str]:
        """Who asked for tags."""
        asked = [each for each in self.simulator.requests if each.path.startswith("/v2/")]
        return [user_of(each) for each in asked]


Ask = Callable[..., Asked]


@pytest.fixture
def ask() -> Iterator[Ask]:
    """Start a registry with a script; and a client with logins, ``user:password``, for it."""
    started: list[Asked] = []

    def start(script: Script, *pairs: str, keychain: Keychain | None = None) -> Asked:
        def keychain_for(host: str) -> Keychain:
            return keychain or keychain_of(dict.fromkeys([host], *pairs) if pairs else {})

        asked = Asked(script, keychain_for)
        asked.simulator.__enter__()
        started.append(asked)
        return asked

    yield start
    for each in started:
        each.client.close()
        each.simulator.__exit__(None, None, None)


def secrets_for(asked: Asked, *pairs: str) -> list[PullSecret]:
    """Return a pull secret for each ``user:password``."""
    host = asked.simulator.host
    return [pull_secret({host: pair}, f"web/s{number}") for number, pair in enumerate(pairs)]


def test_logins_are_tried_in_order_until_one_is_accepted(ask: Ask) -> None:
    asked = ask(basic, f"file:{CANARY}")

    assert asked.tags(secrets=secrets_for(asked, BAD, GOOD)) == ("v1",)
    assert asked.users == ["", "bad", "good"]


def test_a_login_that_was_refused_goes_last_the_next_time(ask: Ask) -> None:
    asked = ask(basic)
    secrets = secrets_for(asked, BAD, GOOD)
    asked.tags(secrets=secrets)

    asked.tags("api", secrets=secrets)

    assert asked.users == ["", "bad", "good", "good"]


def test_a_wrong_password_is_tried_three_times_and_not_for_each_repository(ask: Ask) -> None:
    asked = ask(basic, BAD)

    for number in range(10):
        with pytest.raises(AccessDeniedError, match="refused the login of the docker config"):
            asked.tags(f"web{number}")

    assert asked.users.count("bad") == 3


def test_after_all_logins_nobody_is_tried_for_a_registry_may_be_public(ask: Ask) -> None:
    def public(request: Asking) -> Reply:
        is_known = "/public/" in request.path and request.headers.get("Authorization") is None
        return TAGS if is_known else BASIC

    asked = ask(public, BAD)
    with pytest.raises(AccessDeniedError):
        asked.tags("private")

    assert asked.tags("public/web") == ("v1",)


def test_no_more_than_eight_logins_are_tried(ask: Ask) -> None:
    asked = ask(basic)
    secrets = secrets_for(asked, *(f"user{number}:x" for number in range(12)))

    with pytest.raises(AccessDeniedError):
        asked.tags(secrets=secrets)

    assert asked.users == ["", *(f"user{number}" for number in range(8)), ""]


def test_the_same_login_in_two_places_is_tried_once(ask: Ask) -> None:
    asked = ask(basic, BAD)

    with pytest.raises(AccessDeniedError, match="refused the login of the secret web/s0"):
        asked.tags(secrets=secrets_for(asked, BAD, BAD))

    assert asked.users == ["", "bad", ""]


def test_tokens_are_bought_once_a_repository_and_the_challenge_is_asked_for_once(ask: Ask) -> None:
    registry = TokenRegistry()
    asked = ask(registry, GOOD)

    for _ in range(3):
        assert [asked.tags("a"), asked.tags("b")] == [("v1",), ("v1",)]

    assert asked.users == ["", *("good/0", "good/1") * 3]


def test_a_token_that_is_refused_is_bought_anew_once(ask: Ask) -> None:
    registry = TokenRegistry()
    asked = ask(registry, GOOD)
    asked.tags()
    registry.refused_tokens = {"good/0"}

    assert asked.tags() == ("v1",)
    assert asked.users == ["", "good/0", "good/0", "good/1"]


def test_another_scope_that_a_registry_asks_for_is_bought(ask: Ask) -> None:
    registry = TokenRegistry()
    asked = ask(registry, GOOD)
    asked.tags()
    registry.refused_tokens = {"good/0"}
    registry.scope = "repository:acme/web:pull,metadata"

    asked.tags()

    bought = [each.path for each in asked.simulator.requests if each.path.startswith("/token")]
    assert "scope=repository%3Aacme%2Fweb%3Apull&" in f"{bought[0]}&"
    assert "scope=repository%3Aacme%2Fweb%3Apull%2Cmetadata" in bought[1]


def test_a_token_service_that_moved_is_found_again(ask: Ask) -> None:
    registry = TokenRegistry()
    asked = ask(registry, GOOD)
    asked.tags()
    registry.service, registry.permits = "new", lambda token: token > "good/1"

    assert asked.tags() == ("v1",)
    assert "service=new" in asked.simulator.requests[-2].path


def test_a_registry_that_changes_from_passwords_to_tokens_is_followed(ask: Ask) -> None:
    tokens = TokenRegistry()
    tokens.permits = lambda token: token in tokens.sold
    is_new: list[bool] = []

    def script(request: Asking) -> Reply:
        return tokens(request) if is_new else basic(request)

    asked = ask(script, GOOD)
    asked.tags()

    is_new.append(True)

    assert asked.tags() == ("v1",)
    assert asked.users[-1] == "good/0"


def test_a_registry_that_wants_something_else_each_time_is_not_followed_for_ever(
    ask: Ask,
) -> None:
    registry = TokenRegistry()
    asked = ask(registry, GOOD)
    asked.tags()
    services = iter("abcdefgh")

    def moves(_: str) -> bool:
        registry.service = next(services)
        return False

    registry.permits = moves

    with pytest.raises(AccessDeniedError):
        asked.tags()


def test_a_password_that_has_no_rights_is_told_from_a_wrong_one(ask: Ask) -> None:
    asked = ask(lambda request: Reply(403) if user_of(request) else BASIC, GOOD)

    for _ in range(5):
        with pytest.raises(AccessDeniedError, match="forbids listing the tags of 'acme/web' to"):
            asked.tags()

    assert asked.users.count("good") == 5


def test_a_login_whose_password_the_token_service_refuses_gives_way_to_the_next(ask: Ask) -> None:
    asked = ask(TokenRegistry())

    assert asked.tags(secrets=secrets_for(asked, BAD, GOOD)) == ("v1",)
    assert asked.users == ["", "good/0"]


@pytest.mark.parametrize("status", [401, 403])
def test_a_login_without_rights_gives_way_to_one_that_has_them(ask: Ask, status: int) -> None:
    registry = TokenRegistry()
    registry.permits = lambda token: token.startswith("owner")
    registry.status = status
    asked = ask(registry)

    assert asked.tags(secrets=secrets_for(asked, GOOD, f"owner:{CANARY}")) == ("v1",)
    assert [user.partition("/")[0] for user in asked.users] == ["", "good", "owner"]


def test_missing_rights_for_some_repositories_do_not_keep_a_login_from_its_own(ask: Ask) -> None:
    registry = TokenRegistry()
    asked = ask(registry, GOOD)
    registry.permits = lambda _: False
    for name in "abcdef":
        with pytest.raises(AccessDeniedError, match=f"has no repository 'acme/{name}'"):
            asked.tags(name)

    registry.permits = lambda _: True

    assert asked.tags("own") == ("v1",)
    assert asked.users[-1].startswith("good/")


def test_a_token_service_that_fails_is_no_refusal(ask: Ask) -> None:
    def failing(request: Asking) -> Reply:
        return Reply(503) if request.path.startswith("/token") else registry(request)

    registry = TokenRegistry()
    asked = ask(failing, GOOD)

    with pytest.raises(RegistryError, match="its token service answered 503"):
        asked.tags()


def test_a_host_that_speaks_tls_gets_no_password_in_plain_http(
    authority: Authority, tmp_path: Path
) -> None:
    context = serving_context(authority.certificate(tmp_path / "server.pem"))
    with RegistrySimulator(basic, context=context) as registry:
        client = RegistryClient(
            RegistrySettings(ca_file=authority.ca_file), keychain_of({registry.host: GOOD})
        )
        web = Repository(registry.host, "acme/web")

        def read(visit: Visit) -> Response:
            assert visit.base.startswith("http://")
            client.list_tags(Repository(registry.host, "acme/api"))
            return visit.ask(Request(f"{visit.base}/tags/list"))  # made before it was known

        answer = client._registries.visit(web, read, pull_secrets=(), doing="testing")
        client.close()

    assert answer.url.startswith("https://")
    assert [user_of(each) for each in registry.requests] == ["", "good", "good"]


def test_a_host_of_plain_http_that_refuses_with_400_is_not_asked_in_tls_for_ever() -> None:
    with RegistrySimulator(lambda _: Reply(400)) as registry:
        client = RegistryClient(RegistrySettings(), Keychain(environment={}))
        with pytest.raises(RegistryError, match="the registry answered 400"):
            client.list_tags(Repository(registry.host, "acme/web"))
        client.close()


def test_a_host_that_asked_for_time_is_not_asked_before_it(ask: Ask) -> None:
    asked = ask(lambda _: Reply(429, headers={"Retry-After": "300"}))
    with pytest.raises(RegistryError, match="answered 429"):
        asked.tags("a")

    with pytest.raises(RegistryError, match="not asked: it asked for time") as raised:
        asked.tags("b")

    assert raised.value.retry_after_s == pytest.approx(300, abs=100)
    assert len(asked.simulator.requests) == 1


def test_a_docker_config_that_changes_is_read_again(ask: Ask, tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    asked = ask(basic, keychain=Keychain.default({"DOCKER_CONFIG": str(tmp_path)}))
    pair = base64.b64encode(GOOD.encode()).decode()
    for content, message in (
        (None, "wants a password, and none is known"),
        ("{", "config.json cannot be used: it is no JSON"),
    ):
        if content is not None:
            path.write_text(content)
        with pytest.raises(AccessDeniedError, match=message):
            asked.tags()

    path.write_text(json.dumps({"auths": {asked.simulator.host: {"auth": pair}}}))
    assert asked.tags() == ("v1",)
    path.unlink()
    with pytest.raises(AccessDeniedError, match="wants a password, and none is known"):
        asked.tags()


def test_a_helper_is_asked_when_the_entries_do_not_do(ask: Ask, tmp_path: Path) -> None:
    helper = tmp_path / "docker-credential-lab"
    helper.write_text(f"""#!/bin/sh\necho '{{"Username": "good", "Secret": "{CANARY}"}}'\n""")
    helper.chmod(0o755)
    path = tmp_path / "config.json"
    path.write_text('{"credsStore": "lab"}')
    keychain = Keychain.from_file(path, environment={"PATH": f"{tmp_path}:/usr/bin:/bin"})

    assert ask(basic, keychain=keychain).tags() == ("v1",)
    helper.write_text("#!/bin/sh\necho '{}'\n")
    silent = Keychain.from_file(path, environment={"PATH": f"{tmp_path}:/usr/bin:/bin"})
    with pytest.raises(AccessDeniedError, match="wants a password, and none is known"):
        ask(basic, keychain=silent).tags()
    helper.unlink()
    broken = Keychain.from_file(path, environment={"PATH": str(tmp_path)})
    with pytest.raises(AccessDeniedError, match="docker-credential-lab is not on the PATH"):
        ask(basic, keychain=broken).tags()
