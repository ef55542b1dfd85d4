"""Docker configs of all kinds, by docker's rules and the kubelet's."""

import base64
import json

import pytest

from reconciler.adapters.registry.docker_config import (
    MAX_BYTES,
    ConfigProblem,
    DockerConfig,
    parse_docker_config,
)
from reconciler.adapters.registry.login import Login
from reconciler.adapters.registry.place import Place
from reconciler.core.images.reference import Repository
from tests.adapters.registry.keychains import auths_of

CANARY = "canary-7f3a"


def config(*keys: str) -> DockerConfig:
    return parse_docker_config(json.dumps({"auths": auths_of({key: f"{key}:x" for key in keys})}))


def users(config: DockerConfig, host: str, path: str = "acme/web") -> list[str]:
    """Return the user names for a repository: in these tests, the keys of their entries."""
    found = [entry.login for entry in config.entries_for(Repository(host, path))]
    return [login.username for login in found if isinstance(login, Login)]


def test_all_entries_that_cover_a_repository_are_tried_the_closest_first() -> None:
    logins = config("r.example", "*.example", "r.example/acme/web", "r.example/acme", "o.example")

    assert users(logins, "r.example") == [
        "r.example/acme/web",
        "r.example/acme",
        "r.example",
        "*.example",
    ]
    assert users(logins, "r.example", "acme/website") == [
        "r.example/acme",
        "r.example",
        "*.example",
    ]


@pytest.mark.parametrize(
    ("key", "host", "is_covered"),
    [
        pytest.param("r.example", "r.example", True, id="equal"),
        pytest.param("R.Example", "r.example", True, id="case"),
        pytest.param("r.example", "r.example:5000", False, id="port-of-the-image"),
        pytest.param("r.example:5000", "r.example", False, id="port-of-the-entry"),
        pytest.param("*.example", "r.example", True, id="star"),
        pytest.param("*.example", "a.r.example", False, id="a-star-spans-no-dot"),
        pytest.param("*.*.example", "a.r.example", True, id="stars"),
        pytest.param("r?.example", "r1.example", True, id="question-mark"),
        pytest.param("r?.example", "r.example", False, id="question-mark-is-one"),
        pytest.param("*.example:5000", "r.example:5000", True, id="star-and-port"),
        pytest.param("*.example", "r.example:5000", False, id="star-and-other-port"),
        pytest.param("*.example:*", "r.example:5000", False, id="no-stars-for-ports"),
        pytest.param("http://r.example/", "r.example", True, id="http"),
        pytest.param("https://r.example/v2/", "r.example", True, id="api-version"),
        pytest.param("", "r.example", False, id="empty"),
        pytest.param("https://index.docker.io/v1/", "docker.io", True, id="docker-hub"),
        pytest.param("docker.io/acme", "docker.io", True, id="docker-hub-and-path"),
        pytest.param("docker.io.evil.example", "docker.io", False, id="not-docker-hub"),
    ],
)
def test_an_entry_covers_its_host_and_port(key: str, host: str, is_covered: bool) -> None:
    assert Place.parse(key).covers(Repository(host, "acme/web")) is is_covered


def test_a_legacy_config_is_the_entries_themselves() -> None:
    text = json.dumps({**auths_of({"r.example": f"r.example:{CANARY}"}), "credsStore": {}})

    assert users(parse_docker_config(text, is_legacy=True), "r.example") == ["r.example"]


@pytest.mark.parametrize(
    ("entry", "username", "password", "is_token"),
    [
        pytest.param({"username": "u", "password": "p"}, "u", "p", False, id="plain"),
        pytest.param({"username": "u"}, "u", "", False, id="empty-password"),
        pytest.param({"auth": "dTpwOnE="}, "u", "p:q", False, id="colon"),
        pytest.param({"auth": "dTpw"}, "u", "p", False, id="encoded"),
        pytest.param({"auth": " dTpwcA \n"}, "u", "pp", False, id="no-padding"),
        pytest.param({"auth": "dTpwAAA="}, "u", "p", False, id="nul-bytes"),
        pytest.param({"auth": "dTpw", "username": "x"}, "u", "p", False, id="auth-wins"),
        pytest.param({"identitytoken": "t"}, "<token>", "t", True, id="identity-token"),
        pytest.param({"auth": "dTpw", "identitytoken": "t"}, "u", "t", True, id="and-auth"),
        pytest.param({"username": "<token>", "password": "t"}, "<token>", "t", True, id="marked"),
    ],
)
def test_an_entry_gives_a_login(
    entry: object, username: str, password: str, is_token: bool
) -> None:
    (found,) = parse_docker_config(json.dumps({"auths": {"r.example": entry}})).entries

    assert isinstance(found.login, Login)
    assert found.login.username == username
    assert found.login.password.reveal() == password
    assert found.login.is_identity_token is is_token


@pytest.mark.parametrize("entry", [{}, {"auth": ""}, {"email": "e"}, {"auth": None}])
def test_an_entry_that_holds_nothing_is_none(entry: object) -> None:
    assert parse_docker_config(json.dumps({"auths": {"r.example": entry}})).entries == ()


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        pytest.param([CANARY], "is no object", id="list"),
        pytest.param({"auth": 7}, "holds something that is no text", id="number"),
        pytest.param({"auth": CANARY}, "no base64 of user:password", id="no-base64"),
        pytest.param({"auth": "w/8="}, "no base64 of user:password", id="no-utf8"),
        pytest.param({"auth": "YWJj"}, "no base64 of user:password", id="no-colon"),
        pytest.param(
            {"auth": base64.b64encode(f":{CANARY}".encode()).decode()},
            "no base64 of user:password",
            id="no-user",
        ),
    ],
)
def test_an_entry_that_is_wrong_is_wrong_alone_and_not_quoted(entry: object, words: str) -> None:
    text = json.dumps({"auths": {"bad.example": entry, **auths_of({"r.example": "u:p"})}})

    bad, good = parse_docker_config(text).entries

    assert isinstance(good.login, Login)
    assert isinstance(bad.login, ConfigProblem)
    assert words in str(bad.login)
    assert "'bad.example'" in str(bad.login)
    assert CANARY not in str(bad.login)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param(CANARY, "it is no JSON", id="text"),
        pytest.param("[" * 100_000, "it is no JSON", id="deep"),
        pytest.param("7", "it is no object", id="number"),
        pytest.param('{"auths": 7}', "its 'auths' is no object", id="auths"),
        pytest.param('{"credHelpers": []}', "its 'credHelpers' is no object", id="helpers"),
        pytest.param(" " * (MAX_BYTES + 1), "it is larger than 1,048,576 bytes", id="huge"),
    ],
)
def test_what_is_no_docker_config_is_told_without_its_text(text: str, words: str) -> None:
    with pytest.raises(ConfigProblem, match=words) as raised:
        parse_docker_config(text)

    assert CANARY not in str(raised.value)


def test_a_hosts_own_helper_takes_the_place_of_the_store() -> None:
    text = {
        "credHelpers": {"https://own.example": "own", "docker.io": "hub", "odd": 7, "none": ""},
        "credsStore": "desktop",
    }
    found = parse_docker_config(json.dumps(text))

    def helper(host: str) -> str:
        return found.helper_for(Repository(host, "acme/web"))

    assert [helper(host) for host in ("own.example", "docker.io", "odd", "r.example")] == [
        "own",
        "hub",
        "desktop",
        "desktop",
    ]
    assert parse_docker_config('{"credsStore": 7}').helper_for(Repository("r.example", "a")) == ""
