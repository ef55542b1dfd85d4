"""Judged by kstatus itself: ``tests/data/health/oracle`` filled in its answers."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from reconciler.core.objects.health import Health, Status, health_of

DATA = Path(__file__).parents[2] / "data" / "health" / "cases.json"
CASES = json.loads(DATA.read_text())
DIFFERENT = {
    "pod unschedulable for long": Status.IN_PROGRESS,  # an autoscaler may bring a node
    "pod in an unknown phase": Status.UNKNOWN,  # kstatus gives an error, here and below
    "custom conditions a mapping": Status.UNKNOWN,
    "custom conditions of texts": Status.UNKNOWN,
    "custom status a text": Status.UNKNOWN,
}


@pytest.mark.parametrize("case", [pytest.param(each, id=each["name"]) for each in CASES])
def test_objects_do_as_kstatus_says(case: Mapping[str, object]) -> None:
    item, name = case["object"], str(case["name"])
    assert isinstance(item, dict)

    health = health_of(item)

    assert health.status is (DIFFERENT.get(name) or Status(case["kstatus"]))
    assert health.message


def test_the_differences_from_kstatus_are_differences() -> None:
    answers = {case["name"]: case["kstatus"] for case in CASES}

    assert {name: answers[name] for name in DIFFERENT} == {
        "pod unschedulable for long": "Failed",
        **dict.fromkeys([name for name in DIFFERENT if name.startswith("custom")], "error"),
        "pod in an unknown phase": "error",
    }


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
