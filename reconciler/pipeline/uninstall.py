"""Uninstall: remove what install made, and the memory of its sources; nothing else."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from reconciler.core.installation.inventory import NAME, decode
from reconciler.core.installation.kinds import CONFIG_MAP, DEPLOYMENT, NAMESPACE, place_of
from reconciler.core.installation.request import OWNER_LABEL
from reconciler.core.objects.fields import field_of, mapping_of
from reconciler.core.objects.identity import ObjectKey
from reconciler.core.objects.report import Action
from reconciler.errors import AccessDeniedError, ClusterError, NotFoundError
from reconciler.pipeline.install import Done
from reconciler.pipeline.install_port import Item, Site

PREFIX: Final = "reconcile-"
GONE_S: Final = 60.0
"""How long a pod may take to end: half of it is its own grace period."""

LOOK_AGAIN_S: Final = 0.5
_SHOWN: Final = 5


@dataclass(frozen=True, slots=True)
class Removal:
    """What is to be removed.

    Attributes:
        namespace: of the installation.
        objects: what install made and is still its own, the last made first; without the namespace.
        memories: what its sources keep.
        kept: what stays, and why.
        own_namespace: the namespace, if install made it.
    """

    namespace: str
    objects: tuple[tuple[ObjectKey, Item], ...] = field(repr=False)
    memories: tuple[ObjectKey, ...]
    kept: tuple[Done, ...]
    own_namespace: Item | None = field(default=None, repr=False)


def look(namespace: str, site: Site) -> Removal:
    """Look what install made, and what of it is still its own.

    Raises:
        NotFoundError: install made nothing there.
        AccessDeniedError, ClusterError: the cluster cannot be asked.
    """
    inventory_key = ObjectKey("", CONFIG_MAP.kind, namespace, NAME)
    inventory = site.live(inventory_key)
    if inventory is None or not _is_ours(inventory, namespace):
        raise NotFoundError(
            f"'reconcile install' has made nothing in namespace {namespace}: see --namespace; what "
            "'kubectl apply -k' made is removed by 'kubectl delete -k'"
        )
    installed = decode(mapping_of(inventory.get("data")))
    objects: list[tuple[ObjectKey, Item]] = []
    kept: list[Done] = []
    own = ObjectKey("", NAMESPACE.kind, "", namespace)
    for key in sorted(installed.objects, key=place_of, reverse=True):
        item = site.live(key) if key not in (own, inventory_key) else None
        if item is None:
            continue
        if _is_ours(item, namespace):
            objects.append((key, item))
        else:
            kept.append(Done(key, Action.KEPT, "is somebody else's now"))
    objects.append((inventory_key, inventory))
    known = site.memories(namespace)
    memories = [key for key in known if _source_of(key) in installed.sources]
    kept += [
        Done(key, Action.KEPT, "is of no source of this installation")
        for key in known
        if key not in memories
    ]
    found = site.live(own)
    made = found if found is not None and _is_ours(found, namespace) else None
    return Removal(namespace, tuple(objects), tuple(memories), tuple(kept), made)


def uninstall(
    removal: Removal,
    site: Site,
    *,
    deletes_namespace: bool = False,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[Done]:
    """Remove it, and yield what becomes of each object.

    The Deployment goes first, and its pods are waited for: they would write their memory anew. What
    says what was made goes last: a run that was interrupted is gone on with by the next one.

    Raises:
        ClusterError: the API server failed, or the pods do not end.
        AccessDeniedError: we may not.
    """
    objects = list(removal.objects)
    running = [each for each in objects if each[0].group_kind == DEPLOYMENT.group_kind]
    for key, item in running:
        site.delete(key, item)
        _await_end(key, site, sleep)
        yield Done(key, Action.DELETED)
    for key in removal.memories:
        memory = site.live(key)
        if memory is not None:
            site.delete(key, memory)
            yield Done(key, Action.DELETED)
    *others, inventory = (each for each in objects if each not in running)
    for key, item in others:
        site.delete(key, item)
        yield Done(key, Action.DELETED)
    yield from removal.kept
    site.delete(*inventory)
    yield Done(inventory[0], Action.DELETED)
    yield from _namespace(removal, site, deletes_namespace=deletes_namespace)


def _namespace(removal: Removal, site: Site, *, deletes_namespace: bool) -> Iterator[Done]:
    key = ObjectKey("", NAMESPACE.kind, "", removal.namespace)
    if removal.own_namespace is None:
        yield Done(key, Action.KEPT, "was there before")
        return
    try:
        left = [] if deletes_namespace else site.contents(removal.namespace)
    except AccessDeniedError as error:
        yield Done(key, Action.KEPT, f"may not be empty: {error}")
        return
    if left:
        yield Done(key, Action.KEPT, f"is not empty: {_some(left)}; --delete-namespace removes all")
        return
    site.delete(key, removal.own_namespace)
    yield Done(key, Action.DELETED)


def _some(keys: Sequence[ObjectKey]) -> str:
    shown = ", ".join(f"{key.kind.lower()}/{key.name}" for key in keys[:_SHOWN])
    return f"{shown}, and {len(keys) - _SHOWN} more" if len(keys) > _SHOWN else shown


def _await_end(key: ObjectKey, site: Site, sleep: Callable[[float], None]) -> None:
    for _ in range(round(GONE_S / LOOK_AGAIN_S)):
        if site.live(key) is None:
            return
        sleep(LOOK_AGAIN_S)
    raise ClusterError(
        f"its pods have not ended for {GONE_S:g} s: what is left stays until the next run",
        where=str(key),
    )


def _source_of(key: ObjectKey) -> str:
    """Return whose memory an object is: ``reconcile-shop``, ``….1``, ``….control``."""
    return key.name.removeprefix(PREFIX).partition(".")[0]


def _is_ours(item: Item, namespace: str) -> bool:
    return field_of(item, "metadata", "labels", OWNER_LABEL) == namespace
