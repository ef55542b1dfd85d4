from dataclasses import replace

import pytest

from reconciler.core.commit_status import CommitStatus, State, status_of
from reconciler.core.objects.health import Health, Status
from reconciler.core.objects.identity import ObjectKey
from reconciler.core.objects.report import Action, ObjectReport, SyncReport
from reconciler.core.outcome import READ, SYNC, UPDATE, CycleOutcome, Problem
from reconciler.core.revision import Revision


def report(*statuses: Status) -> SyncReport:
    return SyncReport(
        tuple(
            ObjectReport(
                ObjectKey("apps", "Deployment", "web", f"nginx{number}"),
                Action.UNCHANGED,
                health=Health(status, "the cluster's own words"),
            )
            for number, status in enumerate(statuses)
        )
    )


def outcome(
    *problems: Problem, sync: SyncReport | None = None, source: str = "shop"
) -> CycleOutcome:
    return CycleOutcome(
        source,
        "https://git.example/acme/web",
        revision=Revision("main", "a" * 40),
        sync=sync,
        problems=problems,
    )


def problem(kind: str, stage: str, *, is_stalled: bool) -> Problem:
    return Problem("somewhere", "secret words", is_stalled, kind=kind, stage=stage)


CURRENT = report(Status.CURRENT, Status.CURRENT)
DENIED = problem("access_denied", SYNC, is_stalled=True)
DOWN = problem("cluster", SYNC, is_stalled=False)


@pytest.mark.parametrize(
    ("found", "state", "words"),
    [
        pytest.param(outcome(sync=CURRENT), State.SUCCESS, "2 objects in sync", id="in-sync"),
        pytest.param(
            outcome(sync=report(Status.CURRENT)), State.SUCCESS, "1 object in sync", id="one"
        ),
        pytest.param(outcome(sync=SyncReport()), State.SUCCESS, "0 objects in sync", id="empty"),
        pytest.param(
            outcome(sync=report(Status.CURRENT, Status.IN_PROGRESS)),
            State.PENDING,
            "1 of 2 objects not current yet",
            id="waiting",
        ),
        pytest.param(
            outcome(DENIED, sync=report(Status.FAILED, Status.IN_PROGRESS)),
            State.FAILURE,
            "1 of 2 objects failed",
            id="failed",
        ),
        pytest.param(
            outcome(DOWN, DENIED, problem("manifest", READ, is_stalled=True), sync=CURRENT),
            State.FAILURE,
            "2 problems: access_denied, manifest",
            id="stalled",
        ),
        pytest.param(outcome(DOWN), State.PENDING, "1 problem: cluster", id="down"),
        pytest.param(outcome(), State.PENDING, "not synced yet", id="no-sync"),
        pytest.param(
            outcome(problem("registry", UPDATE, is_stalled=True), sync=CURRENT),
            State.SUCCESS,
            "2 objects in sync",
            id="an-image-s-fault",
        ),
    ],
)
def test_what_is_said_of_a_commit(found: CycleOutcome, state: State, words: str) -> None:
    assert status_of(found) == CommitStatus("reconcile/shop", state, words)


@pytest.mark.parametrize(
    "more", [{"is_dry_run": True}, {"is_stopped": True}, {"is_bug": True}, {"revision": None}]
)
def test_of_a_cycle_that_did_not_sync_a_commit_nothing_is_said(more: dict[str, object]) -> None:
    assert status_of(replace(outcome(sync=CURRENT), **more)) is None  # type: ignore[arg-type]  # test data
