"""How the objects of a sync are, with as much patience as is left for each."""

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field

from reconciler.core.objects.health import Health, Status
from reconciler.core.objects.identity import ObjectKey
from reconciler.core.revision import Revision
from reconciler.errors import ClusterError, UnhealthyError
from reconciler.pipeline.catalog import Catalog
from reconciler.pipeline.cluster_port import Cluster, StateStore
from reconciler.pipeline.events import Progress, Waiting
from reconciler.pipeline.health import by_kind, wait_for_health
from reconciler.pipeline.ledger import Ledger
from reconciler.pipeline.patience import Patience
from reconciler.settings import SyncSettings
from reconciler.stop import Stop


@dataclass(frozen=True, slots=True)
class Observer:
    """Looks at the objects of one sync, and waits for them.

    Attributes:
        settings: whether to wait, and how long.
        progress: hears when there is something to wait for.
        stop: ends the wait.
        is_hurried: whether to look but not to wait.
        patience: how long objects have not been healthy, over all syncs of the source.
        resting: lets others work while this one waits.
    """

    cluster: Cluster
    catalog: Catalog
    store: StateStore
    ledger: Ledger
    settings: SyncSettings
    revision: Revision
    progress: Progress
    stop: Stop
    is_hurried: Callable[[], bool]
    patience: Patience
    resting: Callable[[], AbstractContextManager[None]]
    _begun: set[ObjectKey] = field(default_factory=set)  # of those that were sent

    def look(
        self,
        keys: Sequence[ObjectKey],
        *,
        late: Collection[ObjectKey] = (),
        is_enough: Callable[[], bool] = lambda: False,
    ) -> Mapping[ObjectKey, Health]:
        """Return how the objects are when all have settled, or when the time is up.

        Args:
            keys: the objects.
            late: others that are waited for, but cannot be looked at.
            is_enough: ends the wait after a first look.
        """
        if self.stop.is_asked:
            return {}
        settings = self.settings
        sent = self.ledger.applied.keys() - self._begun
        self._begun.update(sent)
        self.patience.begin([*keys, *late], applied=sent)
        told: list[bool] = []
        with ExitStack() as rest:

            def on_wait() -> None:
                if settings.wait and not told:
                    told.append(True)
                    self.progress.tell(Waiting(self.revision))
                    rest.enter_context(self.resting())

            if late:
                on_wait()
            health, problems = wait_for_health(
                self.cluster,
                by_kind(keys, self.catalog.any_resource),
                part_of=self.store.part_of,
                timeout_s=settings.timeout_s if settings.wait else 0.0,
                on_wait=on_wait,
                stop=self.stop,
                is_hurried=lambda: self.is_hurried() or is_enough(),
                given_up=frozenset(filter(self._is_given_up, keys)),
            )
        self.patience.note(health)
        self.ledger.problems += problems
        return health

    def complain(self, health: Mapping[ObjectKey, Health]) -> None:
        """Failed objects need a person; those under way are a problem when their time is over."""
        settings = self.settings
        for key, found in sorted(health.items()):
            if found.status is Status.FAILED:
                self.ledger.problems.append(
                    UnhealthyError(f"failed: {found.message}", where=str(key))
                )
            elif found.status is Status.TERMINATING:
                message = "is being deleted; it is applied again when it has gone"
                self.ledger.problems.append(ClusterError(message, where=str(key)))
            elif found.status is Status.NOT_FOUND:
                message = "has gone from the cluster, or lost our label; it is applied again"
                self.ledger.problems.append(ClusterError(message, where=str(key)))
            elif not found.is_current and settings.wait and self._is_given_up(key):
                message = f"not healthy after {settings.timeout_s:g} s: {found.message}"
                self.ledger.problems.append(ClusterError(message, where=str(key)))

    def _is_given_up(self, key: ObjectKey) -> bool:
        return self.patience.is_over(key, self.settings.timeout_s)
