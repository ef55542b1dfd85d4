import base64
import json

from reconciler.core.kaniko.registry_secret import RegistryLogin, docker_config, secret_of
from reconciler.core.redaction import Secret


def test_the_secret_is_what_a_kubelet_and_kaniko_read() -> None:
    logins = (
        RegistryLogin("registry.example:5000", "robot", Secret("hünter:2")),
        RegistryLogin("https://index.docker.io/v1/", "acme", Secret("x")),
    )

    body = secret_of(docker_config(logins), namespace="web", name="regcred")

    assert body["type"] == "kubernetes.io/dockerconfigjson"
    config = json.loads(base64.b64decode(body["data"][".dockerconfigjson"]))
    auths = {key: base64.b64decode(each["auth"]).decode() for key, each in config["auths"].items()}
    assert auths == {
        "registry.example:5000": "robot:hünter:2",
        "https://index.docker.io/v1/": "acme:x",
    }


def test_a_config_does_not_print_itself() -> None:
    config = docker_config((RegistryLogin("registry.example", "robot", Secret("canary")),))

    assert "canary" not in repr(config)
    assert str(config) == "***"
