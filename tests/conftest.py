"""The lab's parts as fixtures: started once a test process, skipped (in CI: failed) if missing."""

import itertools
import os
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
import structlog

from lab.authority import Authority
from lab.cluster import Cluster
from lab.control_plane import start_or_use
from lab.git_server import GitHttpServer, serving
from lab.lanes import Lanes
from lab.process import MissingPartError
from lab.registry import Registry
from lab.ssh_server import SshServer, make_key, serving_ssh
from lab.token_registry import TokenRegistry
from lab.token_server import selling_tokens

hypothesis.settings.register_profile("any-machine", deadline=None)
hypothesis.settings.load_profile("any-machine")  # a busy machine is no finding

_numbers = itertools.count(1)


@pytest.fixture(autouse=True)
def unconfigured_log() -> Iterator[None]:
    """No test leaves to the next one how it would have the log."""
    yield
    structlog.reset_defaults()


@pytest.fixture(scope="session")
def control_plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A real API server with its controllers; tests share it, each in namespaces of its own.

    It is a :class:`lab.control_plane.ControlPlane`, or the cluster of RECONCILE_LAB_KUBECONFIG.
    """
    cluster = start_or_use(tmp_path_factory.mktemp("cluster"))
    yield cluster
    cluster.stop()


@pytest.fixture
def cluster_namespace(control_plane: Cluster) -> Iterator[str]:
    """A namespace that is this test's own, and goes with it."""
    name = f"test-{os.getpid()}-{next(_numbers)}"
    control_plane.kubectl("create", "namespace", name)
    yield name
    control_plane.kubectl("delete", "namespace", name, "--wait=false")


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Who signs the certificates of the lab's servers; its ``ca_file`` makes them trusted."""
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="session")
def lanes(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> Iterator[Lanes]:
    """Real registries of each version behind each kind of door."""
    started = Lanes(tmp_path_factory.mktemp("lanes"), authority)
    yield started
    started.close()


@pytest.fixture(scope="session")
def registry(lanes: Lanes) -> Registry:
    """A real registry that wants a password."""
    return lanes["3-htpasswd"]


@pytest.fixture(scope="session")
def anonymous_registry(lanes: Lanes) -> Registry:
    """A real registry that anybody may use."""
    return lanes["3-plain"]


@pytest.fixture(scope="session")
def tls_registry(lanes: Lanes) -> Registry:
    """A real registry that wants a password and speaks TLS, by the authority's certificate."""
    return lanes["3-tls"]


@pytest.fixture
def token_registry(tmp_path: Path, authority: Authority) -> Iterator[TokenRegistry]:
    """A real registry over TLS that wants tokens; its ``tokens`` may be changed by the test."""
    folder = tmp_path / "token-registry"
    folder.mkdir()
    with selling_tokens(folder, authority) as tokens:
        registry = TokenRegistry(folder, tokens, authority)
        registry.start()
        yield registry
        registry.stop()


@pytest.fixture
def git_server(tmp_path: Path) -> Iterator[GitHttpServer]:
    """``git http-backend`` over the folder ``git`` of ``tmp_path``, with a password."""
    folder = tmp_path / "git"
    folder.mkdir()
    with serving(folder, password="git-password") as server:
        yield server


@pytest.fixture
def ssh_server(tmp_path: Path) -> Iterator[SshServer]:
    """OpenSSH's server over the folder ``ssh-git`` of ``tmp_path``; it lets in ``tmp_path/key``."""
    folder = tmp_path / "ssh-git"
    folder.mkdir()
    with serving_ssh(tmp_path / "sshd", folder) as server:
        server.authorize(make_key(tmp_path / "key"))
        yield server


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup() -> Iterator[None]:
    """Skip a test whose fixtures miss a part; but in CI it fails."""
    try:
        yield
    except MissingPartError as error:
        _skip(error)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Iterator[None]:
    """Skip a test that misses a part while it runs; but in CI it fails."""
    try:
        yield
    except MissingPartError as error:
        _skip(error)


def _skip(error: MissingPartError) -> None:
    if os.environ.get("CI") == "true":
        raise error
    pytest.skip(str(error))
