"""``reconcile doctor`` on the way to a Git remote, from the key to a push."""

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from lab.bare_repository import BareRemote, git
from lab.git_server import GitHttpServer
from lab.ssh_server import SshServer, make_key
from tests.interfaces.program import Done, program, undocumented

MANIFEST = b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\n"


class Ssh:
    """A remote over SSH, and the options to reach it."""

    def __init__(self, server: SshServer, folder: Path) -> None:
        self.server = server
        self.folder = folder
        self.remote = BareRemote.create(server.root / "web.git")
        self.remote.put({"web/a.yaml": MANIFEST, "readme.md": b"nothing"})
        self.known_hosts = folder / "known_hosts"
        self.known_hosts.write_text(server.known_hosts)

    def doctor(self, *more: str, key: Path | None = None) -> Done:
        return program(
            "doctor", "--no-sync", "--git-url", f"{self.server.url}/web.git",
            "--data-dir", str(self.folder / "data"),
            "--git-ssh-key-file", str(key or self.folder / "key"),
            "--git-known-hosts-file", str(self.known_hosts), *more,
            env={"COLUMNS": "300", "HOME": "/nonexistent"},
        )  # fmt: skip


@pytest.fixture
def ssh(ssh_server: SshServer, tmp_path: Path) -> Ssh:
    return Ssh(ssh_server, tmp_path)


def checks(done: Done) -> dict[str, str]:
    """Return by name how each check went, and what was found."""
    lines = (line for line in done.out.splitlines() if line.startswith("  "))
    words = (words for line in lines if len(words := line.split(maxsplit=2)) > 1)
    return {
        name: f"{health} {rest[0] if rest else ''}"
        for health, name, *rest in words
        if health in ("ok", "warning", "FAILED", "skipped")
    }


def remedies(done: Done) -> list[str]:
    return [line.split("try:")[1].strip() for line in done.out.splitlines() if "try:" in line]


def test_each_step_of_the_way_is_told_and_nothing_is_pushed(ssh: Ssh) -> None:
    tip = ssh.remote.tip()

    done = ssh.doctor("--git-path", "web")

    assert done.code == 0, done.out + done.err
    found = checks(done)
    assert list(found) == ["key", "remote", "branch", "read", "paths", "push", "clock"]
    assert found["key"].startswith("ok ssh-ed25519 SHA256:")
    assert found["paths"] == "ok web: 1 manifest"
    assert ssh.remote.tip() == tip
    assert not list(ssh.folder.glob("data/**/ssh/key"))


def test_a_key_that_the_remote_does_not_know_is_told_with_how_to_show_it(ssh: Ssh) -> None:
    make_key(ssh.folder / "stranger")

    done = ssh.doctor(key=ssh.folder / "stranger")

    assert done.code == 3
    assert checks(done)["remote"].startswith("FAILED the remote accepts no SSH key of ours")
    assert checks(done)["read"] == "skipped the remote is not reached"
    assert remedies(done) == [f"reconcile identity --git-ssh-key-file {ssh.folder / 'stranger'}"]


def test_a_host_that_nobody_has_said_to_trust_is_told_with_how_to_look(ssh: Ssh) -> None:
    ssh.known_hosts.write_text("# nobody yet\n")

    done = ssh.doctor()

    assert done.code == 3
    assert checks(done)["remote"].startswith("FAILED the remote's host key is not known")
    assert remedies(done) == [f"ssh-keyscan -p {ssh.server.port} 127.0.0.1"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(b"", "the SSH key file is empty", id="empty"),
        pytest.param(b"ssh-ed25519 AAAA lab\n", "this is a public SSH key", id="public"),
        pytest.param(b"-----BEGIN OPENSSH PRIVATE KEY-----\ncanary\n", "damaged", id="cut"),
    ],
)
def test_a_file_that_is_no_private_key_is_told_before_the_remote_is_asked(
    ssh: Ssh, content: bytes, message: str
) -> None:
    (ssh.folder / "bad").write_bytes(content)

    done = ssh.doctor(key=ssh.folder / "bad")

    assert done.code == 3
    assert message in checks(done)["key"]
    assert checks(done)["remote"] == "skipped see key"
    assert "canary" not in done.out + done.err


def test_a_key_with_a_passphrase_is_a_failure(ssh: Ssh) -> None:
    make_key(ssh.folder / "locked", passphrase="open sesame")

    done = ssh.doctor(key=ssh.folder / "locked")

    assert "FAILED" in checks(done)["key"]
    assert "has a passphrase" in checks(done)["key"]


