"""Git over SSH against a real sshd."""

import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from lab.bare_repository import BareRemote
from lab.process import MissingPartError
from lab.ssh_server import SshServer, make_key
from reconciler.adapters.git.repository import GitRepository
from reconciler.errors import (
    AccessDeniedError,
    GitError,
    NotFoundError,
    ReconcilerError,
    RefusedError,
    SettingsError,
    StalledError,
)
from reconciler.settings import GitSettings

pytestmark = pytest.mark.git_server

ROOT = Path(__file__).parents[3]
STRANGE = 'it\'s a "$HOME" ${HOME} %h `id` folder'


@pytest.fixture
def remote(ssh_server: SshServer) -> BareRemote:
    remote = BareRemote.create(ssh_server.root / "web.git")
    remote.put({"a": b"1", "b": b"1"})
    return remote


@pytest.fixture
def settings(ssh_server: SshServer, remote: BareRemote, tmp_path: Path) -> GitSettings:
    (tmp_path / "known_hosts").write_text(ssh_server.known_hosts)
    return GitSettings(
        url=f"{ssh_server.url}/{remote.path.name}",
        ssh_key_file=tmp_path / "key",
        known_hosts_file=tmp_path / "known_hosts",
    )


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    return tmp_path / "clone"


@pytest.fixture
def repository(settings: GitSettings, clone: Path) -> GitRepository:
    return GitRepository(settings, clone)


def failure(settings: GitSettings, clone: Path) -> ReconcilerError:
    with pytest.raises(ReconcilerError) as caught:
        GitRepository(settings, clone).fetch()
    assert not (clone / "ssh").exists()
    return caught.value


def test_a_key_opens_the_remote_for_reading_and_pushing(
    repository: GitRepository, remote: BareRemote
) -> None:
    snapshot = repository.fetch()

    read = [content for _, content in repository.read(snapshot.entries, max_bytes=9)]
    repository.push(repository.commit(snapshot.revision, {"a": b"2"}, "ours"))

    assert read == [b"1", b"1"]
    assert remote.files() == {"a": b"2", "b": b"1"}


@pytest.mark.parametrize(
    "form",
    ["ssh://127.0.0.1:{port}/~/web.git", "[127.0.0.1:{port}]:web.git",
     "ssh://git@127.0.0.1:{port}{root}/web.git"],
)  # fmt: skip
def test_each_form_of_the_url_leads_there(
    settings: GitSettings, clone: Path, ssh_server: SshServer, form: str
) -> None:
    url = form.format(port=ssh_server.port, root=ssh_server.root)

    assert GitRepository(replace(settings, url=url), clone).fetch().entries


def test_folders_of_any_name_are_no_trap(
    settings: GitSettings, tmp_path: Path, remote: BareRemote
) -> None:
    folder = tmp_path / STRANGE
    folder.mkdir()
    for name in ("key", "known_hosts"):
        (tmp_path / name).rename(folder / f"-{name}")
    remote.path.rename(remote.path.with_name("it's web.git"))
    settings = replace(
        settings,
        url=settings.url.replace("web.git", "it's web.git"),
        ssh_key_file=folder / "-key",
        known_hosts_file=folder / "-known_hosts",
    )

    assert GitRepository(settings, folder / "clone").fetch().entries


@pytest.mark.parametrize("mode", [0o400, 0o440, 0o644, 0o666])
def test_a_key_that_others_may_read_works_as_secrets_are_mounted(
    settings: GitSettings, clone: Path, tmp_path: Path, mode: int
) -> None:
    (tmp_path / "key").chmod(mode)

    assert GitRepository(settings, clone).fetch().entries


def test_a_key_without_the_line_ends_of_unix_works(
    settings: GitSettings, clone: Path, tmp_path: Path
) -> None:
    key = tmp_path / "key"
    key.write_bytes(key.read_bytes().replace(b"\n", b"\r\n").rstrip())

    assert GitRepository(settings, clone).fetch().entries


