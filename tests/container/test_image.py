"""The container image: what is in it, and that it runs as a cluster runs it."""

import contextlib
import itertools
import json
import os
import re
import subprocess
import urllib.request
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from lab.build import KUSTOMIZE_VERSION
from lab.container import Container, Mount, Running, build_image, mounted
from lab.control_plane import ControlPlane
from lab.git_server import USER, serving
from lab.ports import free_port
from lab.process import wait_until
from lab.registry import Registry
from lab.ssh_server import SshServer, make_key, serving_ssh
from reconciler.exit_codes import INTERRUPTED
from reconciler.release import VERSION
from tests.e2e.world import World
from tests.manifests.installation import MANIFESTS, NAMESPACE, Installation, installed

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]

_numbers = itertools.count(1)

MAX_BYTES = 300_000_000
ACCOUNT = "/run/secrets/kubernetes.io/serviceaccount"
SETTINGS = "/etc/reconcile/settings"
GIT = "/etc/reconcile/git"


INSTALLS = re.compile(r"\bpip\b[^&]*?\binstall\b[^&]*", re.DOTALL)


@pytest.fixture(scope="module")
def container() -> Iterator[Container]:
    with mounted(build_image()) as container:
        yield container


@pytest.fixture
def volume(tmp_path: Path) -> Mount:
    """An empty volume, as a cluster makes it: everybody may write there."""
    folder = tmp_path / "volume"
    folder.mkdir()
    folder.chmod(0o777)
    return Mount(folder, "/data", is_writable=True)


def python(container: Container, code: str) -> subprocess.CompletedProcess[str]:
    return container.run("-c", code, entrypoint=["/opt/reconcile/bin/python"])


def test_it_runs_as_any_user_without_an_account_and_without_a_volume(container: Container) -> None:
    for uid in (65532, 54321, 1_000_650_000):
        done = container.run("--version", uid=uid)

        assert (done.returncode, done.stdout) == (0, f"reconcile {VERSION}\n"), done.stderr


def test_it_holds_the_manifests_that_install_makes(container: Container) -> None:
    options = ("--image", "registry.example/acme/reconcile:1", "--git-url", "https://a.example/b")

    done = container.run("install", *options, "--export")

    assert done.returncode == 0, done.stderr
    assert "image: registry.example/acme/reconcile:1" in done.stdout.replace('"', "")


def test_it_says_what_it_is_and_asks_for_no_rights(container: Container) -> None:
    config = container.image.config

    labels = config["Labels"]
    assert labels["org.opencontainers.image.title"] == "reconcile"
    assert labels["org.opencontainers.image.version"] == VERSION
    assert labels["org.opencontainers.image.description"]
    assert config["User"] == "65532:65532"
    assert config["Entrypoint"] == ["reconcile"]
    assert "Cmd" not in config
    assert list(config["Volumes"]) == ["/data"]
    assert list(config["ExposedPorts"]) == ["8080/tcp"]


def test_nothing_in_it_can_become_another_user(container: Container) -> None:
    found = subprocess.run(
        ["find", str(container.root), "-xdev", "-type", "f", "-perm", "/6000"],
        capture_output=True,
        text=True,
        check=True,
    )
    capable = python(container, "import os; os.setuid(0)")

    assert found.stdout == ""
    assert "PermissionError" in capable.stderr


def test_nothing_in_it_installs_or_builds(container: Container) -> None:
    names = ("pip", "pip3", "uv", "hatchling", "gcc", "cc", "make", "go", "buildah", "curl", "wget")
    asked = python(
        container,
        "import importlib.util as u, json, shutil\n"
        f"print(json.dumps([[n for n in {names!r} if shutil.which(n)],"
        " [n for n in ('pip', 'ensurepip', 'setuptools', 'hatchling') if u.find_spec(n)]]))",
    )

    assert json.loads(asked.stdout) == [[], []]
    wheels = [*container.root.glob("usr/**/*.whl"), *container.root.glob("opt/**/*.whl")]
    assert wheels == []


def test_it_trusts_the_authorities_of_its_distribution_and_nobody_else(
    container: Container,
) -> None:
    bundle = (container.root / "etc/ssl/certs/ca-certificates.crt").read_text()
    listed = (container.root / "etc/ca-certificates.conf").read_text().splitlines()
    chosen = [line for line in listed if line and line[0] not in "#!"]
    certificates = [(container.root / "usr/share/ca-certificates" / name) for name in chosen]

    assert len(chosen) > 50
    count = sum(path.read_text().count("BEGIN CERTIFICATE") for path in certificates)
    assert bundle.count("BEGIN CERTIFICATE") == count


