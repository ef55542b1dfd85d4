"""Wrong input and missing parts: a clear message, the designed exit code, the rest done."""

import json

import pytest

from lab import story
from lab.git_server import USER, serving
from lab.ports import free_port
from tests.e2e.world import World

pytestmark = [pytest.mark.cluster, pytest.mark.registry]

ROLE = """\
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: NAME}
rules:
- {apiGroups: [""], resources: [namespaces, configmaps, secrets], verbs: ["*"]}
- {apiGroups: [apps], resources: [deployments], verbs: ["*"]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: NAME}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: NAME}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: limited}]
"""


def test_a_wrong_registry_password_is_told_and_the_sync_is_done(world: World) -> None:
    world.registry.docker_config(world.folder, password="wrong")

    done = world.run()

    assert done.code == 3
    assert f"http://{world.registry.host}/v2/{world.name}/nginx/tags/list" in done.err
    config = world.folder / "config.json"
    assert f"the registry refused the login of {config}" in done.err
    assert "give one that may pull" in done.err
    assert world.cluster_image() == f"{world.image}:v3"


def test_a_missing_registry_password_is_told(world: World) -> None:
    (world.folder / "config.json").write_text("{}")

    done = world.run("--no-sync")

    assert done.code == 3
    assert "the registry wants a password, and none is known for it" in done.err
    assert "by --docker-config" in done.err


def test_a_missing_image_repository_is_told_and_the_sync_is_done(world: World) -> None:
    path = story.DEPLOYMENT_PATH
    world.remote.put({path: world.manifest().replace("/nginx:v3", "/nginy:v3").encode()})

    done = world.run()

    assert done.code == 3
    assert f"the registry has no repository '{world.name}/nginy'" in done.err
    assert world.cluster_image() == f"{world.registry.host}/{world.name}/nginy:v3"


def test_a_registry_that_is_down_is_transient_and_the_sync_is_done(world: World) -> None:
    port = free_port()
    moved = world.manifest().replace(world.registry.host, f"127.0.0.1:{port}")
    world.remote.put({story.DEPLOYMENT_PATH: moved.encode()})

    done = world.run()

    assert done.code == 1
    assert f"http://127.0.0.1:{port}: cannot connect: Connection refused" in done.err
    assert world.cluster_image().startswith(f"127.0.0.1:{port}/")


def test_an_api_server_that_is_down_is_transient_and_git_is_updated(world: World) -> None:
    world.push("v4")
    config = json.loads(world.control_plane.kubeconfig.read_text())
    config["clusters"][0]["cluster"]["server"] = f"https://127.0.0.1:{free_port()}"
    down = world.folder / "down.kubeconfig"
    down.write_text(json.dumps(config))

    done = world.run("--kubeconfig", str(down))

    assert done.code == 1
    assert "cannot connect to the API server: Connection refused" in done.err
    assert f"{world.image}:v4" in world.manifest()


def test_a_wrong_cluster_token_is_told_without_it(world: World) -> None:
    wrong = world.control_plane.kubeconfig_for("nobody", token="canary-7f3a")

    done = world.run("--kubeconfig", str(wrong))

    assert done.code == 3
    assert "credentials refused" in done.err
    assert "canary-7f3a" not in done.out + done.err


@pytest.mark.parametrize("flag", ["--kubeconfig", "--context"])
def test_a_cluster_that_is_not_configured_is_a_problem_of_the_settings(
    world: World, flag: str
) -> None:
    world.push("v4")
    tip = world.remote.tip()

    done = world.run(flag, "nowhere")

    assert done.code == 2
    assert "nowhere" in done.err
    assert world.remote.tip() == tip


def test_a_kind_that_is_forbidden_holds_back_itself_alone(world: World) -> None:
    role = f"limited-{world.name}"
    world.control_plane.kubectl("apply", "-f", "-", stdin=ROLE.replace("NAME", role))
    limited = world.control_plane.kubeconfig_for("limited")

    done = world.run("--kubeconfig", str(limited))

    world.control_plane.kubectl("delete", "clusterrolebinding", role)
    assert done.code == 3
    assert "workloads/nginx-service.yaml:" in done.err
    assert 'services "nginx-service" is forbidden: User "limited"' in done.err
    assert len(done.err.splitlines()) == 1
    assert world.cluster_image() == f"{world.image}:v3"


