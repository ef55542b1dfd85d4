"""Syncs with an API server that is busy, broken or silent, by a proxy in front of a real one."""

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from lab.authority import Authority
from lab.control_plane import ControlPlane
from reconciler.adapters.cluster import connection
from reconciler.adapters.cluster.cluster import KubernetesCluster
from reconciler.core.objects.report import Action
from reconciler.errors import BusyError, ClusterError, NoAnswerError, NotServedError
from reconciler.pipeline.apply import CUT_OFF
from reconciler.settings import ClusterSettings
from reconciler.stop import Stop
from tests.adapters.cluster_world import Cluster, config_map
from tests.adapters.raw_requests import Raw
from tests.simulators.fault_proxy import (
    Answer,
    Cut,
    CutAnswer,
    Delay,
    Drip,
    FaultProxy,
    Stall,
    until,
)

pytestmark = pytest.mark.cluster

BUSY = Answer(429, {"Retry-After": "0"})
OVERLOADED = Answer(503, {"Retry-After": "0"})
UNAVAILABLE = Answer(503)
OUTDATED = Answer(
    409,
    body=b'{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Conflict",'
    b'"message":"the object has been modified","code":409}',
)
SERVICE = """\
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80}]}
"""


@pytest.fixture(scope="module")
def running(
    control_plane: ControlPlane, authority: Authority, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[FaultProxy]:
    folder = tmp_path_factory.mktemp("proxy")
    with FaultProxy(control_plane.kubeconfig, authority, folder) as proxy:
        yield proxy


@pytest.fixture
def proxy(running: FaultProxy) -> FaultProxy:
    running.reset()
    return running


@pytest.fixture
def cluster(control_plane: ControlPlane, proxy: FaultProxy) -> Cluster:
    return replace(Cluster.fresh(control_plane), kubeconfig=proxy.kubeconfig)


def connected(proxy: FaultProxy, stop: Stop | None = None) -> KubernetesCluster:
    return KubernetesCluster.connect(ClusterSettings(kubeconfig=proxy.kubeconfig), stop=stop)


def asked(proxy: FaultProxy, method: str) -> list[str]:
    return [each for each in proxy.requests if each.startswith(method)]


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(BUSY, id="429"),
        pytest.param(OVERLOADED, id="503"),
        pytest.param(Answer(504, {"Retry-After": "0"}), id="504"),
    ],
)
def test_an_api_server_that_asks_for_time_twice_is_given_it_everywhere(
    cluster: Cluster, proxy: FaultProxy, fault: Answer
) -> None:
    cluster.sync(config_map("gone"), config_map("a"))
    for method in ("GET", "PUT", "PATCH", "DELETE"):
        proxy.on(method, "/", fault, times=2)

    synced = cluster.sync(config_map("a", "2"), SERVICE)

    assert synced.problems == ()
    assert cluster.names("configmap") == ["a"]


def test_one_object_that_is_always_refused_for_time_holds_back_itself_alone(
    cluster: Cluster, proxy: FaultProxy
) -> None:
    proxy.on("PATCH", "/configmaps/b", BUSY)

    synced = cluster.sync(config_map("a"), config_map("b"), config_map("c"))

    assert len(synced.problems) == 1
    assert isinstance(synced.problems[0], ClusterError)
    assert cluster.names("configmap") == ["a", "c"]
    assert len([each for each in asked(proxy, "PATCH") if "/configmaps/b?" in each]) == 3


def test_an_api_server_that_always_asks_for_time_is_soon_left_alone(
    cluster: Cluster, proxy: FaultProxy
) -> None:
    texts = [config_map(f"c{number:03}") for number in range(100)]
    proxy.on("PATCH", "/", BUSY)

    synced = cluster.sync(*texts)

    left = [each for each in synced.report.objects if each.reason == CUT_OFF]
    assert len(left) > 50
    assert len(asked(proxy, "PATCH")) < 100
    assert all(isinstance(problem, ClusterError) for problem in synced.problems)