@pytest.mark.parametrize(("kind", "form"), [("rsa", "PEM"), ("ecdsa", "PKCS8"), ("rsa", "")])
def test_the_fingerprint_of_keys_of_other_forms_is_told_too(ssh: Ssh, kind: str, form: str) -> None:
    ssh.server.authorize(make_key(ssh.folder / "other", kind=kind, form=form))

    done = ssh.doctor(key=ssh.folder / "other")

    assert done.code == 0, done.out
    assert "SHA256:" in checks(done)["key"]


def test_a_branch_that_is_not_there_is_told_with_those_that_are(ssh: Ssh) -> None:
    done = ssh.doctor("--git-branch", "mian")

    assert done.code == 3
    assert checks(done)["remote"].startswith("ok")
    assert checks(done)["branch"] == "FAILED there is no branch 'mian'; there is 'main'"


def test_a_folder_that_is_not_there_is_a_failure_and_an_empty_one_a_warning(ssh: Ssh) -> None:
    missing = ssh.doctor("--git-path", "weeb")
    ssh.remote.put({"docs/a.md": b"text"})
    empty = ssh.doctor("--git-path", "docs", "--git-path", "web")

    assert missing.code == 3
    assert checks(missing)["paths"].startswith("FAILED weeb: ")
    assert empty.code == 0
    assert checks(empty)["paths"] == "warning no manifest in docs"


def test_a_branch_of_proposals_is_tried_and_not_made(ssh: Ssh) -> None:
    done = ssh.doctor("--git-push-branch", "robot/updates")

    assert done.code == 0
    assert checks(done)["push"].startswith("ok may push to robot/updates")
    assert not ssh.remote.tip("robot/updates")


@pytest.mark.parametrize("switch", ["--git-read-only", "--no-update"])
def test_where_nothing_is_pushed_no_push_is_tried(ssh: Ssh, switch: str) -> None:
    done = ssh.doctor(switch)

    assert done.code == 0
    assert checks(done)["push"] == f"skipped {switch}: nothing is ever pushed"


def test_a_commit_from_the_future_is_a_warning_about_the_clock(ssh: Ssh) -> None:
    later = (datetime.now(UTC) + timedelta(hours=3)).strftime("%s")
    commit = git(
        ssh.remote.path, "hash-object", "-t", "commit", "-w", "--stdin",
        stdin=(
            f"tree {git(ssh.remote.path, 'rev-parse', 'main^{tree}')}\n"
            f"author A <a@b> {later} +0000\ncommitter A <a@b> {later} +0000\n\nearly\n"
        ).encode(),
    )  # fmt: skip
    git(ssh.remote.path, "update-ref", "refs/heads/main", commit)

    done = ssh.doctor()

    assert done.code == 0
    assert checks(done)["clock"].startswith("warning the newest commit was made 10,")


def test_a_token_that_may_only_read_is_a_failure_of_the_push_alone(
    git_server: GitHttpServer, tmp_path: Path
) -> None:
    remote = BareRemote.create(git_server.root / "web.git")
    remote.put({"a.yaml": MANIFEST})  # without http.receivepack, as a forge refuses who may read
    (tmp_path / "token").write_text("git-password\n")

    def doctor(*more: str) -> Done:
        return program(
            "doctor", "--no-sync", "--git-url", f"{git_server.url}/web.git",
            "--data-dir", str(tmp_path / "data"), "--git-username", "robot",
            "--git-password-file", str(tmp_path / "token"), *more, env={"COLUMNS": "300"},
        )  # fmt: skip

    git(remote.path, "config", "http.receivepack", "false")
    reading = doctor()
    git(remote.path, "config", "http.receivepack", "true")
    writing = doctor("-o", "json")
    (tmp_path / "token").write_text("wrong-canary\n")
    refused = doctor()

    assert reading.code == 3
    assert checks(reading)["read"].startswith("ok")
    assert checks(reading)["push"].startswith("FAILED our rights at the remote do not suffice")
    assert "--git-read-only" in reading.out
    assert writing.code == 0
    assert undocumented(writing.json) == set()
    assert refused.code == 3
    assert checks(refused)["remote"].startswith("FAILED the remote refused our user name")
    assert "canary" not in refused.out + refused.err


def test_a_remote_that_is_down_may_pass(ssh: Ssh) -> None:
    ssh.server.stop()

    done = ssh.doctor()

    assert done.code == 1
    assert checks(done)["remote"].startswith("FAILED the remote is not reached")


def test_an_empty_remote_is_told(ssh: Ssh) -> None:
    shutil.rmtree(ssh.remote.path)
    BareRemote.create(ssh.remote.path)

    done = ssh.doctor()

    assert done.code == 3
    assert checks(done)["branch"].startswith("FAILED the repository is empty")
