"""Every way of changing an object that is ours to mend is found; what is theirs is left alone."""

import json
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from lab.control_plane import ControlPlane
from reconciler.adapters.cluster.cluster import KubernetesCluster
from reconciler.core.objects.applyset import PART_OF_LABEL
from reconciler.core.objects.identity import GroupKind
from reconciler.core.objects.live import FIELD_MANAGER
from reconciler.core.objects.report import Action
from reconciler.settings import ClusterSettings, SyncSettings
from tests.adapters.cluster_world import Cluster
from tests.adapters.raw_requests import Raw
from tests.adapters.ways import DEFINITION, DEFINITIONS, OURS, THEIRS, Way
from tests.simulators.fault_proxy import until

pytestmark = pytest.mark.cluster

_OF_THE_SERVER = {
    "creationTimestamp", "generation", "managedFields", "resourceVersion", "selfLink", "uid",
}  # fmt: skip


@dataclass(frozen=True)
class Story:
    """What became of the objects of some ways, each by the way's name.

    Attributes:
        before: as they were applied.
        changed: as somebody made them.
        after: after the next sync.
        actions: what that sync did.
        again: what the sync after it did.
        writes: what these two wrote, by name; our memory left out.
    """

    before: Mapping[str, Mapping[str, Any]]
    changed: Mapping[str, Mapping[str, Any] | None]
    after: Mapping[str, Mapping[str, Any]]
    actions: Mapping[str, Action]
    again: Mapping[str, Action]
    writes: tuple[Sequence[str], Sequence[str]]


def told(plane: ControlPlane, ways: Sequence[Way], namespace: str) -> Story:
    """Apply the objects, change them, and sync twice."""
    raw = Raw(plane, namespace)
    raw.make_namespace(namespace)
    cluster = Cluster(plane, namespace, SyncSettings(wait=False, timeout_s=60.0))
    texts = [json.dumps(way.text) for way in ways]
    assert cluster.sync(*texts).problems == ()
    applied_s = int(time.time())
    before = {way.name: raw.get(way.path(raw)) for way in ways}
    until(lambda: int(time.time()) > applied_s)  # managed fields know the time to the second
    for way in ways:
        way.change(raw, way.path(raw), before[way.name])
    changed = {way.name: _get(raw, way) for way in ways}

    def written(since: int) -> Sequence[str]:
        found = plane.writes(since=since)
        return sorted(each.name for each in found if each.namespace == namespace)

    mark = plane.mark()
    synced = cluster.sync(*texts)
    first, mark = written(mark), plane.mark()
    after = {way.name: raw.get(way.path(raw)) for way in ways}
    again = cluster.sync(*texts)
    assert (synced.problems, again.problems) == ((), ())
    changes = sum(report.is_change for report in synced.report.objects)
    assert (synced.report.mended, again.report.mended) == (changes, 0)  # Git is the same
    raw.close()
    return Story(
        before,
        changed,
        after,
        {report.key.name: report.action for report in synced.report.objects},
        {report.key.name: report.action for report in again.report.objects},
        (first, written(mark)),
    )


def _get(raw: Raw, way: Way) -> Mapping[str, Any] | None:
    items = raw.get(way.path(raw).rpartition("/")[0])["items"]
    return next((item for item in items if item["metadata"]["name"] == way.name), None)


def content(item: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """Return what people and programs say of an object, without what the API server counts."""
    if item is None:
        return None
    metadata = {n: v for n, v in item["metadata"].items() if n not in _OF_THE_SERVER}
    notes = metadata.get("annotations", {}).items()  # the controller may count on at any time
    metadata["annotations"] = {n: v for n, v in notes if n != "deployment.kubernetes.io/revision"}
    rest = {n: v for n, v in item.items() if n not in ("status", "apiVersion", "kind")}
    return {**rest, "metadata": metadata}


def wanted(way: Way, item: Mapping[str, Any]) -> object:
    """Return what Git says of an object, as the cluster has it."""
    spec = {name: value for name, value in way.text.items() if name != "stringData"}
    return _part(item, {**spec, **({"data": {"password": ""}} if "stringData" in way.text else {})})


def _part(item: object, like: object) -> object:
    """Return the part of a value that another one names."""
    if isinstance(like, Mapping) and isinstance(item, Mapping):
        return {name: _part(item.get(name), each) for name, each in like.items()}
    return item


def our_fields(item: Mapping[str, Any]) -> object:
    """Return the fields that are ours by the API server's account."""
    entries = item["metadata"]["managedFields"]
    ours = [each for each in entries if each["manager"] == FIELD_MANAGER]
    return [(each["operation"], each["fieldsV1"]) for each in ours]


@pytest.fixture(scope="module")
def plane(control_plane: ControlPlane) -> Iterator[ControlPlane]:
    """The control plane, when it serves the kind that some ways are about."""
    raw = Raw(control_plane, "default")
    cluster = KubernetesCluster.connect(ClusterSettings(kubeconfig=control_plane.kubeconfig))
    raw.post(DEFINITIONS, DEFINITION)
    until(lambda: (GroupKind("ways.example", "Way"), "v1") in cluster.served().resources)
    yield control_plane
    raw.delete(f"{DEFINITIONS}/{DEFINITION['metadata']['name']}")
    raw.close()
    cluster.close()


@pytest.fixture(scope="module")
def ours(plane: ControlPlane) -> Story:
    return told(plane, OURS, f"ours-{os.getpid()}")


@pytest.fixture(scope="module")
def theirs(plane: ControlPlane) -> Story:
    return told(plane, THEIRS, f"theirs-{os.getpid()}")


@pytest.mark.parametrize("way", OURS, ids=lambda way: way.name)
def test_a_change_of_what_is_ours_is_found_and_mended_once(ours: Story, way: Way) -> None:
    after = ours.after[way.name]

    assert ours.changed[way.name] != ours.before[way.name]
    assert ours.actions[way.name] in (Action.CONFIGURED, Action.CREATED)
    assert wanted(way, after) == wanted(way, ours.before[way.name])
    assert our_fields(after) == our_fields(ours.before[way.name])
    assert PART_OF_LABEL in after["metadata"]["labels"]
    assert ours.again[way.name] is Action.UNCHANGED


@pytest.mark.parametrize("way", THEIRS, ids=lambda way: way.name)
def test_a_change_of_what_is_theirs_is_left_alone(theirs: Story, way: Way) -> None:
    assert theirs.actions[way.name] is Action.UNCHANGED
    assert content(theirs.after[way.name]) == content(theirs.changed[way.name])


def test_what_is_mended_is_sent_once_or_twice_and_then_never_again(ours: Story) -> None:
    first, second = ours.writes

    assert set(first) == {way.name for way in OURS}
    assert max(first.count(way.name) for way in OURS) <= 2  # as asked, and with force
    assert second == []


def test_nothing_is_sent_for_what_is_theirs(theirs: Story) -> None:
    assert theirs.writes == ([], [])
