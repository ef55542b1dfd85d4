"""Builds to ask for."""

from dataclasses import replace

from reconciler.core.kaniko.request import (
    DOCKERFILE,
    EXECUTOR_IMAGE,
    GIT_IMAGE,
    REGISTRY_SECRET,
    BuildRequest,
    Given,
    read_request,
)

GIVEN = Given(
    namespace="web",
    context="https://git.example/acme/web",
    destinations=["registry.example/acme/web:v4"],
    dockerfile=DOCKERFILE,
    executor_image=EXECUTOR_IMAGE,
    git_image=GIT_IMAGE,
    registry_secret=REGISTRY_SECRET,
    git_secret="",
    pull_secret="",
    ca_config_map="",
    build_args=[],
    platform="",
    has_cache=False,
    cache_repo="",
    limits={},
    flags=[],
    deadline_s=3600,
    ttl_s=600,
    is_insecure=False,
)


def asked(**changes: object) -> BuildRequest:
    """Return what the texts of a command line come to."""
    return read_request(replace(GIVEN, **changes))  # type: ignore[arg-type]  # by name
