"""Canary secrets are found nowhere but where they belong."""

import base64
import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pytest

from lab.authority import Authority, serving_context
from lab.bare_repository import run
from lab.git_server import USER as GIT_USER
from lab.git_server import serving
from lab.openpgp import gpg_home
from lab.registry import PASSWORD, USER
from lab.ssh_server import make_key, serving_ssh
from tests.e2e.spies import Spies, sampled_processes
from tests.e2e.world import World
from tests.simulators.forge import TOKEN, ForgeSimulator, serving_forge

pytestmark = [pytest.mark.cluster, pytest.mark.registry]

# Other tests that run beside this one have canaries of their own.
GIT_CANARY = f"git-canary-{os.getpid()}-7f3a/+%"
PASSPHRASE_CANARY = f"passphrase-canary-{os.getpid()}-91c4/+%"
SECRET_LINES = 3  # of a private key, from its middle


@dataclass(frozen=True)
class Case:
    """A way to the remote, a signing key, and whether they serve."""

    transport: str
    signs_with: str = "ssh"
    is_let_in: bool = True
    is_signed: bool = True

    @property
    def code(self) -> int:
        return 0 if self.is_let_in and self.is_signed else 3


CASES = [
    pytest.param(Case("https", "openpgp"), id="https"),
    pytest.param(Case("https", is_let_in=False), id="https-denied"),
    pytest.param(Case("ssh"), id="ssh"),
    pytest.param(Case("ssh", is_let_in=False), id="ssh-denied"),
    pytest.param(Case("http", is_signed=False), id="http-not-signed"),
    pytest.param(Case("http", "openpgp", is_signed=False), id="http-not-signed-openpgp"),
]


def write_secret(path: Path, content: bytes) -> str:
    """Write a file that only we may read, and return its name."""
    path.touch(mode=0o600)
    path.write_bytes(content)
    return str(path)


def signing_flags(world: World, case: Case) -> tuple[str, ...]:
    """Make a key that is locked with the canary; if it is not to serve, what opens it is wrong."""
    folder = world.folder
    if case.signs_with == "ssh":
        make_key(folder / "signer", passphrase=PASSPHRASE_CANARY)
    else:
        with gpg_home() as home:
            home.make_key(passphrase=PASSPHRASE_CANARY)
            key = home.secret_half(passphrase=PASSPHRASE_CANARY)
        write_secret(folder / "signer", key)
    passphrase = PASSPHRASE_CANARY if case.is_signed else f"wrong-{PASSPHRASE_CANARY}"
    file = write_secret(folder / "passphrase", f"{passphrase}\n".encode())
    return ("--git-signing-key-file", str(folder / "signer"),
            "--git-signing-passphrase-file", file)  # fmt: skip


@contextlib.contextmanager
def reached(
    world: World, case: Case, authority: Authority, forge: ForgeSimulator
) -> Iterator[tuple[str, ...]]:
    """Serve the remote, set its URL, and give the flags that lead there; every request waits.

    Over HTTP the forge is there, too.
    """
    if case.transport == "ssh":
        with serving_ssh(world.folder / "sshd", world.folder / "git") as server:
            public = make_key(world.folder / "identity")
            server.authorize(public if case.is_let_in else make_key(world.folder / "other"))
            world.git_url = f"{server.url}/web.git"
            (world.folder / "known_hosts").write_text(server.known_hosts)
            yield ("--git-ssh-key-file", str(world.folder / "identity"),
                   "--git-known-hosts-file", str(world.folder / "known_hosts"))  # fmt: skip
        return
    file = write_secret(world.folder / "password", f"{GIT_CANARY}\n".encode())
    token = write_secret(world.folder / "token", f"{TOKEN}\n".encode())
    with (
        serving(world.folder, password=GIT_CANARY if case.is_let_in else "another") as http,
        serving_forge(forge) as api_url,
    ):
        http.on_request = lambda: time.sleep(0.05)
        world.git_url = f"{http.url}/git/web.git"
        trust: tuple[str, ...] = ()
        if case.transport == "https":
            certificate = authority.certificate(world.folder / "server.pem")
            http.wrap(serving_context(certificate))
            world.git_url = world.git_url.replace("http:", "https:")
            trust = ("--git-ca-file", str(authority.ca_file))
        yield (
            "--git-username", GIT_USER, "--git-password-file", file, *trust,
            "--git-commit-status", "--git-forge", forge.kind, "--git-api-url", api_url,
            "--git-api-token-file", token,
        )  # fmt: skip


