"""The program as a user runs it with a branch of proposals: real Git over HTTP, and a forge."""

import json
from pathlib import Path

import pytest

from lab.bare_repository import BareRemote, git
from lab.git_server import USER, serving
from tests.e2e.world import World
from tests.interfaces.program import Done, program
from tests.pipeline.proposals import deployment
from tests.simulators.forge import KINDS, TOKEN, ForgeSimulator, serving_forge
from tests.simulators.registry import RegistrySimulator, Reply

pytestmark = [pytest.mark.git_server, pytest.mark.cluster, pytest.mark.registry]
BRANCH = "reconcile/web"


@pytest.mark.parametrize("kind", KINDS)
def test_a_request_from_the_command_line(tmp_path: Path, kind: str) -> None:
    remote = BareRemote.create(tmp_path / "git" / "acme" / "web.git")
    git(remote.path, "config", "http.receivepack", "true")
    (tmp_path / "password").write_text("hunter2\n")
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    tags = Reply(body=json.dumps({"tags": ["v3", "v4"]}).encode())
    forge = ForgeSimulator(kind, remote)
    with (
        RegistrySimulator(lambda _: tags) as registry,
        serving(tmp_path / "git", password="hunter2") as server,
        serving_forge(forge) as api_url,
    ):
        image = f"{registry.host}/acme/nginx"
        remote.put({"nginx.yaml": deployment("nginx", f"{image}:v3")})

        def run(*more: str) -> Done:
            return program(
                "--once", "--no-sync", "--git-url", f"{server.url}/acme/web.git",
                "--git-username", USER, "--git-password-file", str(tmp_path / "password"),
                "--git-push-branch", BRANCH, "--git-pull-request", "--git-forge", kind,
                "--git-api-url", api_url, "--git-api-token-file", str(tmp_path / "token"),
                "--data-dir", str(tmp_path / "data"), *more,
            )  # fmt: skip

        first = run()
        second = run("-o", "json")
        forge.pulls[0].state = "closed"
        third = run()
        only_read = run("--git-read-only")

    tip = remote.tip(BRANCH)
    url = "https://forge.example/acme/web/pulls/1"
    assert first.code == 0, first.err
    assert f"Commit pushed:   {tip[:7]} to {BRANCH}\n" in first.out
    assert f"1 image to update waits on the branch {BRANCH} at {tip[:7]}: {url}\n" in first.out
    (source,) = second.json["sources"]
    assert source["proposal"] == {
        "branch": BRANCH,
        "state": "waiting",
        "commit": tip,
        "request": url,
    }
    assert [each["to"] for each in source["pending"]] == [f"{image}:v4"]
    assert source["changes"] == []
    assert f"skipped: was turned down: {url} was closed\n" in third.out
    assert third.code == 0
    assert "Nothing was pushed: 1 image to update\n" in only_read.out
    assert only_read.code == 4
    assert TOKEN not in first.out + first.err + second.out + third.out


@pytest.mark.parametrize("kind", KINDS)
def test_a_synced_commit_gets_its_status(world: World, kind: str) -> None:
    (world.folder / "token").write_text(f"{TOKEN}\n")
    world.push("v4")
    forge = ForgeSimulator(kind, world.remote, project="git/web")
    with serving(world.folder) as server, serving_forge(forge) as api_url:
        world.git_url = f"{server.url}/git/web.git"
        world.git_flags = (
            "--git-commit-status", "--git-forge", kind, "--git-api-url", api_url,
            "--git-api-token-file", str(world.folder / "token"),
        )  # fmt: skip
        git(world.remote.path, "config", "http.receivepack", "true")
        first, second = world.run("--no-wait"), world.run("--no-wait")

    assert (first.code, second.code) == (0, 0), first.err + second.err
    assert {(commit, context) for commit, _, context, _ in forge.statuses} == {
        (world.remote.tip(), "reconcile/default")
    }
    assert forge.calls[0].startswith("GET")
    assert TOKEN not in first.out + first.err
