"""Keychains and pull secrets out of ``user:password`` texts."""

import base64
import json
from collections.abc import Mapping
from pathlib import Path

from reconciler.adapters.registry.credentials import Keychain
from reconciler.adapters.registry.docker_config import parse_docker_config
from reconciler.core.images.pull_secret import PullSecret
from reconciler.core.redaction import Secret


def auths_of(logins: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Return docker's ``auths`` for ``user:password`` by key."""
    return {key: {"auth": base64.b64encode(pair.encode()).decode()} for key, pair in logins.items()}


def keychain_of(logins: Mapping[str, str], path: Path | None = None) -> Keychain:
    """Return a keychain with these logins, as if from a file."""
    return Keychain(parse_docker_config(json.dumps({"auths": auths_of(logins)})), path=path)


def pull_secret(logins: Mapping[str, str], origin: str = "web/regcred") -> PullSecret:
    """Return a registry secret of the cluster with these logins."""
    return PullSecret(origin, Secret(json.dumps({"auths": auths_of(logins)})))
