"""The kinds that custom resource definitions define."""

from collections.abc import Iterable, Mapping
from typing import Final

from reconciler.core.objects.desired import DesiredObject
from reconciler.core.objects.fields import field_of, items_of, text_of
from reconciler.core.objects.identity import GroupKind

DEFINITION: Final = GroupKind("apiextensions.k8s.io", "CustomResourceDefinition")


def defined_by(objects: Iterable[DesiredObject]) -> Mapping[GroupKind, frozenset[str]]:
    """Return the kinds that the definitions among some objects define, with the served versions."""
    return {
        _kind(each): frozenset(_served(each))
        for each in objects
        if each.key.group_kind == DEFINITION
    }


def _kind(definition: DesiredObject) -> GroupKind:
    spec = definition.body.get("spec")
    return GroupKind(text_of(field_of(spec, "group")), text_of(field_of(spec, "names", "kind")))


def _served(definition: DesiredObject) -> Iterable[str]:
    for version in items_of(field_of(definition.body, "spec", "versions")):
        if field_of(version, "served") is True:
            yield text_of(field_of(version, "name"))