def test_a_wait_for_a_busy_api_server_ends_when_that_is_asked_for(proxy: FaultProxy) -> None:
    stop = Stop()
    cluster = connected(proxy, stop)
    proxy.on("GET", "/", Answer(429, {"Retry-After": "3600"}))

    def ask() -> None:
        until(lambda: bool(proxy.requests))
        stop.ask()

    asking = threading.Thread(target=ask)
    asking.start()

    with pytest.raises(BusyError):
        cluster.uid()

    asking.join()
    assert len(proxy.requests) == 1
    cluster.close()


def test_a_kind_that_cannot_be_listed_holds_back_its_objects_and_all_pruning(
    cluster: Cluster, proxy: FaultProxy
) -> None:
    cluster.sync(SERVICE, config_map("a"), config_map("gone"))
    proxy.on("GET", "/services", UNAVAILABLE)

    synced = cluster.sync(SERVICE, config_map("a", "2"))
    proxy.reset()
    again = cluster.sync(SERVICE, config_map("a", "2"))

    assert [str(problem).partition(":")[0] for problem in synced.problems] == ["services in v1"]
    assert all(isinstance(problem, ClusterError) for problem in synced.problems)
    assert cluster.actions(synced)["configmap/a"] is Action.CONFIGURED
    assert cluster.actions(synced)["service/web"] is Action.SKIPPED
    assert again.problems == ()
    assert cluster.actions(again)["service/web"] is Action.UNCHANGED
    assert cluster.actions(again)["configmap/gone"] is Action.DELETED


def test_who_writes_at_the_same_time_does_not_keep_us_from_applying_and_deleting(
    cluster: Cluster, proxy: FaultProxy
) -> None:
    cluster.sync(config_map("gone"), config_map("a"))
    proxy.on("PATCH", "/configmaps/a", OUTDATED, times=3)
    proxy.on("DELETE", "/configmaps/gone", OUTDATED, times=3)

    synced = cluster.sync(config_map("a", "2"))

    assert synced.problems == ()
    assert cluster.names("configmap") == ["a"]


def test_who_always_writes_at_the_same_time_makes_it_transient(
    cluster: Cluster, proxy: FaultProxy
) -> None:
    proxy.on("PATCH", "/configmaps/a", OUTDATED)

    synced = cluster.sync(config_map("a"), config_map("b"))

    assert [type(problem) for problem in synced.problems] == [ClusterError]
    assert "has been modified" in str(synced.problems[0])
    assert cluster.actions(synced)["configmap/b"] is Action.CREATED


def test_what_kubectl_applied_becomes_ours_though_a_controller_writes_at_the_same_time(
    cluster: Cluster, proxy: FaultProxy, control_plane: ControlPlane
) -> None:
    raw = Raw(control_plane, cluster.namespace)
    theirs = {"metadata": {"name": "a"}, "data": {"key": "theirs", "gone": "from Git"}}
    raw.post(raw.path("ConfigMap"), theirs, manager="kubectl-client-side-apply")
    proxy.on("PATCH", "/configmaps/a$", OUTDATED, times=3)  # the apply has a query

    synced = cluster.sync(config_map("a", "ours"))

    assert synced.problems == ()
    assert raw.get(raw.path("ConfigMap", "a"))["data"] == {"key": "ours"}
    raw.close()


@pytest.mark.parametrize("method", ["GET", "PATCH"])
@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(Cut(), id="unheard"),
        pytest.param(Cut(is_forwarded=True), id="carried-out"),
        pytest.param(CutAnswer(50), id="in-the-headers"),
        pytest.param(CutAnswer(400), id="in-the-body"),
    ],
)
def test_a_connection_that_breaks_once_is_not_noticed(
    cluster: Cluster, proxy: FaultProxy, method: str, fault: Cut | CutAnswer
) -> None:
    proxy.on(method, "/", fault, times=1)

    synced = cluster.sync(config_map("a"))

    assert synced.problems == ()
    assert cluster.actions(synced)["configmap/a"] in (Action.CREATED, Action.CONFIGURED)


