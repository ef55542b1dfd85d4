"""A right in a cluster, as RBAC speaks of it, and which ones a sync takes."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from reconciler.core.objects.identity import GroupKind, ObjectKey
from reconciler.core.objects.resource import Resource

_KEPT: Final = frozenset(
    {
        GroupKind("", "Namespace"),
        GroupKind("", "PersistentVolumeClaim"),
        GroupKind("apiextensions.k8s.io", "CustomResourceDefinition"),
    }
)
"""Kinds of which our own roles grant no ``delete``: more would go than the object itself."""

_SECRET: Final = GroupKind("", "Secret")
_SHOWN: Final = 5


@dataclass(frozen=True, slots=True, order=True)
class Right:
    """That somebody may do something to objects of a kind.

    Attributes:
        group: of the API; empty for the core group.
        resource: ``deployments``.
        namespace: where; empty: in all of them, or the kind has none.
        verb: ``patch``.
        name: of the one object; empty: any.
    """

    group: str
    resource: str
    namespace: str
    verb: str
    name: str = ""

    @property
    def attributes(self) -> Mapping[str, str]:
        """As a SubjectAccessReview names it."""
        fields = {
            "group": self.group,
            "resource": self.resource,
            "namespace": self.namespace,
            "verb": self.verb,
            "name": self.name,
        }
        return {field: value for field, value in fields.items() if value}

    @property
    def full_resource(self) -> str:
        """``deployments.apps``, as kubectl takes it."""
        return f"{self.resource}.{self.group}" if self.group else self.resource


@dataclass(frozen=True, slots=True)
class Wanted:
    """The rights that a sync takes.

    Attributes:
        must: without one of them something is not applied.
        should: without one of them something is not looked at, or not deleted when it leaves Git.
    """

    must: tuple[Right, ...]
    should: tuple[Right, ...]


def rights_for(objects: Iterable[tuple[Resource, ObjectKey]], *, has_prune: bool) -> Wanted:
    """Return the rights to apply objects, each once, in a stated order.

    ``watch`` is not among them: what is healthy by being there takes none.
    """
    kinds = {(resource, key.namespace) for resource, key in objects}
    must: set[Right] = set()
    should: set[Right] = set()
    for resource, namespace in kinds:
        where = namespace if resource.is_namespaced else ""

        def right(verb: str, of: Resource = resource, where: str = where) -> Right:
            return Right(of.group, of.plural, where, verb)

        must |= {right("create"), right("patch")}
        should.add(right("get"))
        if resource.group_kind != _SECRET:  # asked for by their names where they cannot be listed
            should.add(right("list"))
        if has_prune and resource.group_kind not in _KEPT:
            should.add(right("delete"))
    return Wanted(tuple(sorted(must)), tuple(sorted(should)))


def named(right: Right, names: Iterable[str]) -> list[Right]:
    """Return the same right for single objects."""
    return [replace(right, name=name) for name in names]


def summary_of(rights: Sequence[Right]) -> str:
    """Return rights in words: ``create, patch deployments.apps in namespace web; …``."""
    lines = lines_of(rights)
    more = f"; and {len(lines) - _SHOWN} more" if len(lines) > _SHOWN else ""
    return "; ".join(lines[:_SHOWN]) + more


def lines_of(rights: Sequence[Right]) -> list[str]:
    """Return rights in words, those to one kind and place in one line."""
    verbs: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for each in rights:
        verbs[each.full_resource, each.namespace].add(each.verb)
    return [
        f"{', '.join(sorted(some))} {resource}{f' in namespace {namespace}' if namespace else ''}"
        for (resource, namespace), some in verbs.items()
    ]


def rule_for(rights: Sequence[Right]) -> str:
    """Return the rule of RBAC that grants the first of some rights, and those like it."""
    first = rights[0]
    verbs = sorted(
        {
            each.verb
            for each in rights
            if (each.group, each.resource) == (first.group, first.resource)
        }
    )
    return (
        f'apiGroups: ["{first.group}"], resources: [{first.resource}], verbs: [{", ".join(verbs)}]'
    )
