"""Why pods are not ready."""

from collections.abc import Mapping, Sequence

import pytest

from reconciler.core.objects.identity import ObjectKey
from reconciler.core.objects.pods import (
    PodOwner,
    selector_text,
    troubles,
    why_not_ready,
)
from reconciler.core.objects.words import MAX_WORDS, one_line

NOT_READY = {"type": "Ready", "status": "False"}
PULL = {"waiting": {"reason": "ImagePullBackOff", "message": 'Back-off pulling image "web:2"'}}
LOOP = {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 5m0s restarting"}}
CREATING = {"waiting": {"reason": "ContainerCreating"}}
KILLED = {"terminated": {"exitCode": 137, "reason": "OOMKilled", "message": "the app's own words"}}
ERROR = {"terminated": {"exitCode": 1, "reason": "Error"}}
RUNNING: Mapping[str, object] = {"running": {}}


def container(state: object, name: str = "web", **more: object) -> Mapping[str, object]:
    return {"name": name, "state": state, "ready": False, **more}


def status(*containers: object, **more: object) -> Mapping[str, object]:
    return {"phase": "Pending", "containerStatuses": list(containers), **more}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param(
            status(container(PULL)),
            'container web: ImagePullBackOff: Back-off pulling image "web:2"',
            id="image",
        ),
        pytest.param(
            status(container(LOOP, lastState=ERROR)),
            "container web: CrashLoopBackOff (exit code 1)",
            id="crash-loop",
        ),
        pytest.param(
            status(container(LOOP, lastState=KILLED)),
            "container web: CrashLoopBackOff (exit code 137, OOMKilled)",
            id="out-of-memory",
        ),
        pytest.param(status(container(LOOP)), "container web: CrashLoopBackOff", id="bare-loop"),
        pytest.param(
            status(container(CREATING), container(PULL, name="side")),
            'container side: ImagePullBackOff: Back-off pulling image "web:2"',
            id="the-one-that-says-why",
        ),
        pytest.param(
            status(
                container({"waiting": {"reason": "PodInitializing"}}),
                initContainerStatuses=[container(LOOP, name="migrate", lastState=ERROR)],
            ),
            "init container migrate: CrashLoopBackOff (exit code 1)",
            id="init",
        ),
        pytest.param(
            status(container({"waiting": {"reason": "CreateContainerConfigError"}})),
            "container web: CreateContainerConfigError",
            id="no-message",
        ),
        pytest.param(
            status(container(KILLED)), "container web: ended (exit code 137, OOMKilled)", id="ended"
        ),
        pytest.param(
            status(container({"terminated": {"exitCode": 0, "reason": "Completed"}})), "", id="well"
        ),
        pytest.param(
            status(container(RUNNING)), "container web: is running, but not ready", id="not-ready"
        ),
        pytest.param(
            status(container(RUNNING, restartCount=3, lastState=ERROR)),
            "container web: is running, but not ready, restarted 3 times (exit code 1)",
            id="restarted",
        ),
        pytest.param(
            {
                "phase": "Pending",
                "conditions": [
                    {
                        "type": "PodScheduled",
                        "status": "False",
                        "reason": "Unschedulable",
                        "message": "0/3 nodes are available: 3 Insufficient cpu.",
                    }
                ],
            },
            "cannot be scheduled: 0/3 nodes are available: 3 Insufficient cpu.",
            id="unschedulable",
        ),
        pytest.param(
            {"phase": "Failed", "reason": "Evicted", "message": "The node was low on memory."},
            "Evicted: The node was low on memory.",
            id="evicted",
        ),
        pytest.param(
            {
                "phase": "Running",
                "conditions": [{**NOT_READY, "message": "the readiness gate is not true"}],
                "containerStatuses": [container(RUNNING, ready=True)],
            },
            "the readiness gate is not true",
            id="gate",
        ),
        pytest.param(status(container(CREATING)), "", id="creating"),
        pytest.param({}, "", id="nothing"),
        pytest.param({"containerStatuses": ["?"], "conditions": [1]}, "", id="nonsense"),
    ],
)
def test_a_pod_says_what_it_waits_for(given: Mapping[str, object], expected: str) -> None:
    assert why_not_ready({"status": given}) == expected


