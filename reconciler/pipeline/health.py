"""Waits until objects are as their specs ask, by watching and not by asking again and again."""

import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from reconciler.core.objects.health import Health, Status
from reconciler.core.objects.identity import GroupKind, ObjectKey
from reconciler.core.objects.resource import Listed, Resource
from reconciler.errors import ReconcilerError
from reconciler.pipeline.cluster_port import Cluster
from reconciler.pipeline.explanation import explained
from reconciler.pipeline.sight import Sight
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

    One watch a kind, and none if all have settled at first sight. An object has settled when it is
    Current, Failed or being deleted, or when it has been gone for a while; all must have settled at
    the same time. The wait ends early when an object fails that had not failed at first sight.

    Workloads that are not Current then say what their pods wait for; where nothing is waited for,
    only those that have failed.

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
    news, end, must_watch = threading.Condition(), Stop(), threading.Event()
    watchers = [
        _Watcher(
            each,
            Sight(each.resource, each.keys, given_up=given_up),
            lambda each=each: cluster.watch(  # type: ignore[misc]  # bound to each round's entry
                each.resource,
                part_of=part_of,
                namespaces=each.namespaces,
                timeout_s=timeout_s,
                until=end,
            ),
            news=news,
            end=end,
            must_watch=must_watch,
        )
        for each in wanted
        if each.keys
    ]
    for watcher in watchers:
        watcher.start()
    try:
        _await(
            watchers,
            news,
            must_watch,
            on_wait=on_wait,
            is_cut_short=lambda has_looked: stop.is_asked or (has_looked and is_hurried()),
        )
    finally:
        end.ask()
        must_watch.set()
    for watcher in watchers:
        watcher.join(_FAREWELL_S)
    with news:  # one that is left behind may still tell something
        sights = [watcher.sight for watcher in watchers]
        health = {key: found for sight in sights for key, found in sight.health.items()}
        owners = [owner for sight in sights for owner in sight.owners.values()]
    problems = tuple(watcher.problem for watcher in watchers if watcher.problem)
    if not timeout_s:  # who does not wait takes what is under way as it is
        owners = [each for each in owners if health[each.key].status is Status.FAILED]
    return (health if stop.is_asked else explained(cluster, health, owners)), problems


def _await(
    watchers: Sequence["_Watcher"],
    news: threading.Condition,
    must_watch: threading.Event,
    *,
    on_wait: Callable[[], None],
    is_cut_short: Callable[[bool], bool],
) -> None:
    """Return when there is nothing to wait for any more."""
    began, is_told, has_looked = time.monotonic(), False, False
    while not is_cut_short(has_looked or time.monotonic() - began > _FIRST_LOOK_S):
        with news:
            now = time.monotonic()
            looking = [each for each in watchers if not each.is_over]
            has_looked = all(each.sight.has_looked for each in looking)
            has_failed = any(each.sight.has_bad_news for each in watchers)
            is_waiting = any(
                each.sight.has_looked and not each.sight.is_settled(now) for each in looking
            )
            if has_looked and (has_failed or not is_waiting):
                return
            if has_looked:
                must_watch.set()
            if is_told or not is_waiting:
                news.wait(_POLL_S)
        if is_waiting and not is_told:
            is_told = True
            on_wait()


class _Watcher(threading.Thread):
    """Watches one kind. A daemon: an interrupted program does not wait for it."""

    def __init__(
        self,
        wanted: Wanted,
        sight: Sight,
        watch: Callable[[], Iterator[Mapping[str, object] | ObjectKey | Listed]],
        *,
        news: threading.Condition,
        end: Stop,
        must_watch: threading.Event,
    ) -> None:
        super().__init__(name=f"health-{wanted.resource.plural}", daemon=True)
        self._watch = watch
        self._news = news
        self._end = end
        self._must_watch = must_watch
        self.sight = sight
        self.is_over = False
        self.problem: ReconcilerError | None = None

    def run(self) -> None:
        try:
            self._follow()
        except ReconcilerError as error:
            self.problem = error
        finally:
            with self._news:
                self.is_over = True
                self._news.notify_all()

    def _follow(self) -> None:
        for event in self._watch():
            if self._end.is_asked:
                return
            now = time.monotonic()
            with self._news:
                self.sight.note(event, now)
                is_settled = self.sight.is_settled(now)
                if self.sight.has_looked:
                    self._news.notify_all()
            if is_settled:  # no watch is begun before it is known that another kind needs a wait
                self._must_watch.wait()


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
