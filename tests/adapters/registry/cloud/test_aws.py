"""Logins for ECR, at a stand-in of its API and of every place where a pod's role can come from."""

import base64
import json
import time
from urllib.parse import parse_qs

import pytest

from reconciler.adapters.registry.cloud.grant import SHORTEST_USE_S, Grant
from reconciler.adapters.registry.login import Login
from reconciler.core.images.reference import Repository
from reconciler.core.redaction import Secret
from tests.adapters.registry.cloud.clouds import CANARY, CloudWorld, basic_registry, by_path
from tests.simulators.registry import RegistrySimulator, Reply, Request

HOST = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
ROLE = "arn:aws:iam::123456789012:role/reconcile"
PASSWORD = f"ecr-{CANARY}"
SERVED = Reply(
    body=json.dumps(
        {"AccessKeyId": "AKIASERVED", "SecretAccessKey": CANARY, "Token": CANARY}
    ).encode()
)
OF_STS = (
    "<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><Credentials>"
    f"<AccessKeyId>ASIASTS</AccessKeyId><SecretAccessKey>{CANARY}</SecretAccessKey>"
    f"<SessionToken>{CANARY}</SessionToken></Credentials></AssumeRoleWithWebIdentityResult>"
    "</AssumeRoleWithWebIdentityResponse>"
)


def sold(life_s: float = 43_200, *, is_public: bool = False, user: str = "AWS") -> Reply:
    pair = base64.b64encode(f"{user}:{PASSWORD}".encode()).decode()
    data = {"authorizationToken": pair, "expiresAt": time.time() + life_s}
    return Reply(body=json.dumps({"authorizationData": data if is_public else [data]}).encode())


def refusal(status: int, kind: str) -> Reply:
    return Reply(status, json.dumps({"__type": kind, "message": CANARY}).encode())


def sts_error(code: str) -> Reply:
    return Reply(403, f"<Error><Code>{code}</Code><Message>{CANARY}</Message></Error>".encode())


def with_key(world: CloudWorld, reply: Reply) -> RegistrySimulator:
    """Start ECR's API for a pod that has a key in its environment."""
    api = world.serve(lambda _: reply)
    world.environment |= {
        "AWS_ENDPOINT_URL_ECR": f"http://{api.host}",
        "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": CANARY,
    }
    return api


def signer(request: Request) -> str:
    """Return the access key by which a request is signed."""
    return request.headers["Authorization"].partition("Credential=")[2].partition("/")[0]


def test_tags_are_listed_by_the_login_of_the_role(world: CloudWorld) -> None:
    api = with_key(world, sold())
    world.serve_as(HOST, basic_registry("AWS", PASSWORD))

    assert world.tags(Repository(HOST, "acme/web")) == ("v1", "v2")

    (asked,) = api.requests
    assert (asked.method, asked.path, asked.body) == ("POST", "/", b"{}")
    assert asked.headers["X-Amz-Target"].endswith("_V20150921.GetAuthorizationToken")
    assert "/eu-west-1/ecr/aws4_request" in asked.headers["Authorization"]


def test_the_api_is_that_of_the_registrys_region(world: CloudWorld) -> None:
    with_key(world, sold())
    del world.environment["AWS_ENDPOINT_URL_ECR"]
    world.serve_as("api.ecr.eu-west-1.amazonaws.com", lambda _: sold())

    assert world.ask(HOST) == Login("AWS", Secret(PASSWORD))
    assert world.names.asked == {"api.ecr.eu-west-1.amazonaws.com"}


def test_the_public_registry_has_an_api_of_its_own(world: CloudWorld) -> None:
    api = with_key(world, sold())
    public = world.serve(lambda _: sold(is_public=True))
    world.environment["AWS_ENDPOINT_URL_ECR_PUBLIC"] = f"http://{public.host}"

    assert world.ask("public.ecr.aws") == Login("AWS", Secret(PASSWORD))

    (asked,) = public.requests
    assert asked.headers["X-Amz-Target"] == "SpencerFrontendService.GetAuthorizationToken"
    assert "/us-east-1/ecr-public/aws4_request" in asked.headers["Authorization"]
    assert api.requests == []


def test_a_role_of_the_pods_service_account_is_taken_at_sts(world: CloudWorld) -> None:
    api = with_key(world, sold())
    del world.environment["AWS_ACCESS_KEY_ID"]
    sts = world.serve(lambda _: Reply(body=OF_STS.encode()))
    world.environment |= {
        "AWS_WEB_IDENTITY_TOKEN_FILE": world.file("token", "a.web.identity"),
        "AWS_ROLE_ARN": ROLE,
        "AWS_ENDPOINT_URL_STS": f"http://{sts.host}",
    }

    assert world.ask(HOST) == Login("AWS", Secret(PASSWORD))

    form = parse_qs(sts.requests[0].body.decode())
    assert form["Action"] == ["AssumeRoleWithWebIdentity"]
    assert form["RoleArn"] == [ROLE]
    assert form["WebIdentityToken"] == ["a.web.identity"]
    assert signer(api.requests[0]) == "ASIASTS"
    assert api.requests[0].headers["X-Amz-Security-Token"] == CANARY


