"""Which object: group, kind, namespace and name, never the version."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class GroupKind:
    """An API group and kind: ``Deployment.apps``; the core group is the empty text."""

    group: str
    kind: str

    def __str__(self) -> str:
        return f"{self.kind}.{self.group}" if self.group else self.kind


@dataclass(frozen=True, slots=True, order=True)
class ObjectKey:
    """One object of a cluster. ``namespace`` is empty for cluster-scoped objects.

    The version is left out: the same object is served in several.
    """

    group: str
    kind: str
    namespace: str
    name: str

    @property
    def group_kind(self) -> GroupKind:
        """The object's group and kind."""
        return GroupKind(self.group, self.kind)

    @property
    def workload(self) -> str:
        """The name people use, as in fluxctl: ``web:deployment/nginx`` (``:`` alone left out)."""
        prefix = f"{self.namespace}:" if self.namespace else ""
        return f"{prefix}{self.kind.lower()}/{self.name}"

    def __str__(self) -> str:
        """The name kubectl prints: ``deployment.apps/nginx (namespace web)``."""
        kind = self.kind.lower() + (f".{self.group}" if self.group else "")
        suffix = f" (namespace {self.namespace})" if self.namespace else ""
        return f"{kind}/{self.name}{suffix}"


def split_api_version(api_version: str) -> tuple[str, str]:
    """Return group and version of an ``apiVersion``: ``apps/v1`` gives ``("apps", "v1")``."""
    group, slash, version = api_version.rpartition("/")
    return (group, version) if slash else ("", api_version)
