"""What webhooks tell: hints that images were pushed, or branches of Git moved.

Nothing is believed of them but that it is worth a look. The shapes are those that the senders
document: Distribution's notifications, Docker Hub's, GitHub's ``package`` and ``push`` events,
Harbor's (its own form and CloudEvents), Quay's, GitLab's and Gitea's push events.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, TypeAlias, TypeVar
from urllib.parse import urlsplit

import msgspec

from reconciler.core.images.reference import DEFAULT_HOST
from reconciler.errors import HookError

MAX_HINTS: Final = 200
"""Of one delivery; what is more waits for the next cycle of the clock."""

Shape = TypeVar("Shape")


@dataclass(frozen=True, slots=True)
class ImageHint:
    """Somebody pushed an image.

    Attributes:
        host: the registry as it calls itself, perhaps not as manifests do; empty: unknown.
        path: the repository there.
    """

    host: str
    path: str


@dataclass(frozen=True, slots=True)
class BranchHint:
    """A branch has moved.

    Attributes:
        path: the repository at its forge: ``acme/web``.
        branch: its name.
        commit: where it is now, 40 or 64 hex digits; empty: unknown.
    """

    path: str
    branch: str
    commit: str = ""


Hint: TypeAlias = ImageHint | BranchHint


def hints_of(family: str, name: str, body: bytes) -> tuple[Hint, ...]:
    """Return what a delivery tells, each hint once; nothing for events that are not about pushes.

    Args:
        family: ``registry`` or ``git``.
        name: the sender's.
        body: JSON.

    Raises:
        HookError: it is none, or not of that sender's shape.
    """
    found = _READERS[family, name](body)
    return tuple(dict.fromkeys(found))[:MAX_HINTS]


class _Target(msgspec.Struct):
    repository: str = ""
    tag: str = ""
    url: str = ""


class _Event(msgspec.Struct):
    action: str = ""
    target: _Target = msgspec.field(default_factory=_Target)


class _Distribution(msgspec.Struct):
    events: list[_Event]


def _of_distribution(body: bytes) -> list[Hint]:
    return [
        ImageHint(_host(event.target.url), event.target.repository)
        for event in _decoded(_Distribution, body).events
        if event.action == "push" and event.target.tag and event.target.repository
    ]


class _HubRepository(msgspec.Struct):
    repo_name: str


class _Hub(msgspec.Struct):
    repository: _HubRepository


def _of_docker_hub(body: bytes) -> list[Hint]:
    name = _decoded(_Hub, body).repository.repo_name
    return [ImageHint(DEFAULT_HOST, name if "/" in name else f"library/{name}")]


class _Owner(msgspec.Struct):
    login: str = ""


class _PackageVersion(msgspec.Struct):
    package_url: str = ""


class _Package(msgspec.Struct):
    name: str
    namespace: str = ""
    package_type: str = ""
    owner: _Owner = msgspec.field(default_factory=_Owner)
    package_version: _PackageVersion | None = None


class _Packages(msgspec.Struct):
    package: _Package | None = None
    registry_package: _Package | None = None


def _of_ghcr(body: bytes) -> list[Hint]:
    said = _decoded(_Packages, body)
    package = said.package or said.registry_package
    if package is None or package.package_type.lower() != "container":
        return []
    url = package.package_version.package_url if package.package_version else ""
    host, _, _ = url.partition("/")
    owner = package.owner.login or package.namespace.partition("/")[0]
    return [ImageHint(host or "ghcr.io", f"{owner}/{package.name}".lower())]


class _Resource(msgspec.Struct):
    resource_url: str = ""


class _HarborRepository(msgspec.Struct):
    repo_full_name: str = ""


class _HarborData(msgspec.Struct):
    resources: list[_Resource] = []
    repository: _HarborRepository = msgspec.field(default_factory=_HarborRepository)


class _Harbor(msgspec.Struct):
    type: str
    event_data: _HarborData | None = None
    data: _HarborData | None = None


_HARBOR_PUSHES: Final = frozenset({"PUSH_ARTIFACT", "harbor.artifact.pushed"})


def _of_harbor(body: bytes) -> list[Hint]:
    said = _decoded(_Harbor, body)
    data = said.event_data or said.data
    if said.type not in _HARBOR_PUSHES or data is None or not data.repository.repo_full_name:
        return []
    urls = [each.resource_url for each in data.resources] or [""]
    return [ImageHint(url.partition("/")[0], data.repository.repo_full_name) for url in urls]


class _Quay(msgspec.Struct):
    repository: str
    docker_url: str = ""


def _of_quay(body: bytes) -> list[Hint]:
    said = _decoded(_Quay, body)
    return [ImageHint(said.docker_url.partition("/")[0] or "quay.io", said.repository)]


class _Repository(msgspec.Struct):
    full_name: str


class _Push(msgspec.Struct):
    ref: str = ""
    after: str = ""
    repository: _Repository | None = None


def _of_github(body: bytes) -> list[Hint]:
    """Read GitHub's push, and Gitea's, who took the shape over."""
    said = _decoded(_Push, body)
    return _branch(said.repository.full_name if said.repository else "", said.ref, said.after)


class _Project(msgspec.Struct):
    path_with_namespace: str


class _GitLab(msgspec.Struct):
    object_kind: str = ""
    ref: str = ""
    after: str = ""
    project: _Project | None = None


def _of_gitlab(body: bytes) -> list[Hint]:
    said = _decoded(_GitLab, body)
    if said.object_kind != "push" or said.project is None:
        return []
    return _branch(said.project.path_with_namespace, said.ref, said.after)


_READERS: Final[Mapping[tuple[str, str], Callable[[bytes], list[Hint]]]] = MappingProxyType(
    {
        ("registry", "distribution"): _of_distribution,
        ("registry", "dockerhub"): _of_docker_hub,
        ("registry", "ghcr"): _of_ghcr,
        ("registry", "harbor"): _of_harbor,
        ("registry", "quay"): _of_quay,
        ("git", "github"): _of_github,
        ("git", "gitea"): _of_github,
        ("git", "gitlab"): _of_gitlab,
    }
)


def _decoded(shape: type[Shape], body: bytes) -> Shape:
    try:
        return msgspec.json.decode(body, type=shape)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise HookError(f"no such event: {error}") from error


def _branch(path: str, ref: str, commit: str) -> list[Hint]:
    kind, _, branch = ref.partition("refs/heads/")
    if kind or not branch or not path:
        return []
    return [BranchHint(path, branch, commit if set(commit) != {"0"} else "")]


def _host(url: str) -> str:
    try:
        return urlsplit(url).netloc
    except ValueError:
        return ""
