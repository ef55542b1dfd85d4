"""Waits until objects are as their specs ask, by watching and not by asking again and again."""

import threading
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass

from reconciler.core.objects.drift import JOB
from reconciler.core.objects.health import Health, Status, health_of
from reconciler.core.objects.identity import GroupKind, ObjectKey
from reconciler.core.objects.live import key_of
from reconciler.core.objects.resource import Listed, Resource
from reconciler.errors import ReconcilerError
from reconciler.pipeline.cluster_port import Cluster
from reconciler.stop import Stop

PASSIVE = frozenset(
    {
        GroupKind("", kind)
        for kind in ("ConfigMap", "Secret", "ServiceAccount", "LimitRange", "ResourceQuota")
    }
    | {
        GroupKind("rbac.authorization.k8s.io", kind)
        for kind in ("Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding")
    }
)
"""Kinds that are as they should be by being there: nobody waits for them."""

_SETTLED = frozenset({Status.CURRENT, Status.FAILED, Status.TERMINATING})
"""States that no wait changes for the better: what is being deleted does not come back by itself.
"""

_GOING = frozenset({Status.TERMINATING, Status.NOT_FOUND})
_MISSING = Health(Status.NOT_FOUND, "is not in the cluster")
_UNSEEN = Health(Status.UNKNOWN, "was not looked at")
_JOB_GONE = Health(Status.CURRENT, "has run and gone")
"""A job's ``ttlSecondsAfterFinished`` may be over before anybody looks; it is not made again."""

_POLL_S = 0.2
_FIRST_LOOK_S = 10.0  # a wait that is hurried takes at least one look, if that takes no longer
_FAREWELL_S = 1.0  # a watch that is cut ends at once; one that is just beginning is left behind


@dataclass(frozen=True, slots=True)
class Wanted:
    """The objects of one kind whose health is asked for."""

    resource: Resource
    keys: frozenset[ObjectKey]

    @property
    def namespaces(self) -> frozenset[str]:
        """The namespaces that they are in."""
        return frozenset(key.namespace for key in self.keys if key.namespace)


def wait_for_health(
    cluster: Cluster,
    wanted: Iterable[Wanted],
    *,
    part_of: str,
    timeout_s: float,
    on_wait: Callable[[], None],
    stop: Stop,
    is_hurried: Callable[[], bool] = lambda: False,
    given_up: Collection[ObjectKey] = (),
) -> tuple[Mapping[ObjectKey, Health], tuple[ReconcilerError, ...]]:
    """Return how each object is when all have settled or the time is up, and what went wrong.

    One watch a kind. An object has settled when it is Current, Failed or being deleted.

    Args:
        cluster: whose objects.
        wanted: what to look at, one entry a kind.
        part_of: the label's value.
        timeout_s: how long to wait; 0 looks once.
        on_wait: called once, if anything has not settled at first sight.
        stop: ends the wait.
        is_hurried: whether to end the wait after a first look.
        given_up: objects that are looked at and not waited for.
    """
    end = Stop()
    watchers = [
        _Watcher(
            cluster,
            each,
            part_of=part_of,
            timeout_s=timeout_s,
            on_wait=on_wait,
            given_up=frozenset(given_up),
            end=end,
        )
        for each in wanted
        if each.keys
    ]
    for watcher in watchers:
        watcher.start()
    began = time.monotonic()
    for watcher in watchers:
        while watcher.is_alive() and not end.is_asked:
            watcher.join(_POLL_S)
            has_looked = time.monotonic() - began > _FIRST_LOOK_S or all(
                each.has_looked or not each.is_alive() for each in watchers
            )
            if stop.is_asked or (has_looked and is_hurried()):
                end.ask()
        watcher.join(_FAREWELL_S if end.is_asked else None)
    health = {key: found for watcher in watchers for key, found in watcher.health.items()}
    return health, tuple(watcher.problem for watcher in watchers if watcher.problem)


class _Watcher(threading.Thread):
    """Watches one kind. A daemon: an interrupted program does not wait for it."""

    def __init__(
        self,
        cluster: Cluster,
        wanted: Wanted,
        *,
        part_of: str,
        timeout_s: float,
        on_wait: Callable[[], None],
        given_up: frozenset[ObjectKey],
        end: Stop,
    ) -> None:
        super().__init__(name=f"health-{wanted.resource.plural}", daemon=True)
        self._cluster = cluster
        self._wanted = wanted
        self._namespaces = wanted.namespaces
        self._part_of = part_of
        self._timeout_s = timeout_s
        self._on_wait = on_wait
        self._given_up = given_up
        self._end = end
        self._told: set[ObjectKey] = set()  # by the list that is under way
        self._listed: set[str] = set()  # namespaces
        self.health: dict[ObjectKey, Health] = dict.fromkeys(wanted.keys, _UNSEEN)
        self.problem: ReconcilerError | None = None

    @property
    def has_looked(self) -> bool:
        """Whether each object was looked for once."""
        namespaces = self._namespaces
        return "" in self._listed or (bool(namespaces) and self._listed >= namespaces)

    def run(self) -> None:
        try:
            self._watch()
        except ReconcilerError as error:
            self.problem = error

    def _watch(self) -> None:
        events = self._cluster.watch(
            self._wanted.resource,
            part_of=self._part_of,
            namespaces=self._namespaces,
            timeout_s=self._timeout_s,
            until=self._end,
        )
        for event in events:
            self._note(event)
            if self._has_settled():
                return
            if self.has_looked:
                self._on_wait()

    def _note(self, event: Mapping[str, object] | ObjectKey | Listed) -> None:
        match event:
            case Listed(namespace):
                for key in self.health.keys() - self._told:
                    if namespace in ("", key.namespace):
                        self._take(key, _MISSING)
                self._told.clear()
                self._listed.add(namespace)
            case ObjectKey():
                self._take(event, _MISSING)
            case item:
                key = key_of(item, group_kind=self._wanted.resource.group_kind)
                self._told.add(key)
                self._take(key, health_of(item))

    def _take(self, key: ObjectKey, health: Health) -> None:
        if key in self.health:
            is_gone = health.status in _GOING
            self.health[key] = _JOB_GONE if is_gone and key.group_kind == JOB else health

    def _has_settled(self) -> bool:
        return self.has_looked and all(
            health.status in _SETTLED or key in self._given_up
            for key, health in self.health.items()
        )


def is_passive(kind: GroupKind) -> bool:
    """Whether objects of a kind are as they should be by being there."""
    return kind in PASSIVE


def by_kind(
    keys: Collection[ObjectKey], resource_of: Callable[[ObjectKey], Resource | None]
) -> list[Wanted]:
    """Group the keys that are worth a wait by the resource that serves them."""
    groups: dict[Resource, set[ObjectKey]] = {}
    for key in keys:
        resource = None if is_passive(key.group_kind) else resource_of(key)
        if resource is not None:
            groups.setdefault(resource, set()).add(key)
    return [Wanted(resource, frozenset(group)) for resource, group in sorted(groups.items())]
