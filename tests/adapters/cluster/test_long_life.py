"""A connection that lives long: credentials are replaced, watches are cut, kinds come and go."""

import json
import threading
import time
from pathlib import Path

import pytest

from lab.control_plane import ControlPlane
from reconciler.adapters.cluster.cluster import KubernetesCluster
from reconciler.core.objects.identity import GroupKind
from reconciler.core.objects.resource import Listed
from reconciler.errors import AccessDeniedError, SettingsError
from reconciler.settings import ClusterSettings
from reconciler.stop import Stop

pytestmark = pytest.mark.cluster


def kubeconfig(control_plane: ControlPlane, path: Path, *, token: str) -> None:
    """Write a kubeconfig with a token, in one step, as a kubelet renews a mounted file."""
    config = json.loads(control_plane.kubeconfig.read_text())
    if token:
        config["users"][0]["user"]["token"] = token
    new = path.with_suffix(".new")
    new.write_text(json.dumps(config))
    new.replace(path)


def test_a_kubeconfig_that_was_replaced_is_read_again_when_its_token_is_refused(
    control_plane: ControlPlane, tmp_path: Path
) -> None:
    path = tmp_path / "kubeconfig"
    kubeconfig(control_plane, path, token="expired")
    cluster = KubernetesCluster.connect(ClusterSettings(kubeconfig=path))
    for _ in range(2):
        with pytest.raises(AccessDeniedError, match="credentials refused"):
            cluster.served()
    path.write_text("{")
    with pytest.raises(AccessDeniedError, match="credentials refused"):
        cluster.served()

    kubeconfig(control_plane, path, token="")

    assert len(cluster.uid()) == 8
    cluster.close()


def test_no_configuration_is_a_wrong_setting(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="no such file"):
        KubernetesCluster.connect(ClusterSettings(kubeconfig=tmp_path / "none"))


def test_a_kind_that_is_defined_later_is_seen(control_plane: ControlPlane) -> None:
    kind = GroupKind("long-life.example", "Late")
    cluster = KubernetesCluster.connect(ClusterSettings(kubeconfig=control_plane.kubeconfig))
    assert (kind, "v1") not in cluster.served().resources

    control_plane.kubectl("apply", "-f", "-", stdin=_DEFINITION)
    deadline = time.monotonic() + 60
    while (kind, "v1") not in cluster.served().resources:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    control_plane.kubectl("delete", "-f", "-", stdin=_DEFINITION)

    cluster.close()


def test_a_watch_that_nobody_needs_any_more_ends_at_once(
    control_plane: ControlPlane, cluster_namespace: str
) -> None:
    cluster = KubernetesCluster.connect(ClusterSettings(kubeconfig=control_plane.kubeconfig))
    resource = cluster.served().resources[(GroupKind("", "ConfigMap"), "v1")]
    until = Stop()
    seen: list[object] = []

    def watch() -> None:
        events = cluster.watch(
            resource,
            part_of="applyset-nobody",
            namespaces=[cluster_namespace],
            timeout_s=600.0,
            until=until,
        )
        seen.extend(events)

    watching = threading.Thread(target=watch, daemon=True)
    watching.start()
    time.sleep(1.0)
    assert watching.is_alive()
    until.ask()
    watching.join(60)

    assert not watching.is_alive()
    assert set(seen) <= {Listed()}  # no object; on a busy machine not even the list's end
    cluster.close()


_DEFINITION = """\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: lates.long-life.example}
spec:
  group: long-life.example
  scope: Namespaced
  names: {plural: lates, singular: late, kind: Late, listKind: LateList}
  versions:
  - name: v1
    served: true
    storage: true
    schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
"""