def test_a_key_replaced_in_its_file_is_used_at_once(
    repository: GitRepository, ssh_server: SshServer, tmp_path: Path
) -> None:
    repository.fetch()
    ssh_server.authorize(make_key(tmp_path / "next"))
    with pytest.raises(AccessDeniedError):
        repository.fetch()

    (tmp_path / "next").replace(tmp_path / "key")

    assert repository.fetch().entries


def test_no_copy_of_the_key_outlives_the_command(
    repository: GitRepository, clone: Path, tmp_path: Path
) -> None:
    left = clone / "ssh" / "key"  # by a process that was killed
    left.parent.mkdir(parents=True)
    left.touch()

    base = repository.fetch().revision
    repository.push(repository.commit(base, {"a": b"2"}, "ours"))

    secret = (tmp_path / "key").read_bytes().splitlines()[2]
    kept = [path for path in clone.rglob("*") if path.is_file()]
    assert kept
    assert not [path for path in kept if secret in path.read_bytes()]
    assert not left.parent.exists()


def test_the_key_is_in_no_argument_and_no_variable(
    settings: GitSettings, clone: Path, ssh_server: SshServer, tmp_path: Path
) -> None:
    looks = tmp_path / "looks"
    script = tmp_path / "look"
    script.write_text(f"#!{sys.executable}\n{LOOK.format(looks=str(looks))}")
    script.chmod(0o755)
    public = (tmp_path / "key.pub").read_text().strip()
    ssh_server.authorize(public, command=str(script))

    GitRepository(settings, clone).fetch()

    seen = looks.read_bytes()
    key = (tmp_path / "key").read_bytes().splitlines()
    assert b"GIT_SSH_COMMAND=" in seen
    assert b"StrictHostKeyChecking=yes" in seen
    assert not [line for line in key[1:-1] if line in seen]


LOOK = """\
import contextlib, os, pathlib
with open({looks!r}, "ab") as out:
    for folder in pathlib.Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            out.write((folder / "cmdline").read_bytes() + (folder / "environ").read_bytes())
os.execlp("sh", "sh", "-c", os.environ["SSH_ORIGINAL_COMMAND"])
"""


def test_a_host_whose_key_is_another_is_refused_and_the_place_is_named(
    settings: GitSettings, clone: Path, ssh_server: SshServer
) -> None:
    ssh_server.stop()
    ssh_server.change_host_key()
    ssh_server.start()

    error = failure(settings, clone)

    assert type(error) is StalledError
    assert "somebody stands in between" in error.message
    assert f"Offending ED25519 key in {settings.known_hosts_file}:1" in error.message
    assert error.where == settings.url
    assert "Accepted" not in ssh_server.log


def hashed(server: SshServer, file: Path) -> None:
    file.write_text(server.known_hosts)
    subprocess.run(["ssh-keygen", "-H", "-f", str(file)], check=True, capture_output=True)
    assert "127.0.0.1" not in file.read_text()


def by_any_name(server: SshServer, file: Path) -> None:
    file.write_text(f"# ours\nno entry at all\n* {server.known_hosts.split(' ', 1)[1]}")


def with_line_ends_of_windows(server: SshServer, file: Path) -> None:
    file.write_bytes(server.known_hosts.replace("\n", "\r\n").encode())


@pytest.mark.parametrize("write", [hashed, by_any_name, with_line_ends_of_windows])
def test_known_hosts_may_be_written_in_any_way_that_ssh_reads(
    settings: GitSettings,
    clone: Path,
    ssh_server: SshServer,
    write: Callable[[SshServer, Path], None],
) -> None:
    assert settings.known_hosts_file is not None
    write(ssh_server, settings.known_hosts_file)

    assert GitRepository(settings, clone).fetch().entries


def certify(server: SshServer, folder: Path, *options: str) -> str:
    """Give a server a host certificate, and return its authority's key."""
    authority = make_key(folder / "authority")
    key = server.folder / "host_key"
    subprocess.run(
        ["ssh-keygen", "-s", str(folder / "authority"), "-I", "web", "-h", "-n", "127.0.0.1",
         *options,
         str(key) + ".pub"],
        check=True,
        capture_output=True,
    )  # fmt: skip
    with (server.folder / "sshd_config").open("a") as file:
        file.write(f"HostCertificate {key}-cert.pub\n")
    server.stop()
    server.start()
    return authority


