"""Commits are signed as asked, so that git verifies them, or they are not made."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from lab.bare_repository import BareRemote, git
from lab.openpgp import GpgHome, gpg_home
from lab.process import LabError, MissingPartError
from lab.ssh_server import make_key
from reconciler.adapters.git.repository import GitRepository
from reconciler.errors import GitError, SettingsError, StalledError, StoppedError
from reconciler.settings import GitSettings
from reconciler.stop import Stop
from tests.adapters.git.clones import another

PASSPHRASE = "öpen, Sesame"


@pytest.fixture
def home() -> Iterator[GpgHome]:
    with gpg_home() as home:
        yield home


@dataclass(frozen=True)
class Key:
    """A key that signs, and what a repository needs to verify by it."""

    file: Path
    trust: tuple[str, str]  # a setting of git's, and its value

    def verify(self, remote: BareRemote, commit: str = "main") -> None:
        """Have git verify a commit.

        Raises:
            LabError: git does not.
        """
        git(remote.path, "config", *self.trust)
        git(remote.path, "verify-commit", commit)


def ssh_key(folder: Path, *, kind: str = "ed25519", form: str = "", passphrase: str = "") -> Key:
    public = make_key(folder / "signer", kind=kind, form=form, passphrase=passphrase)
    signers = folder / "signers"
    signers.write_text(f"robot@example.org {public}\n")
    (folder / "signer.pub").unlink()
    return Key(folder / "signer", ("gpg.ssh.allowedSignersFile", str(signers)))


def openpgp_key(home: GpgHome, folder: Path, *, passphrase: str = "", binary: bool = False) -> Key:
    home.make_key(passphrase=passphrase)
    file = folder / "signer"
    file.write_bytes(home.secret_half(passphrase=passphrase, is_armored=not binary))
    wrapper = folder / "verifier"
    wrapper.write_text(f'#!/bin/sh\nexec gpg --homedir {home.path} "$@"\n')
    wrapper.chmod(0o755)
    return Key(file, ("gpg.program", str(wrapper)))


def signing(remote: BareRemote, folder: Path, key: Path, **options: object) -> GitRepository:
    return another(remote, folder, signing_key_file=key, **options)


def commit_and_push(repository: GitRepository, content: bytes = b"2") -> str:
    made = repository.commit(repository.fetch().revision, {"a": content}, "ours\n\nand more\n")
    repository.push(made)
    return made.commit


def locked(folder: Path) -> Path:
    """Return a file with the passphrase, as an editor of another system may have left it."""
    file = folder / "it's the pass phrase"
    file.write_bytes(f"{PASSPHRASE}\r\nand no more\n".encode())
    return file


def agents(folder: Path) -> list[int]:
    """Return the agents of gpg that were started for a clone below a folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            is_agent = (process / "cmdline").read_bytes().startswith(b"gpg-agent")
            if is_agent and os.fsencode(folder) in (process / "environ").read_bytes():
                found.append(int(process.name))
    return found


@pytest.mark.parametrize("passphrase", ["", PASSPHRASE], ids=["open", "locked"])
@pytest.mark.parametrize("algorithm", ["sha1", "sha256"])
@pytest.mark.parametrize("format_", ["ssh", "openpgp"])
def test_a_commit_is_signed_so_that_git_verifies_it(
    tmp_path: Path, home: GpgHome, format_: str, algorithm: str, passphrase: str
) -> None:
    remote = BareRemote.create(tmp_path / "remote.git", f"--object-format={algorithm}")
    remote.put({"a": b"1"}, "first")
    key = (
        ssh_key(tmp_path, passphrase=passphrase)
        if format_ == "ssh"
        else openpgp_key(home, tmp_path, passphrase=passphrase)
    )
    options = {"signing_passphrase_file": locked(tmp_path)} if passphrase else {}

    made = commit_and_push(signing(remote, tmp_path, key.file, **options))

    key.verify(remote)
    assert remote.tip() == made
    assert remote.log(form="%s") == ["ours", "first"]
    raw = git(remote.path, "cat-file", "commit", "main")
    assert raw.endswith("\n\nours\n\nand more")
    assert ("gpgsig-sha256 " in raw) is (algorithm == "sha256")
    git(remote.path, "fsck", "--strict")
    with pytest.raises(LabError):
        key.verify(remote, "main^")
    assert agents(tmp_path) == []


def test_each_of_several_commits_is_signed(
    remote: BareRemote, tmp_path: Path, home: GpgHome
) -> None:
    key = openpgp_key(home, tmp_path)
    repository = signing(remote, tmp_path, key.file)

    for content in (b"2", b"3", b"4"):
        key.verify(remote, commit_and_push(repository, content))

    assert not (tmp_path / "data" / "signing").exists()
    assert agents(tmp_path) == []


