"""What every SecretSource promises: the fake, and the real one at a real API server."""

import base64
import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest

from lab.control_plane import ControlPlane
from reconciler.adapters.cluster.cluster import KubernetesCluster
from reconciler.core.images.pull_secret import PullSecret
from reconciler.core.redaction import Secret
from reconciler.errors import NotFoundError, ReconcilerError, RefusedError
from reconciler.pipeline.registry_port import SecretSource
from reconciler.settings import ClusterSettings
from tests.fakes.secrets import FakeSecrets

CONFIG = '{"auths":{"r.example":{"auth":"cm9ib3Q6Y2FuYXJ5LTdmM2E="}}}'


@dataclass
class Side:
    """A namespace of a cluster, and how its secrets are read."""

    source: SecretSource
    namespace: str
    put_secret: Callable[[str], None]
    put_account: Callable[[str, Sequence[str]], None]


@dataclass
class InMemory:
    """The fake's own side."""

    secrets: dict[str, str | ReconcilerError] = field(default_factory=dict)
    accounts: dict[str, Sequence[str] | ReconcilerError] = field(default_factory=dict)

    def put_secret(self, name: str) -> None:
        self.secrets[f"web/{name}"] = CONFIG

    def put_account(self, name: str, secrets: Sequence[str]) -> None:
        self.accounts[f"web/{name}"] = secrets


@dataclass
class InCluster:
    """A real namespace."""

    control_plane: ControlPlane
    namespace: str

    def put_secret(self, name: str) -> None:
        encoded = base64.b64encode(CONFIG.encode()).decode()
        self._apply("Secret", name, type="kubernetes.io/dockerconfigjson",
                    data={".dockerconfigjson": encoded})  # fmt: skip

    def put_account(self, name: str, secrets: Sequence[str]) -> None:
        self._apply("ServiceAccount", name, imagePullSecrets=[{"name": each} for each in secrets])

    def _apply(self, kind: str, name: str, **fields: object) -> None:
        body = {"apiVersion": "v1", "kind": kind, "metadata": {"name": name}, **fields}
        arguments = ("-n", self.namespace, "apply", "--server-side", "--force-conflicts", "-f", "-")
        self.control_plane.kubectl(*arguments, stdin=json.dumps(body))


def fake() -> Side:
    world = InMemory()
    source = FakeSecrets(world.secrets, world.accounts)
    return Side(source, "web", world.put_secret, world.put_account)


@pytest.fixture(params=["fake", pytest.param("real", marks=pytest.mark.cluster)])
def side(request: pytest.FixtureRequest) -> Iterator[Side]:
    if request.param == "fake":
        yield fake()
        return
    control_plane = request.getfixturevalue("control_plane")
    namespace = request.getfixturevalue("cluster_namespace")
    world = InCluster(control_plane, namespace)
    cluster = KubernetesCluster.connect(ClusterSettings(kubeconfig=control_plane.kubeconfig))
    yield Side(cluster.pull_secrets(), namespace, world.put_secret, world.put_account)
    cluster.close()


def test_a_secret_is_read_whole_and_says_where_it_stands(side: Side) -> None:
    side.put_secret("regcred")

    found = side.source.pull_secret(side.namespace, "regcred")

    assert found == PullSecret(f"{side.namespace}/regcred", Secret(CONFIG))
    assert "canary" not in repr(found)
    assert "auths" not in repr(found)


def test_a_service_account_names_its_secrets_in_its_order(side: Side) -> None:
    side.put_account("shop", ["b", "a"])

    assert list(side.source.pull_secret_names(side.namespace, "shop")) == ["b", "a"]
    assert list(side.source.pull_secret_names(side.namespace, "default")) == []


def test_what_is_not_there_is_told(side: Side) -> None:
    with pytest.raises(NotFoundError, match="it is not there"):
        side.source.pull_secret(side.namespace, "regcred")
    with pytest.raises(NotFoundError, match="it is not there"):
        side.source.pull_secret_names(side.namespace, "shop")


@pytest.mark.parametrize("name", ["", ".", "..", "../configmaps", "a/b", "a?watch=1", "A", "$NAME"])
def test_what_is_no_name_is_not_asked_for(side: Side, name: str) -> None:
    with pytest.raises(RefusedError, match="no name of a Secret"):
        side.source.pull_secret(side.namespace, name)
    with pytest.raises(RefusedError, match="no name of a ServiceAccount"):
        side.source.pull_secret_names(side.namespace, name)
    with pytest.raises(RefusedError, match="no name of a Secret"):
        side.source.pull_secret(name, "regcred")


def test_many_threads_may_ask(side: Side) -> None:
    side.put_secret("regcred")

    def ask(_: int) -> PullSecret:
        return side.source.pull_secret(side.namespace, "regcred")

    with ThreadPoolExecutor(8) as executor:
        assert {each.content.reveal() for each in executor.map(ask, range(40))} == {CONFIG}
