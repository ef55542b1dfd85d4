"""Distribution believes the token server, and only it; what the token says is what may be done."""

import base64
import contextlib
import http.client
import json
import ssl
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from lab.authority import Authority, serving_context
from lab.images import Images
from lab.process import LabError
from lab.registry import PASSWORD, USER, Registry
from lab.token_registry import TokenRegistry
from lab.token_server import NOBODY, SERVICE, Asked, User

pytestmark = pytest.mark.registry

SCOPE = "repository:acme/web:pull"


@dataclass(frozen=True)
class Client:
    """Asks a token server for a token for ``acme/web``."""

    realm: str
    authority: Authority

    def by_password(self, user: str, password: str) -> tuple[int, dict[str, str]]:
        pair = base64.b64encode(f"{user}:{password}".encode()).decode()
        return self._ask("GET", {}, {"Authorization": f"Basic {pair}"})

    def by_identity_token(self, token: str) -> tuple[int, dict[str, str]]:
        form = {"grant_type": "refresh_token", "client_id": "test", "refresh_token": token}
        return self._ask("POST", form, {})

    def _ask(
        self, method: str, fields: Mapping[str, str], headers: Mapping[str, str]
    ) -> tuple[int, dict[str, str]]:
        where = urllib.parse.urlsplit(self.realm)
        form = urllib.parse.urlencode({**fields, "service": SERVICE, "scope": SCOPE})
        target, body = (where.path, form) if method == "POST" else (f"{where.path}?{form}", None)
        connection = http.client.HTTPSConnection(where.netloc, context=self.authority.trust)
        with contextlib.closing(connection):
            connection.request(method, target, body, dict(headers))
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())


def test_a_registry_over_tls_takes_what_is_pushed_and_shows_a_certificate_of_the_authority(
    tls_registry: Registry, authority: Authority
) -> None:
    tls_registry.push("tls/web", "v1")

    assert tls_registry.tags("tls/web") == ["v1"]
    stranger = Images(tls_registry.host, USER, PASSWORD, trust=ssl.create_default_context())
    with pytest.raises(LabError, match="CERTIFICATE_VERIFY_FAILED"):
        stranger.tags("tls/web")
    assert authority.ca_file.read_text().startswith("-----BEGIN CERTIFICATE-----")


def test_a_certificate_may_be_for_another_name_and_expired(
    authority: Authority, tmp_path: Path
) -> None:
    for name, is_expired in (("registry.example", False), ("127.0.0.1", True)):
        pem = authority.certificate(tmp_path / f"{name}.pem", name=name, is_expired=is_expired)

        assert pem.stat().st_mode & 0o077 == 0
        assert serving_context(pem).cert_store_stats()["x509"] == 0


def test_a_registry_that_wants_tokens_takes_those_of_its_server(
    token_registry: TokenRegistry, authority: Authority
) -> None:
    token_registry.push("acme/web", "v1", "v2")

    assert sorted(token_registry.tags("acme/web")) == ["v1", "v2"]
    for token_for in (None, lambda _: token_registry.tokens.token(NOBODY, [SCOPE])):
        images = Images(token_registry.host, token_for=token_for, trust=authority.trust)
        with pytest.raises(LabError, match="401"):
            images.tags("acme/web")


def test_a_user_gets_a_token_for_what_is_theirs_and_nobody_else_does(
    token_registry: TokenRegistry, authority: Authority
) -> None:
    tokens = token_registry.tokens
    tokens.users["reader"] = User("secret", prefix="acme/")
    tokens.identity_tokens["refresh-me"] = "reader"
    client = Client(tokens.realm, authority)

    by_password = client.by_password("reader", "secret")
    by_token = client.by_identity_token("refresh-me")
    refused = client.by_password("reader", "wrong"), client.by_identity_token("wrong")

    assert (by_password[0], set(by_password[1])) == (200, {"token", "expires_in"})
    assert (by_token[0], set(by_token[1])) == (200, {"access_token", "expires_in"})
    assert [status for status, _ in refused] == [401, 401]
    assert tokens.asked[0] == Asked("GET", "reader", (SCOPE,), 200)


def test_a_token_server_may_know_no_identity_tokens(
    token_registry: TokenRegistry, authority: Authority
) -> None:
    token_registry.tokens.takes_posts = False

    assert Client(token_registry.tokens.realm, authority).by_identity_token("any")[0] == 405
