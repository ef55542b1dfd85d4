"""What a sync did to each object, and why."""

import enum
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from reconciler.core.objects.health import Health
from reconciler.core.objects.identity import ObjectKey


class Action(enum.Enum):
    """What was done to an object; in a dry run, what would have been."""

    CREATED = "created"
    CONFIGURED = "configured"
    UNCHANGED = "unchanged"
    DELETED = "deleted"
    SKIPPED = "skipped"  # wanted, but not applied: ignored, or an error holds it back
    KEPT = "kept"  # left Git, but not deleted


_CHANGES = frozenset({Action.CREATED, Action.CONFIGURED, Action.DELETED})


@dataclass(frozen=True, slots=True)
class ObjectReport:
    """What was done to one object.

    Attributes:
        reason: why, where the action does not say it all.
        health: how it was doing at the end; None if nobody looked.
    """

    key: ObjectKey
    action: Action
    reason: str = ""
    health: Health | None = None

    @property
    def is_change(self) -> bool:
        """Whether the cluster was written to."""
        return self.action in _CHANGES

    @property
    def is_noteworthy(self) -> bool:
        """Whether a person wants a line: anything but an object left as it was, and healthy."""
        return self.action is not Action.UNCHANGED or not (
            self.health is None or self.health.is_current
        )


@dataclass(frozen=True, slots=True)
class SyncReport:
    """What a sync did.

    Attributes:
        objects: every object that is wanted, was deleted or was kept, in the order of work.
        diff: what a dry run would change, as a unified diff; empty otherwise.
    """

    objects: tuple[ObjectReport, ...] = ()
    diff: str = ""

    @property
    def counts(self) -> Mapping[Action, int]:
        """How many objects had each action; actions that none had are left out."""
        return Counter(report.action for report in self.objects)

    @property
    def has_changes(self) -> bool:
        """Whether any object was, or would be, created, configured or deleted."""
        return any(report.is_change for report in self.objects)
