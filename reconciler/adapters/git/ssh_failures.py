"""What ssh, and the forges behind it, say when a remote is not reached, and what we make of it."""

import re
from dataclasses import dataclass

from reconciler.errors import (
    AccessDeniedError,
    GitError,
    NotFoundError,
    ReconcilerError,
    SettingsError,
    StalledError,
)

_NEW_HOST_KEY = (
    "the remote's host key is not the one we know. Either it was replaced, or somebody stands in "
    "between: compare its fingerprint with what the remote's operator publishes, and only then "
    "put the new key in place of the old one"
)
_UNKNOWN_HOST = (
    "the remote's host key is not known: compare what `ssh-keyscan {host}` prints with what the "
    "remote's operator publishes, then put it into --git-known-hosts-file"
)
_READ_ONLY = "our SSH key may not push: permit it to write (at the remote, with the deploy keys)"
_NO_KEY_FITS = (
    "the remote accepts no SSH key of ours: add the public half of --git-ssh-key-file there, "
    "or name another"
)
_NO_NAME = (
    "ssh wants a name for our user ID: install libnss-wrapper (elsewhere: nss_wrapper), or run "
    "as a user that is in /etc/passwd"
)

# Sentences of OpenSSH 8.4 to 9.9 (sshconnect.c, sshconnect2.c, packet.c, kex.c, ssh.c), as lines.
# The first that is found is the cause; ssh and git go on to say what follows from it.
_OF_SSH: tuple[tuple[str, type[ReconcilerError], str], ...] = (
    (r"No user exists for uid \d+", SettingsError, _NO_NAME),
    (r".* host key for \S+ was revoked.*", StalledError, "the remote's host key is revoked"),
    (r"(?:error: )?Certificate invalid: .*", StalledError,
     "the remote's host certificate is not valid for it: the authority behind it has to sign anew"),
    (r"Offending .*key (?:for .* )?in .+", StalledError, _NEW_HOST_KEY),
    (r"Host key for \S+ has changed.*", StalledError, _NEW_HOST_KEY),
    (r"No .*host key is known for (?P<host>\S+) and .*", StalledError, _UNKNOWN_HOST),
    (r"Host key verification failed\.", StalledError, "the remote's host key is not accepted"),
    (r"Unable to negotiate with .*", StalledError, "ssh and the remote have no method in common"),
    (r'Load key ".*": .*', SettingsError, "ssh cannot use the key of --git-ssh-key-file"),
    (r".*Too many authentication failures.*", AccessDeniedError,
     "the SSH agent offers too many keys: name one with --git-ssh-key-file"),
    (r".*: Permission denied \(.*\)\.?", AccessDeniedError, _NO_KEY_FITS),
    (r".*git-(?:upload|receive)-pack: (?:command )?not found", StalledError,
     "there is no git at the remote"),
    (r"ssh: .*", GitError, "the remote is not reached"),
    (r"(?:kex_exchange_identification|ssh_exchange_identification|banner exchange): .*", GitError,
     "the remote is not reached"),
    (r"Connection timed out during banner exchange", GitError, "the remote is not reached"),
    (r"(?:Connection|Received disconnect|Timeout,|client_loop:) .*", GitError,
     "the remote hung up"),
)  # fmt: skip

# What forges say in place of git, with or without "remote: ": GitHub, GitLab, Bitbucket, Gitea and
# Forgejo, Gogs, Gitee.
_MAY_NOT_WRITE = (
    r".*(?:marked as read only|not have write access|Write access to repository not granted"
    r"|deployment key is read-only|not allowed to (?:push|write)|not authorized to write"
    r"|Cannot push with deployment key|DeployKey does not support push).*"
)
_MAY_NOT = (
    r".*(?:Permission to .* denied to|not authorized to|epository access denied"
    r"|Key permission denied).*"
)
_NOT_THERE = (
    r".*(?:Repository not found|Cannot find repository|Repository does not exist"
    r"|could not be found or you don't have permission).*"
)
_OF_FORGES: tuple[tuple[str, type[ReconcilerError], str], ...] = (
    (_MAY_NOT_WRITE, AccessDeniedError, _READ_ONLY),
    (_MAY_NOT, AccessDeniedError, "the rights of our SSH key do not suffice"),
    (_NOT_THERE, NotFoundError, "there is no such repository, or none that our SSH key may see"),
)

_NO_GIT_ANSWER = re.compile(r"(?m)^fatal: Could not read from remote repository")
_WORD = re.compile(r"(?m)^(?!fatal: Could not read).*[A-Za-z].*$")
_REMOTE = re.compile(r"(?m)^remote: *")


@dataclass(frozen=True, slots=True)
class Cause:
    """Why SSH failed: the error to raise, what it says, and the line that told, unfiltered."""

    kind: type[ReconcilerError]
    message: str
    line: str


def ssh_cause_of(stderr: str) -> Cause | None:
    """Return why a command failed before git at the remote said anything; None: not by SSH.

    A remote that has shown its host key can write what it likes among these lines: it could always
    refuse us, and that is all it achieves.
    """
    if not _NO_GIT_ANSWER.search(stderr):
        return None
    text = _lines(stderr)
    for pattern, kind, message in (*_OF_SSH, *_OF_FORGES):
        found = re.search(rf"(?m)^{pattern}$", text)
        if found:
            host = found.groupdict().get("host") or ""
            return Cause(kind, message.format(host=_scan_arguments(host)), found[0])
    return None


def words_without_git(stderr: str) -> str | None:
    """Return what was said where git expected the remote's first answer; None: it came."""
    if not _NO_GIT_ANSWER.search(stderr):
        return None
    found = _WORD.search(_lines(stderr).partition("\nPlease make sure")[0])
    return found[0] if found else "nothing"


def _lines(stderr: str) -> str:
    """Return the text without ``remote:``, and with plain line ends: ssh's are a terminal's."""
    return _REMOTE.sub("", stderr.replace("\r\n", "\n"))


def _scan_arguments(host: str) -> str:
    """Return a host as ``ssh-keyscan`` wants it; ssh writes ``[name]:port`` for other ports."""
    name, _, port = host.removeprefix("[").rpartition("]:")
    return f"-p {port} {name}" if name else host
