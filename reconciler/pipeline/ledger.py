"""The ledger of one sync: what was done to each object, and what went wrong."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from reconciler.core.objects.desired import DesiredObject
from reconciler.core.objects.health import Health
from reconciler.core.objects.identity import ObjectKey
from reconciler.core.objects.inventory import InventoryEntry
from reconciler.core.objects.report import Action, ObjectReport, SyncReport
from reconciler.errors import (
    AccessDeniedError,
    ClusterError,
    NotFoundError,
    ReconcilerError,
    RefusedError,
    StalledError,
)


@dataclass(slots=True)
class Ledger:
    """Written by the parts of a sync as they go; several threads may write about several objects.

    Attributes:
        problems: what went wrong, in order.
        applied: what is to be remembered of each object that was applied.
        drifted: objects that somebody else has changed or deleted.
        held: why nothing was pruned although something could be; empty if nothing is held.
    """

    problems: list[ReconcilerError] = field(default_factory=list)
    applied: dict[ObjectKey, InventoryEntry] = field(default_factory=dict)
    held: str = ""
    drifted: set[ObjectKey] = field(default_factory=set)
    _reports: dict[ObjectKey, ObjectReport] = field(default_factory=dict)

    def note(self, key: ObjectKey, action: Action, reason: str = "", *, diff: str = "") -> None:
        """Note what was done to an object, or why nothing was; or what would be done to it."""
        self._reports[key] = ObjectReport(key, action, reason, diff=diff)

    def forget(self, key: ObjectKey) -> None:
        """Note nothing of an object: it goes by another key."""
        self._reports.pop(key, None)

    def fail(self, desired: DesiredObject, error: ReconcilerError) -> None:
        """Note that an object could not be applied, and where in Git it stands."""
        self.note(desired.key, Action.SKIPPED, desired.without_secrets(error.message))
        self.problems.append(_placed(error, desired))

    def is_there(self, key: ObjectKey) -> bool:
        """Whether an object that is wanted was found or put in place."""
        report = self._reports.get(key)
        return report is not None and report.action is not Action.SKIPPED

    def report(
        self, wanted: Iterable[DesiredObject], health: Mapping[ObjectKey, Health]
    ) -> SyncReport:
        """Return everything noted: what is wanted in the given order, then the rest by key."""
        origins = {each.key: each.origin for each in wanted}
        order = [*origins, *sorted(self._reports.keys() - origins.keys())]
        reports = [self._reports[key] for key in order if key in self._reports]
        return SyncReport(
            tuple(
                replace(
                    each,
                    health=health.get(each.key),
                    origin=origins.get(each.key),
                    is_mended=each.key in self.drifted,
                )
                for each in reports
            )
        )


def _placed(error: ReconcilerError, desired: DesiredObject) -> ReconcilerError:
    where = str(desired.origin)
    message = f"{desired.key}: {desired.without_secrets(error.message)}"
    if isinstance(error, (AccessDeniedError, NotFoundError)):
        return type(error)(message, where=where)
    if isinstance(error, StalledError):
        return RefusedError(message, where=where)
    return ClusterError(f"{desired.key}: {desired.without_secrets(str(error))}", where=where)
