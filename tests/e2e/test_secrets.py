"""Canary secrets are found nowhere but where they belong."""

import base64
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lab.git_server import USER as GIT_USER
from lab.git_server import serving
from lab.registry import PASSWORD, USER
from tests.e2e.world import World

pytestmark = [pytest.mark.cluster, pytest.mark.registry]

GIT_CANARY = "git-canary-7f3a"


@contextmanager
def sampled_processes(found: set[str]) -> Iterator[None]:
    """Collect the command lines of all processes while the block runs."""
    stop = threading.Event()

    def sample() -> None:
        while not stop.wait(0.002):
            for folder in Path("/proc").glob("[0-9]*"):
                try:
                    found.add(
                        (folder / "cmdline")
                        .read_bytes()
                        .replace(b"\0", b" ")
                        .decode(errors="replace")
                    )
                except OSError:
                    continue

    thread = threading.Thread(target=sample)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def canaries(world: World) -> list[str]:
    config = json.loads(world.control_plane.kubeconfig.read_text())
    pairs = (f"{USER}:{PASSWORD}", f"{GIT_USER}:{GIT_CANARY}")
    encoded = [base64.b64encode(pair.encode()).decode() for pair in pairs]
    return [GIT_CANARY, PASSWORD, config["users"][0]["user"]["token"], *encoded]


@pytest.mark.parametrize("git_password", [GIT_CANARY, "another"], ids=["right", "wrong"])
def test_no_secret_is_printed_logged_stored_or_shown_as_an_argument(
    world: World, git_password: str
) -> None:
    (world.folder / "password").write_text(f"{GIT_CANARY}\n")
    world.push("v4")
    commands: set[str] = set()
    with serving(world.folder / "git", password=git_password) as server:
        world.git_url = f"{server.url}/web.git"
        file = str(world.folder / "password")
        world.git_flags = ("--git-username", GIT_USER, "--git-password-file", file)
        with sampled_processes(commands):
            done = world.run("-o", "json", "--log-level", "debug", "--log-format", "json")
            world.run("--log-level", "debug")

    assert done.code == (0 if git_password == GIT_CANARY else 3)
    stored = "".join(
        path.read_bytes().decode(errors="replace")
        for path in (world.folder / "data").rglob("*")
        if path.is_file()
    )
    assert any(" git " in f" {command}" or "git-" in command for command in commands)
    for secret in canaries(world):
        assert secret not in done.out
        assert secret not in done.err
        assert secret not in stored
        assert not [command for command in commands if secret in command]


def test_interrupted_it_says_so_and_leaves_nothing_running(world: World) -> None:
    failing = world.manifest().replace(
        "app: nginx\n    spec", 'app: nginx\n        lab/fail: "true"\n    spec'
    )
    world.remote.put({"workloads/nginx-deployment.yaml": failing.encode()})
    child = subprocess.Popen(
        [sys.executable, "-m", "reconciler", *world.arguments("--timeout", "60s")],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    for line in child.stdout:
        if line.startswith("Waiting"):
            break

    child.send_signal(2)
    _, err = child.communicate(timeout=20)

    assert child.returncode == 130
    assert err.strip() == "reconcile: interrupted"
