"""Logins for Artifact Registry, at a stand-in of the metadata server."""

import json

import pytest

from reconciler.adapters.registry.login import Login
from reconciler.core.images.reference import Repository
from reconciler.core.redaction import Secret
from tests.adapters.registry.cloud.clouds import CANARY, CloudWorld, basic_registry
from tests.simulators.registry import RegistrySimulator, Reply

HOST = "europe-west4-docker.pkg.dev"
FLAVOR = {"Metadata-Flavor": "Google"}
TOKEN = Reply(
    body=json.dumps({"access_token": CANARY, "expires_in": 3599, "token_type": "Bearer"}).encode(),
    headers=FLAVOR,
)


def metadata(world: CloudWorld, reply: Reply) -> RegistrySimulator:
    server = world.serve(lambda _: reply)
    world.environment["GCE_METADATA_HOST"] = server.host
    return server


def test_tags_are_listed_by_the_token_of_the_service_account(world: CloudWorld) -> None:
    server = metadata(world, TOKEN)
    world.serve_as(HOST, basic_registry("oauth2accesstoken", CANARY))

    assert world.tags(Repository(HOST, "acme/shop/web")) == ("v1", "v2")

    (asked,) = server.requests
    assert asked.path == "/computeMetadata/v1/instance/service-accounts/default/token"
    assert asked.headers["Metadata-Flavor"] == "Google"


def test_the_old_registry_takes_the_same_token(world: CloudWorld) -> None:
    metadata(world, TOKEN)

    assert world.ask("eu.gcr.io") == Login("oauth2accesstoken", Secret(CANARY))


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        pytest.param(
            Reply(404, headers=FLAVOR),
            "the metadata server of Google Cloud knows no service account: "
            "give this machine or pod one",
            id="no account",
        ),
        (Reply(503, headers=FLAVOR), "the metadata server of Google Cloud answered 503"),
        (
            Reply(body=CANARY.encode(), headers=FLAVOR),
            "the metadata server of Google Cloud answered with something else than asked for",
        ),
    ],
)
def test_what_the_metadata_server_does_not_give_is_told(
    world: CloudWorld, reply: Reply, words: str
) -> None:
    metadata(world, reply)

    assert world.problem(HOST) == words


def test_a_server_that_is_no_metadata_server_is_not_believed(world: CloudWorld) -> None:
    server = metadata(world, Reply(body=TOKEN.body))

    assert world.problem(HOST) == f"{server.host} is no metadata server of Google Cloud"


def test_outside_google_cloud_the_metadata_server_is_told_to_be_missing(world: CloudWorld) -> None:
    assert world.problem(HOST) == (
        "the metadata server of Google Cloud cannot be asked: cannot connect: Name or service not"
        " known"
    )
    assert world.names.asked == {"metadata.google.internal"}


@pytest.mark.parametrize("host", ["x:99999", "[", "x:port"])
def test_a_metadata_server_that_cannot_be_is_told(host: str, world: CloudWorld) -> None:
    world.environment["GCE_METADATA_HOST"] = host

    words = "the metadata server of Google Cloud cannot be asked: the environment names no URL"
    assert world.problem(HOST).startswith(words)