def test_every_bad_file_is_told_with_its_place_and_everything_else_is_done(world: World) -> None:
    world.run()
    world.push("v4")
    automated = 'automated: "true"'
    policy = world.manifest().replace(
        automated, f"{automated}\n    fluxcd.io/tag.nginx: semver:>>1"
    )
    container = world.manifest().replace(
        automated, f"{automated}\n    fluxcd.io/tag.ngin: semver:^1"
    )
    line = 1 + world.manifest()[: world.manifest().index(automated)].count("\n") + 1
    world.remote.put(
        {
            "bad/container.yaml": container.replace("nginx-deployment", "container").encode(),
            "bad/large.yaml": b"#" * (16 * 1024 * 1024 + 1),
            "bad/latin.yaml": b"a: 1\nb: \xe9\n",
            "bad/policy.yaml": policy.replace("nginx-deployment", "policy").encode(),
            "bad/text.yaml": b"apiVersion: v1\nkind: [\n",
            "workloads/nginx-service.yaml": None,
        }
    )
    world.remote.put({"bad/link.yaml": b"../../../etc/passwd"}, mode="120000")

    done = world.run("-o", "json")

    told = {each["where"]: each["message"] for each in done.json["sources"][0]["problems"]}
    assert done.code == 3
    assert told.keys() == {
        f"bad/container.yaml:{line}",
        "bad/large.yaml",
        "bad/latin.yaml:2",
        "bad/link.yaml",
        f"bad/policy.yaml:{line}",
        "bad/text.yaml:3",
    }
    assert "has no container 'ngin'; did you mean 'nginx'?" in told[f"bad/container.yaml:{line}"]
    assert "cannot read '>>1'" in told[f"bad/policy.yaml:{line}"]
    assert told["bad/large.yaml"] == "has 16,777,217 bytes; the limit is 16,777,216"
    assert "leads out of the repository: '../../../etc/passwd'" in told["bad/link.yaml"]
    assert world.cluster_image() == f"{world.image}:v4"
    assert world.tags_committed()[-1] == "Update nginx to v4"
    for name in ("container", "policy"):  # what is wrong with a policy does not hold back the sync
        assert world.control_plane.get("-n", world.name, "deployment", name)
    assert world.control_plane.get("-n", world.name, "service", "nginx-service")


def test_an_emptied_repository_prunes_nothing_and_says_so(world: World) -> None:
    world.run()
    world.remote.put(dict.fromkeys(world.remote.files(), None) | {"README.md": b"gone\n"})

    done = world.run()

    assert done.code == 3
    assert world.cluster_image() == f"{world.image}:v3"
    assert "prune held: the build is empty" in done.err


def test_a_wrong_path_prunes_nothing_and_says_so(world: World) -> None:
    world.run()

    done = world.run("--git-path", "wrong")

    assert done.code == 3
    assert "wrong: no such folder at main@sha1:" in done.err
    assert world.cluster_image() == f"{world.image}:v3"


def test_an_unreadable_manifest_holds_back_pruning_and_nothing_else(world: World) -> None:
    world.run()
    world.push("v4")
    world.remote.put({"workloads/nginx-service.yaml": b"apiVersion: v1\nkind: [\n"})

    done = world.run()

    assert done.code == 3
    assert "workloads/nginx-service.yaml:" in done.err
    assert "is no valid YAML" in done.err
    assert world.cluster_image() == f"{world.image}:v4"
    assert world.control_plane.get("-n", world.name, "service", "nginx-service")


def test_what_left_git_leaves_the_cluster(world: World) -> None:
    world.run()
    world.remote.put({"workloads/nginx-service.yaml": None})

    done = world.run()

    assert done.code == 0
    assert f"service/nginx-service (namespace {world.name}) deleted" in done.out
    assert world.control_plane.get("-n", world.name, "service")["items"] == []


def test_a_workload_that_cannot_start_is_told_after_the_time_out(world: World) -> None:
    failing = world.manifest().replace(
        "        app: nginx\n    spec", '        app: nginx\n        lab/fail: "true"\n    spec'
    )
    world.remote.put({story.DEPLOYMENT_PATH: failing.encode()})

    done = world.run("--timeout", "2s")

    assert done.code == 1
    assert (
        f"deployment.apps/nginx-deployment (namespace {world.name}): not healthy after 2 s"
        in done.err
    )


def test_a_missing_git_repository_and_a_missing_branch_are_told(world: World) -> None:
    missing = world.run("--git-branch", "nowhere")
    assert missing.code == 3
    assert "nowhere" in missing.err

    world.git_url = str(world.folder / "none.git")
    assert world.run().code in (1, 3)


def test_a_wrong_git_password_is_told_without_it(world: World) -> None:
    (world.folder / "password").write_text("canary-7f3a\n")
    with serving(world.folder / "git", password="git-password") as server:
        world.git_url = f"{server.url}/web.git"
        file = str(world.folder / "password")
        world.git_flags = ("--git-username", USER, "--git-password-file", file)
        done = world.run("--log-level", "debug")

    assert done.code == 3
    assert world.git_url in done.err
    assert "canary-7f3a" not in done.out + done.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(["--git-url", "ext::sh -c id"], "ext", id="ext"),
        pytest.param(["--git-url", "--upload-pack=id"], "is no Git URL", id="option"),
        pytest.param(["--git-url", "http://git.example/x"], "http", id="http"),
        pytest.param(["--git-url", "https://u:canary-7f3a@git.example/x"], "password", id="secret"),
        pytest.param(["--git-branch", "a..b"], "a..b", id="branch"),
        pytest.param(["--docker-config", "/nonexistent"], "/nonexistent", id="docker"),
        pytest.param(["--config", "/nonexistent"], "/nonexistent", id="config"),
        pytest.param(["--git-password-file", "/none"], "no such file: '/none'", id="password"),
        pytest.param(["--git-ca-file", "/none"], "no such file: '/none'", id="ca"),
        pytest.param(["--timeout", "soon"], "soon", id="duration"),
        pytest.param(["--no-such-option"], "--no-such-option", id="unknown"),
    ],
)
def test_wrong_settings_end_with_2_and_say_what_is_wrong(
    world: World, arguments: list[str], message: str
) -> None:
    done = world.run(*arguments)

    assert done.code == 2
    assert message in done.err
    assert "Traceback" not in done.err
    assert "canary-7f3a" not in done.err
