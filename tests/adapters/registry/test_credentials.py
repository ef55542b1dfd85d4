import base64
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.adapters.registry.credentials import Candidate, Elsewhere, Keychain, Unusable
from reconciler.adapters.registry.login import Login
from reconciler.core.images.pull_secret import PullCredential, PullSecret, Unread
from reconciler.core.images.reference import Repository
from reconciler.core.redaction import Secret
from reconciler.errors import SettingsError
from tests.adapters.registry.keychains import keychain_of, pull_secret

CANARY = "canary-7f3a"
REPOSITORY = Repository("r.example", "acme/web")


def auth(username: str, password: str = CANARY) -> dict[str, str]:
    return {"auth": base64.b64encode(f"{username}:{password}".encode()).decode()}


def keychain(folder: Path, config: object) -> Keychain:
    path = folder / "config.json"
    path.write_text(config if isinstance(config, str) else json.dumps(config))
    return Keychain.from_file(path)


def user(chain: Keychain, host: str, path: str = "acme/web") -> str | None:
    return next((login.username for login in logins(chain, host, path)), None)


def logins(chain: Keychain, host: str, path: str = "acme/web") -> list[Login]:
    offers = chain.offers(Repository(host, path))
    return [offer.login for offer in offers if isinstance(offer, Candidate)]


def test_the_longest_path_wins_and_host_and_port_must_match(tmp_path: Path) -> None:
    chain = keychain(
        tmp_path,
        {
            "auths": {
                "r.example": auth("host"),
                "r.example:5000": auth("port"),
                "r.example/acme": auth("path"),
                "https://r.example/acme/web": auth("deep"),
            }
        },
    )

    assert user(chain, "r.example", "other/x") == "host"
    assert user(chain, "r.example:5000") == "port"
    assert user(chain, "r.example", "acme/api") == "path"
    assert user(chain, "r.example", "acme/web") == "deep"
    assert user(chain, "r.example", "acme/website") == "path"
    assert user(chain, "other.example") is None


@pytest.mark.parametrize(
    "key", ["https://index.docker.io/v1/", "index.docker.io", "docker.io", "registry-1.docker.io"]
)
def test_every_name_of_docker_hub_means_docker_hub(tmp_path: Path, key: str) -> None:
    assert user(keychain(tmp_path, {"auths": {key: auth("hub")}}), "docker.io") == "hub"


def test_a_plain_user_name_and_password_do_as_well_as_an_encoded_pair(tmp_path: Path) -> None:
    chain = keychain(tmp_path, {"auths": {"r.example": {"username": "u", "password": "a:b"}}})
    (found,) = logins(chain, "r.example")

    assert found.basic == "Basic " + base64.b64encode(b"u:a:b").decode()
    assert "a:b" not in repr(found)


@pytest.mark.parametrize("config", [{}, {"auths": {}}, {"auths": {"r.example": {}}}])
def test_a_config_without_passwords_is_an_empty_keychain(tmp_path: Path, config: object) -> None:
    assert user(keychain(tmp_path, config), "r.example") is None


@pytest.mark.parametrize(
    ("config", "message"),
    [
        pytest.param("{" + CANARY, "it is no JSON", id="json"),
        pytest.param({"auths": [CANARY]}, "'auths' is no object", id="auths"),
        pytest.param([CANARY], "it is no object", id="list"),
        pytest.param({"auths": {"r": CANARY}}, "entry 'r' is no object", id="entry"),
        pytest.param({"auths": {"r": {"auth": CANARY}}}, "no base64 of user:password", id="base64"),
        pytest.param({"auths": {"r": {"auth": "YWJj"}}}, "no base64 of user:password", id="colon"),
    ],
)
def test_a_broken_config_is_named_and_not_quoted(
    tmp_path: Path, config: object, message: str
) -> None:
    with pytest.raises(SettingsError, match=message) as raised:
        keychain(tmp_path, config)

    assert str(tmp_path) in str(raised.value)
    assert CANARY not in str(raised.value)


def test_a_named_file_must_exist_and_a_default_one_need_not(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="No such file"):
        Keychain.from_file(tmp_path / "none.json")

    assert user(Keychain.default({"DOCKER_CONFIG": str(tmp_path)}), "r.example") is None


def test_the_default_file_is_read_from_docker_config(tmp_path: Path) -> None:
    keychain(tmp_path, {"auths": {"r.example": auth("u")}})

    assert user(Keychain.default({"DOCKER_CONFIG": str(tmp_path)}), "r.example") == "u"


def test_where_docker_keeps_no_logins_those_of_podman_are_used(tmp_path: Path) -> None:
    docker, named, runtime = tmp_path / "docker", tmp_path / "auth.json", tmp_path / "run"
    places = {
        "runtime": runtime / "containers" / "auth.json",
        "named": named,
        "docker": docker / "config.json",
    }
    environment = {
        "DOCKER_CONFIG": str(docker),
        "REGISTRY_AUTH_FILE": str(named),
        "XDG_RUNTIME_DIR": str(runtime),
    }

    assert user(Keychain.default(environment), "r.example") is None
    for name, path in places.items():  # each beats those before it
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"auths": {"r.example": auth(name)}}))
        assert user(Keychain.default(environment), "r.example") == name


def test_the_logins_of_pull_secrets_come_first_and_are_read_as_they_are_asked_for() -> None:
    def pull_secrets() -> Iterator[PullCredential]:
        for name in ("a", "b"):
            read.append(name)
            yield pull_secret({"r.example": f"{name}:{CANARY}"}, f"web/{name}")

    read: list[str] = []
    offers = keychain_of({"r.example": f"file:{CANARY}"}).offers(REPOSITORY, pull_secrets())

    assert read == []
    first = next(offers)
    assert isinstance(first, Candidate)
    assert (first.origin, first.login.username) == ("the secret web/a", "a")
    assert read == ["a"]
    assert [each.origin for each in offers] == ["the secret web/b", "the docker config"]


def test_a_pull_secret_without_a_login_for_the_repository_says_so() -> None:
    secret = pull_secret({"other.example": f"robot:{CANARY}"})
    broken = PullSecret("web/broken", Secret(CANARY))
    unread = Unread("the secret web/gone", "it is not there", may_pass=True)

    assert list(Keychain().offers(REPOSITORY, [secret, broken, unread])) == [
        Elsewhere("the secret web/regcred"),
        Unusable("the secret web/broken", "it is no JSON"),
        Unusable("the secret web/gone", "it is not there", may_pass=True),
    ]


def test_a_legacy_secret_has_its_entries_at_the_top() -> None:
    content = Secret(json.dumps({"https://r.example/v1/": auth("legacy")}))
    (offer,) = Keychain().offers(REPOSITORY, [PullSecret("web/old", content, is_legacy=True)])

    assert isinstance(offer, Candidate)
    assert offer.login.username == "legacy"


def test_a_home_that_cannot_be_looked_into_has_no_logins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/" + "x" * 300)  # fails as a folder does that is not ours to enter

    assert user(Keychain.default({}), "r.example") is None
