"""Kinds that come while a sync runs, later, changed, or never, on a real API server."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from lab.authority import Authority
from lab.control_plane import ControlPlane
from reconciler.core.objects.report import Action
from reconciler.errors import ClusterError, NotServedError, RefusedError
from reconciler.pipeline.patience import Patience
from tests.adapters.cluster_world import Cluster, config_map
from tests.adapters.raw_requests import Raw
from tests.simulators.aggregated_api import AggregatedApi
from tests.simulators.fault_proxy import until

pytestmark = pytest.mark.cluster

DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
OPERATOR = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: operator}
spec:
  replicas: 0
  selector: {matchLabels: {app: operator}}
  template:
    metadata: {labels: {app: operator}}
    spec: {containers: [{name: operator, image: "operator:1"}]}
"""


class Kind:
    """A kind of a test's own, by its definition and its objects."""

    def __init__(self, namespace: str) -> None:
        self.plural = f"{namespace.replace('-', '')}s"
        self.kind = self.plural[:-1].capitalize()

    @property
    def path(self) -> str:
        return f"{DEFINITIONS}/{self.plural}.late.example"

    def definition(self, *versions: str, fields: tuple[str, ...] = ("size",)) -> Mapping[str, Any]:
        """Return its definition; of the versions the last one is stored."""
        properties = {name: {"type": "integer"} for name in fields}
        spec = {"type": "object", "properties": properties}
        schema = {"openAPIV3Schema": {"type": "object", "properties": {"spec": spec}}}
        names = {"plural": self.plural, "singular": self.plural[:-1], "kind": self.kind}
        return {
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {"name": f"{self.plural}.late.example"},
            "spec": {
                "group": "late.example",
                "scope": "Namespaced",
                "names": names,
                "versions": [
                    {
                        "name": name,
                        "served": True,
                        "storage": name == versions[-1],
                        "schema": schema,
                    }
                    for name in versions
                ],
            },
        }

    def object(self, version: str = "v1", spec: Mapping[str, int] | None = None) -> str:
        """Return a manifest of one of its objects, which names no namespace."""
        named = {"metadata": {"name": "one"}, "spec": spec or {"size": 1}}
        return json.dumps({"apiVersion": f"late.example/{version}", "kind": self.kind, **named})


@pytest.fixture
def cluster(control_plane: ControlPlane) -> Cluster:
    return Cluster.fresh(control_plane)


@pytest.fixture
def kind(cluster: Cluster) -> Iterator[Kind]:
    kind = Kind(cluster.namespace)
    yield kind
    cluster.control_plane.kubectl(
        "delete",
        "customresourcedefinition",
        f"{kind.plural}.late.example",
        "--ignore-not-found",
        "--wait=false",
    )


@pytest.fixture
def raw(cluster: Cluster) -> Iterator[Raw]:
    raw = Raw(cluster.control_plane, cluster.namespace)
    yield raw
    raw.close()


def text(definition: Mapping[str, Any]) -> str:
    return json.dumps(definition)


def has(raw: Raw, kind: str, name: str, api_version: str) -> bool:
    items = raw.get(raw.path(kind, "", api_version))["items"]
    return any(item["metadata"]["name"] == name for item in items)


def beside(work: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=work)
    thread.start()
    return thread


def test_a_kind_that_an_operator_of_the_same_revision_installs_is_waited_for(
    cluster: Cluster, kind: Kind, raw: Raw
) -> None:
    def operate() -> None:
        until(lambda: has(raw, "Deployment", "operator", "apps/v1"))
        raw.post(DEFINITIONS, kind.definition("v1"), manager="operator")

    texts = [kind.object(), OPERATOR, config_map("a")]
    operator = beside(operate)
    first = cluster.sync(*texts, timeout_s=60.0)
    operator.join()
    mark = cluster.control_plane.mark()
    again = cluster.sync(*texts)

    assert (first.problems, again.problems) == ((), ())
    assert set(cluster.actions(first).values()) == {Action.CREATED}
    assert set(cluster.actions(again).values()) == {Action.UNCHANGED}
    assert len(again.report.objects) == 3
    assert [each.resource for each in cluster.control_plane.writes(since=mark)] == ["configmaps"]


