"""Turns the words of a failed git command into this package's errors."""

import re

from reconciler.adapters.git.ssh_failures import ssh_cause_of, words_without_git
from reconciler.errors import (
    AccessDeniedError,
    GitError,
    NotFoundError,
    ReconcilerError,
    RefusedError,
    StalledError,
)

_MAX_SHOWN = 500
_UNPRINTABLE = re.compile(r"\x1b\[[0-9;]*[A-Za-z]|[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_REMOTE = "remote:"
_TELLING = re.compile(r"(?m)^(?:fatal|error): (.+)$")

_DISK_FULL = re.compile(r"No space left on device|Disk quota exceeded|Out of diskspace")
_CUT = re.compile(r"early EOF|unexpected disconnect")  # what arrived of a pack is thrown away
_CORRUPT = re.compile(
    r"corrupt|bad object|bad tree object|index-pack failed|unable to read (?:tree|sha1|[0-9a-f]+)"
    r"|packfile .* (?:cannot be|claims|index)|is too small|not a git repository: "
    r"|Not a valid object name|not a tree object|Failed to traverse parents"
    r"|Could not read [0-9a-f]{40}|does not point to a valid object|invalid sha1 pointer"
    r"|did not send all necessary objects"
    r"|cannot lock ref|bad (?:config|shallow|signature)|malformed|inflate|not a valid ref"
    r"|index file |wrong index|non-monotonic index"
)


class CorruptCloneError(GitError):
    """Our own clone is damaged; it can be thrown away and cloned again."""


class ContentsRefusedError(GitError):
    """The remote does not hand out single contents."""


# git's sentences (LC_ALL=C), from its sources: http.c, credential.c, connect.c, setup.c, fetch.c
_TABLE: tuple[tuple[str, type[ReconcilerError], str], ...] = (
    (
        r"dubious ownership",
        AccessDeniedError,
        "the repository belongs to another user, and its hooks would run as us",
    ),
    (
        r"Authentication failed for|returned error: 401|HTTP 401|Invalid username",
        AccessDeniedError,
        "the remote refused our user name or password",
    ),
    (
        r"could not read (?:Username|Password)|terminal prompts disabled",
        AccessDeniedError,
        "the remote wants a password: use --git-password-file",
    ),
    (r"response 407|returned error: 407", AccessDeniedError, "the proxy refused our login"),
    (r"returned error: 403|HTTP 403", AccessDeniedError, "our rights at the remote do not suffice"),
    (r"[Pp]ermission denied|Read-only file system", AccessDeniedError, "permission denied"),
    # An older git does not know GIT_CONFIG_COUNT, and so not what we call origin.
    (r"'origin' does not appear to be", StalledError, "git 2.31 or newer is needed"),
    (
        r"does not appear to be a git repo|repository '.*' not found|error: 404|' does not exist",
        NotFoundError,
        "there is no such repository",
    ),
    (
        r"dumb http transport",
        StalledError,
        "the remote serves plain files, and a Git server is needed: git http-backend, for one",
    ),
    (
        r"not allow request for unadvertised object",
        ContentsRefusedError,
        "the remote does not hand out single contents",
    ),
    (
        r"does not support push options",
        StalledError,
        "the remote takes no push options: leave out --git-push-option",
    ),
    (r"couldn't find remote ref", NotFoundError, "the branch is gone"),
    (
        r"returned error: 30[12378]|unable to update url base from redirection",
        StalledError,
        "the remote redirects, which is not followed: give its final URL",
    ),
    (
        r"certificate|SSL_ERROR|CAfile",
        StalledError,
        "the remote's certificate is not trusted: use --git-ca-file",
    ),
    (
        r"transport '.*' not allowed|fsckError|fsck error",
        RefusedError,
        "git refuses what the remote offers",
    ),
)


def failure_of(stderr: str, *, where: str) -> ReconcilerError:
    """Return the error for a command that spoke to the remote and failed.

    Only lines of git and ssh are judged; what git at the remote says is shown and steers nothing.
    """
    own = "\n".join(line for line in stderr.splitlines() if not line.startswith(_REMOTE))
    cause = ssh_cause_of(stderr)
    if cause:
        return cause.kind(f"{cause.message} ({printable(cause.line)})", where=where)
    if _DISK_FULL.search(own):
        return GitError("no space left on the disk", where=where)
    for pattern, kind, message in _TABLE:
        if re.search(pattern, own):
            return kind(f"{message} ({telling_line(stderr)})", where=where)
    said = words_without_git(stderr)
    if said:
        return GitError(f"there is no answer of git at the remote ({printable(said)})", where=where)
    if _CORRUPT.search(own) and not _CUT.search(own):
        return CorruptCloneError(f"the clone is damaged ({telling_line(stderr)})", where=where)
    return GitError(telling_line(stderr), where=where)


def local_failure_of(stderr: str, *, where: str) -> GitError:
    """Return the error for a command on the clone alone: a full disk, or damage."""
    if _DISK_FULL.search(stderr):
        return GitError("no space left on the disk", where=where)
    return CorruptCloneError(f"the clone is damaged ({telling_line(stderr)})", where=where)


def telling_line(stderr: str, *, otherwise: str = "git gave no reason") -> str:
    """Return the line that says most: the first ``fatal:`` or ``error:``, else the last one."""
    found = _TELLING.search(stderr)
    lines = [line for line in stderr.splitlines() if line.strip()]
    return printable(found[1] if found else lines[-1] if lines else otherwise)


def remote_words(stderr: str) -> str:
    """Return what the remote itself said (its ``remote:`` lines), bounded and printable."""
    said = [line.removeprefix(_REMOTE).strip() for line in stderr.splitlines() if _is_said(line)]
    return printable("; ".join(line for line in said if line))


def printable(text: str) -> str:
    """Return a text from outside as it may be shown: one line, no control characters, bounded."""
    clean = _UNPRINTABLE.sub("", text).replace("\n", " ").replace("\t", " ").strip()
    return clean if len(clean) <= _MAX_SHOWN else f"{clean[:_MAX_SHOWN]}…"


def _is_said(line: str) -> bool:
    return line.startswith(_REMOTE)
