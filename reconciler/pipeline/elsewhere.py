"""How sources stand that other processes run, by what these wrote into the cluster."""

from collections.abc import Callable, Collection
from typing import Final

from reconciler.core.objects.sync_status import SyncStatus
from reconciler.core.revision import Revision
from reconciler.errors import ElsewhereError, ReconcilerError
from reconciler.pipeline.cluster_port import Cluster

BEHIND: Final = "which has not come to the branch's newest commit yet"


def obstacles_elsewhere(
    cluster: Cluster,
    names: Collection[str],
    *,
    same_branch: Collection[str],
    seen: Collection[Revision],
    on_lag: Callable[[str], None] = lambda _name: None,
) -> tuple[ElsewhereError, ...]:
    """Return why a source that depends on others must wait: an error for each that is not ready.

    Args:
        cluster: where their memories are.
        names: of the others.
        same_branch: those of them that are on the branch that the source is on, too.
        seen: that branch, as it was found and as it was left.
        on_lag: told of each of them that has not come there.
    """
    told = {name: _obstacle(cluster, name, seen if name in same_branch else ()) for name in names}
    for name, words in told.items():
        if words == BEHIND:
            on_lag(name)
    return tuple(
        ElsewhereError(f"waits for source {name!r}, {words}")
        for name, words in told.items()
        if words
    )


def _obstacle(cluster: Cluster, name: str, seen: Collection[Revision]) -> str:
    try:
        status = cluster.state(name).status()
    except ReconcilerError as error:
        return f"whose state cannot be read: {error.message}"
    return _words(status, seen)


def _words(status: SyncStatus, seen: Collection[Revision]) -> str:
    if not status.since:
        return "which was never synced"
    if not status.is_ready:
        return f"which is not ready: {status.message}"
    if seen and status.attempted not in map(str, seen):
        return BEHIND
    return ""