def test_what_comes_late_is_pruned_like_anything_else(
    cluster: Cluster, kind: Kind, raw: Raw
) -> None:
    def operate() -> None:
        until(lambda: has(raw, "Deployment", "operator", "apps/v1"))
        raw.post(DEFINITIONS, kind.definition("v1"), manager="operator")

    operator = beside(operate)
    cluster.sync(kind.object(), OPERATOR, timeout_s=60.0)
    operator.join()
    gone = cluster.sync(OPERATOR)
    again = cluster.sync(OPERATOR)

    name = f"{kind.kind.lower()}/one"
    assert (gone.problems, again.problems) == ((), ())
    assert cluster.actions(gone)[name] is Action.DELETED
    assert name not in cluster.actions(again)


def test_a_kind_that_never_comes_is_transient_for_a_time_and_then_stalled_alone(
    cluster: Cluster, kind: Kind
) -> None:
    now = [0.0]
    patience = Patience(now=lambda: now[0])
    texts = [kind.object(), OPERATOR, config_map("a")]

    first = cluster.sync(*texts, patience=patience, wait=False)
    now[0] = 10.0
    second = cluster.sync(*texts, patience=patience, wait=False)
    now[0] = 30.0
    third = cluster.sync(*texts, patience=patience, wait=False)

    for synced in (first, second):
        assert [type(problem) for problem in synced.problems] == [ClusterError]
        assert f"does not serve {kind.kind} in late.example/v1 yet" in str(synced.problems[0])
    assert [type(problem) for problem in third.problems] == [NotServedError]
    assert cluster.actions(third)["configmap/a"] is Action.UNCHANGED
    assert cluster.actions(third)[f"{kind.kind.lower()}/one"] is Action.SKIPPED


def test_a_kind_that_never_comes_is_waited_for_no_longer_than_health(
    cluster: Cluster, kind: Kind
) -> None:
    synced = cluster.sync(kind.object(), OPERATOR, config_map("a"), timeout_s=2.0)

    assert [type(problem) for problem in synced.problems] == [NotServedError]
    assert "a" in cluster.names("configmap")


def test_a_version_that_the_revision_itself_does_not_define_is_not_waited_for(
    cluster: Cluster, kind: Kind
) -> None:
    synced = cluster.sync(text(kind.definition("v1")), kind.object("v7"), timeout_s=3600.0)

    assert [type(problem) for problem in synced.problems] == [NotServedError]


def test_a_kind_whose_definition_is_refused_is_not_waited_for(cluster: Cluster, kind: Kind) -> None:
    refused = kind.definition("v1")
    refused["spec"]["names"]["singular"] = "No Name"

    synced = cluster.sync(text(refused), kind.object(), OPERATOR, timeout_s=3600.0)

    definition, custom = synced.problems
    assert isinstance(definition, RefusedError)
    assert isinstance(custom, ClusterError)
    assert str(custom).endswith("late.example/v1: its definition was not applied")


@pytest.mark.parametrize("api_version", ["apps/v1", "apps/v1beta2", "v1", "nowhere/v1"])
def test_a_kind_that_no_definition_can_bring_is_not_waited_for(
    cluster: Cluster, api_version: str
) -> None:
    slip = OPERATOR.replace("apps/v1", api_version).replace("Deployment", "Deploymnet")

    synced = cluster.sync(slip, OPERATOR, timeout_s=3600.0)

    assert [type(problem) for problem in synced.problems] == [NotServedError]
    assert cluster.actions(synced)["deployment/operator"] is Action.CREATED


def test_a_definition_gets_a_version_and_its_object_too_in_one_cycle(
    cluster: Cluster, kind: Kind
) -> None:
    assert cluster.sync(text(kind.definition("v1")), kind.object()).problems == ()

    synced = cluster.sync(text(kind.definition("v1", "v2")), kind.object("v2", {"size": 2}))

    assert synced.problems == ()
    assert set(cluster.actions(synced).values()) == {Action.CONFIGURED}


def test_a_definition_gets_a_field_and_its_object_too_in_one_cycle(
    cluster: Cluster, kind: Kind
) -> None:
    fields = ["size"]
    for number in range(5):
        fields.append(f"field{number}")
        wanted = kind.object("v1", dict.fromkeys(fields, number))

        synced = cluster.sync(text(kind.definition("v1", fields=tuple(fields))), wanted)

        assert synced.problems == ()