@pytest.mark.parametrize("after_bytes", [20, 100, 300, 500])
def test_a_list_that_is_cut_is_never_taken_for_an_empty_one(
    cluster: Cluster, proxy: FaultProxy, after_bytes: int
) -> None:
    cluster.sync(config_map("a"), config_map("b"))
    proxy.on("GET", "/configmaps[?]", CutAnswer(after_bytes))

    with pytest.raises(NoAnswerError):
        cluster.sync(config_map("a"), config_map("b"))

    proxy.reset()
    again = cluster.sync(config_map("a"))
    assert again.problems == ()
    assert cluster.actions(again)["configmap/a"] is Action.UNCHANGED
    assert cluster.actions(again)["configmap/b"] is Action.DELETED


def test_a_kind_that_is_served_by_word_alone_is_tried_twice_and_then_stalled(
    cluster: Cluster, proxy: FaultProxy
) -> None:
    proxy.on("PATCH", "/configmaps/a[?]", Answer(404, body=b"404 page not found\n"))

    synced = cluster.sync(config_map("a"), config_map("b"), SERVICE)

    assert [type(problem) for problem in synced.problems] == [NotServedError]
    assert cluster.actions(synced)["configmap/b"] is Action.CREATED
    assert len([each for each in asked(proxy, "PATCH") if "/configmaps/a?" in each]) == 2


def test_what_creates_or_replaces_is_not_sent_twice(cluster: Cluster, proxy: FaultProxy) -> None:
    proxy.on("POST", "/configmaps", Cut(is_forwarded=True), times=1)

    with pytest.raises(NoAnswerError):
        cluster.sync(config_map("a"))

    assert len([each for each in asked(proxy, "POST") if "/configmaps" in each]) == 1
    assert cluster.sync(config_map("a")).problems == ()


def test_two_sources_that_make_the_namespace_of_their_state_at_once_both_begin(
    cluster: Cluster, proxy: FaultProxy
) -> None:
    cluster.control_plane.kubectl("create", "namespace", f"{cluster.namespace}-state")
    proxy.on("GET", f"/namespaces/{cluster.namespace}-state$", Answer(404), times=1)

    assert cluster.sync(config_map("a")).problems == ()


def test_an_api_server_that_says_nothing_is_not_waited_for_for_ever(
    proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster = connected(proxy)
    monkeypatch.setattr(connection, "READ_TIMEOUT_S", 0.5)
    proxy.on("GET", "/", Stall())

    with pytest.raises(NoAnswerError, match="did not answer in time"):
        cluster.uid()

    assert len(proxy.requests) == 1
    cluster.close()


def test_an_answer_that_never_comes_to_its_end_is_not_waited_for_for_ever(
    proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster = connected(proxy)
    monkeypatch.setattr(connection, "ANSWER_S", 1.0)
    proxy.on("GET", "/", Drip(0.05))

    with pytest.raises(NoAnswerError, match="did not answer in time"):
        cluster.uid()

    assert len(proxy.requests) == 1
    cluster.close()


def test_an_api_server_that_is_slow_is_waited_for(cluster: Cluster, proxy: FaultProxy) -> None:
    proxy.on("PATCH", "/", Delay(1.0))

    assert cluster.sync(config_map("a"), config_map("b")).problems == ()


def test_a_certificate_of_a_strange_authority_is_told_and_not_tried_again(
    proxy: FaultProxy, tmp_path: Path
) -> None:
    config = json.loads(proxy.kubeconfig.read_text())
    strange = Authority(tmp_path / "strange")
    config["clusters"][0]["cluster"]["certificate-authority"] = str(strange.ca_file)
    path = tmp_path / "kubeconfig"
    path.write_text(json.dumps(config))
    cluster = KubernetesCluster.connect(ClusterSettings(kubeconfig=path))

    with pytest.raises(NoAnswerError, match="certificate verify failed"):
        cluster.uid()

    assert proxy.requests == []
    cluster.close()
