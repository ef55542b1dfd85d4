"""CNCF Distribution with tokens and TLS: the real answers to what we ask."""

import base64
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lab.authority import Authority
from lab.registry import PASSWORD, USER, Registry
from lab.token_registry import TokenRegistry
from lab.token_server import NOBODY, Asked, User
from reconciler.adapters.registry.client import PAGE_SIZE, RegistryClient
from reconciler.adapters.registry.credentials import Keychain
from reconciler.core.images.pattern import Pattern
from reconciler.core.images.reference import Repository
from reconciler.errors import AccessDeniedError, RegistryError
from reconciler.host_settings import HostSettings, Mirror, Rewrite
from reconciler.settings import RegistrySettings
from tests.adapters.registry.keychains import keychain_of, pull_secret

pytestmark = pytest.mark.registry

READER = User("reader-canary-7f3a", prefix="acme/")


@pytest.fixture
def registry(token_registry: TokenRegistry) -> TokenRegistry:
    """A registry with images of two teams and of everybody, and a user of one team."""
    for name in ("acme/web", "acme/api", "secret/plans", "public/base"):
        token_registry.push(name, "v1", "v2")
    token_registry.tokens.users["reader"] = READER
    token_registry.tokens.asked.clear()
    return token_registry


class Clients:
    """Clients that trust the authority, closed at the end."""

    def __init__(self, authority: Authority) -> None:
        self._settings = RegistrySettings(ca_file=authority.ca_file)
        self.made: list[RegistryClient] = []

    def __call__(
        self, keychain: Keychain | None = None, *, page_size: int = PAGE_SIZE
    ) -> RegistryClient:
        keychain = keychain or Keychain(environment={})
        self.made.append(RegistryClient(self._settings, keychain, page_size=page_size))
        return self.made[-1]


@pytest.fixture
def client_with(authority: Authority) -> Iterator[Clients]:
    clients = Clients(authority)
    yield clients
    for each in clients.made:
        each.close()


def identity_keychain(registry: Registry, token: str, user: str = "") -> Keychain:
    entry = {"identitytoken": token, "auth": base64.b64encode(f"{user}:".encode()).decode()}
    path = registry.folder / "identity.json"
    path.write_text(
        json.dumps({"auths": {registry.host: entry if user else {"identitytoken": token}}})
    )
    return Keychain.from_file(path, environment={})


def test_what_a_user_may_pull_can_be_listed_page_by_page(
    registry: TokenRegistry, client_with: Clients
) -> None:
    client = client_with(keychain_of({registry.host: f"reader:{READER.password}"}), page_size=1)

    assert client.list_tags(Repository(registry.host, "acme/web")) == ("v1", "v2")
    assert registry.tokens.asked == [Asked("GET", "reader", ("repository:acme/web:pull",), 200)]


def test_public_images_need_no_login(registry: TokenRegistry, client_with: Clients) -> None:
    client = client_with()

    assert client.list_tags(Repository(registry.host, "public/base")) == ("v1", "v2")
    assert [each.user for each in registry.tokens.asked] == [NOBODY]


def test_a_users_rights_end_where_the_service_ends_them(
    registry: TokenRegistry, client_with: Clients
) -> None:
    client = client_with(keychain_of({registry.host: f"reader:{READER.password}"}))

    with pytest.raises(AccessDeniedError, match="or it has no repository 'secret/plans'"):
        client.list_tags(Repository(registry.host, "secret/plans"))

    assert client.list_tags(Repository(registry.host, "acme/api")) == ("v1", "v2")


def test_of_several_logins_that_one_is_found_which_may(
    registry: TokenRegistry, client_with: Clients
) -> None:
    secrets = [
        pull_secret({registry.host: "reader:wrong"}, "web/wrong"),
        pull_secret({registry.host: f"reader:{READER.password}"}, "web/reader"),
        pull_secret({registry.host: f"{USER}:{PASSWORD}"}, "web/robot"),
    ]
    client = client_with()
    plans = Repository(registry.host, "secret/plans")

    assert client.list_tags(plans, pull_secrets=secrets) == ("v1", "v2")
    assert [(each.user, each.status) for each in registry.tokens.asked] == [
        ("", 401),
        ("reader", 200),
        (USER, 200),
    ]


