"""The story over SSH, TLS and tokens, with a login that only the cluster has."""

import base64
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest

from lab import story
from lab.authority import Authority
from lab.control_plane import ControlPlane
from lab.ssh_server import make_key, serving_ssh
from lab.token_registry import TokenRegistry
from lab.token_server import User
from tests.e2e.spies import sampled_processes
from tests.e2e.test_story import tell
from tests.e2e.world import World

pytestmark = [pytest.mark.cluster, pytest.mark.registry, pytest.mark.git_server]

PULLER = "puller"
CANARY = "pull-canary-7f3a"
NAMED = ("imagePullSecrets:", "- name: regcred")
ROLE = """\
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: pull-secrets}
rules:
- {apiGroups: [""], resources: [secrets], verbs: [get], resourceNames: [regcred]}
- {apiGroups: [""], resources: [serviceaccounts], verbs: [get]}
"""
_numbers = count(1)


@dataclass
class Stage:
    """Where it plays: Git over SSH, a registry that wants tokens, and nothing in the docker config.

    Its namespace is there before the story begins.
    """

    folder: Path
    control_plane: ControlPlane
    registry: TokenRegistry
    authority: Authority
    stack: ExitStack

    def world(self, pod_lines: Sequence[str] = NAMED) -> World:
        name = f"private{os.getpid()}-{next(_numbers)}"
        self.kubectl("create", "namespace", name)
        world = World.create(
            name, self.folder, self.control_plane, self.registry, pod_lines=pod_lines
        )
        (self.folder / "config.json").write_text("{}")
        self._serve(world)
        return world

    def kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        return self.control_plane.kubectl(*arguments, stdin=stdin)

    def make_regcred(self, world: World, *, password: str = CANARY) -> None:
        """Make the secret as most people do."""
        self.kubectl(
            "-n", world.name, "create", "secret", "docker-registry", "regcred",
            f"--docker-server={self.registry.host}",
            f"--docker-username={PULLER}",
            f"--docker-password={password}",
        )  # fmt: skip

    def make_legacy_regcred(self, world: World) -> None:
        """Make the secret as people did before Kubernetes 1.2."""
        login = {"username": PULLER, "password": CANARY, "email": "a@b.example"}
        content = json.dumps({f"https://{self.registry.host}": login}).encode()
        body = {
            "apiVersion": "v1",
            "kind": "Secret",
            "type": "kubernetes.io/dockercfg",
            "metadata": {"name": "regcred"},
            "data": {".dockercfg": base64.b64encode(content).decode()},
        }
        self.kubectl("-n", world.name, "create", "-f", "-", stdin=json.dumps(body))

    def lend_regcred(self, world: World, account: str) -> None:
        """Have a ServiceAccount lend the secret to its pods."""
        body = {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": {"name": account},
            "imagePullSecrets": [{"name": "regcred"}],
        }
        self.kubectl(
            "-n", world.name, "apply", "--server-side", "-f", "-", stdin=json.dumps(body)
        )  # fmt: skip

    def _serve(self, world: World) -> None:
        server = self.stack.enter_context(serving_ssh(self.folder / "sshd", self.folder / "git"))
        server.authorize(make_key(self.folder / "key"))
        (self.folder / "known_hosts").write_text(server.known_hosts)
        world.git_url = f"{server.url}/web.git"
        world.git_flags = (
            "--git-ssh-key-file", str(self.folder / "key"),
            "--git-known-hosts-file", str(self.folder / "known_hosts"),
            "--registry-ca-file", str(self.authority.ca_file),
        )  # fmt: skip


@pytest.fixture
def stage(
    tmp_path: Path,
    control_plane: ControlPlane,
    token_registry: TokenRegistry,
    authority: Authority,
) -> Iterator[Stage]:
    token_registry.tokens.users[PULLER] = User(CANARY)
    with ExitStack() as stack:
        yield Stage(tmp_path, control_plane, token_registry, authority, stack)


def update_and_rest(world: World) -> None:
    """Bring v4 to Git and the cluster, and leave both alone the second time."""
    world.push("v4")
    done = world.run()
    assert (done.code, done.err) == (0, "")
    assert world.cluster_image() == f"{world.image}:v4"

    mark, tip = world.control_plane.mark(), world.remote.tip()
    assert world.run().code == 0
    assert world.control_plane.writes(since=mark) == []
    assert world.remote.tip() == tip


def test_with_the_secret_that_the_workload_names(stage: Stage) -> None:
    world = stage.world()
    stage.make_regcred(world)

    tell(world)

    tokens = stage.registry.tokens.asked
    assert {asked.user for asked in tokens if asked.status == 200} == {PULLER}
    assert {asked.scopes for asked in tokens} == {(f"repository:{world.name}/nginx:pull",)}


