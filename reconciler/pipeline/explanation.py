"""Says why workloads are not as they should be: what their pods wait for."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from reconciler.core.objects.desired import DesiredObject
from reconciler.core.objects.health import Health, Status
from reconciler.core.objects.identity import ObjectKey
from reconciler.core.objects.pods import PodOwner, troubles
from reconciler.core.objects.words import one_line
from reconciler.errors import ReconcilerError
from reconciler.pipeline.cluster_port import Cluster
from reconciler.pipeline.parallel import in_parallel

MOST_EXPLAINED = 20
"""Workloads; each costs up to two requests."""

_UNDER_WAY = frozenset({Status.IN_PROGRESS, Status.FAILED})

Told = TypeVar("Told")


def explained(
    cluster: Cluster, health: Mapping[ObjectKey, Health], owners: Collection[PodOwner]
) -> Mapping[ObjectKey, Health]:
    """Return the health of objects, with the reasons of the pods of those workloads that have some.

    Nothing is asked when all is well. What we may not ask for, or cannot, is left out.

    Args:
        cluster: who is asked.
        health: of all objects.
        owners: the workloads among them that are not Current. Of many, the failed ones come first,
            and only some are explained.
    """
    worth = sorted(
        (each for each in owners if health[each.key].status in _UNDER_WAY),
        key=lambda each: (health[each.key].status is not Status.FAILED, each.key),
    )[:MOST_EXPLAINED]
    reasons = in_parallel(lambda owner: _reason(cluster, owner), worth)
    told = {
        owner.key: replace(health[owner.key], message=f"{health[owner.key].message}: {reason}")
        for owner, reason in zip(worth, reasons, strict=True)
        if reason and reason not in health[owner.key].message
    }
    return {**health, **told}


def discreet(
    health: Mapping[ObjectKey, Health], objects: Iterable[DesiredObject]
) -> Mapping[ObjectKey, Health]:
    """Return the health of objects with nothing in its messages of what was decrypted.

    Controllers, the kubelet and webhooks repeat in their words what they were given.
    """
    veiled = {
        each.key: replace(found, message=each.without_secrets(found.message))
        for each in objects
        if each.veiled and (found := health.get(each.key)) is not None
    }
    return {**health, **veiled}


def _reason(cluster: Cluster, owner: PodOwner) -> str:
    """Return what keeps a workload's pods; empty if nobody says."""
    namespace = owner.key.namespace
    pods: Sequence[Mapping[str, object]] | None = _asked(
        lambda: cluster.pods(namespace, owner.selector)
    )
    if pods is None:
        return ""
    found = troubles(owner, pods)
    if found and found[0].words:
        others = f" ({len(found) - 1} more are not ready)" if len(found) > 1 else ""
        return f"{found[0]}{others}"
    uid = found[0].uid if found else owner.uid
    warnings = _asked(lambda: cluster.warnings(namespace, uid)) or ()
    warning = one_line(warnings[0]) if warnings else ""
    if not found:
        return warning
    return str(replace(found[0], words=warning))


def _asked(ask: Callable[[], Told]) -> Told | None:
    try:
        return ask()
    except ReconcilerError:
        return None