def test_an_identity_token_buys_access(registry: TokenRegistry, client_with: Clients) -> None:
    registry.tokens.identity_tokens["refresh-canary"] = "reader"
    client = client_with(identity_keychain(registry, "refresh-canary"))

    assert client.list_tags(Repository(registry.host, "acme/web")) == ("v1", "v2")
    assert [each.method for each in registry.tokens.asked] == ["POST"]


def test_an_identity_token_does_as_a_password_where_the_service_knows_no_other_way(
    registry: TokenRegistry, client_with: Clients
) -> None:
    registry.tokens.takes_posts = False
    client = client_with(identity_keychain(registry, READER.password, "reader"))

    assert client.list_tags(Repository(registry.host, "acme/web")) == ("v1", "v2")
    assert [each.method for each in registry.tokens.asked] == ["POST", "GET"]


def test_an_identity_token_that_is_over_is_told(
    registry: TokenRegistry, client_with: Clients
) -> None:
    client = client_with(identity_keychain(registry, "over-canary"))

    with pytest.raises(AccessDeniedError, match="refused the login of") as raised:
        client.list_tags(Repository(registry.host, "acme/web"))

    assert "over-canary" not in str(raised.value)


def test_a_token_that_the_registry_finds_too_old_is_bought_anew(
    registry: TokenRegistry, client_with: Clients
) -> None:
    registry.tokens.life_s = -120  # more than the minute that Distribution adds
    client = client_with(keychain_of({registry.host: f"reader:{READER.password}"}))
    web = Repository(registry.host, "acme/web")
    with pytest.raises(AccessDeniedError):
        client.list_tags(web)

    registry.tokens.life_s = 300

    assert client.list_tags(web) == ("v1", "v2")


def test_many_at_once_buy_one_token_a_repository(
    registry: TokenRegistry, client_with: Clients
) -> None:
    client = client_with(keychain_of({registry.host: f"reader:{READER.password}"}))
    wanted = [Repository(registry.host, f"acme/{name}") for name in ("web", "api")] * 8

    with ThreadPoolExecutor(16) as threads:
        assert set(threads.map(client.list_tags, wanted)) == {("v1", "v2")}

    assert len(registry.tokens.asked) == 2


def test_a_registry_over_tls_is_listed_by_its_ca_file_and_refused_without(
    tls_registry: Registry, client_with: Clients
) -> None:
    tls_registry.push("trusted/web", "v1")
    keychain = keychain_of({tls_registry.host: f"{USER}:{PASSWORD}"})
    web = Repository(tls_registry.host, "trusted/web")

    assert client_with(keychain).list_tags(web) == ("v1",)
    stranger = RegistryClient(RegistrySettings(), keychain)
    with pytest.raises(RegistryError, match="name its CA with --registry-ca-file"):
        stranger.list_tags(web)
    stranger.close()


def test_a_login_comes_from_a_legacy_secret_and_a_named_file(
    tls_registry: Registry, client_with: Clients, tmp_path: Path
) -> None:
    tls_registry.push("file/web", "v1")
    keychain = Keychain.from_file(tls_registry.docker_config(tmp_path), environment={})

    assert client_with(keychain).list_tags(Repository(tls_registry.host, "file/web")) == ("v1",)


def test_a_real_registry_is_a_mirror_under_another_path(
    registry: TokenRegistry, authority: Authority
) -> None:
    entry = HostSettings(
        "registry.invalid", mirrors=(Mirror(registry.host, (Rewrite(Pattern("^"), "acme/"),)),)
    )
    client = RegistryClient(
        RegistrySettings(ca_file=authority.ca_file, hosts=(entry,)),
        keychain_of({registry.host: f"reader:{READER.password}", "registry.invalid": "up:stream"}),
    )
    repository = Repository("registry.invalid", "web")

    pushed = registry.push("acme/web", "v1")
    registry.tokens.asked.clear()
    tags = client.list_tags(repository)
    digest = client.images().digest_of(repository, "v1")
    client.close()

    assert tags == ("v1", "v2")
    assert digest == pushed["v1"]
    assert registry.tokens.asked == [Asked("GET", "reader", ("repository:acme/web:pull",), 200)]
