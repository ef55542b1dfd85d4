"""A push that the remote declines is told in its words, once a cycle, and done when it may be."""

import itertools
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from lab.bare_repository import git
from lab.git_server import USER, GitHttpServer, serving
from lab.registry import Registry
from lab.ssh_server import SshServer, make_key, serving_ssh
from tests.e2e.plain import Plain

pytestmark = [pytest.mark.registry, pytest.mark.git_server]

_numbers = itertools.count(1)

GITHUB = (
    "error: GH006: Protected branch update failed for refs/heads/main.",
    "error: Changes must be made through a pull request.",
)
GITLAB = ("GitLab: You are not allowed to push code to protected branches on this project.",)
READ_ONLY = "ERROR: The key you are authenticating with has been marked as read only."
SSH_GATE = """\
#!/bin/sh
case "$SSH_ORIGINAL_COMMAND" in
git-receive-pack*)
    echo attempt >> '{attempts}'
    if [ -e '{closed}' ]; then echo '{words}' >&2; exit 1; fi ;;
esac
exec git-shell -c "$SSH_ORIGINAL_COMMAND"
"""


class Gate:
    """Whether pushes are declined, and how many were tried."""

    def __init__(self, folder: Path) -> None:
        self.attempts = folder / "attempts"
        self.closed = folder / "closed"
        self.closed.touch()

    @property
    def count(self) -> int:
        return len(self.attempts.read_text().splitlines()) if self.attempts.exists() else 0

    def open(self) -> None:
        self.closed.unlink()


@pytest.fixture
def plain(tmp_path: Path, registry: Registry) -> Plain:
    return Plain.create(f"declined{os.getpid()}-{next(_numbers)}", tmp_path, registry)


@pytest.fixture
def gate(tmp_path: Path) -> Gate:
    return Gate(tmp_path)


@pytest.fixture
def servers() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def by_http(plain: Plain, servers: ExitStack) -> GitHttpServer:
    git(plain.remote.path, "config", "http.receivepack", "true")
    server = servers.enter_context(serving(plain.remote.path.parent, password="secret"))
    (plain.folder / "password").write_text("secret")
    plain.url = f"{server.url}/web.git"
    plain.flags = ("--git-username", USER, "--git-password-file", str(plain.folder / "password"))
    return server


def by_ssh(plain: Plain, servers: ExitStack) -> SshServer:
    root = plain.remote.path.parent
    server = servers.enter_context(serving_ssh(plain.folder / "sshd", root))
    server.authorize(make_key(plain.folder / "key"))
    (plain.folder / "known_hosts").write_text(server.known_hosts)
    plain.url = f"{server.url}/web.git"
    hosts = str(plain.folder / "known_hosts")
    plain.flags = ("--git-ssh-key-file", str(plain.folder / "key"),
                   "--git-known-hosts-file", hosts)  # fmt: skip
    return server


def hook(plain: Plain, gate: Gate, name: str, words: tuple[str, ...]) -> None:
    said = "".join(f"echo '{line}' >&2\n" for line in words)
    plain.remote.hook(
        name,
        f"echo attempt >> '{gate.attempts}'\nif [ -e '{gate.closed}' ]; then\n{said}exit 1\nfi",
    )


def pre_receive_over_http(plain: Plain, gate: Gate, servers: ExitStack) -> None:
    by_http(plain, servers)
    hook(plain, gate, "pre-receive", GITHUB)


def update_over_ssh(plain: Plain, gate: Gate, servers: ExitStack) -> None:
    by_ssh(plain, servers)
    hook(plain, gate, "update", GITLAB)


def forbidden(plain: Plain, gate: Gate, servers: ExitStack) -> None:
    server = by_http(plain, servers)

    def on_request() -> None:
        is_push = "service=git-receive-pack" in server.paths[-1]
        server.status = 403 if is_push and gate.closed.exists() else 0
        if is_push:
            with gate.attempts.open("a") as file:
                file.write("attempt\n")

    server.on_request = on_request


def read_only_key(plain: Plain, gate: Gate, servers: ExitStack) -> None:
    server = by_ssh(plain, servers)
    script = plain.folder / "gate"
    script.write_text(SSH_GATE.format(attempts=gate.attempts, closed=gate.closed, words=READ_ONLY))
    script.chmod(0o755)
    server.authorize((plain.folder / "key.pub").read_text().strip(), command=str(script))


def endless_words(plain: Plain, gate: Gate, servers: ExitStack) -> None:
    by_ssh(plain, servers)
    hook(plain, gate, "pre-receive", ("x" * 5000, "\033[31mred\a"))


DECLINES = [
    pytest.param(pre_receive_over_http, ["GH006", "through a pull request"], id="pre-receive-http"),
    pytest.param(update_over_ssh, ["hook declined", "GitLab: You are not allowed to push code"],
                 id="update-ssh"),
    pytest.param(forbidden, ["our rights at the remote do not suffice", "403"], id="403"),
    pytest.param(read_only_key, ["our SSH key may not push", "marked as read only"],
                 id="read-only-key"),
    pytest.param(endless_words, ["xxxx"], id="endless-words"),
]  # fmt: skip


@pytest.mark.parametrize(("decline", "words"), DECLINES)
def test_a_declined_push_is_stalled_at_once_and_done_by_the_cycle_after_it_is_let(
    plain: Plain,
    gate: Gate,
    servers: ExitStack,
    decline: Callable[[Plain, Gate, ExitStack], None],
    words: list[str],
) -> None:
    decline(plain, gate, servers)

    first = plain.run()
    tried = gate.count
    second = plain.run("-o", "json")

    assert (first.code, second.code) == (3, 3), first.err + second.err
    for word in words:
        assert word in first.err + first.out
    assert (first.err + first.out).replace("\n", "").isprintable()
    assert len(first.err) < 2000
    assert (tried, gate.count) == (1, 2)
    assert plain.remote.log() == ["Deploy nginx v3"]
    assert "Commit pushed" not in first.out

    gate.open()
    third = plain.run()

    assert third.code == 0, third.err
    assert len(plain.remote.log()) == 2
    assert plain.run().code == 0
    assert len(plain.remote.log()) == 2
