"""What git says, and what we make of it: the words are git's own, from sources and runs."""

import shlex
from pathlib import Path

import pytest

from lab.bare_repository import run
from reconciler.adapters.git.credentials import askpass_script, write_askpass
from reconciler.adapters.git.environment import git_environment, local_environment, strangers
from reconciler.adapters.git.failures import (
    CorruptCloneError,
    failure_of,
    local_failure_of,
    printable,
    remote_words,
    telling_line,
)
from reconciler.adapters.git.listing import contents_of
from reconciler.adapters.git.push import push_failure
from reconciler.adapters.git.remote import remote_of
from reconciler.adapters.git.runner import Output
from reconciler.adapters.git.ssh import SshAccess, ssh_command
from reconciler.errors import (
    AccessDeniedError,
    GitError,
    NotFoundError,
    ReconcilerError,
    RefusedError,
    RemoteMovedError,
    SettingsError,
    StalledError,
)
from reconciler.settings import GitSettings

FAILURES = [
    ("fatal: Authentication failed for 'https://h/a/'", AccessDeniedError),
    ("fatal: could not read Username for 'https://h': terminal prompts disabled",
     AccessDeniedError),
    ("fatal: unable to access 'https://h/': The requested URL returned error: 403",
     AccessDeniedError),
    ("error: RPC failed; HTTP 403 curl 22 The requested URL returned error: 403",
     AccessDeniedError),
    ("fatal: detected dubious ownership in repository at '/srv/a'", AccessDeniedError),
    ("fatal: repository 'https://h/a/' not found", NotFoundError),
    ("fatal: '/srv/a' does not appear to be a git repository", NotFoundError),
    ("fatal: 'origin' does not appear to be a git repository", StalledError),
    ("fatal: couldn't find remote ref refs/heads/x", NotFoundError),
    ("fatal: unable to access 'https://h/': server certificate verification failed.",
     StalledError),
    ("fatal: unable to access 'https://h/': SSL certificate problem: self-signed", StalledError),
    ("fatal: transport 'http' not allowed", RefusedError),
    ("fatal: unable to access 'https://h/': Could not resolve host: h", GitError),
    ("fatal: write error: No space left on device\nfatal: index-pack failed", GitError),
    ("error: cannot lock ref 'refs/remotes/origin/a': 'refs/remotes/origin/a/b' exists",
     CorruptCloneError),
    ("fatal: loose object 12 (stored in objects/1/2) is corrupt", CorruptCloneError),
    ("remote: Authentication failed for x\nfatal: the remote end hung up unexpectedly", GitError),
    ("", GitError),
]  # fmt: skip


@pytest.mark.parametrize(("stderr", "kind"), FAILURES)
def test_a_failure_is_told_by_git_s_own_words(stderr: str, kind: type[ReconcilerError]) -> None:
    error = failure_of(stderr, where="https://h/a")

    assert type(error) is kind
    assert error.where == "https://h/a"


def test_a_full_disk_is_no_damage() -> None:
    full = local_failure_of("error: unable to write: No space left on device", where="/d")

    assert type(full) is GitError
    assert full.message == "no space left on the disk"
    assert type(local_failure_of("fatal: bad object x", where="/d")) is CorruptCloneError


def test_the_line_that_says_most_is_shown() -> None:
    assert telling_line("warning: a\nfatal: b\nhint: c") == "b"
    assert telling_line("a\nb\n\n") == "b"
    assert telling_line("\n") == "git gave no reason"


def test_the_words_of_a_remote_are_bounded() -> None:
    assert remote_words("remote: a\nfatal: b\nremote:   \nremote: c \n") == "a; c"
    assert len(printable("x" * 9999)) == 501


PUSHES = [
    ("[rejected] (non-fast-forward)", "", RemoteMovedError),
    ("[rejected] (fetch first)", "", RemoteMovedError),
    ("[rejected] (stale info)", "", RemoteMovedError),
    ("[remote rejected] (cannot lock ref 'refs/heads/main': is at 1 but expected 2)", "",
     RemoteMovedError),
    ("[remote rejected] (incorrect old value provided)", "", RemoteMovedError),
    ("[remote rejected] (failed to update ref)",
     "remote: error: cannot lock ref 'refs/heads/main': is at 1 but expected 2", RemoteMovedError),
    ("[remote rejected] (failed to update ref)", "remote: error: no reason", RefusedError),
    ("[remote rejected] (pre-receive hook declined)", "remote: stale info", RefusedError),
    ("[remote rejected] (protected branch hook declined)", "remote: GH006", RefusedError),
    ("[remote rejected] (unpacker error)",
     "remote: error: insufficient permission for adding an object", AccessDeniedError),
    ("[remote rejected] (unpacker error)",
     "remote: fatal: write error: No space left on device", GitError),
    ("[remote failure] (remote failed to report status)", "", GitError),
    ("[rejected]", "", RefusedError),
]  # fmt: skip


