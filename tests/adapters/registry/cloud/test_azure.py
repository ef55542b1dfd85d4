"""Logins for ACR, at stand-ins of Entra ID, of the metadata server and of the registry."""

import base64
import json
import time
from urllib.parse import parse_qs, urlsplit

import pytest

from reconciler.adapters.registry.login import Login
from reconciler.core.images.reference import Repository
from reconciler.core.redaction import Secret
from tests.adapters.registry.cloud.clouds import CANARY, CloudWorld
from tests.simulators.registry import RegistrySimulator, Reply, Request, Script

HOST = "contoso.azurecr.io"
ENTRA = "login.microsoftonline.com"
USER = "00000000-0000-0000-0000-000000000000"
ACCESS = Reply(body=json.dumps({"access_token": f"aad-{CANARY}", "expires_in": 86399}).encode())


def web_token(life_s: float = 10_800) -> str:
    claims = base64.urlsafe_b64encode(json.dumps({"exp": time.time() + life_s}).encode()).decode()
    return f"{CANARY}.{claims.rstrip('=')}.{CANARY}"


REFRESH = web_token()


def acr(exchange: Reply | None = None) -> Script:
    """Return a registry that sells refresh tokens, and access tokens for those."""
    answer = exchange or Reply(body=json.dumps({"refresh_token": REFRESH}).encode())

    def script(request: Request) -> Reply:
        form = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
        match request.path.partition("?")[0]:
            case "/oauth2/exchange":
                return answer
            case "/oauth2/token" if form.get("refresh_token") == REFRESH:
                return Reply(body=b'{"access_token": "pull"}')
            case _ if request.headers.get("Authorization") == "Bearer pull":
                return Reply(body=b'{"tags": ["v1", "v2"]}')
        realm = f'Bearer realm="https://{HOST}/oauth2/token",service="{HOST}"'
        return Reply(401, headers={"WWW-Authenticate": realm})

    return script


def with_workload_identity(world: CloudWorld, reply: Reply = ACCESS) -> RegistrySimulator:
    world.environment |= {
        "AZURE_CLIENT_ID": "client",
        "AZURE_TENANT_ID": "tenant",
        "AZURE_FEDERATED_TOKEN_FILE": world.file("token", "a.federated.token"),
    }
    return world.serve_as(ENTRA, lambda _: reply)


def with_managed_identity(world: CloudWorld, reply: Reply = ACCESS) -> RegistrySimulator:
    server = world.serve(lambda _: reply)
    world.environment["AZURE_POD_IDENTITY_AUTHORITY_HOST"] = f"http://{server.host}/"
    return server


def test_tags_are_listed_by_the_pods_workload_identity(world: CloudWorld) -> None:
    entra = with_workload_identity(world)
    registry = world.serve_as(HOST, acr())

    assert world.tags(Repository(HOST, "acme/web")) == ("v1", "v2")

    (asked,) = entra.requests
    assert asked.path == "/tenant/oauth2/v2.0/token"
    form = parse_qs(asked.body.decode())
    assert form["client_assertion"] == ["a.federated.token"]
    assert form["scope"] == ["https://containerregistry.azure.net/.default"]
    exchange = next(each for each in registry.requests if each.path == "/oauth2/exchange")
    assert parse_qs(exchange.body.decode()) == {
        "grant_type": ["access_token"],
        "service": [HOST],
        "access_token": [f"aad-{CANARY}"],
    }


def test_without_one_the_machines_managed_identity_is_asked_for(world: CloudWorld) -> None:
    server = with_managed_identity(world)
    world.environment["AZURE_CLIENT_ID"] = "the-one"
    world.serve_as(HOST, acr())

    assert world.ask(HOST) == Login(USER, Secret(REFRESH), is_identity_token=True)

    (asked,) = server.requests
    assert asked.headers["Metadata"] == "true"
    assert parse_qs(urlsplit(asked.path).query) == {
        "api-version": ["2018-02-01"],
        "resource": ["https://containerregistry.azure.net"],
        "client_id": ["the-one"],
    }