@pytest.mark.parametrize("kind", ["rsa", "ecdsa"])
@pytest.mark.parametrize("form", ["", "PEM", "PKCS8"])
@pytest.mark.parametrize("passphrase", ["", PASSPHRASE], ids=["open", "locked"])
def test_an_ssh_key_of_any_kind_signs(
    remote: BareRemote, tmp_path: Path, kind: str, form: str, passphrase: str
) -> None:
    key = ssh_key(tmp_path, kind=kind, form=form, passphrase=passphrase)
    options = {"signing_passphrase_file": locked(tmp_path)} if passphrase else {}

    commit_and_push(signing(remote, tmp_path, key.file, signing_format="ssh", **options))

    key.verify(remote)


def test_an_openpgp_key_without_armor_signs(
    remote: BareRemote, tmp_path: Path, home: GpgHome
) -> None:
    key = openpgp_key(home, tmp_path, binary=True)

    commit_and_push(signing(remote, tmp_path, key.file, signing_format="openpgp"))

    key.verify(remote)


def test_a_key_that_others_may_read_signs_as_secrets_are_mounted(
    remote: BareRemote, tmp_path: Path
) -> None:
    key = ssh_key(tmp_path)
    key.file.chmod(0o444)

    commit_and_push(signing(remote, tmp_path, key.file))

    key.verify(remote)


def test_a_key_replaced_in_its_file_is_used_at_once(remote: BareRemote, tmp_path: Path) -> None:
    old = ssh_key(tmp_path)
    repository = signing(remote, tmp_path, old.file)
    commit_and_push(repository)
    (tmp_path / "new").mkdir()
    new = ssh_key(tmp_path / "new")

    old.file.write_bytes(new.file.read_bytes())
    commit_and_push(repository, b"3")

    new.verify(remote)


@pytest.mark.parametrize("is_deep", [True, False], ids=["deep", "flat"])
def test_a_folder_may_be_too_deep_for_a_socket(
    remote: BareRemote, tmp_path: Path, home: GpgHome, *, is_deep: bool
) -> None:
    key = openpgp_key(home, tmp_path)
    with tempfile.TemporaryDirectory() as flat:
        folder = tmp_path / ("d" * 200) if is_deep else Path(flat)
        folder.mkdir(exist_ok=True)

        commit_and_push(signing(remote, folder, key.file))

        key.verify(remote)
        assert agents(folder) == []


def test_a_key_of_a_size_that_no_key_has_is_refused(remote: BareRemote, tmp_path: Path) -> None:
    file = tmp_path / "signer"
    file.write_bytes(b"x" * (4 * 1024 * 1024 + 1))

    refused(remote, signing(remote, tmp_path, file), "the signing key is larger than 4,194,304")