def test_with_a_secret_of_the_older_type(stage: Stage) -> None:
    world = stage.world()
    stage.make_legacy_regcred(world)

    update_and_rest(world)


@pytest.mark.parametrize(
    ("pod_lines", "account"),
    [
        pytest.param(("serviceAccountName: shop",), "shop", id="named"),
        pytest.param((), "default", id="default"),
    ],
)
def test_with_the_secret_that_a_service_account_lends(
    stage: Stage, pod_lines: Sequence[str], account: str
) -> None:
    world = stage.world(pod_lines)
    stage.make_regcred(world)
    stage.lend_regcred(world, account)

    update_and_rest(world)


@pytest.mark.parametrize("password", [CANARY, "another"], ids=["right", "wrong"])
def test_the_login_is_found_nowhere_but_where_it_belongs(stage: Stage, password: str) -> None:
    stage.registry.tokens.users[PULLER] = User(password)
    world = stage.world()
    stage.make_regcred(world)
    world.push("v4")
    sampled: set[bytes] = set()

    with sampled_processes(sampled):
        done = world.run("-o", "json", "--log-level", "debug", "--log-format", "json")
    text = world.run("--log-level", "debug")

    assert done.code == (0 if password == CANARY else 3)
    assert ("refused the login of the secret" in done.out) is (password != CANARY)
    objects = stage.kubectl("-n", f"{world.name}-state", "get", "configmaps,secrets", "-o", "json")
    commits = world.remote.show() + "".join(world.remote.log(form="%B"))
    stored = "".join(
        path.read_bytes().decode(errors="replace")
        for path in (world.folder / "data").rglob("*")
        if path.is_file()
    )
    encoded = base64.b64encode(f"{PULLER}:{CANARY}".encode()).decode()
    commands = [each.decode(errors="replace") for each in sampled]
    assert any("git" in command for command in commands)
    for secret in (CANARY, encoded):
        for place in (done.out, done.err, text.out, text.err, objects, commits, stored, *commands):
            assert secret not in place


def test_a_secret_that_is_not_there_is_told_and_the_rest_of_the_cycle_is_done(
    stage: Stage,
) -> None:
    world = stage.world()

    done = world.run("-o", "json")

    assert done.code == 3
    (problem,) = done.json["sources"][0]["problems"]
    assert problem["kind"] == "stalled"
    assert "wants a password, and none is known for it" in problem["message"]
    assert (
        f"(the secret {world.name}/regcred cannot be used: it is not there)" in problem["message"]
    )
    assert world.cluster_image() == f"{world.image}:v3"


def test_without_sync_the_right_to_read_what_is_named_is_enough(stage: Stage) -> None:
    world = stage.world()
    stage.make_regcred(world)
    world.push("v4")
    limited = ("--no-sync", "--kubeconfig", str(stage.control_plane.kubeconfig_for("limited")))
    mark = stage.control_plane.mark()

    denied = world.run(*limited)
    stage.kubectl("-n", world.name, "create", "-f", "-", stdin=ROLE)
    stage.kubectl(
        "-n", world.name, "create", "rolebinding", "r", "--role=pull-secrets", "--user=limited"
    )
    permitted = world.run(*limited)

    assert denied.code == 3
    assert (
        f"the secret {world.name}/regcred cannot be used: we are not permitted to read it: "
        f"grant get on secrets in namespace {world.name}"
    ) in denied.err
    assert (permitted.code, permitted.err) == (0, "")
    assert f"{world.image}:v4" in world.manifest()
    assert stage.control_plane.writes(since=mark) == []


def test_without_sync_and_without_the_cluster_it_is_told_what_could_not_be_read(
    stage: Stage,
) -> None:
    world = stage.world()
    tip = world.remote.tip()

    done = world.run("--no-sync", "--kubeconfig", "/nonexistent")

    assert done.code == 3
    assert f"the secret {world.name}/regcred cannot be used: --kubeconfig: no such" in done.err
    assert world.remote.tip() == tip


def test_workloads_of_several_namespaces_share_a_scan_and_their_secrets(stage: Stage) -> None:
    world = stage.world()
    other = f"{world.name}-other"
    stage.make_regcred(world)
    files = story.manifests(world.image, namespace=other, pod_lines=("serviceAccountName: x",))
    world.remote.put({f"other/{path}": text for path, text in files.items()})
    world.push("v4")

    done = world.run("--no-sync")

    assert done.code == 0
    assert f"{world.image}:v4".encode() in world.remote.files()[f"other/{story.DEPLOYMENT_PATH}"]
    assert len(stage.registry.tokens.asked) == 1
