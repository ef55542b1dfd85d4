import pytest

from reconciler.core.objects.health import Health, Status
from reconciler.core.objects.report import Action, ObjectReport, SyncReport
from tests.fakes.objects import NGINX

CHANGES = {Action.CREATED, Action.CONFIGURED, Action.DELETED}


@pytest.mark.parametrize("action", Action)
def test_only_writing_to_the_cluster_is_a_change(action: Action) -> None:
    report = ObjectReport(NGINX, action)

    assert report.is_change is (action in CHANGES)
    assert SyncReport((report,)).has_changes is (action in CHANGES)


@pytest.mark.parametrize(
    ("report", "expected"),
    [
        pytest.param(ObjectReport(NGINX, Action.UNCHANGED), False, id="unchanged"),
        pytest.param(
            ObjectReport(NGINX, Action.UNCHANGED, health=Health(Status.CURRENT, "")),
            False,
            id="unchanged and well",
        ),
        pytest.param(
            ObjectReport(NGINX, Action.UNCHANGED, health=Health(Status.FAILED, "")),
            True,
            id="unchanged and failed",
        ),
        pytest.param(ObjectReport(NGINX, Action.KEPT, "left behind"), True, id="kept"),
    ],
)
def test_an_object_left_as_it_was_is_not_worth_a_line_unless_unwell(
    report: ObjectReport, expected: bool
) -> None:
    assert report.is_noteworthy is expected


def test_a_line_says_what_was_done_and_why_an_unchanged_object_is_told() -> None:
    unwell = Health(Status.IN_PROGRESS, "0 of 1 replicas are ready")

    assert str(ObjectReport(NGINX, Action.CONFIGURED, health=unwell)) == f"{NGINX} configured"
    assert str(ObjectReport(NGINX, Action.KEPT, "left behind")) == f"{NGINX} kept: left behind"
    assert (
        str(ObjectReport(NGINX, Action.UNCHANGED, health=unwell))
        == f"{NGINX} unchanged: InProgress, 0 of 1 replicas are ready"
    )
