"""What an API server serves: two requests, answered by "not modified" when nothing is new."""

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from reconciler.adapters.cluster.connection import Connection
from reconciler.core.objects.identity import GroupKind, split_api_version
from reconciler.core.objects.resource import Resource
from reconciler.core.objects.served import Served
from reconciler.errors import NoAnswerError, ReconcilerError

ROOTS: Final = ("/api", "/apis")
WORKERS: Final = 8  # where each version of a group is a request: there are some forty

_AGGREGATED: Final = ",".join(
    f"application/json;g=apidiscovery.k8s.io;v={version};as=APIGroupDiscoveryList"
    for version in ("v2", "v2beta1")
)
_ACCEPT: Final = f"{_AGGREGATED},application/json"
_LIST: Final = "list"
_STALE: Final = "its server does not answer, says the API server"

Version: TypeAlias = tuple[str, str]
"""A group and one of its versions."""


@dataclass(frozen=True, slots=True)
class _Part:
    """What is served below one root.

    Attributes:
        etag: by which the API server tells whether this is still true; empty: it cannot.
        found: the resources, of each group the preferred version first.
        stale: those of versions whose server does not answer, as far as anybody remembers them.
        silent: these versions.
    """

    etag: str = ""
    found: tuple[Resource, ...] = ()
    stale: tuple[Resource, ...] = ()
    silent: Mapping[Version, str] = field(default_factory=dict)


class Discovery:
    """Asks one API server what it serves, again and again. Safe to use from many threads.

    Aggregated discovery (KEP-3352) tells all in two requests, and in two short ones where nothing
    is new: what was read is kept under its ETag. An API server before 1.27 is asked version by
    version.
    """

    def __init__(self, connection: Connection) -> None:
        """Know of nothing yet."""
        self._connection = connection
        self._parts: Mapping[str, _Part] = dict.fromkeys(ROOTS, _Part())
        self._served = Served({})

    def served(self) -> Served:
        """Return what is served now.

        Raises:
            ClusterError, AccessDeniedError: it cannot be asked.
        """
        parts = {root: self._part(root, self._parts[root]) for root in ROOTS}
        if parts != self._parts:
            self._parts, self._served = parts, _joined(parts.values())
        return self._served

    def _part(self, root: str, known: _Part) -> _Part:
        answer = self._connection.request("GET", root, accept=_ACCEPT, known_etag=known.etag)
        if answer.is_same:
            return known
        if answer.body.get("kind") == "APIGroupDiscoveryList":
            return _aggregated(answer.body, etag=answer.etag)
        return self._one_by_one(root, answer.body)

    def _one_by_one(self, root: str, body: Mapping[str, Any]) -> _Part:
        """Ask for each version of each group by itself; one that is broken breaks no other."""
        names = list(_names(body))
        with ThreadPoolExecutor(WORKERS, thread_name_prefix="discovery") as executor:
            answers = list(executor.map(lambda name: self._version(root, name), names))
        found: list[Resource] = []
        silent: dict[Version, str] = {}
        for name, answer in zip(names, answers, strict=True):
            if isinstance(answer, str):
                silent[split_api_version(name)] = answer
            else:
                found += answer
        return _Part(found=tuple(found), silent=silent)

    def _version(self, root: str, name: str) -> list[Resource] | str:
        """Return the resources of a version, or why nobody knows them."""
        try:
            body = self._connection.request("GET", f"{root}/{name}").body
        except NoAnswerError:
            raise
        except ReconcilerError as error:
            if root == ROOTS[0]:  # the API server's own
                raise
            return error.message
        return list(_listed(name, body))


def _joined(parts: Iterable[_Part]) -> Served:
    resources: dict[tuple[GroupKind, str], Resource] = {}
    remembered: dict[GroupKind, Resource] = {}
    silent: dict[Version, str] = {}
    for part in parts:
        for resource in part.found:
            resources.setdefault((resource.group_kind, resource.version), resource)
        for resource in part.stale:
            remembered.setdefault(resource.group_kind, resource)
        silent |= part.silent
    return Served(resources, silent, remembered)


def _aggregated(body: Mapping[str, Any], *, etag: str) -> _Part:
    found: list[Resource] = []
    stale: list[Resource] = []
    silent: dict[Version, str] = {}
    for group in body.get("items") or []:
        name = str(group.get("metadata", {}).get("name", ""))
        for version in group.get("versions") or []:
            is_stale = version.get("freshness") == "Stale"
            if is_stale:
                silent[name, str(version["version"])] = _STALE
            (stale if is_stale else found).extend(_of_version(name, version))
    return _Part(etag, tuple(found), tuple(stale), silent)


def _of_version(group: str, version: Mapping[str, Any]) -> Iterator[Resource]:
    for resource in version.get("resources") or []:
        kind = resource.get("responseKind") or {}
        if kind.get("kind"):
            yield Resource(
                group=kind.get("group") or group,
                version=kind.get("version") or version["version"],
                kind=kind["kind"],
                plural=resource["resource"],
                is_namespaced=resource.get("scope") == "Namespaced",
                is_kept=_is_kept(resource),
            )


def _names(body: Mapping[str, Any]) -> Iterator[str]:
    """Yield the versions of an ``APIVersions`` or ``APIGroupList``: ``v1``, ``apps/v1``."""
    yield from map(str, body.get("versions") or [])
    for group in body.get("groups") or []:
        preferred = group.get("preferredVersion", {}).get("groupVersion")
        others = [version["groupVersion"] for version in group.get("versions") or []]
        yield from dict.fromkeys([*([preferred] if preferred else []), *others])


def _listed(name: str, body: Mapping[str, Any]) -> Iterator[Resource]:
    """Yield the resources of an ``APIResourceList``, without subresources."""
    group, version = split_api_version(name)
    for resource in body.get("resources") or []:
        if "/" not in resource["name"]:
            yield Resource(
                group=resource.get("group") or group,
                version=resource.get("version") or version,
                kind=resource["kind"],
                plural=resource["name"],
                is_namespaced=bool(resource["namespaced"]),
                is_kept=_is_kept(resource),
            )


def _is_kept(resource: Mapping[str, Any]) -> bool:
    """Whether objects can be listed. To be patched they cannot be while their kind is going."""
    return _LIST in (resource.get("verbs") or (_LIST,))
