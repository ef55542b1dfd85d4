"""The SSH server is OpenSSH's own: it lets its key in, changes its own, stops and starts."""

import subprocess
from pathlib import Path

import pytest

from lab import ssh_server as module
from lab.bare_repository import BareRemote
from lab.process import MissingPartError
from lab.ssh_server import SshServer, make_key, require_sshd, serving_ssh

pytestmark = pytest.mark.git_server


def ask(server: SshServer, key: Path) -> subprocess.CompletedProcess[str]:
    """Ask for the refs of ``web.git`` as a person who trusts any host."""
    ssh = f"ssh -F /dev/null -i {key} -oIdentitiesOnly=yes -oBatchMode=yes"
    ssh += " -oStrictHostKeyChecking=no -oUserKnownHostsFile=/dev/null"
    return subprocess.run(
        ["git", "-c", f"core.sshCommand={ssh}", "ls-remote", f"{server.url}/web.git"],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def remote(ssh_server: SshServer) -> BareRemote:
    remote = BareRemote.create(ssh_server.root / "web.git")
    remote.put({"a": b"1"})
    return remote


def test_the_key_that_is_authorized_is_let_in_and_no_other(
    ssh_server: SshServer, remote: BareRemote, tmp_path: Path
) -> None:
    make_key(tmp_path / "other")

    assert remote.tip() in ask(ssh_server, tmp_path / "key").stdout
    assert "Permission denied (publickey)" in ask(ssh_server, tmp_path / "other").stderr
    assert "Accepted publickey for git" in ssh_server.log


def test_it_serves_git_and_no_shell(ssh_server: SshServer, tmp_path: Path) -> None:
    done = subprocess.run(
        ["ssh", "-F", "/dev/null", "-i", str(tmp_path / "key"), "-oStrictHostKeyChecking=no",
         "-oUserKnownHostsFile=/dev/null", "-p", str(ssh_server.port), "git@127.0.0.1", "id"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip

    assert done.returncode != 0
    assert "unrecognized command 'id'" in done.stderr


@pytest.mark.usefixtures("remote")
def test_it_stops_and_comes_back_at_the_same_port_with_another_host_key(
    ssh_server: SshServer, tmp_path: Path
) -> None:
    before = ssh_server.known_hosts
    ssh_server.stop()
    assert "Connection refused" in ask(ssh_server, tmp_path / "key").stderr

    ssh_server.change_host_key()
    ssh_server.start()

    assert ask(ssh_server, tmp_path / "key").returncode == 0
    assert ssh_server.known_hosts.split()[0] == before.split()[0]
    assert ssh_server.known_hosts != before


def test_a_missing_sshd_is_told_with_the_command_that_installs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_SSHD", tmp_path / "sshd")

    with (
        pytest.raises(MissingPartError, match=r"apt-get install .*openssh-server"),
        serving_ssh(tmp_path, tmp_path),
    ):
        pass


def test_a_missing_library_is_told_with_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "_WRAPPER", "libnss_nowhere.so")

    with pytest.raises(MissingPartError, match=r"libnss_nowhere.so .*libnss-wrapper"):
        require_sshd()