def test_pod_identity_is_served_for_the_token_in_its_file(world: CloudWorld) -> None:
    api = with_key(world, sold())
    del world.environment["AWS_ACCESS_KEY_ID"]
    agent = world.serve(by_path({"/v1/credentials": SERVED}))
    world.environment |= {
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"http://{agent.host}/v1/credentials",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": world.file("token", "pod-token"),
    }

    assert world.ask(HOST) == Login("AWS", Secret(PASSWORD))
    assert agent.requests[0].headers["Authorization"] == "pod-token"
    assert signer(api.requests[0]) == "AKIASERVED"


@pytest.mark.parametrize(
    "url", ["http://10.0.0.1/", "http://agent.example/", "ftp://127.0.0.1/", "http://[x/"]
)
def test_an_access_key_is_not_asked_for_just_anywhere(world: CloudWorld, url: str) -> None:
    world.environment["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = url

    assert world.problem(HOST).startswith("AWS_CONTAINER_CREDENTIALS_FULL_URI is neither")
    assert world.names.asked == set()


def test_an_instance_has_its_role_by_the_second_metadata_version(world: CloudWorld) -> None:
    api = with_key(world, sold())
    del world.environment["AWS_ACCESS_KEY_ID"]
    roles = "/latest/meta-data/iam/security-credentials/"
    server = world.serve(
        by_path(
            {
                "/latest/api/token": Reply(body=b"ticket"),
                roles: Reply(body=b"node-role"),
                f"{roles}node-role": SERVED,
            }
        )
    )
    world.environment["AWS_EC2_METADATA_SERVICE_ENDPOINT"] = f"http://{server.host}"

    assert world.ask(HOST) == Login("AWS", Secret(PASSWORD))
    assert [each.method for each in server.requests] == ["PUT", "GET", "GET"]
    assert {each.headers.get("X-aws-ec2-metadata-token") for each in server.requests[1:]} == {
        "ticket"
    }
    assert signer(api.requests[0]) == "AKIASERVED"


def test_a_metadata_server_is_not_asked_by_way_of_a_proxy(
    world: CloudWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.test:3128")

    assert "no AWS identity" in world.problem(HOST)
    assert world.names.asked == {"169.254.169.254"}


@pytest.mark.parametrize(
    ("reply", "words", "may_pass"),
    [
        pytest.param(
            refusal(400, "AccessDeniedException"),
            "the role may not ecr:GetAuthorizationToken: permit it in the role's policy",
            False,
            id="not permitted",
        ),
        pytest.param(
            refusal(400, "com.amazon.coral.service#UnrecognizedClientException"),
            "ECR does not take the access key (UnrecognizedClientException): it is wrong, over, or"
            " our clock is",
            False,
            id="no such key",
        ),
        pytest.param(
            refusal(400, "ThrottlingException"),
            "ECR answered 400 ThrottlingException",
            True,
            id="throttled",
        ),
        pytest.param(refusal(500, "a b"), "ECR answered 500", True, id="down"),
        pytest.param(Reply(503, b"<html>"), "ECR answered 503", True, id="no JSON"),
        pytest.param(
            Reply(body=b"{}"), "ECR answered with something else than asked for", False, id="empty"
        ),
        pytest.param(sold(user=""), "ECR answered with no login", False, id="no user"),
        pytest.param(
            Reply(body=b'{"authorizationData": []}'), "ECR answered with no login", False, id="none"
        ),
    ],
)
def test_what_ecr_refuses_is_told_with_what_to_do(
    world: CloudWorld, reply: Reply, words: str, may_pass: bool
) -> None:
    with_key(world, reply)

    found = world.ask(HOST)

    assert str(found) == words
    assert getattr(found, "may_pass", None) is may_pass


def test_the_public_registry_needs_rights_of_its_own(world: CloudWorld) -> None:
    api = with_key(world, refusal(400, "AccessDeniedException"))
    world.environment["AWS_ENDPOINT_URL"] = f"http://{api.host}"

    assert world.problem("public.ecr.aws") == (
        "the role may not ecr-public:GetAuthorizationToken and sts:GetServiceBearerToken:"
        " permit it in the role's policy"
    )


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        pytest.param(
            sts_error("AccessDenied"),
            f"AWS STS refused the role '{ROLE}' to the pod's token (AccessDenied): its trust policy"
            " must name this cluster's OIDC provider and this ServiceAccount",
            id="trust policy",
        ),
        (sts_error("Strange1"), "AWS STS answered 403"),
        (Reply(200, b"<x/>"), "AWS STS answered with no access key"),
    ],
)
def test_what_sts_refuses_is_told_with_what_to_do(
    world: CloudWorld, reply: Reply, words: str
) -> None:
    sts = world.serve(lambda _: reply)
    world.environment |= {
        "AWS_WEB_IDENTITY_TOKEN_FILE": world.file("token"),
        "AWS_ROLE_ARN": ROLE,
        "AWS_ENDPOINT_URL_STS": f"http://{sts.host}",
    }

    assert world.problem(HOST) == words


