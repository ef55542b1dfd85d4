"""What is known of the objects of one kind while they are looked at."""

from collections.abc import Collection, Mapping

from reconciler.core.objects.drift import JOB
from reconciler.core.objects.health import Health, Status, health_of
from reconciler.core.objects.identity import ObjectKey
from reconciler.core.objects.live import key_of
from reconciler.core.objects.pods import PodOwner
from reconciler.core.objects.resource import Listed, Resource

MISSING_GRACE_S = 5.0
"""What is gone may be about to be made again, by whoever replaces it; then nobody waits for it."""

_SETTLED = frozenset({Status.CURRENT, Status.FAILED, Status.TERMINATING})
"""States that no wait changes for the better: what is being deleted does not come back by itself.
"""

_GOING = frozenset({Status.TERMINATING, Status.NOT_FOUND})
_MISSING = Health(Status.NOT_FOUND, "is not in the cluster")
_UNSEEN = Health(Status.UNKNOWN, "was not looked at")
_JOB_GONE = Health(Status.CURRENT, "has run and gone")
"""A job's ``ttlSecondsAfterFinished`` may be over before anybody looks; it is not made again."""


class Sight:
    """Objects of one kind, as a list and what was heard since tell of them.

    Attributes:
        health: of each object.
        owners: of pods: those workloads that are not Current.
        has_bad_news: whether an object has failed since it was first looked at.
    """

    def __init__(
        self, resource: Resource, keys: Collection[ObjectKey], *, given_up: Collection[ObjectKey]
    ) -> None:
        """Know nothing yet.

        Args:
            resource: the kind.
            keys: which objects.
            given_up: those of them that are not waited for.
        """
        self._resource = resource
        self._namespaces = frozenset(key.namespace for key in keys if key.namespace)
        self._given_up = frozenset(given_up)
        self._listed: set[str] = set()  # namespaces
        self._missing_since: dict[ObjectKey, float] = {}
        self._unsettled = set(keys) - self._given_up
        self.health: dict[ObjectKey, Health] = dict.fromkeys(keys, _UNSEEN)
        self.owners: dict[ObjectKey, PodOwner] = {}
        self.has_bad_news = False

    @property
    def has_looked(self) -> bool:
        """Whether each object was looked for once."""
        is_all = bool(self._namespaces) and self._listed >= self._namespaces
        return "" in self._listed or is_all

    def is_settled(self, now: float) -> bool:
        """Whether nothing here is worth a wait at a time of the monotonic clock."""
        return self.has_looked and all(
            self._missing_since.get(key, now) + MISSING_GRACE_S <= now for key in self._unsettled
        )

    def note(self, event: Mapping[str, object] | ObjectKey | Listed, now: float) -> None:
        """Take in what a watch told: a whole object, the key of a deleted one, a list's end."""
        match event:
            case Listed(namespace, keys):
                for key in self.health.keys() - keys:
                    if namespace in ("", key.namespace):
                        self._take(key, _MISSING, now)
                self._listed.add(namespace)
            case ObjectKey():
                self._take(event, _MISSING, now)
            case item:
                key = key_of(item, group_kind=self._resource.group_kind)
                if key in self.health:
                    self._take(key, health_of(item), now)
                    self._keep_owner(key, item)

    def _take(self, key: ObjectKey, health: Health, now: float) -> None:
        before = self.health.get(key)
        if before is None:
            return
        if health.status in _GOING and key.group_kind == JOB:
            has_failed = before.status is Status.FAILED
            health = before if has_failed else _JOB_GONE
        if health.status is Status.NOT_FOUND:
            self._missing_since.setdefault(key, now)
            self.owners.pop(key, None)
        else:
            self._missing_since.pop(key, None)
        is_turn = health.status is Status.FAILED and before.status is not Status.FAILED
        if is_turn and before is not _UNSEEN and key not in self._given_up:
            self.has_bad_news = True
        self.health[key] = health
        if health.status in _SETTLED:
            self._unsettled.discard(key)
        elif key not in self._given_up:
            self._unsettled.add(key)

    def _keep_owner(self, key: ObjectKey, item: Mapping[str, object]) -> None:
        owner = None if self.health[key].is_current else PodOwner.of(key, item)
        if owner:
            self.owners[key] = owner
        else:
            self.owners.pop(key, None)
