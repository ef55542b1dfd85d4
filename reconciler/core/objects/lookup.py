"""Finds the workload that a person names: ``web:deployment/nginx``."""

import difflib
from collections.abc import Iterable, Mapping

from reconciler.core.objects.identity import ObjectKey
from reconciler.errors import NotFoundError

SHORT_KINDS: Mapping[str, str] = {
    "cj": "cronjob",
    "deploy": "deployment",
    "ds": "daemonset",
    "po": "pod",
    "rc": "replicationcontroller",
    "rs": "replicaset",
    "sts": "statefulset",
}
"""kubectl's short names of the kinds that run containers."""

_SHOWN = 5  # names in a message


def find(text: str, known: Iterable[ObjectKey]) -> frozenset[ObjectKey]:
    """Return the objects that a name means; several only if they differ in the group alone.

    Args:
        text: ``NAMESPACE:KIND/NAME``, or ``KIND/NAME`` where only one namespace has it.
        known: all there are.

    Raises:
        NotFoundError: there is none, or it is not clear which; says what is near.
    """
    keys = frozenset(known)
    found = frozenset(key for key in keys if _is_meant(text, key))
    names = sorted({key.workload for key in found})
    if len(names) > 1:
        raise NotFoundError(f"{text!r} may be {' or '.join(names)}: name the namespace")
    if not found:
        raise NotFoundError(f"there is no workload {text!r}{_hint(text, keys)}")
    return found


def _is_meant(text: str, key: ObjectKey) -> bool:
    namespace, colon, rest = text.rpartition(":")
    kind, _, name = rest.partition("/")
    lowered = kind.lower()
    is_namespace = not colon or namespace == key.namespace
    is_kind = SHORT_KINDS.get(lowered, lowered) == key.kind.lower()
    return is_namespace and is_kind and name == key.name


def _hint(text: str, keys: frozenset[ObjectKey]) -> str:
    """Return what is near: the same name elsewhere, else what is spelled alike, else what is."""
    names = sorted({key.workload for key in keys})
    last = text.rpartition(":")[2].rpartition("/")[2]
    same = sorted({key.workload for key in keys if key.name == last})
    alike = difflib.get_close_matches(text, [*names, *_without_namespace(names)], n=1, cutoff=0.7)
    if near := same[:1] or alike:
        return f"; did you mean {near[0]!r}?"
    if not names:
        return ": no manifest has one"
    more = ", …" if len(names) > _SHOWN else ""
    return f"; there is {', '.join(names[:_SHOWN])}{more}"


def _without_namespace(names: Iterable[str]) -> list[str]:
    return [name.rpartition(":")[2] for name in names]