def canaries(world: World) -> list[str]:
    """Return all secrets of a story, in all forms in which programs write them."""
    config = json.loads(world.control_plane.kubeconfig.read_text())
    secrets = [GIT_CANARY, PASSPHRASE_CANARY, TOKEN, PASSWORD, config["users"][0]["user"]["token"]]
    pairs = (f"{USER}:{PASSWORD}", f"{GIT_USER}:{GIT_CANARY}")
    encoded = [base64.b64encode(it.encode()).decode() for it in (*secrets, *pairs)]
    quoted = [quote(secret, safe="") for secret in secrets]
    keys = []
    for file in (world.folder / "identity", world.folder / "signer"):
        lines = file.read_text().splitlines() if file.is_file() else []
        keys += lines[len(lines) // 2 - 1 :][:SECRET_LINES]
    return list(dict.fromkeys([*secrets, *encoded, *quoted, *keys]))


def objects(repository: Path) -> bytes:
    """Return the contents of all objects of a repository, which are packed on the disk."""
    return run(repository, ["cat-file", "--batch", "--batch-all-objects", "--unordered"])


def stored(folder: Path) -> bytes:
    """Return all bytes below a folder."""
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("case", CASES)
def test_no_secret_is_printed_logged_stored_or_shown_to_others(
    world: World, case: Case, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    signing = signing_flags(world, case)
    spies = Spies(world.folder / "spies", world.folder / "seen")
    spies.install()
    monkeypatch.setenv("PATH", f"{spies.path}{os.pathsep}{os.environ['PATH']}")
    temporary = world.folder / "temporary"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    world.push("v4")
    forge = ForgeSimulator("gitea", world.remote, project="git/web")
    with reached(world, case, authority, forge) as access, sampled_processes(spies.sampled):
        world.git_flags = (*access, *signing)
        done = world.run("-o", "json", "--log-level", "debug", "--log-format", "json")
        world.push("v5")
        again = world.run("--log-level", "debug", "--no-sync")

    assert (done.code, again.code) == (case.code, case.code), done.err + again.err
    expected = ["v4", "v5"] if case.code == 0 else []
    assert [line[-2:] for line in world.tags_committed()[1:]] == expected
    clone = world.folder / "data"
    places = {
        "printed": (done.out + again.out).encode(),
        "logged": (done.err + again.err).encode(),
        "stored": stored(clone),
        "left": stored(temporary),
        "committed": objects(world.remote.path),
        "cloned": b"".join(objects(each) for each in clone.rglob("clone.git")),
        "told": spies.told,
        "sampled": b"".join(spies.sampled),
    }
    for secret in canaries(world):
        assert [place for place, held in places.items() if secret.encode() in held] == []
    require_all_seen(case, spies)
    assert bool(forge.statuses) is (case.transport != "ssh" and case.is_let_in)


def require_all_seen(case: Case, spies: Spies) -> None:
    """Make sure that the spies were not looking elsewhere."""
    has: Callable[[bytes], bool] = lambda text: any(text in it for it in spies.sampled)  # noqa: E731 - short
    assert b"\0ls-remote\0" in spies.told
    if case.is_let_in:
        assert b"\0fast-import\0" in spies.told
        assert (b"\0-Y\0sign\0" if case.signs_with == "ssh" else b"--detach-sign") in spies.told
    if case.code == 0:
        assert b"\0push\0" in spies.told
        assert b"\0hash-object\0" in spies.told
    if case.transport == "ssh":
        assert b"GIT_SSH_COMMAND=" in spies.told
        assert has(b"ssh\0-F\0/dev/null")
    else:
        assert b"GIT_ASKPASS=" in spies.told
        assert has(b"remote-http")


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


def test_a_run_has_the_program_of_its_kubeconfig_called_once(world: World) -> None:
    kubeconfig = json.loads(world.control_plane.kubeconfig.read_text())
    (user,) = kubeconfig["users"]
    answer = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "kind": "ExecCredential",
        "status": {"token": user["user"]["token"]},
    }
    plugin, calls = world.folder / "plugin", world.folder / "calls"
    plugin.write_text(f"#!/bin/sh\necho x >> '{calls}'\necho '{json.dumps(answer)}'\n")
    plugin.chmod(0o755)
    user["user"] = {
        "exec": {
            "apiVersion": "client.authentication.k8s.io/v1",
            "command": str(plugin),
            "interactiveMode": "Never",
        }
    }
    path = world.folder / "exec.kubeconfig"
    path.write_text(json.dumps(kubeconfig))
    path.chmod(0o600)

    done = world.run("--kubeconfig", str(path))

    assert (done.code, done.err) == (0, "")
    assert world.cluster_image() == f"{world.image}:v3"
    assert calls.read_text().splitlines() == ["x"]