def test_a_pod_without_an_identity_is_told_how_to_get_one(world: CloudWorld) -> None:
    world.environment["AWS_EC2_METADATA_DISABLED"] = "true"

    assert world.problem(HOST) == (
        "no AWS identity: give the pod's ServiceAccount a role (EKS Pod Identity or IRSA)"
    )


def test_a_token_file_that_is_not_there_is_told(world: CloudWorld) -> None:
    world.environment |= {
        "AWS_WEB_IDENTITY_TOKEN_FILE": str(world.folder / "missing"),
        "AWS_ROLE_ARN": ROLE,
    }

    assert world.problem(HOST) == (
        "the file of AWS_WEB_IDENTITY_TOKEN_FILE cannot be read: No such file or directory"
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param("AWS_SESSION_TOKEN", f"{CANARY}\n", id="line-end"),
        pytest.param("AWS_SECRET_ACCESS_KEY", f"{CANARY}\n", id="line-end-of-secret"),
        pytest.param("AWS_ACCESS_KEY_ID", f"{CANARY}€", id="not-latin-1"),
        pytest.param("AWS_SECRET_ACCESS_KEY", f"{CANARY}\udcff", id="no-text"),
        pytest.param("AWS_SESSION_TOKEN", f"{CANARY}\0", id="zero-byte"),
    ],
)
def test_an_access_key_that_no_header_can_hold_is_told_of_and_not_quoted(
    name: str, value: str, world: CloudWorld
) -> None:
    api = with_key(world, sold())
    world.environment[name] = value

    assert world.problem(HOST) == "the access key of AWS holds a space, a line end or no text"
    assert api.requests == []


def test_a_served_access_key_that_no_header_can_hold_is_told_of(world: CloudWorld) -> None:
    with_key(world, sold())
    del world.environment["AWS_ACCESS_KEY_ID"]
    served = {"AccessKeyId": "AKIA", "SecretAccessKey": CANARY, "Token": f"{CANARY}\nX-Evil: 1"}
    agent = world.serve(lambda _: Reply(body=json.dumps(served).encode()))
    world.environment["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = f"http://{agent.host}/"

    assert world.problem(HOST) == "the access key of AWS holds a space, a line end or no text"


def test_a_token_file_of_several_lines_is_told_of_and_not_quoted(world: CloudWorld) -> None:
    world.environment |= {
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1:1/",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": world.file("token", f"{CANARY}\n{CANARY}"),
    }

    variable = "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"
    assert world.problem(HOST) == f"the file of {variable} holds no token"


@pytest.mark.parametrize("ticket", [b"a\nb", b"\xff", b""])
def test_a_ticket_of_the_metadata_server_that_no_header_can_hold_is_told_of(
    ticket: bytes, world: CloudWorld
) -> None:
    server = world.serve(lambda _: Reply(body=ticket))
    world.environment["AWS_EC2_METADATA_SERVICE_ENDPOINT"] = f"http://{server.host}"

    assert world.problem(HOST) == "the metadata server of AWS gives no ticket"


@pytest.mark.parametrize("url", ["http://[x", "https://x:99999", "https://x:port"])
@pytest.mark.parametrize("name", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_ECR"])
def test_an_endpoint_that_is_no_url_is_named(name: str, url: str, world: CloudWorld) -> None:
    with_key(world, sold())
    del world.environment["AWS_ENDPOINT_URL_ECR"]
    world.environment[name] = url

    assert world.problem(HOST) == f"{name} is no URL"


@pytest.mark.parametrize("url", ["http://[x", "http://x:99999"])
def test_a_metadata_server_that_is_no_url_is_named(url: str, world: CloudWorld) -> None:
    world.environment["AWS_EC2_METADATA_SERVICE_ENDPOINT"] = url

    assert "AWS_EC2_METADATA_SERVICE_ENDPOINT is no URL" in world.problem(HOST)


def test_a_life_that_is_no_number_is_a_short_one() -> None:
    grant = Grant.lasting(Login("AWS", Secret(CANARY)), float("nan"))

    assert grant.use_s == SHORTEST_USE_S