def test_the_keys_and_settings_of_the_user_have_no_say(
    remote: BareRemote, tmp_path: Path, home: GpgHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    trap = tmp_path / "sprung"
    (tmp_path / ".gitconfig").write_text(
        f"[commit]\n\tgpgSign = true\n[gpg]\n\tprogram = {trap}\n\tformat = x509\n"
    )
    key = openpgp_key(home, tmp_path)
    (home.path / "gpg.conf").write_text("no-such-option\n")
    for name, value in {
        "HOME": tmp_path,
        "GNUPGHOME": home.path,
        "GIT_CONFIG_GLOBAL": tmp_path / ".gitconfig",
        "SSH_ASKPASS": trap,
        "GPG_TTY": "/dev/tty",
    }.items():
        monkeypatch.setenv(name, str(value))

    commit_and_push(signing(remote, tmp_path, key.file))

    (home.path / "gpg.conf").unlink()
    key.verify(remote)
    assert not trap.exists()


# Nothing is pushed that is not signed


def refused(remote: BareRemote, repository: GitRepository, match: str) -> StalledError:
    """Expect that a commit is not made, and that nothing is left of the attempt."""
    base = repository.fetch().revision
    with pytest.raises(StalledError, match=match) as caught:
        repository.commit(base, {"a": b"2"}, "ours")

    assert remote.log() == ["first"]
    assert not list(remote.path.parent.glob("data/signing"))
    assert agents(remote.path.parent) == []
    assert PASSPHRASE not in str(caught.value)
    return caught.value


@pytest.mark.parametrize("format_", ["ssh", "ssh-pem", "openpgp"])
@pytest.mark.parametrize("has_one", [True, False], ids=["wrong", "missing"])
def test_a_wrong_or_missing_passphrase_is_told(
    remote: BareRemote, tmp_path: Path, home: GpgHome, format_: str, *, has_one: bool
) -> None:
    if format_ == "openpgp":
        key = openpgp_key(home, tmp_path, passphrase=PASSPHRASE)
    elif format_ == "ssh":
        key = ssh_key(tmp_path, passphrase=PASSPHRASE)
    else:
        key = ssh_key(tmp_path, kind="rsa", form="PEM", passphrase=PASSPHRASE)
    wrong = tmp_path / "wrong"
    wrong.write_text(f"x{PASSPHRASE}\n")
    options = {"signing_passphrase_file": wrong} if has_one else {}
    match = "does not open the signing key" if has_one else "use --git-signing-passphrase-file"

    error = refused(remote, signing(remote, tmp_path, key.file, **options), match)

    assert error.where == str(key.file)


@pytest.mark.parametrize(
    ("content", "match"),
    [(None, "No such file"), ("", "is empty"), ("\nsecret", "first line is empty")],
)
def test_a_passphrase_file_without_one_is_named(
    remote: BareRemote, tmp_path: Path, content: str | None, match: str
) -> None:
    key = ssh_key(tmp_path, passphrase=PASSPHRASE)
    file = tmp_path / "passphrase"
    if content is not None:
        file.write_text(content)

    repository = signing(remote, tmp_path, key.file, signing_passphrase_file=file)

    assert refused(remote, repository, match).where == str(file)


def test_a_key_that_has_expired_is_told_with_the_day(
    remote: BareRemote, tmp_path: Path, home: GpgHome
) -> None:
    home.make_key(at="20200101T000000", expires="1d")
    (tmp_path / "signer").write_bytes(home.secret_half())

    refused(remote, signing(remote, tmp_path, tmp_path / "signer"), "has expired on 2020-01-02")


def test_a_key_that_was_revoked_is_told(remote: BareRemote, tmp_path: Path, home: GpgHome) -> None:
    home.revoke(home.make_key())
    (tmp_path / "signer").write_bytes(home.secret_half())

    refused(remote, signing(remote, tmp_path, tmp_path / "signer"), "Unusable secret key")


def test_a_file_with_two_keys_is_told(remote: BareRemote, tmp_path: Path, home: GpgHome) -> None:
    home.make_key()
    with gpg_home() as other:
        other.make_key()
        both = home.secret_half() + other.secret_half()
    (tmp_path / "signer").write_bytes(both)

    refused(remote, signing(remote, tmp_path, tmp_path / "signer"), "holds 2 secret keys")


@pytest.mark.parametrize(
    ("content", "options", "match"),
    [
        pytest.param(b"", {}, "is empty", id="empty"),
        pytest.param(b"ssh-ed25519 AAAAC3", {}, "public SSH key", id="public-ssh"),
        pytest.param(b"-----BEGIN PGP PUBLIC KEY BLOCK-----\n", {}, "no secret OpenPGP key",
                     id="public-openpgp"),
        pytest.param(b"\xc6\x33\x04", {}, "no secret OpenPGP key", id="public-openpgp-binary"),
        pytest.param(b"\x95\x03rubbish", {}, "gpg finds no secret key", id="damaged-openpgp"),
        pytest.param(b"-----BEGIN PGP PRIVATE KEY BLOCK-----\n", {"signing_format": "ssh"},
                     "OpenPGP key, and not one of SSH", id="openpgp-for-ssh"),
        pytest.param(b"-----BEGIN OPENSSH PRIVATE KEY-----\n", {"signing_format": "openpgp"},
                     "no OpenPGP key", id="ssh-for-openpgp"),
        pytest.param(b"-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----\n", {},
                     "ssh-keygen cannot sign", id="damaged-ssh"),
        pytest.param(b"what?", {}, "no SSH private key", id="rubbish"),
    ],
)  # fmt: skip
def test_what_is_no_key_is_told(
    remote: BareRemote, tmp_path: Path, content: bytes, options: dict[str, str], match: str
) -> None:
    file = tmp_path / "signer"
    file.write_bytes(content)

    assert refused(remote, signing(remote, tmp_path, file, **options), match).where == str(file)


def test_a_missing_key_file_is_named(remote: BareRemote, tmp_path: Path) -> None:
    error = refused(remote, signing(remote, tmp_path, tmp_path / "none"), "cannot read the signing")

    assert error.where == str(tmp_path / "none")


def only(folder: Path, *programs: str) -> str:
    """Return a PATH on which there are these programs and no others."""
    folder.mkdir()
    for program in programs:
        found = shutil.which(program)
        assert found
        (folder / program).symlink_to(found)
    return str(folder)


@pytest.mark.parametrize("format_", ["ssh", "openpgp"])
def test_a_missing_program_is_named_with_its_package(
    remote: BareRemote,
    tmp_path: Path,
    home: GpgHome,
    monkeypatch: pytest.MonkeyPatch,
    format_: str,
) -> None:
    key = ssh_key(tmp_path) if format_ == "ssh" else openpgp_key(home, tmp_path)
    name, package = ("ssh-keygen", "openssh-client") if format_ == "ssh" else ("gpg", "gpg-agent")
    monkeypatch.setenv("PATH", only(tmp_path / "bin", "git", "env"))

    refused(remote, signing(remote, tmp_path, key.file), f"no {name} program .*{package}")


def test_an_agent_that_does_not_start_is_told(
    remote: BareRemote, tmp_path: Path, home: GpgHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = openpgp_key(home, tmp_path)
    gpg = shutil.which("gpg")
    folder = only(tmp_path / "bin", "git", "env")
    wrapper = Path(folder) / "gpg"
    wrapper.write_text(f'#!/bin/sh\nexec {gpg} --agent-program /nonexistent "$@"\n')
    wrapper.chmod(0o755)
    monkeypatch.setenv("PATH", folder)

    refused(remote, signing(remote, tmp_path, key.file), "install gpg-agent")


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"signing_format": "ssh"}, "--git-signing-format goes with --git-signing-key-file"),
        ({"signing_passphrase_file": Path("p")}, "--git-signing-passphrase-file goes with"),
        ({"signing_format": "x509", "signing_key_file": Path("k")}, "'x509' is no format"),
    ],
)
def test_settings_that_do_not_go_together_are_refused(
    remote: BareRemote, tmp_path: Path, options: dict[str, object], match: str
) -> None:
    with pytest.raises(SettingsError, match=match):
        another(remote, tmp_path, **options)