def test_an_authority_may_vouch_for_the_host(
    settings: GitSettings, clone: Path, ssh_server: SshServer, tmp_path: Path
) -> None:
    assert settings.known_hosts_file is not None
    authority = certify(ssh_server, tmp_path)
    place = f"[127.0.0.1]:{ssh_server.port}"
    settings.known_hosts_file.write_text(f"@cert-authority {place} {authority}\n")

    assert GitRepository(settings, clone).fetch().entries

    another = make_key(tmp_path / "another")
    settings.known_hosts_file.write_text(f"@cert-authority * {another}\n")
    assert "host key is not known" in failure(settings, clone).message


@pytest.mark.parametrize(
    ("options", "reason"),
    [(["-V", "-2d:-1d"], "expired"), (["-n", "web.example"], "name is not a listed")],
    ids=["expired", "of-another-host"],
)
def test_a_host_certificate_that_is_not_valid_is_refused_with_the_reason(
    settings: GitSettings,
    clone: Path,
    ssh_server: SshServer,
    options: Sequence[str],
    reason: str,
) -> None:
    assert settings.known_hosts_file is not None
    authority = certify(ssh_server, clone.parent, *options)
    settings.known_hosts_file.write_text(f"@cert-authority * {authority}\n")

    error = failure(settings, clone)

    assert type(error) is StalledError
    assert "certificate is not valid" in error.message
    assert reason in error.message


def test_a_revoked_host_key_is_refused(
    settings: GitSettings, clone: Path, ssh_server: SshServer
) -> None:
    assert settings.known_hosts_file is not None
    key = ssh_server.known_hosts.split(" ", 1)[1]
    settings.known_hosts_file.write_text(f"@revoked * {key}{ssh_server.known_hosts}")

    error = failure(settings, clone)

    assert type(error) is StalledError
    assert "revoked" in error.message


def test_an_unknown_host_is_refused_and_the_command_that_helps_is_named(
    settings: GitSettings, clone: Path, ssh_server: SshServer, tmp_path: Path
) -> None:
    (tmp_path / "known_hosts").write_text("# nobody yet\n")

    error = failure(settings, clone)

    assert type(error) is StalledError
    assert f"`ssh-keyscan -p {ssh_server.port} 127.0.0.1`" in error.message
    assert "--git-known-hosts-file" in error.message
    assert (tmp_path / "known_hosts").read_text() == "# nobody yet\n"