def test_what_is_said_is_one_line_and_not_endless() -> None:
    line = one_line("a\n b " + "c" * 1000)

    assert line.startswith("a b ccc")
    assert len(line) == MAX_WORDS
    assert line.endswith("…")


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        pytest.param({"matchLabels": {"b": "2", "a": "1"}}, "a=1,b=2", id="labels"),
        pytest.param({"a": "1"}, "a=1", id="of-a-replication-controller"),
        pytest.param(
            {
                "matchExpressions": [
                    {"key": "a", "operator": "In", "values": ["1", "2"]},
                    {"key": "b", "operator": "NotIn", "values": ["3"]},
                    {"key": "c", "operator": "Exists"},
                    {"key": "d", "operator": "DoesNotExist"},
                ]
            },
            "a in (1,2),b notin (3),c,!d",
            id="expressions",
        ),
        pytest.param(None, "", id="none"),
        pytest.param({}, "", id="empty"),
    ],
)
def test_a_selector_is_written_as_a_query_has_it(selector: object, expected: str) -> None:
    assert selector_text(selector) == expected


def owner(kind: str, group: str = "apps") -> PodOwner:
    item = {"metadata": {"uid": "u-1"}, "spec": {"selector": {"matchLabels": {"app": "web"}}}}
    made = PodOwner.of(ObjectKey(group, kind, "shop", "web"), item)
    assert made is not None
    return made


def pod(
    name: str,
    owners: Sequence[object],
    *,
    created: str = "2026-01-01T00:00:00Z",
    labels: Mapping[str, str] | None = None,
    **more: object,
) -> Mapping[str, object]:
    metadata = {
        "name": name,
        "uid": f"uid-{name}",
        "labels": labels or {},
        "ownerReferences": owners,
        "creationTimestamp": created,
        **more,
    }
    return {"metadata": metadata, "status": status(container(PULL))}


def test_only_pods_that_it_controls_are_a_workloads_own() -> None:
    stateful_set = owner("StatefulSet")
    mine = {"controller": True, "kind": "StatefulSet", "name": "web", "uid": "u-1"}

    assert stateful_set.controls(pod("a", [mine]))
    assert not stateful_set.controls(pod("a", [{**mine, "uid": "u-2"}]))
    assert not stateful_set.controls(pod("a", [{**mine, "controller": False}]))
    assert not stateful_set.controls(pod("a", []))


def test_a_deployments_pods_are_those_of_its_replica_sets() -> None:
    deployment = owner("Deployment")
    labels = {"pod-template-hash": "5d4"}
    mine = {"controller": True, "kind": "ReplicaSet", "name": "web-5d4", "uid": "u-9"}

    assert deployment.controls(pod("a", [mine], labels=labels))
    assert not deployment.controls(pod("a", [{**mine, "name": "web-api-5d4"}], labels=labels))
    assert not deployment.controls(pod("a", [{**mine, "kind": "Job"}], labels=labels))


@pytest.mark.parametrize("kind", ["ConfigMap", "CronJob", "Service"])
def test_other_kinds_make_no_pods(kind: str) -> None:
    item = {"metadata": {"uid": "u-1"}, "spec": {"selector": {"app": "web"}}}

    assert PodOwner.of(ObjectKey("", kind, "shop", "web"), item) is None


def test_troubles_are_told_newest_first_and_silent_ones_last() -> None:
    mine = [{"controller": True, "uid": "u-1"}]
    silent = {**pod("silent", mine, created="2026-01-09T00:00:00Z"), "status": {}}
    ready = {
        **pod("ready", mine),
        "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]},
    }
    done = {**pod("done", mine), "status": {"phase": "Succeeded"}}
    going = pod("going", mine, deletionTimestamp="2026-01-01T00:00:00Z")
    new, old = pod("new", mine, created="2026-01-02T00:00:00Z"), pod("old", mine)

    found = troubles(owner("StatefulSet"), [old, ready, silent, done, going, new])

    assert [each.name for each in found] == ["new", "old", "silent"]
    assert str(found[0]).startswith("pod new: container web: ImagePullBackOff: Back-off")
    assert str(found[2]) == "pod silent: is not ready"