def test_what_a_killed_process_left_is_removed(remote: BareRemote, tmp_path: Path) -> None:
    key = ssh_key(tmp_path)
    left = tmp_path / "data" / "signing"
    left.mkdir(parents=True)
    (left / "key").write_text("left behind")
    with socket.socket(socket.AF_UNIX) as listener:
        os.chdir(left)
        listener.bind("S.gpg-agent")
    os.chdir(tmp_path)

    commit_and_push(signing(remote, tmp_path, key.file))

    assert not left.exists()


NAMELESS = """\
import os, pwd, sys
from pathlib import Path
from reconciler.adapters.git.repository import GitRepository
from reconciler.settings import GitSettings
try:
    pwd.getpwuid(os.getuid())
except KeyError:
    pass
else:
    sys.exit("this user has a name")
url, key, data = sys.argv[1:]
repository = GitRepository(GitSettings(url, signing_key_file=Path(key)), Path(data))
repository.push(repository.commit(repository.fetch().revision, {"a": b"2"}, "ours"))
"""


def test_a_user_without_a_name_signs(remote: BareRemote, tmp_path: Path) -> None:
    key = ssh_key(tmp_path)
    unshare = ("unshare", "--user", "--map-user=54321", "--map-group=54321")
    if subprocess.run([*unshare, "true"], capture_output=True, check=False).returncode:
        raise MissingPartError("this kernel permits no user namespaces to us")

    done = subprocess.run(
        [*unshare, sys.executable, "-c", NAMELESS, remote.path, key.file, tmp_path / "data"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.stderr == ""
    key.verify(remote)


_CYCLE = """
import sys
from pathlib import Path
from reconciler.adapters.git.repository import GitRepository
from reconciler.settings import GitSettings

url, key, data = sys.argv[1:]
repository = GitRepository(GitSettings(url, signing_key_file=Path(key)), Path(data))
snapshot = repository.fetch()
entries = [entry for entry in snapshot.entries if entry.path == "a"]
if [content for _, content in repository.read(entries, max_bytes=99)] != [b"ours"]:
    repository.push(repository.commit(snapshot.revision, {"a": b"ours"}, "ours"))
"""

# Does its work and, when it is to sign, kills who called it; before or after.
_KILLER = """\
#!/bin/sh
case "$*" in
*{act}*)
    if [ -e {flag} ]; then
        rm {flag}
        {before}
        {real} "$@"
        {after}
        sleep 0.2
        exit 1
    fi ;;
esac
exec {real} "$@"
"""


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(
    ("name", "act"), [("ssh-keygen", "-Y"), ("gpg", "--import"), ("gpg", "--detach-sign")]
)
def test_a_cycle_killed_while_it_signs_is_completed_by_the_next(
    remote: BareRemote, tmp_path: Path, home: GpgHome, *, name: str, act: str, when: str
) -> None:
    key = openpgp_key(home, tmp_path) if name == "gpg" else ssh_key(tmp_path)
    flag, wrapper = tmp_path / "flag", tmp_path / "bin" / name
    flag.touch()
    wrapper.parent.mkdir()
    kill = {"before": "", "after": "", when: "kill -KILL $PPID"}
    wrapper.write_text(_KILLER.format(flag=flag, act=act, real=shutil.which(name), **kill))
    wrapper.chmod(0o755)
    folder = tmp_path / "data"
    command = [sys.executable, "-c", _CYCLE, str(remote.path), str(key.file), str(folder)]
    path = f"{wrapper.parent}:{os.environ['PATH']}"

    def run() -> int:
        return subprocess.run(command, env={**os.environ, "PATH": path}, check=False).returncode

    assert run() == -signal.SIGKILL
    assert not flag.exists()
    assert remote.log() == ["first"]
    assert run() == 0

    assert remote.log() == ["ours", "first"]
    key.verify(remote)
    assert agents(tmp_path) == []
    assert not (tmp_path / "data" / "signing").exists()


def slow(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put an ``ssh-keygen`` on the PATH that takes for ever; return where it writes its number."""
    number, program = folder / "number", folder / "bin" / "ssh-keygen"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\necho $$ > {number}.new\nmv {number}.new {number}\nsleep 300\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    return number


def test_a_program_that_hangs_is_ended_with_its_children(
    remote: BareRemote, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = ssh_key(tmp_path)
    base = another(remote, tmp_path).fetch().revision
    number = slow(tmp_path, monkeypatch)
    repository = signing(remote, tmp_path, key.file, timeout_s=5.0)

    with pytest.raises(GitError, match="ssh-keygen did not end within 5 s"):
        repository.commit(base, {"a": b"2"}, "ours")

    assert not Path(f"/proc/{number.read_text().strip()}").exists()
    assert not (tmp_path / "data" / "signing").exists()


def test_a_program_is_ended_when_its_process_has_to_end_at_once(
    remote: BareRemote, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = ssh_key(tmp_path)
    base = another(remote, tmp_path).fetch().revision
    number, stop = slow(tmp_path, monkeypatch), Stop()
    settings = GitSettings(url=str(remote.path), signing_key_file=key.file)

    def insist() -> None:
        while not number.exists():
            time.sleep(0.01)
        stop.insist()

    insisting = threading.Thread(target=insist)
    insisting.start()
    with pytest.raises(StoppedError, match="ssh-keygen was ended"):
        GitRepository(settings, tmp_path / "data", stop=stop).commit(base, {"a": b"2"}, "ours")
    insisting.join()

    assert not Path(f"/proc/{number.read_text().strip()}").exists()


def test_a_program_that_cannot_be_started_is_an_error_of_ours(
    remote: BareRemote, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = ssh_key(tmp_path)
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "ssh-keygen").write_bytes(b"no program")
    (folder / "ssh-keygen").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    repository = signing(remote, tmp_path, key.file)

    with pytest.raises(GitError, match="cannot start ssh-keygen"):
        repository.commit(repository.fetch().revision, {"a": b"2"}, "ours")


def test_commits_that_a_person_asks_for_are_signed_too(remote: BareRemote, tmp_path: Path) -> None:
    key = ssh_key(tmp_path, passphrase=PASSPHRASE)
    pod = "spec: {containers: [{name: web, image: 'registry.example/web:v1'}]}"
    remote.put(
        {
            "web.yaml": (
                "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\n  namespace: web\n"
                f"spec:\n  template:\n    {pod}\n"
            ).encode()
        }
    )
    arguments = ["automate", "web:deployment/web", "--git-url", remote.path,
                 "--data-dir", tmp_path / "data", "--git-signing-key-file", key.file]  # fmt: skip
    opened = ["--git-signing-passphrase-file", locked(tmp_path)]
    before = remote.log()

    def call(*more: object) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "reconciler", *map(str, (*arguments, *more))]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    refused_ = call()
    assert refused_.returncode == 2
    assert "use --git-signing-passphrase-file" in refused_.stderr
    assert remote.log() == before

    assert call(*opened).returncode == 0
    assert len(remote.log()) == len(before) + 1
    key.verify(remote)