def test_without_an_option_the_known_hosts_of_the_user_count(
    settings: GitSettings, clone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    settings = replace(settings, known_hosts_file=None)
    assert "host key is not known" in failure(settings, clone).message

    (tmp_path / "home" / ".ssh").mkdir(parents=True)
    (tmp_path / "known_hosts").rename(tmp_path / "home" / ".ssh" / "known_hosts")

    assert GitRepository(settings, clone).fetch().entries


def test_a_key_that_the_remote_does_not_know_is_denied(
    settings: GitSettings, clone: Path, tmp_path: Path
) -> None:
    make_key(tmp_path / "other")

    error = failure(replace(settings, ssh_key_file=tmp_path / "other"), clone)

    assert type(error) is AccessDeniedError
    assert "--git-ssh-key-file" in error.message
    assert "git@127.0.0.1: Permission denied (publickey)" in error.message


def test_a_key_with_a_passphrase_is_told_before_anybody_is_asked(
    settings: GitSettings, clone: Path, tmp_path: Path, ssh_server: SshServer
) -> None:
    make_key(tmp_path / "locked", passphrase="canary-2f9c")

    error = failure(replace(settings, ssh_key_file=tmp_path / "locked"), clone)

    assert type(error) is SettingsError
    assert "has a passphrase" in error.message
    assert error.where == str(tmp_path / "locked")
    assert "publickey" not in ssh_server.log


@pytest.mark.parametrize("name", ["ssh_key_file", "known_hosts_file"])
def test_a_file_that_cannot_be_read_is_named(
    settings: GitSettings, clone: Path, tmp_path: Path, name: str
) -> None:
    gone, folder, large = tmp_path / "gone", tmp_path / "folder", tmp_path / "large"
    folder.mkdir()
    large.write_bytes(b"#" * (4 * 1024 * 1024 + 1))

    for path, problem in ((gone, "No such file"), (folder, "Is a directory"), (large, "larger")):
        error = failure(replace(settings, **{name: path}), clone)  # type: ignore[arg-type] # by name
        assert type(error) is SettingsError
        assert problem in error.message
        assert error.where == str(path)


def test_a_key_that_ssh_cannot_read_is_named_as_the_user_names_it(
    settings: GitSettings, clone: Path, tmp_path: Path
) -> None:
    odd = tmp_path / "odd"
    odd.write_text("-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----\n")

    error = failure(replace(settings, ssh_key_file=odd), clone)

    assert type(error) is SettingsError
    assert f'Load key "{odd}"' in error.message


def test_without_key_and_agent_the_option_is_named(
    settings: GitSettings, clone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)

    error = failure(replace(settings, ssh_key_file=None), clone)

    assert type(error) is SettingsError
    assert "--git-ssh-key-file" in error.message


@pytest.fixture
def agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    address = tmp_path / "agent"
    agent = subprocess.Popen(["ssh-agent", "-D", "-a", str(address)], stdout=subprocess.DEVNULL)
    monkeypatch.setenv("SSH_AUTH_SOCK", str(address))
    with contextlib.ExitStack() as stack:
        stack.callback(agent.wait)
        stack.callback(agent.kill)
        while not address.exists():
            assert agent.poll() is None
        yield


@pytest.mark.usefixtures("agent")
def test_without_a_key_file_the_agent_s_keys_are_used(
    settings: GitSettings, clone: Path, tmp_path: Path
) -> None:
    subprocess.run(["ssh-add", "-q", str(tmp_path / "key")], check=True)
    settings = replace(settings, ssh_key_file=None)

    assert GitRepository(settings, clone).fetch().entries


@pytest.mark.usefixtures("agent")
def test_with_a_key_file_the_agent_is_not_asked(
    settings: GitSettings, clone: Path, tmp_path: Path
) -> None:
    subprocess.run(["ssh-add", "-q", str(tmp_path / "key")], check=True)
    make_key(tmp_path / "other")

    error = failure(replace(settings, ssh_key_file=tmp_path / "other"), clone)

    assert type(error) is AccessDeniedError


def test_a_server_that_is_down_is_transient_and_works_when_it_is_back(
    settings: GitSettings, clone: Path, ssh_server: SshServer
) -> None:
    ssh_server.stop()
    error = failure(settings, clone)
    assert type(error) is GitError
    assert "Connection refused" in error.message

    ssh_server.start()

    assert GitRepository(settings, clone).fetch().entries


def test_a_host_that_does_not_exist_is_transient(settings: GitSettings, clone: Path) -> None:
    error = failure(replace(settings, url="git@nowhere.invalid:web.git"), clone)

    assert type(error) is GitError
    assert "Could not resolve hostname nowhere.invalid" in error.message


def test_a_server_that_says_nothing_is_given_up(settings: GitSettings, clone: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"ssh://127.0.0.1:{silent.getsockname()[1]}/web.git"

        error = failure(replace(settings, url=url, timeout_s=0.5), clone)

    assert type(error) is GitError
    assert "did not end within 0.5 s" in error.message


def test_a_server_that_is_no_ssh_server_is_transient(settings: GitSettings, clone: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as hangs_up:
        url = f"ssh://127.0.0.1:{hangs_up.getsockname()[1]}/web.git"
        hangs_up.listen(0)
        child = subprocess.Popen([sys.executable, "-c", HANG_UP, str(hangs_up.fileno())],
                                 pass_fds=[hangs_up.fileno()])  # fmt: skip

        error = failure(replace(settings, url=url), clone)
        child.wait()

    assert type(error) is GitError
    assert "kex_exchange_identification" in error.message


HANG_UP = "import socket, sys; socket.socket(fileno=int(sys.argv[1])).accept()[0].close()"


def test_a_repository_that_is_not_there_is_told_with_its_url(
    settings: GitSettings, clone: Path
) -> None:
    settings = replace(settings, url=settings.url.replace("web.git", "none.git"))

    error = failure(settings, clone)

    assert type(error) is NotFoundError
    assert error.where == settings.url


def test_a_hook_s_words_come_through(repository: GitRepository, remote: BareRemote) -> None:
    remote.hook("pre-receive", "echo 'frozen until monday'; exit 1")
    base = repository.fetch().revision

    with pytest.raises(RefusedError, match="frozen until monday"):
        repository.push(repository.commit(base, {"a": b"2"}, "ours"))


def test_a_key_that_may_only_read_is_told_by_the_forge_s_words(
    repository: GitRepository, ssh_server: SshServer, tmp_path: Path
) -> None:
    base = repository.fetch().revision
    public = (tmp_path / "key.pub").read_text().strip()
    words = "ERROR: The key you are authenticating with has been marked as read only."
    ssh_server.authorize(public, command=f"echo '{words}' >&2; exit 1")

    with pytest.raises(AccessDeniedError, match="may not push") as caught:
        repository.push(repository.commit(base, {"a": b"2"}, "ours"))

    assert words in caught.value.message


def test_a_missing_ssh_program_is_named(
    settings: GitSettings, clone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    error = failure(settings, clone)

    assert type(error) is SettingsError
    assert "openssh-client" in error.message


def test_settings_of_ssh_and_git_of_the_machine_have_no_say(
    settings: GitSettings, clone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pwned = tmp_path / "pwned"
    (tmp_path / ".ssh").mkdir()
    (tmp_path / ".ssh" / "config").write_text(f"Host *\n  ProxyCommand touch {pwned}\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("GIT_SSH_COMMAND", f"touch {pwned}")
    monkeypatch.setenv("GIT_SSH", "/nonexistent")

    assert GitRepository(settings, clone).fetch().entries
    assert not pwned.exists()


AS_A_NUMBER = ("unshare", "--user", "--map-user=54321", "--map-group=54321")
STORY = """\
import os, pwd, sys
from pathlib import Path
from reconciler.adapters.git.repository import GitRepository
from reconciler.errors import ReconcilerError
from reconciler.settings import GitSettings
try:
    pwd.getpwuid(os.getuid())
except KeyError:
    pass
else:
    sys.exit("this user has a name")
url, key, known_hosts, clone = sys.argv[1:]
hosts = Path(known_hosts) if known_hosts else None
settings = GitSettings(url, ssh_key_file=Path(key), known_hosts_file=hosts)
repository = GitRepository(settings, Path(clone))
try:
    base = repository.fetch().revision
    repository.push(repository.commit(base, {"a": b"of 54321"}, "ours"))
except ReconcilerError as error:
    sys.exit(f"{type(error).__name__} {error}")
"""


def as_a_number(settings: GitSettings, clone: Path) -> str:
    """Fetch, commit and push in a process whose user has no name; return what it complained of."""
    if subprocess.run([*AS_A_NUMBER, "true"], capture_output=True, check=False).returncode:
        raise MissingPartError("this kernel permits no user namespaces to us")
    arguments = [settings.url, settings.ssh_key_file, settings.known_hosts_file or "", clone]
    done = subprocess.run(
        [*AS_A_NUMBER, sys.executable, "-c", STORY, *map(str, arguments)],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if name != "HOME"},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stderr


def test_a_user_without_a_name_reads_and_pushes(
    settings: GitSettings, clone: Path, remote: BareRemote
) -> None:
    assert as_a_number(settings, clone) == ""
    assert remote.content("main:a") == b"of 54321"


def test_a_user_without_a_name_has_no_known_hosts_of_its_own(
    settings: GitSettings, clone: Path
) -> None:
    said = as_a_number(replace(settings, known_hosts_file=None), clone)

    assert said.startswith("StalledError")
    assert "the remote's host key is not known" in said
