"""How a commit is pushed, and what the remote's answer means."""

import re
from collections.abc import Iterable, Sequence

from reconciler.adapters.git.failures import failure_of, printable, remote_words
from reconciler.adapters.git.listing import HEADS
from reconciler.adapters.git.runner import Output
from reconciler.errors import (
    AccessDeniedError,
    GitError,
    ReconcilerError,
    RefusedError,
    RemoteMovedError,
    SettingsError,
)
from reconciler.settings import GitSettings

_REJECTED = re.compile(r"(?m)^!\t[^\t\n]*\t\[([^\]\n]*)\](?: \((.*)\))?$")

# The client's words (push.c, transport.c, remote.c) and the server's (receive-pack.c, refs.c) for:
# the branch is not where we saw it.
_MOVED = re.compile(
    r"non-fast-forward|fetch first|stale info|cannot lock ref|incorrect old value"
    r"|reference already exists|needs force"
)
# receive-pack says only this when it loses the race; the reason is in its lines to us.
_NOT_UPDATED = re.compile(r"failed to update ref|atomic transaction failed")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_NO_RIGHTS = re.compile(r"insufficient permission|[Pp]ermission denied|Read-only file system")


def push_arguments(
    commit: str, expected: str, branch: str, *, options: Sequence[str] = ()
) -> list[str]:
    """Return the command that moves a branch from where it is expected to a commit.

    Where the commit is a child of what is expected the lease is no force. It makes the remote
    compare, so that a branch that was set back to an *ancestor* of the parent counts as moved too
    and what was taken away there does not come back with our commit.

    Args:
        commit: the new tip; empty: the branch is removed.
        expected: the tip that it has; empty: it is not there.
        branch: its name.
        options: what the remote is told along with a commit, checked.
    """
    told = [f"--push-option={text}" for text in options if commit]
    return [
        "push", "--porcelain", "--atomic", "--no-verify", "--no-thin", "--no-signed",
        "--recurse-submodules=no", f"--force-with-lease={HEADS}{branch}:{expected}",
        *told,
        "--end-of-options", "origin", f"{commit}:{HEADS}{branch}",
    ]  # fmt: skip


def check_push_options(options: Iterable[str]) -> None:
    """Refuse texts that cannot be told to a remote, as the protocol gives each a line.

    Raises:
        SettingsError: one is empty, or more than a line.
    """
    for text in options:
        if not text or _CONTROL.search(text):
            raise SettingsError(f"{text!r} cannot be a push option: it must be one line of text")


def require_push(settings: GitSettings, branch: str) -> None:
    """Refuse to push where the settings do not want it, whoever asks for it.

    Raises:
        SettingsError: nothing is to be pushed, or only to another branch.
    """
    if settings.read_only:
        raise SettingsError("nothing can be pushed: --git-read-only is set", where=settings.url)
    if settings.push_branch not in (None, branch):
        raise SettingsError(
            f"nothing can be pushed to {branch!r}: --git-push-branch names "
            f"{settings.push_branch!r} for commits; give --git-push-branch {branch} to push there",
            where=settings.url,
        )


def push_failure(output: Output, *, where: str) -> ReconcilerError:
    """Return the error for a push that did not go through."""
    said = remote_words(output.stderr)
    found = _REJECTED.search(output.stdout.decode("utf-8", "replace"))
    if not found:
        return failure_of(output.stderr, where=where)
    kind, reason = found[1], printable(found[2] or found[1])
    words = f"{reason}; the remote says: {said}" if said else reason
    if _MOVED.search(reason) or (_NOT_UPDATED.search(reason) and _MOVED.search(said)):
        return RemoteMovedError(f"somebody pushed in between ({reason})", where=where)
    if _NO_RIGHTS.search(said) or _NO_RIGHTS.search(reason):
        return AccessDeniedError(f"our rights at the remote do not suffice ({words})", where=where)
    if "No space left" in words or kind == "remote failure":
        return GitError(f"the remote failed ({words})", where=where)
    return RefusedError(f"the push was declined: {words}", where=where)