@pytest.mark.parametrize(("line", "said", "kind"), PUSHES)
def test_an_answer_to_a_push_is_told_apart(
    line: str, said: str, kind: type[ReconcilerError]
) -> None:
    stdout = f"To https://h/a\n!\tabc:refs/heads/main\t{line}\nDone\n".encode()

    error = push_failure(Output(1, stdout, said), where="https://h/a")

    assert type(error) is kind
    assert said.removeprefix("remote:").strip() in str(error) or kind is RemoteMovedError


def test_a_push_without_an_answer_is_told_by_its_errors() -> None:
    stderr = "fatal: unable to access 'https://h/': The requested URL returned error: 403"

    assert type(push_failure(Output(128, b"", stderr), where="h")) is AccessDeniedError


@pytest.mark.parametrize("output", [b"", b"a blob 1\nx\n", b"b missing\n", b"b blob 1"])
def test_contents_that_are_not_those_asked_for_are_damage(output: bytes) -> None:
    with pytest.raises(CorruptCloneError):
        list(contents_of(output, ["b"]))


@pytest.mark.parametrize(
    ("prompt", "answer"),
    [
        ("Password for 'https://git@h.example:8443': ", b"it's $(secret)\n"),
        ("Password for 'https://a%40b@h.example:8443': ", b"it's $(secret)\n"),
        ("Password for 'https://git@other.example': ", None),
        ("Password for 'https://git@h.example:8443.evil': ", None),
        ("Password for 'http://git@h.example:8443': ", None),
        ("Username for 'https://h.example:8443': ", None),
        ("", None),
    ],
)
def test_askpass_answers_the_question_of_its_remote_alone(
    tmp_path: Path, prompt: str, answer: bytes | None
) -> None:
    password, askpass = tmp_path / "-it's $(a file)", tmp_path / "askpass"
    password.write_bytes(b"it's $(secret)\n")
    write_askpass(askpass, askpass_script(remote_of("https://H.example:8443/a"), password))

    assert askpass.stat().st_mode & 0o777 == 0o700
    assert (_ask(askpass, prompt)) == answer


def _ask(askpass: Path, prompt: str) -> bytes | None:
    alias = f"!'{askpass}' \"$1\" || echo refused; :"
    answer = run(askpass.parent, ["-c", f"alias.ask={alias}", "ask", prompt])
    return None if answer == b"refused\n" else answer


def test_a_ca_file_is_given_to_git_and_otherwise_the_system_decides(tmp_path: Path) -> None:
    settings = GitSettings("https://h/a", ca_file=tmp_path / "ca.pem")

    ours = git_environment(settings, home=tmp_path, askpass=None)

    assert ours["GIT_SSL_CAINFO"] == str(tmp_path / "ca.pem")
    without = git_environment(GitSettings("https://h/a"), home=tmp_path, askpass=None)
    assert "GIT_SSL_CAINFO" not in without


def test_only_listed_variables_are_inherited() -> None:
    ours = local_environment()

    assert strangers(["PATH", "GIT_X", "https_proxy", "SECRET", *ours], ours) == ["GIT_X", "SECRET"]


