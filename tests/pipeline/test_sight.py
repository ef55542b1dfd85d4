"""What is known of objects while they are looked at."""

from collections.abc import Mapping

import pytest

from reconciler.core.objects.health import Status
from reconciler.core.objects.identity import ObjectKey
from reconciler.core.objects.resource import Listed, Resource
from reconciler.pipeline.sight import MISSING_GRACE_S, Sight

DEPLOYMENTS = Resource("apps", "v1", "Deployment", "deployments", is_namespaced=True)
JOBS = Resource("batch", "v1", "Job", "jobs", is_namespaced=True)
WIDGETS = Resource("example.com", "v1", "Widget", "widgets", is_namespaced=True)


def key(resource: Resource, name: str, namespace: str = "shop") -> ObjectKey:
    return ObjectKey(resource.group, resource.kind, namespace, name)


A, B = key(WIDGETS, "a"), key(WIDGETS, "b")
JOB = key(JOBS, "migrate")


def item(key: ObjectKey, ready: str = "", **metadata: object) -> Mapping[str, object]:
    conditions = [{"type": "Ready", "status": ready, "message": "works on it"}] if ready else []
    return {
        "apiVersion": f"{key.group}/v1",
        "kind": key.kind,
        "metadata": {"name": key.name, "namespace": key.namespace, "uid": "u", **metadata},
        "spec": {"selector": {"matchLabels": {"app": "web"}}},
        "status": {"conditions": conditions},
    }


def stalled(key: ObjectKey) -> Mapping[str, object]:
    condition = {"type": "Stalled", "status": "True", "message": "no way"}
    return {**item(key), "status": {"conditions": [condition]}}


def listed(*keys: ObjectKey, namespace: str = "") -> Listed:
    return Listed(namespace, frozenset(keys))


def widgets(*events: object, given_up: frozenset[ObjectKey] = frozenset()) -> Sight:
    sight = Sight(WIDGETS, [A, B], given_up=given_up)
    for event in events:
        sight.note(event, 0.0)  # type: ignore[arg-type]  # a mapping, a key or a list's end
    return sight


def test_before_the_lists_end_nothing_is_settled() -> None:
    sight = widgets(item(A, "True"), item(B, "True"))

    assert not sight.has_looked
    assert not sight.is_settled(0.0)


def test_all_are_settled_when_none_is_under_way_at_one_time() -> None:
    sight = widgets(item(A, "True"), item(B, "False"), listed(A, B))
    assert not sight.is_settled(0.0)

    sight.note(item(A, "False"), 1.0)
    sight.note(item(B, "True"), 2.0)
    assert not sight.is_settled(2.0)

    sight.note(item(A, "True"), 3.0)
    assert sight.is_settled(3.0)


def test_what_is_given_up_is_looked_at_and_not_waited_for() -> None:
    sight = widgets(item(A, "False"), item(B, "True"), listed(A, B), given_up=frozenset({A}))

    assert sight.is_settled(0.0)
    assert sight.health[A].status is Status.IN_PROGRESS
    sight.note(stalled(A), 1.0)
    assert not sight.has_bad_news


def test_each_namespace_has_a_list_of_its_own() -> None:
    other = key(WIDGETS, "c", "other")
    sight = Sight(WIDGETS, [A, other], given_up=())
    sight.note(item(A, "True"), 0.0)
    sight.note(listed(A, namespace="shop"), 0.0)
    before = (sight.has_looked, sight.health[other].status)

    sight.note(listed(namespace="other"), 0.0)

    assert before == (False, Status.UNKNOWN)
    assert (sight.has_looked, sight.health[other].status) == (True, Status.NOT_FOUND)


def test_what_is_gone_is_waited_for_as_long_as_a_replacement_takes() -> None:
    sight = widgets(item(A, "True"), item(B, "True"), listed(A, B))
    sight.note(A, 10.0)

    assert not sight.is_settled(10.0 + MISSING_GRACE_S / 2)
    sight.note(listed(B), 10.0 + MISSING_GRACE_S / 2)  # the same again by a new list
    assert sight.is_settled(10.0 + MISSING_GRACE_S)
    sight.note(item(A, "False"), 20.0)
    assert not sight.is_settled(20.0 + MISSING_GRACE_S)


def test_strangers_are_passed_over() -> None:
    sight = widgets(item(key(WIDGETS, "stranger")), key(WIDGETS, "stranger"), listed())

    assert set(sight.health) == {A, B}


def test_only_what_was_well_at_first_sight_is_bad_news_when_it_fails() -> None:
    sight = widgets(stalled(A), item(B, "False"), listed(A, B))
    sight.note(stalled(A), 1.0)
    before = sight.has_bad_news

    sight.note(stalled(B), 2.0)

    assert (before, sight.has_bad_news) == (False, True)


@pytest.mark.parametrize("end", [JOB, item(JOB, deletionTimestamp="2026-01-01T00:00:00Z")])
def test_a_job_that_has_gone_has_run(end: ObjectKey | Mapping[str, object]) -> None:
    sight = Sight(JOBS, [JOB], given_up=())
    sight.note(item(JOB), 0.0)
    sight.note(listed(JOB), 0.0)

    sight.note(end, 1.0)

    assert sight.health[JOB].is_current


def test_a_job_that_failed_before_it_went_has_failed() -> None:
    sight = Sight(JOBS, [JOB], given_up=())
    sight.note(item(JOB), 0.0)
    sight.note(listed(JOB), 0.0)
    condition = {"type": "Failed", "status": "True", "message": "no way"}
    sight.note({**item(JOB), "status": {"conditions": [condition]}}, 1.0)

    sight.note(JOB, 2.0)

    assert sight.health[JOB].status is Status.FAILED


def test_the_workloads_whose_pods_are_of_interest_are_those_that_are_not_well() -> None:
    web = key(DEPLOYMENTS, "web")
    sight = Sight(DEPLOYMENTS, [web], given_up=())
    sight.note(item(web), 0.0)
    assert [owner.selector for owner in sight.owners.values()] == ["app=web"]
    paused = {**item(web), "metadata": {"name": "web", "namespace": "shop", "uid": ""}}
    sight.note(paused, 1.0)
    assert sight.owners == {}

    sight.note(item(web), 2.0)
    sight.note(web, 3.0)

    assert sight.owners == {}
