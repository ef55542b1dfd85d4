"""What the parts of a source are made of."""

from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.bootstrap import running
from reconciler.core.objects.account import ServiceAccount
from reconciler.errors import SettingsError
from reconciler.pipeline.events import Event
from reconciler.pipeline.parts import Parts
from reconciler.settings import (
    ClusterSettings,
    GitSettings,
    RegistrySettings,
    Settings,
    SourceSettings,
    SyncSettings,
)

CLUSTER = ClusterSettings()
KUBECONFIG = """\
apiVersion: v1
kind: Config
current-context: x
contexts: [{name: x, context: {cluster: x, user: x}}]
clusters: [{name: x, cluster: {server: "http://127.0.0.1:1"}}]
users: [{name: x, user: {}}]
"""


class Silence:
    def tell(self, event: Event) -> None:
        """Hear, and say nothing."""


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A home without a kubeconfig, outside any cluster."""
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("KUBECONFIG", "KUBERNETES_SERVICE_HOST", "DOCKER_CONFIG"):
        monkeypatch.delenv(name, raising=False)


def parts_of(folder: Path, cluster: ClusterSettings = CLUSTER, *, is_synced: bool = False) -> Parts:
    git = GitSettings(url=str(folder))
    source = SourceSettings("default", git, SyncSettings(), is_synced=is_synced)
    settings = Settings((source,), RegistrySettings(), cluster, data_dir=folder)
    with running(settings, progress=Silence()) as parts:
        return parts(source)


def test_without_sync_no_cluster_is_needed_and_none_that_was_not_named_is_used(
    tmp_path: Path,
) -> None:
    (tmp_path / ".kube").mkdir()
    (tmp_path / ".kube" / "config").write_text("a kubeconfig of whatever cluster")

    parts = parts_of(tmp_path)

    assert parts.cluster is None
    assert parts.secrets is None


@pytest.mark.parametrize("how", ["option", "context", "variable"])
def test_a_cluster_that_is_named_has_its_pull_secrets_read_without_sync_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    missing = tmp_path / "missing"
    cluster = CLUSTER
    if how == "option":
        cluster = replace(cluster, kubeconfig=missing)
    elif how == "context":
        cluster = replace(cluster, context="mine")
    else:
        monkeypatch.setenv("KUBECONFIG", str(missing))

    parts = parts_of(tmp_path, cluster)

    assert parts.cluster is None
    assert parts.secrets is not None
    with pytest.raises(SettingsError):
        parts.secrets.pull_secret("web", "regcred")


@pytest.mark.parametrize("text", ["", "1.0\n1.1\n", "a: [", "kind: Config\nclusters: []\n"])
def test_a_file_that_is_no_kubeconfig_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "config"
    path.write_text(text)

    with pytest.raises(SettingsError, match=r"the kubeconfig '.*/config' cannot be used"):
        parts_of(tmp_path, replace(CLUSTER, kubeconfig=path), is_synced=True)


def test_a_source_that_is_synced_needs_a_cluster(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="no cluster: give --kubeconfig"):
        parts_of(tmp_path, is_synced=True)


def test_sources_know_of_each_other_and_of_those_that_are_not_synced(tmp_path: Path) -> None:
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(KUBECONFIG)
    one = SourceSettings("one", GitSettings(url=str(tmp_path)), SyncSettings())
    account = ServiceAccount("web", "deployer")
    sources = (
        one,
        replace(one, name="two", service_account=account),
        replace(one, name="three", is_synced=False),
    )
    cluster = ClusterSettings(kubeconfig=kubeconfig)
    settings = Settings(sources, RegistrySettings(), cluster, data_dir=tmp_path)

    with running(settings, progress=Silence()) as parts:
        first, second = parts(sources[0]).kin, parts(sources[1]).kin

    assert first.names == second.names == {"one", "two", "three"}
    assert (list(first.same_branch), list(second.same_branch)) == (["two"], ["one"])
    assert (first.accounts, second.accounts) == ({"two": account}, {})