def test_a_sovereign_cloud_has_a_token_service_of_its_own(world: CloudWorld) -> None:
    with_workload_identity(world)
    world.environment["AZURE_AUTHORITY_HOST"] = "https://login.partner.microsoftonline.cn/"
    entra = world.serve_as("login.partner.microsoftonline.cn", lambda _: ACCESS)
    world.serve_as("contoso.azurecr.cn", acr())

    assert isinstance(world.ask("contoso.azurecr.cn"), Login)
    assert len(entra.requests) == 1


def test_the_pods_token_goes_nowhere_in_plain_http(world: CloudWorld) -> None:
    with_workload_identity(world)
    world.environment["AZURE_AUTHORITY_HOST"] = "http://login.test/"

    assert world.problem(HOST) == "AZURE_AUTHORITY_HOST is no https URL"
    assert world.names.asked == set()


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        pytest.param(
            Reply(
                401,
                json.dumps(
                    {"error": "x", "error_description": CANARY, "error_codes": [700213]}
                ).encode(),
            ),
            "Microsoft Entra ID does not take the pod's token for the client 'client'"
            " (AADSTS700213): its federated credential must name this cluster's issuer and this"
            " ServiceAccount",
            id="no federated credential",
        ),
        pytest.param(Reply(503, b"<html>"), "Microsoft Entra ID answered 503", id="down"),
        pytest.param(
            Reply(200, b"[]"),
            "Microsoft Entra ID answered with something else than asked for",
            id="nonsense",
        ),
    ],
)
def test_what_entra_refuses_is_told_with_what_to_do(
    world: CloudWorld, reply: Reply, words: str
) -> None:
    with_workload_identity(world, reply)

    assert world.problem(HOST) == words


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (
            Reply(400, b"{}"),
            "the metadata server of Azure knows no such identity: give this machine or pod one",
        ),
        (Reply(500, b"{}"), "the metadata server of Azure answered 500"),
    ],
)
def test_a_machine_without_an_identity_is_told(world: CloudWorld, reply: Reply, words: str) -> None:
    with_managed_identity(world, reply)

    assert world.problem(HOST) == words


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (
            Reply(401),
            f"the registry {HOST} does not take our identity: give it the role AcrPull there",
        ),
        (Reply(429), f"the registry {HOST} answered 429"),
        (Reply(200, b"{}"), f"the registry {HOST} answered with something else than asked for"),
    ],
)
def test_what_the_registry_refuses_is_told_with_what_to_do(
    world: CloudWorld, reply: Reply, words: str
) -> None:
    with_managed_identity(world)
    world.serve_as(HOST, acr(reply))

    assert world.problem(HOST) == words


@pytest.mark.parametrize(
    "token", [CANARY, f"a.{CANARY}.b", "a.e30.b", REFRESH], ids=["opaque", "dots", "no-end", "end"]
)
def test_a_token_that_does_not_tell_its_end_is_used_as_well(world: CloudWorld, token: str) -> None:
    with_managed_identity(world)
    world.serve_as(HOST, acr(Reply(body=json.dumps({"refresh_token": token}).encode())))

    assert world.ask(HOST) == Login(USER, Secret(token), is_identity_token=True)


@pytest.mark.parametrize("url", ["https://[x", "https://x:99999"])
def test_a_token_service_that_is_no_url_is_named(url: str, world: CloudWorld) -> None:
    with_workload_identity(world)
    world.environment["AZURE_AUTHORITY_HOST"] = url

    assert world.problem(HOST) == "AZURE_AUTHORITY_HOST is no URL"


@pytest.mark.parametrize("url", ["http://[x", "http://x:99999"])
def test_a_metadata_server_that_is_no_url_is_named(url: str, world: CloudWorld) -> None:
    world.environment["AZURE_POD_IDENTITY_AUTHORITY_HOST"] = url

    assert world.problem(HOST) == "AZURE_POD_IDENTITY_AUTHORITY_HOST is no URL"


@pytest.mark.parametrize("name", ["AZURE_CLIENT_ID", "AZURE_TENANT_ID", "AZURE_AUTHORITY_HOST"])
def test_a_variable_that_is_no_text_is_a_reason_and_no_crash(world: CloudWorld, name: str) -> None:
    with_workload_identity(world, Reply(400, b'{"error": "invalid_request"}'))
    world.environment[name] = "a\udcff"  # as Python reads a byte that is no UTF-8

    assert world.problem(HOST)
