"""What a sync did to each object, and why."""

import enum
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from reconciler.core.objects.desired import Origin
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
        origin: where it stands in Git; None if it does not.
        diff: of a dry run: what would change, as a unified diff; empty otherwise.
        is_mended: whether somebody had changed or deleted it, and its manifest is the same.
    """

    key: ObjectKey
    action: Action
    reason: str = ""
    health: Health | None = None
    origin: Origin | None = None
    diff: str = ""
    is_mended: bool = False

    def __str__(self) -> str:
        """Return what kubectl prints, with the reason if any.

        ``deployment.apps/nginx (namespace web) configured``; of an object that is unchanged and
        not well: how it is.
        """
        reason = self.reason
        if self.action is Action.UNCHANGED and self.health and not self.health.is_current:
            reason = reason or f"{self.health.status.value}, {self.health.message}"
        return f"{self.key} {self.action.value}{f': {reason}' if reason else ''}"

    @property
    def headed_diff(self) -> str:
        """The diff below a line that says of what it is, and where that stands in Git."""
        where = f"  [{self.origin}]" if self.origin else ""
        return f"{self}{where}\n{self.diff}" if self.diff else ""

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
    """

    objects: tuple[ObjectReport, ...] = ()

    @property
    def diff(self) -> str:
        """What a dry run would change: a unified diff, with a line before each object's own."""
        return "".join(report.headed_diff for report in self.objects)

    @property
    def counts(self) -> Mapping[Action, int]:
        """How many objects had each action; actions that none had are left out."""
        return Counter(report.action for report in self.objects)

    @property
    def healths(self) -> tuple[Health, ...]:
        """How those objects are doing at which somebody has looked."""
        return tuple(report.health for report in self.objects if report.health is not None)

    @property
    def mended(self) -> int:
        """How many objects were brought back to what Git says after somebody had changed them."""
        return sum(report.is_mended and report.is_change for report in self.objects)

    @property
    def has_changes(self) -> bool:
        """Whether any object was, or would be, created, configured or deleted."""
        return any(report.is_change for report in self.objects)
