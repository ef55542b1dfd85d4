"""The Secret with the logins of registries, of type ``kubernetes.io/dockerconfigjson``."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from reconciler.core.redaction import Secret


@dataclass(frozen=True, slots=True)
class RegistryLogin:
    """User name and password of a registry; ``key`` is what a docker config calls it."""

    key: str
    username: str
    password: Secret


def docker_config(logins: tuple[RegistryLogin, ...]) -> Secret:
    """Return a docker config with these logins.

    The password stands there once, as ``auth``: every reader of the format takes that.
    """
    auths = {
        each.key: {
            "auth": base64.b64encode(f"{each.username}:{each.password.reveal()}".encode()).decode()
        }
        for each in logins
    }
    return Secret(json.dumps({"auths": auths}, sort_keys=True))


def secret_of(config: Secret, *, namespace: str, name: str) -> Mapping[str, Any]:
    """Return the Secret that holds a docker config; it is not veiled."""
    data = base64.b64encode(config.reveal().encode()).decode()
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "namespace": namespace},
        "type": "kubernetes.io/dockerconfigjson",
        "data": {".dockerconfigjson": data},
    }