def test_only_what_was_locked_by_its_hash_is_installed() -> None:
    text = (Path(__file__).parents[2] / "Dockerfile").read_text().replace("\\\n", " ")
    commands = [line for line in text.splitlines() if line.startswith("RUN ")]
    installs = [found for line in commands for found in INSTALLS.findall(line)]

    assert len(installs) == 3
    for each in installs:
        is_ours = "--no-deps" in each and "/wheel/*.whl" in each  # made a line before
        locked = "--require-hashes --no-deps -r requirements/"
        assert is_ours or locked in each, each


def test_it_builds_kustomizations_by_the_version_that_the_lab_has(container: Container) -> None:
    done = container.run("version", entrypoint=["kustomize"])

    assert (done.returncode, done.stdout.strip()) == (0, KUSTOMIZE_VERSION)


def test_it_is_small(container: Container) -> None:
    (packages,) = container.root.glob("opt/reconcile/lib/*/site-packages")
    unused = ("kubernetes/client/api", "kubernetes/aio", "kubernetes/dynamic", "aiohttp", "yarl")

    assert container.image.size_bytes() < MAX_BYTES
    assert (packages / "kubernetes" / "config" / "__init__.py").is_file()
    assert [each for each in unused if (packages / each).exists()] == []


def test_it_finds_its_modules_compiled(container: Container) -> None:
    packages = next(container.root.glob("opt/reconcile/lib/python3*/site-packages"))
    ours = sorted((packages / "reconciler").rglob("*.py"))

    assert len(ours) > 50
    assert [path for path in ours if not list(path.parent.glob(f"__pycache__/{path.stem}.*"))] == []
    assert (packages / "urllib3" / "__pycache__").is_dir()


class Pod:
    """What a cluster gives the container: account, settings, Git's credentials, a volume."""

    def __init__(self, container: Container, world: World, volume: Mount) -> None:
        self.container = container
        self.world = world
        self.mounts = [volume]
        self._folder = world.folder / "mounts"

    def lend(self, target: str, **files: str) -> None:
        """Mount files at a folder, readable for all, as the manifests have it."""
        folder = self._folder / target.strip("/").replace("/", "-")
        folder.mkdir(parents=True)
        for name, text in files.items():
            path = folder / name.replace("_dot_", ".")
            path.write_text(text)
            path.chmod(0o444)
        self.mounts.append(Mount(folder, target))

    def lend_account(self) -> None:
        """Mount the account of the installation, as every pod has its own."""
        control_plane = self.world.control_plane
        token = control_plane.kubectl("-n", NAMESPACE, "create", "token", "reconcile").strip()
        authority = (control_plane.folder / "pki" / "apiserver.crt").read_text()
        self.lend(ACCOUNT, token=token, namespace=NAMESPACE, ca_dot_crt=authority)

    def lend_settings(self, url: str, **more: str) -> None:
        """Mount the settings, and registry passwords beside them."""
        settings = {"git-url": url, "git-path": ["workloads"], "timeout": "60s"}
        settings |= {name.replace("_", "-"): value for name, value in more.items()}
        settings["docker-config"] = f"{SETTINGS}/config.json"
        passwords = (self.world.folder / "config.json").read_text()
        text = json.dumps(settings)
        self.lend(SETTINGS, reconcile_dot_yaml=text, config_dot_json=passwords)

    @property
    def environment(self) -> dict[str, str]:
        port = str(self.world.control_plane.port)
        return {"KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": port}

    def run(self, *more: str, is_read_only: bool = True) -> subprocess.CompletedProcess[str]:
        """Run one cycle with the arguments of the manifests."""
        return self.container.run(
            *("--config", f"{SETTINGS}/reconcile.yaml", "--once", *more),
            mounts=self.mounts,
            environment=self.environment,
            is_read_only=is_read_only,
        )

    def running(self, *arguments: str) -> contextlib.AbstractContextManager[Running]:
        """Run the program until it is asked to end."""
        return self.container.running(*arguments, mounts=self.mounts, environment=self.environment)

    def tell_the_story(self) -> None:
        """From v3 to v4, in Git and in the cluster."""
        first = self.run()
        assert (first.returncode, first.stderr) == (0, "")
        assert self.world.cluster_image() == f"{self.world.image}:v3"
        self.world.push("v4")
        second = self.run()
        assert (second.returncode, second.stderr) == (0, "")
        assert self.world.cluster_image() == f"{self.world.image}:v4"
        assert self.world.tags_committed() == ["Deploy nginx v3", "Update nginx to v4"]


@pytest.fixture(scope="module")
def base(control_plane: ControlPlane) -> Iterator[Installation]:
    with installed(control_plane, MANIFESTS / "base") as installation:
        yield installation


