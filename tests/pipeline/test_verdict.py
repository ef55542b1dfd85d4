"""What a sync came to, in the words of its source's status."""

import pytest

from reconciler.core.build import BuildResult
from reconciler.core.objects.report import SyncReport
from reconciler.core.objects.sync_status import SyncStatus
from reconciler.core.revision import Revision
from reconciler.errors import AccessDeniedError, ClusterError, ReconcilerError, UnhealthyError
from reconciler.pipeline.verdict import verdict

REVISION = Revision("main", "1" * 40)
FORBIDDEN = AccessDeniedError("may not delete", where="configmap/old")
DOWN = ClusterError("answered 503", where="configmap/old")
SICK = UnhealthyError("failed: no way", where="deployment.apps/web")


def judged(*problems: ReconcilerError, unpruned: int = 0, held: str = "") -> SyncStatus:
    """Return the status after an apply in which nothing went wrong."""
    return verdict(
        (),
        SyncReport(),
        {},
        built=BuildResult(),
        held=held,
        unpruned=problems[:unpruned],
        problems=problems,
        revision=REVISION,
    )


@pytest.mark.parametrize(
    ("problem", "reason"),
    [
        pytest.param(FORBIDDEN, "Stalled", id="a person must act"),
        pytest.param(DOWN, "Failing", id="may pass"),
    ],
)
def test_what_could_not_be_pruned_is_not_called_unhealthy(
    problem: ReconcilerError, reason: str
) -> None:
    status = judged(problem, SICK, unpruned=1)

    assert (status.is_ready, status.reason, status.message) == (False, reason, str(problem))
    assert status.applied == str(REVISION)


def test_what_is_not_healthy_is_told_when_nothing_else_is_wrong() -> None:
    assert judged(SICK).reason == "Unhealthy"
    assert judged(FORBIDDEN, SICK, unpruned=1, held="over the limit").reason == "PruneHeld"
    assert judged().is_ready
