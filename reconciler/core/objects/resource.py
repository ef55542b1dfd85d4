"""How the API server serves a kind, and what its answers came to."""

from collections.abc import Mapping
from dataclasses import dataclass

from reconciler.core.objects.identity import GroupKind, ObjectKey
from reconciler.core.objects.live import LiveObject
from reconciler.core.objects.report import Action


@dataclass(frozen=True, slots=True, order=True)
class Resource:
    """One served resource.

    Attributes:
        group: API group; empty for the core group.
        version: one of the served versions.
        kind: ``Deployment``.
        plural: the path segment: ``deployments``.
        is_namespaced: whether its objects have a namespace.
        is_kept: whether its objects can be listed: a TokenReview is only asked.
    """

    group: str
    version: str
    kind: str
    plural: str
    is_namespaced: bool
    is_kept: bool = True

    @property
    def group_kind(self) -> GroupKind:
        """Group and kind."""
        return GroupKind(self.group, self.kind)

    @property
    def api_version(self) -> str:
        """``apps/v1``, or ``v1`` for the core group."""
        return f"{self.group}/{self.version}" if self.group else self.version


@dataclass(frozen=True, slots=True)
class Applied:
    """What a server-side apply came to.

    Attributes:
        action: created, configured or unchanged.
        live: the object's metadata afterwards.
        item: the whole object afterwards, as the API server gives it.
        taken_from: the managers whose fields were taken back, who are no persons.
        reason: why it was done in this way, where that is not what everybody expects.
    """

    action: Action
    live: LiveObject
    item: Mapping[str, object]
    taken_from: tuple[str, ...] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Preview:
    """What a server-side apply, or a deletion, would come to.

    Attributes:
        before: the object as it is; None if it does not exist.
        after: the object as it would be; None if it would be deleted.
        reason: why it would be done in this way, where that is not what everybody expects.
    """

    before: Mapping[str, object] | None
    after: Mapping[str, object] | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Listed:
    """A watch has told all objects of a namespace; what it did not name is not there.

    Attributes:
        namespace: the namespace; empty for all of them.
        keys: the objects that it told.
    """

    namespace: str = ""
    keys: frozenset[ObjectKey] = frozenset()