# Of OpenSSH and of forges, as they reach git's standard error; what the lab's sshd says is tested
# in test_ssh.py.
OF_SSH = [
    ("ssh: connect to host h port 22: Connection timed out", GitError, "not reached"),
    ("ssh: connect to host h port 22: No route to host", GitError, "not reached"),
    ("Connection timed out during banner exchange\nConnection to h port 22 timed out", GitError,
     "not reached"),
    ("Timeout, server h not responding.", GitError, "hung up"),
    ("Connection closed by 192.0.2.1 port 22", GitError, "hung up"),
    ("Connection reset by 192.0.2.1 port 22", GitError, "hung up"),
    ("client_loop: send disconnect: Broken pipe", GitError, "hung up"),
    ("Received disconnect from 192.0.2.1 port 22:2: Too many authentication failures",
     AccessDeniedError, "--git-ssh-key-file"),
    ("Unable to negotiate with h port 22: no matching host key type found. Their offer: ssh-rsa",
     StalledError, "no method in common"),
    ("No RSA host key is known for git.example and you have requested strict checking.",
     StalledError, "`ssh-keyscan git.example`"),
    ("Host key verification failed.", StalledError, "not accepted"),
    ("No user exists for uid 54321", SettingsError, "libnss-wrapper"),
    ("git@h: Permission denied (publickey,password).", AccessDeniedError, "accepts no SSH key"),
    ("bash: line 1: git-upload-pack: command not found", StalledError, "no git at the remote"),
    ("ERROR: Repository not found.", NotFoundError, "that our SSH key may see"),
    ("remote: The project could not be found or you don't have permission to view it.",
     NotFoundError, "that our SSH key may see"),
    ("Gitea: Repository does not exist or you do not have access", NotFoundError, "may see"),
    ("ERROR: Permission to acme/web.git denied to robot.", AccessDeniedError, "do not suffice"),
    ("conq: repository access denied. access via a deployment key is read-only.",
     AccessDeniedError, "may not push"),
    ("repository access denied. deployment key is not associated with the requested repository.",
     AccessDeniedError, "do not suffice"),
    ("ERROR: Write access to repository not granted.", AccessDeniedError, "may not push"),
    ("remote: ERROR: This deploy key does not have write access to this project.",
     AccessDeniedError, "may not push"),
    ("remote: ERROR: You are not allowed to push code to this project.", AccessDeniedError,
     "may not push"),
    ("Public (Deploy) Key: 3:ci is not authorized to write acme/web.", AccessDeniedError,
     "may not push"),
    ("Public (Deploy) Key: 3:ci is not authorized to read acme/web.", AccessDeniedError,
     "do not suffice"),
    ("remote: \nremote: =====\nremote: \nremote: ERROR: frozen until monday\nremote: ", GitError,
     "no answer of git at the remote (ERROR: frozen until monday)"),
    ("", GitError, "no answer of git at the remote (nothing)"),
    ("fatal: '/srv/a' does not appear to be a git repository", NotFoundError, "no such repository"),
]  # fmt: skip
NO_ANSWER = (
    "fatal: Could not read from remote repository.\n\n"
    "Please make sure you have the correct access rights\nand the repository exists.\n"
)


@pytest.mark.parametrize(("said", "kind", "advice"), OF_SSH)
def test_a_failure_of_ssh_is_told_by_its_first_cause(
    said: str, kind: type[ReconcilerError], advice: str
) -> None:
    error = failure_of(f"{said}\n{NO_ANSWER}", where="ssh://h/a")

    assert type(error) is kind
    assert advice in error.message
    assert error.where == "ssh://h/a"


def test_a_fetch_that_is_cut_is_no_damage_of_the_clone() -> None:
    cut = "Connection to h closed by remote host.\nfatal: early EOF\nfatal: index-pack failed"

    assert type(failure_of(cut, where="ssh://h/a")) is GitError


def test_a_push_that_a_forge_denies_over_ssh_is_told_by_its_words() -> None:
    said = "ERROR: The key you are authenticating with has been marked as read only.\x1b[0m"

    error = push_failure(Output(128, b"", f"{said}\n{NO_ANSWER}"), where="ssh://h/a")

    assert type(error) is AccessDeniedError
    assert error.message.endswith("marked as read only.)")


def test_a_copy_is_called_by_the_name_of_the_user_s_file() -> None:
    access = SshAccess({}, {"../ssh/known_hosts": "/home/me/my hosts"})

    assert access.explain("key in ../ssh/known_hosts:1") == "key in /home/me/my hosts:1"


def test_the_ssh_command_reads_no_file_but_those_it_is_given() -> None:
    words = shlex.split(ssh_command(has_key=True, has_known_hosts=True, has_name=True))

    assert words[:5] == ["ssh", "-F", "/dev/null", "-i", "../ssh/key"]
    assert "-oGlobalKnownHostsFile=/dev/null" in words
    assert "-oStrictHostKeyChecking=yes" in words
    assert "-oBatchMode=yes" in words


def test_without_known_hosts_of_ours_the_system_s_count_too() -> None:
    words = shlex.split(ssh_command(has_key=False, has_known_hosts=False, has_name=True))

    assert "IdentityFile=none" in words
    assert "-oGlobalKnownHostsFile=/etc/ssh/ssh_known_hosts" in words
