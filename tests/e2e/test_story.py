"""The story on real parts: nginx goes from v3 to v4 in Git and in the cluster."""

import subprocess
import sys

import pytest

from lab import story
from lab.git_server import USER, serving
from lab.ports import free_port
from tests.e2e.world import World

pytestmark = [pytest.mark.cluster, pytest.mark.registry]


def tell(world: World) -> None:
    """Go through the story once, and check every turn of it."""
    first = world.run()
    assert (first.code, first.err) == (0, "")
    assert first.out.splitlines()[-1] == "Done."
    assert world.cluster_image() == f"{world.image}:v3"

    mark, tip = world.control_plane.mark(), world.remote.tip()
    again = world.run()
    assert again.code == 0
    assert world.control_plane.writes(since=mark) == []
    assert world.remote.tip() == tip

    before = world.manifest()
    world.push("v4")
    updated = world.run()
    assert (updated.code, updated.err) == (0, "")
    assert updated.out.splitlines() == [
        f"Synchronizing with {world.git_url}",
        f"{world.name}:deployment/nginx-deployment  nginx: {world.image}:v3 -> v4",
        f"Commit pushed:   {world.remote.tip()[:7]}",
        f"Revision of main to apply is {world.remote.tip()[:7]}",
        f"Waiting for {world.remote.tip()[:7]} to be applied ...",
        f"deployment.apps/nginx-deployment (namespace {world.name}) configured",
        "Done.",
    ]
    assert world.manifest() == before.replace("nginx:v3", "nginx:v4")
    assert world.cluster_image() == f"{world.image}:v4"
    assert world.tags_committed() == ["Deploy nginx v3", "Update nginx to v4"]

    mark, tip = world.control_plane.mark(), world.remote.tip()
    last = world.run("-o", "json")
    assert last.code == 0
    assert {each["action"] for each in last.json["sources"][0]["sync"]["objects"]} == {"unchanged"}
    assert world.control_plane.writes(since=mark) == []
    assert world.remote.tip() == tip


def test_over_a_path(world: World) -> None:
    tell(world)


def test_over_http_with_a_password(world: World) -> None:
    (world.folder / "password").write_text("git-password\n")
    with serving(world.folder / "git", password="git-password") as server:
        world.git_url = f"{server.url}/web.git"
        password_file = str(world.folder / "password")
        world.git_flags = ("--git-username", USER, "--git-password-file", password_file)

        tell(world)


def test_a_dry_run_shows_both_diffs_and_changes_nothing(world: World) -> None:
    world.run()
    world.push("v4")
    mark, tip = world.control_plane.mark(), world.remote.tip()

    done = world.run("--dry-run")

    assert done.code == 4
    assert f"-        image: {world.image}:v3\n+        image: {world.image}:v4\n" in done.out
    assert f'image: "{world.image}:v3"\n+' in done.out
    assert f'image: "{world.image}:v4"\n ' in done.out
    assert world.control_plane.writes(since=mark) == []
    assert world.remote.tip() == tip


def test_a_dry_run_before_the_first_run_shows_what_would_be_created(world: World) -> None:
    mark = world.control_plane.mark()

    done = world.run("--dry-run")

    assert done.code == 4
    assert f"deployment.apps/nginx-deployment (namespace {world.name}) created" in done.out
    assert world.control_plane.writes(since=mark) == []


def test_without_sync_no_cluster_is_needed(world: World) -> None:
    world.push("v4")

    done = world.run("--no-sync", "--kubeconfig", "/nonexistent")

    assert done.code == 0
    assert f"{world.image}:v4" in world.manifest()


def test_without_update_git_is_left_alone(world: World) -> None:
    world.push("v4")
    tip = world.remote.tip()

    assert world.run("--no-update").code == 0
    assert world.remote.tip() == tip
    assert world.cluster_image() == f"{world.image}:v3"


@pytest.mark.parametrize("output", ["text", "json"])
def test_a_reader_that_goes_away_stops_neither_the_work_nor_its_exit_code(
    world: World, output: str
) -> None:
    world.push("v4")
    away = world.manifest().replace("nginx-deployment", "away")
    away = away.replace(world.registry.host, f"127.0.0.1:{free_port()}")
    world.remote.put({"workloads/away.yaml": away.encode()})
    with subprocess.Popen(
        [sys.executable, "-m", "reconciler", *world.arguments("--no-sync", "-o", output)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdout is not None
        assert child.stderr is not None
        child.stdout.close()
        err = child.stderr.read()

    assert child.returncode == 1
    assert "Traceback" not in err
    assert "BrokenPipe" not in err
    assert f"{world.image}:v4" in world.manifest()


def test_a_pinned_image_goes_from_digest_to_digest_in_git_and_in_the_cluster(world: World) -> None:
    automated = '    fluxcd.io/automated: "true"\n'
    pinned = world.manifest().replace(automated, f"{automated}    reconcile/digest: pin\n")
    world.remote.put({story.DEPLOYMENT_PATH: pinned.encode()})

    first = world.run()
    (v3,) = world.registry.push(f"{world.name}/nginx", "v3").values()
    assert (first.code, first.err) == (0, "")
    assert world.manifest() == pinned.replace("nginx:v3", f"nginx:v3@{v3}")
    assert world.cluster_image() == f"{world.image}:v3@{v3}"

    (v4,) = world.registry.push(f"{world.name}/nginx", "v4").values()
    second = world.run()
    assert (second.code, second.err) == (0, "")
    assert f"  nginx: {world.image}:v3@{v3} -> v4@{v4}\n" in second.out
    assert world.manifest() == pinned.replace("nginx:v3", f"nginx:v4@{v4}")
    assert world.cluster_image() == f"{world.image}:v4@{v4}"

    mark, tip = world.control_plane.mark(), world.remote.tip()
    assert world.run().code == 0
    assert world.control_plane.writes(since=mark) == []
    assert world.remote.tip() == tip