def test_a_kind_that_is_going_is_transient(cluster: Cluster, kind: Kind, raw: Raw) -> None:
    held = json.loads(kind.object())
    held["metadata"]["finalizers"] = ["late.example/hold"]
    texts = [text(kind.definition("v1")), json.dumps(held)]
    assert cluster.sync(*texts).problems == ()
    second = json.loads(kind.object())
    second["metadata"]["name"] = "two"
    raw.delete(kind.path)

    try:
        synced = cluster.sync(*texts, json.dumps(second), timeout_s=2.0)
    finally:
        path = f"/apis/late.example/v1/namespaces/{cluster.namespace}/{kind.plural}/one"
        raw.patch(path, {"metadata": {"finalizers": None}})

    told = "\n".join(map(str, synced.problems))
    assert "is terminating" in told
    assert all(isinstance(problem, ClusterError) for problem in synced.problems), told


def test_a_version_is_given_up_by_definition_and_object_in_one_cycle(
    cluster: Cluster, kind: Kind, raw: Raw
) -> None:
    old, both = kind.definition("v1"), kind.definition("v1", "v2")
    fields = {"size": 1, "gone": 1}
    old["spec"]["versions"][0]["schema"] = both["spec"]["versions"][0]["schema"] = _open_schema()
    both["spec"]["versions"][1]["schema"] = _open_schema()
    assert cluster.sync(text(old), kind.object("v1", fields)).problems == ()
    assert cluster.sync(text(both), kind.object("v1", fields)).problems == ()
    _store_anew(raw, kind)

    new = {**both, "spec": {**both["spec"], "versions": both["spec"]["versions"][1:]}}
    synced = cluster.sync(text(new), kind.object("v2", {"size": 2}))
    again = cluster.sync(text(new), kind.object("v2", {"size": 2}))

    assert (synced.problems, again.problems) == ((), ())
    assert set(cluster.actions(again).values()) == {Action.UNCHANGED}
    found = raw.get(f"/apis/late.example/v2/namespaces/{cluster.namespace}/{kind.plural}/one")
    assert found["spec"] == {"size": 2}


def _open_schema() -> Mapping[str, Any]:
    spec = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    return {"openAPIV3Schema": {"type": "object", "properties": {"spec": spec}}}


def _store_anew(raw: Raw, kind: Kind) -> None:
    """Do what must be done before a definition may give up a version that was stored."""
    path = f"/apis/late.example/v1/namespaces/{raw.namespace}/{kind.plural}/one"
    raw.put(path, raw.get(path))
    raw.patch(f"{kind.path}/status", {"status": {"storedVersions": ["v2"]}})


@pytest.fixture
def api(cluster: Cluster, authority: Authority, tmp_path: Path) -> Iterator[AggregatedApi]:
    group = f"{cluster.namespace}.aggregated.example"
    with AggregatedApi(group, authority, tmp_path) as api:
        yield api
        cluster.control_plane.kubectl(
            "delete", "apiservice", f"v1.{group}", "--ignore-not-found", "--wait=true"
        )


def test_an_aggregated_api_is_waited_for_and_its_objects_applied_in_one_cycle(
    cluster: Cluster, api: AggregatedApi
) -> None:
    named = {"metadata": {"name": "one"}, "spec": {"size": 1}}
    thing = json.dumps({"apiVersion": f"{api.group}/v1", "kind": "Thing", **named})
    texts = [thing, config_map("a"), *api.manifests("things", cluster.namespace)]

    first = cluster.sync(*texts, timeout_s=60.0)
    again = cluster.sync(*texts)

    assert (first.problems, again.problems) == ((), ())
    assert list(api.things) == [f"/apis/{api.group}/v1/namespaces/{cluster.namespace}/things/one"]
    assert set(cluster.actions(again).values()) == {Action.UNCHANGED}


def test_an_aggregated_api_that_is_down_holds_back_its_own_objects(
    cluster: Cluster, api: AggregatedApi
) -> None:
    named = {"metadata": {"name": "one"}, "spec": {"size": 1}}
    thing = json.dumps({"apiVersion": f"{api.group}/v1", "kind": "Thing", **named})
    texts = [thing, *api.manifests("things", cluster.namespace)]
    assert cluster.sync(*texts, config_map("gone"), timeout_s=60.0).problems == ()

    api.is_up = False
    down = cluster.sync(*texts, config_map("a"), wait=False)
    api.is_up = True

    def is_well() -> bool:
        return cluster.sync(*texts, config_map("a"), wait=False).problems == ()

    assert down.problems
    assert all(isinstance(problem, ClusterError) for problem in down.problems), down.problems
    assert cluster.actions(down)["configmap/a"] is Action.CREATED
    until(is_well)
    assert cluster.names("configmap") == ["a"]
    assert len(api.things) == 1
