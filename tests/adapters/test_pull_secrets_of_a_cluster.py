"""Registry secrets of a real API server: types, rights, and failures."""

import base64
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lab.control_plane import ControlPlane
from reconciler.adapters.cluster.on_demand import OnDemand
from reconciler.adapters.cluster.pull_secrets import ClusterPullSecrets, _decoded
from reconciler.errors import AccessDeniedError, ClusterError, RefusedError, SettingsError
from reconciler.settings import ClusterSettings

pytestmark = pytest.mark.cluster

CANARY = "canary-7f3a"
CONFIG = f'{{"auths":{{"r.example":{{"username":"robot","password":"{CANARY}"}}}}}}'
LEGACY = f'{{"r.example":{{"username":"robot","password":"{CANARY}"}}}}'
ROLE = """\
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: pull-secrets}
rules:
- {apiGroups: [""], resources: [secrets], verbs: [get], resourceNames: [regcred]}
- {apiGroups: [""], resources: [serviceaccounts], verbs: [get]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: pull-secrets}
subjects: [{kind: User, apiGroup: rbac.authorization.k8s.io, name: limited}]
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: pull-secrets}
"""

Open = Callable[[Path], ClusterPullSecrets]


@pytest.fixture
def opened() -> Iterator[Open]:
    connections: list[OnDemand] = []

    def open_as(kubeconfig: Path) -> ClusterPullSecrets:
        connections.append(OnDemand(ClusterSettings(kubeconfig=kubeconfig)))
        return ClusterPullSecrets(connections[-1].get)

    yield open_as
    for each in connections:
        each.close()


def secret(kind: str, **data: bytes) -> dict[str, object]:
    """Return the Secret ``regcred``."""
    encoded = {f".{key}": base64.b64encode(value).decode() for key, value in data.items()}
    metadata = {"name": "regcred"}
    return {
        "apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": kind, "data": encoded
    }  # fmt: skip


def put(plane: ControlPlane, namespace: str, kind: str, **data: bytes) -> None:
    body = json.dumps(secret(kind, **data))
    plane.kubectl("-n", namespace, "create", "-f", "-", stdin=body)


def test_both_types_that_the_kubelet_knows_are_read(
    control_plane: ControlPlane, cluster_namespace: str, opened: Open
) -> None:
    secrets = opened(control_plane.kubeconfig)
    put(control_plane, cluster_namespace, "kubernetes.io/dockercfg", dockercfg=LEGACY.encode())

    found = secrets.pull_secret(cluster_namespace, "regcred")

    assert found.is_legacy
    assert found.content.reveal() == LEGACY


def test_what_kubectl_makes_of_a_login_is_read(
    control_plane: ControlPlane, cluster_namespace: str, opened: Open
) -> None:
    control_plane.kubectl(
        "-n", cluster_namespace, "create", "secret", "docker-registry", "regcred",
        "--docker-server=r.example", "--docker-username=robot", f"--docker-password={CANARY}",
    )  # fmt: skip

    found = opened(control_plane.kubeconfig).pull_secret(cluster_namespace, "regcred")

    assert not found.is_legacy
    assert json.loads(found.content.reveal())["auths"]["r.example"]["password"] == CANARY


@pytest.mark.parametrize("kind", ["Opaque", "kubernetes.io/basic-auth", "x" * 100])
def test_a_secret_of_another_type_is_refused_as_the_kubelet_would(
    control_plane: ControlPlane, cluster_namespace: str, opened: Open, kind: str
) -> None:
    data = {"dockerconfigjson": CONFIG.encode()}
    body = secret(kind, **data) | {"stringData": {"username": "robot", "password": CANARY}}
    control_plane.kubectl("-n", cluster_namespace, "create", "-f", "-", stdin=json.dumps(body))

    with pytest.raises(RefusedError) as raised:
        opened(control_plane.kubeconfig).pull_secret(cluster_namespace, "regcred")

    assert str(raised.value) == (
        f"its type is {kind!r}; kubernetes.io/dockerconfigjson or kubernetes.io/dockercfg is needed"
    )
    assert CANARY not in repr(raised.value)


@pytest.mark.parametrize("data", [None, 7, "", "canary!", "/w=="])
def test_a_value_that_holds_no_text_is_told_from_one_that_does(data: object) -> None:
    assert _decoded(data) is None
    assert _decoded("e30=") == "{}"


def test_the_right_to_get_what_is_named_is_enough(
    control_plane: ControlPlane, cluster_namespace: str, opened: Open
) -> None:
    control_plane.kubectl("-n", cluster_namespace, "create", "-f", "-", stdin=ROLE)
    put(
        control_plane,
        cluster_namespace,
        "kubernetes.io/dockerconfigjson",
        dockerconfigjson=CONFIG.encode(),
    )
    secrets = opened(control_plane.kubeconfig_for("limited"))

    assert secrets.pull_secret(cluster_namespace, "regcred").content.reveal() == CONFIG
    assert secrets.pull_secret_names(cluster_namespace, "default") == ()
    with pytest.raises(AccessDeniedError) as raised:
        secrets.pull_secret(cluster_namespace, "other")
    assert str(raised.value) == (
        f"we are not permitted to read it: grant get on secrets in namespace {cluster_namespace}"
    )


def test_without_rights_it_is_said_which_are_missing(
    control_plane: ControlPlane, cluster_namespace: str, opened: Open
) -> None:
    secrets = opened(control_plane.kubeconfig_for("limited"))

    with pytest.raises(AccessDeniedError, match=f"get on secrets in namespace {cluster_namespace}"):
        secrets.pull_secret(cluster_namespace, "regcred")
    with pytest.raises(AccessDeniedError, match="grant get on serviceaccounts in namespace"):
        secrets.pull_secret_names(cluster_namespace, "default")


def test_a_wrong_token_is_told_as_that(control_plane: ControlPlane, opened: Open) -> None:
    secrets = opened(control_plane.kubeconfig_for("nobody", token="wrong"))

    with pytest.raises(AccessDeniedError, match="credentials refused"):
        secrets.pull_secret("default", "regcred")


def test_an_api_server_that_is_down_is_told(tmp_path: Path, opened: Open) -> None:
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "c", "cluster": {"server": "https://127.0.0.1:1"}}],
        "users": [{"name": "u", "user": {"token": "t"}}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "x",
    }
    (tmp_path / "config").write_text(json.dumps(config))

    with pytest.raises(ClusterError, match="cannot connect to the API server"):
        opened(tmp_path / "config").pull_secret("web", "regcred")


def test_a_kubeconfig_that_is_not_there_is_told_when_it_is_needed(
    tmp_path: Path, opened: Open
) -> None:
    secrets = opened(tmp_path / "none")

    with pytest.raises(SettingsError, match="no such file"):
        secrets.pull_secret("web", "regcred")
