"""What an API server serves, in two requests."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from reconciler.adapters.cluster.connection import Connection
from reconciler.core.objects.identity import GroupKind, split_api_version
from reconciler.core.objects.resource import Resource

_AGGREGATED: Final = ",".join(
    f"application/json;g=apidiscovery.k8s.io;v={version};as=APIGroupDiscoveryList"
    for version in ("v2", "v2beta1")
)
_ACCEPT: Final = f"{_AGGREGATED},application/json"

Served = Mapping[tuple[GroupKind, str], Resource]


def discover(connection: Connection) -> Served:
    """Return what is served, by group-kind and version; of each group the preferred version first.

    Aggregated discovery (KEP-3352) tells all in two requests; an older API server is asked group
    by group.

    Raises:
        ClusterError, AccessDeniedError: it cannot be asked.
    """
    served: dict[tuple[GroupKind, str], Resource] = {}
    for root in ("/api", "/apis"):
        answer = connection.request("GET", root, accept=_ACCEPT).body
        is_aggregated = answer.get("kind") == "APIGroupDiscoveryList"
        found = _aggregated(answer) if is_aggregated else _one_by_one(connection, root, answer)
        for resource in found:
            served.setdefault((resource.group_kind, resource.version), resource)
    return served


def _aggregated(answer: Mapping[str, Any]) -> Iterator[Resource]:
    for group in answer.get("items") or []:
        name = group.get("metadata", {}).get("name", "")
        for version in group.get("versions") or []:
            for resource in version.get("resources") or []:
                kind = resource.get("responseKind") or {}
                yield Resource(
                    group=kind.get("group") or name,
                    version=kind.get("version") or version["version"],
                    kind=kind.get("kind", ""),
                    plural=resource["resource"],
                    is_namespaced=resource.get("scope") == "Namespaced",
                )


def _one_by_one(connection: Connection, root: str, answer: Mapping[str, Any]) -> Iterator[Resource]:
    names = [str(version) for version in answer.get("versions") or []]
    for group in answer.get("groups") or []:
        preferred = group.get("preferredVersion", {}).get("groupVersion")
        others = [version["groupVersion"] for version in group.get("versions") or []]
        names += dict.fromkeys([*([preferred] if preferred else []), *others])
    for name in names:
        group, version = split_api_version(name)
        listed = connection.request("GET", f"{root}/{name}").body
        for resource in listed.get("resources") or []:
            if "/" not in resource["name"]:
                yield Resource(
                    group=resource.get("group") or group,
                    version=resource.get("version") or version,
                    kind=resource["kind"],
                    plural=resource["name"],
                    is_namespaced=bool(resource["namespaced"]),
                )
