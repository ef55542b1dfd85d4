"""Judged by kstatus itself: ``tests/data/health/oracle`` filled in its answers."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from reconciler.core.objects.health import Health, Status, health_of

DATA = Path(__file__).parents[2] / "data" / "health" / "cases.json"
CASES = json.loads(DATA.read_text())
NO_RULES = (  # in kstatus, which calls them Current
    "api service not available",
    "api service available False",
    "api service available Unknown",
    "gateway class accepted False",
    "gateway class accepted Unknown",
    "gateway programmed False",
    "gateway programmed Unknown",
    "gateway without conditions",
    "persistent volume not observed",
    "persistent volume Pending",
    "replication controller",
    "replication controller not ready",
)
ERRORS = (  # of kstatus
    "pod in an unknown phase",
    "custom conditions a mapping",
    "custom conditions of texts",
    "custom status a text",
)
DIFFERENT = {
    **dict.fromkeys(NO_RULES, ("Current", Status.IN_PROGRESS)),
    **dict.fromkeys(ERRORS, ("error", Status.UNKNOWN)),
    "persistent volume Failed": ("Current", Status.FAILED),
    "pod unschedulable for long": ("Failed", Status.IN_PROGRESS),  # an autoscaler may bring a node
    "deployment progress unknown (paused)": ("InProgress", Status.CURRENT),
    "deployment paused when it was rolled out": ("InProgress", Status.CURRENT),
    "daemonset on delete": ("InProgress", Status.CURRENT),
    "certificate ready of an earlier generation": ("Current", Status.IN_PROGRESS),
}
"""What kstatus says, and what we say instead; ``core/objects/health.py`` says why."""


@pytest.mark.parametrize("case", [pytest.param(each, id=each["name"]) for each in CASES])
def test_objects_do_as_kstatus_says(case: Mapping[str, object]) -> None:
    item, name = case["object"], str(case["name"])
    assert isinstance(item, dict)

    health = health_of(item)

    theirs, ours = DIFFERENT.get(name) or (case["kstatus"], Status(case["kstatus"]))
    assert (case["kstatus"], health.status) == (theirs, ours)
    assert health.message


def test_the_differences_from_kstatus_are_differences() -> None:
    assert DIFFERENT.keys() <= {case["name"] for case in CASES}
    assert [name for name, (theirs, ours) in DIFFERENT.items() if theirs == ours.value] == []


def test_an_object_that_is_not_there_is_not_found() -> None:
    assert health_of(None) == Health(Status.NOT_FOUND, "is not in the cluster")


def test_only_current_is_current() -> None:
    assert [status for status in Status if Health(status, "").is_current] == [Status.CURRENT]


def message_of(kind: str, api_version: str, **fields: object) -> str:
    return health_of({"apiVersion": api_version, "kind": kind, **fields}).message


def test_a_rollout_says_how_far_it_is() -> None:
    status = {"replicas": 3, "updatedReplicas": 1}

    message = message_of("Deployment", "apps/v1", spec={"replicas": 3}, status=status)

    assert message == "1 of 3 replicas updated"


def test_a_failed_rollout_repeats_what_the_controller_says() -> None:
    condition = {
        "type": "Progressing",
        "status": "False",
        "reason": "ProgressDeadlineExceeded",
        "message": 'ReplicaSet "nginx-5" has timed out progressing.',
    }

    message = message_of("Deployment", "apps/v1", status={"conditions": [condition]})

    assert message == (
        'made no progress within its deadline: ReplicaSet "nginx-5" has timed out progressing.'
    )


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        pytest.param({"reason": "Bad", "message": "very bad"}, "very bad", id="message"),
        pytest.param({"reason": "Bad"}, "Bad", id="reason"),
        pytest.param({}, "Ready is False", id="neither"),
    ],
)
def test_a_condition_says_what_it_can(condition: Mapping[str, str], expected: str) -> None:
    status = {"conditions": [{"type": "Ready", "status": "False", **condition}]}

    assert message_of("Widget", "example.com/v1", status=status) == expected


def test_a_crash_loop_names_the_containers() -> None:
    waiting = {"waiting": {"reason": "CrashLoopBackOff"}}
    containers = [{"name": "a", "state": waiting}, {"name": "b"}, {"name": "c", "state": waiting}]

    message = message_of("Pod", "v1", status={"phase": "Running", "containerStatuses": containers})

    assert message == "containers crash again and again: a, c"


def test_an_unschedulable_pod_says_why() -> None:
    condition = {"type": "PodScheduled", "status": "False", "message": "0/1 nodes are available"}

    message = message_of("Pod", "v1", status={"phase": "Pending", "conditions": [condition]})

    assert message == "0/1 nodes are available"


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        pytest.param({}, "has not started yet", id="young"),
        pytest.param({"suspend": True}, "is suspended", id="suspended"),
    ],
)
def test_a_job_that_has_not_started_says_whether_it_may(
    spec: Mapping[str, object], expected: str
) -> None:
    assert message_of("Job", "batch/v1", spec=spec) == expected


def test_what_goes_says_what_it_waits_for() -> None:
    metadata = {"deletionTimestamp": "2026-01-01T00:00:00Z", "finalizers": ["example.com/a", 1]}

    message = message_of("Widget", "example.com/v1", metadata=metadata)

    assert message == "is being deleted, when this is done: example.com/a"


def test_a_quota_that_is_used_up_is_told() -> None:
    condition = {"type": "ReplicaFailure", "status": "True", "message": "exceeded quota: small"}

    message = message_of("Deployment", "apps/v1", status={"conditions": [condition]})

    assert message == "0 of 1 replicas created: exceeded quota: small"


def test_a_condition_of_an_earlier_generation_says_so() -> None:
    condition = {"type": "Ready", "status": "True", "observedGeneration": 9}
    metadata = {"generation": 12}

    message = message_of(
        "Widget", "example.com/v1", metadata=metadata, status={"conditions": [condition]}
    )

    assert message == "Ready is told of generation 9 only"


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        pytest.param({"phase": "Pending"}, "is pending", id="pending"),
        pytest.param(
            {
                "phase": "Pending",
                "containerStatuses": [
                    {"name": "a", "state": {"waiting": {"reason": "ImagePullBackOff"}}}
                ],
            },
            "is pending: container a: ImagePullBackOff",
            id="image",
        ),
        pytest.param(
            {"phase": "Running", "containerStatuses": [{"name": "a", "state": {"running": {}}}]},
            "is not ready: container a: is running, but not ready",
            id="not-ready",
        ),
    ],
)
def test_a_pod_says_what_it_waits_for(status: Mapping[str, object], expected: str) -> None:
    assert message_of("Pod", "v1", status=status) == expected