@pytest.fixture
def world(tmp_path: Path, control_plane: ControlPlane, registry: Registry) -> Iterator[World]:
    name = f"image{os.getpid()}-{next(_numbers)}"
    control_plane.kubectl("create", "namespace", name)
    yield World.create(name, tmp_path, control_plane, registry)
    control_plane.kubectl("delete", "namespace", name, "--wait=false")


@pytest.fixture
def pod(container: Container, base: Installation, world: World, volume: Mount) -> Pod:
    """A pod with the rights of the base in one namespace."""
    base.restore()
    base.grant(world.name)
    pod = Pod(container, world, volume)
    pod.lend_account()
    return pod


@contextlib.contextmanager
def over_ssh(pod: Pod, **settings: str) -> Iterator[SshServer]:
    folder = pod.world.folder
    with serving_ssh(folder / "sshd", folder / "git") as server:
        server.authorize(make_key(folder / "key"))
        pod.lend(GIT, identity=(folder / "key").read_text(), known_hosts=server.known_hosts)
        pod.lend_settings(
            f"{server.url}/web.git",
            git_ssh_key_file=f"{GIT}/identity",
            git_known_hosts_file=f"{GIT}/known_hosts",
            **settings,
        )
        yield server


@pytest.mark.cluster
@pytest.mark.registry
def test_it_tells_the_story_over_ssh_with_the_rights_of_the_base(pod: Pod) -> None:
    with over_ssh(pod):
        pod.tell_the_story()


@pytest.mark.cluster
@pytest.mark.registry
@pytest.mark.git_server
def test_it_tells_the_story_over_http_with_a_token(pod: Pod) -> None:
    pod.lend(GIT, password="git-password")
    with serving(pod.world.folder / "git", password="git-password") as server:
        pod.lend_settings(
            f"{server.url}/web.git",
            git_username=USER,
            git_password_file=f"{GIT}/password",
        )

        pod.tell_the_story()


@pytest.mark.cluster
@pytest.mark.registry
def test_it_writes_nothing_outside_its_volume_where_it_could(pod: Pod) -> None:
    with over_ssh(pod):
        stamp = pod.world.folder / "stamp"
        stamp.touch()
        done = pod.run(is_read_only=False)

    changed = subprocess.run(
        ["find", str(pod.container.root), "-xdev", "-type", "f", "-newer", str(stamp)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.returncode == 0
    assert changed.stdout == ""
    assert any(pod.mounts[0].source.iterdir())


@pytest.mark.cluster
@pytest.mark.registry
def test_it_ends_at_once_when_the_cluster_asks_it_to(pod: Pod) -> None:
    waiting = pod.world.manifest().replace(
        "app: nginx\n    spec", 'app: nginx\n        lab/fail: "true"\n    spec'
    )
    pod.world.remote.put({"workloads/nginx-deployment.yaml": waiting.encode()})
    arguments = ("--config", f"{SETTINGS}/reconcile.yaml", "--once", "--timeout", "1h")
    with over_ssh(pod), pod.running(*arguments) as running:
        assert running.process.stdout is not None
        for line in running.process.stdout:
            if line.startswith("Waiting"):
                break

        running.terminate()
        _, err = running.process.communicate(timeout=60)

    assert "Traceback" not in err
    assert running.process.returncode == INTERRUPTED


@pytest.mark.cluster
@pytest.mark.registry
def test_it_runs_continuously_as_the_manifests_run_it(pod: Pod, base: Installation) -> None:
    deployment = base.cluster.get("-n", NAMESPACE, "deployment", "reconcile")
    (main,) = deployment["spec"]["template"]["spec"]["containers"]
    address = f"127.0.0.1:{free_port()}"
    probes = [main[name]["httpGet"]["path"] for name in ("livenessProbe", "readinessProbe")]
    with over_ssh(pod, listen=address, interval="1s"), pod.running(*main["args"]) as running:
        for path in probes:
            wait_until(partial(answers, address, path), what=path, timeout_s=120)
        pod.world.push("v4")
        wait_until(
            lambda: pod.world.cluster_image() == f"{pod.world.image}:v4",
            what="v4 in the cluster",
            timeout_s=120,
        )
        counted = 'reconcile_commits_total{source="default"} 1.0'
        wait_until(
            lambda: counted in get(address, "/metrics"), what="the commit's count", timeout_s=120
        )

        running.terminate()
        _, err = running.process.communicate(timeout=120)

    assert running.process.returncode == 0
    assert "Traceback" not in err
    assert pod.world.tags_committed() == ["Deploy nginx v3", "Update nginx to v4"]


def get(address: str, path: str) -> str:
    with urllib.request.urlopen(f"http://{address}{path}", timeout=10) as answer:
        return str(answer.read().decode())


def answers(address: str, path: str) -> bool:
    """Whether a probe would be content."""
    try:
        get(address, path)
    except OSError:  # refused, or an HTTPError: not ready
        return False
    return True
