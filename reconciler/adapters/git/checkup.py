"""Tries the access to a Git remote step by step, and says of what fails why, and what mends it."""

import os
import re
import shlex
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import Final

from reconciler.adapters.git.clone import Clone
from reconciler.adapters.git.listing import HEADS, heads_of, tip_of
from reconciler.adapters.git.private_files import read_bounded
from reconciler.adapters.git.private_key import usable_key
from reconciler.adapters.git.program import GitProgram
from reconciler.adapters.git.push import push_arguments, push_failure
from reconciler.adapters.git.ssh_keys import SshKeys
from reconciler.core.checkup import Check, failed, passed, skipped, warned
from reconciler.core.public_key import public_half
from reconciler.core.revision import Revision
from reconciler.errors import (
    AccessDeniedError,
    NotFoundError,
    ReconcilerError,
    RefusedError,
    RemoteMovedError,
    SettingsError,
    TransientError,
)

AHEAD_S: Final = 60.0
"""A commit from so far in the future tells that somebody's clock is wrong."""

_SSH: Final = "ssh"
_SCAN: Final = re.compile(r"`(ssh-keyscan [^`]+)`")  # in what is said of an unknown host


class GitProbe:
    """One remote and branch, by the files and the clone of a cycle. Publishes nothing."""

    def __init__(
        self,
        program: GitProgram,
        clone: Clone,
        *,
        exclusively: Callable[[], AbstractContextManager[None]],
        keys: SshKeys | None = None,
    ) -> None:
        """Do nothing yet.

        Args:
            program: runs git.
            clone: of the branch.
            exclusively: locks it.
            keys: tells public halves; None: the usual.
        """
        self._keys = keys or SshKeys()
        self._program = program
        self._clone = clone
        self._exclusively = exclusively

    def check_access(self) -> Iterator[Check]:
        """Try the key, the remote and the branch; after a failure nothing more."""
        if self._program.remote.scheme == _SSH:
            key = self._key()
            yield key
            if key.exit_code:
                yield from (skipped(each, "see key") for each in ("remote", "branch"))
                return
        began = time.monotonic()
        try:
            with self._exclusively():
                listing = self._program.with_remote(
                    "ls-remote", "--symref", "origin", "HEAD", f"{HEADS}*"
                )
        except ReconcilerError as error:
            yield self._unreached(error)
            yield skipped("branch", "see remote")
            return
        took_ms = (time.monotonic() - began) * 1000
        yield passed("remote", f"git answers, and lets us read, after {took_ms:,.0f} ms")
        yield self._branch(listing)

    def check_push(self, base: Revision) -> Check:
        """Try whether the remote takes a push of ours, by one that it is told to leave undone.

        Args:
            base: the newest commit of the branch that is read, which is in the clone.
        """
        settings = self._program.settings
        branch = settings.push_branch or base.branch
        try:
            with self._exclusively():
                listing = self._program.with_remote("ls-remote", "--heads", "origin")
                arguments = push_arguments(
                    base.commit,
                    heads_of(listing).get(branch, ""),
                    branch,
                    options=settings.push_options,
                )
                output = self._program.try_with_remote(
                    arguments[0], "--dry-run", *arguments[1:], clone=self._clone.path
                )
        except ReconcilerError as error:
            return self._unpushed(error)
        if output.status:
            refusal = push_failure(output, where=settings.url)
            if not isinstance(refusal, RemoteMovedError):  # somebody pushed: the remote takes some
                return self._unpushed(refusal)
        return passed("push", f"may push to {branch}, as far as its rules are known before a push")

    def check_clock(self, base: Revision) -> Check:
        """Compare our clock with the newest commit: none comes from the future."""
        try:
            with self._exclusively():
                found = next(iter(self._clone.commits([base.commit])), None)
        except ReconcilerError as error:
            return failed("clock", error.message, cause="the clone cannot be read", may_pass=True)
        if found is None:
            return skipped("clock", "the newest commit is larger than what is read of one")
        ahead_s = (found.at - datetime.now(UTC)).total_seconds()
        if ahead_s <= AHEAD_S:
            return passed("clock", "the newest commit is from the past")
        return warned(
            "clock",
            f"the newest commit was made {ahead_s:,.0f} s from now",
            cause="our clock is slow, or that of whoever committed it is fast",
            remedy="date --utc",
        )

    def _key(self) -> Check:
        path = self._program.settings.ssh_key_file
        if path is None:
            if os.environ.get("SSH_AUTH_SOCK"):
                return passed("key", "those of the SSH agent, as no --git-ssh-key-file is given")
            return failed(
                "key",
                "an SSH remote wants a key, and there is neither a file nor an SSH agent",
                cause="--git-ssh-key-file is not set",
                remedy="ssh-keygen -t ed25519 -N '' -C reconcile -f identity",
            )
        try:
            content = usable_key(read_bounded(path, "the SSH key"), where=str(path))
            found = (
                self._keys.public_half(content, where=str(path)) if self._is_told(content) else None
            )
        except ReconcilerError as error:
            return failed(
                "key",
                str(error),
                cause="the file is not the private key that was made, or not as it was made",
                remedy=f"ssh-keygen -l -f {shlex.quote(str(path))}",
                may_pass=isinstance(error, TransientError),
            )
        if found is None:
            return passed("key", f"a private key, of {path}")
        return passed("key", f"{found.kind} {found.fingerprint}, of {path}")

    def _is_told(self, content: bytes) -> bool:
        """Whether the public half can be had here: of some forms it takes a program and memory."""
        text = content.decode("ascii", "replace")
        return public_half(text) is not None or self._keys.reads_all_forms

    def _branch(self, listing: bytes) -> Check:
        settings = self._program.settings
        try:
            tip = tip_of(listing, settings.branch, where=settings.url)
        except NotFoundError as error:
            return failed(
                "branch",
                error.message,
                cause="a slip in --git-branch, or nothing was pushed there yet",
                remedy=self._list_command(),
            )
        said = "of --git-branch" if settings.branch else "which the remote's HEAD names"
        return passed("branch", f"{tip.branch}, {said}, is at {tip.commit[:7]}")

    def _unreached(self, error: ReconcilerError) -> Check:
        cause, remedy = self._why(error)
        may_pass = isinstance(error, TransientError)
        return failed("remote", error.message, cause=cause, remedy=remedy, may_pass=may_pass)

    def _why(self, error: ReconcilerError) -> tuple[str, str]:
        """Return why the remote cannot be read, and what shows more or mends it."""
        if scan := _SCAN.search(error.message):
            cause = "nobody has said that this host may be trusted: see --git-known-hosts-file"
            return cause, scan[1]
        remedy = self._list_command()
        match error:
            case SettingsError():
                cause, remedy = "a file or program that the settings need cannot be used", ""
            case AccessDeniedError() if self._program.remote.scheme == _SSH:
                cause = "the public half of our key is not at the remote, or has no right there"
                remedy = self._public_command()
            case AccessDeniedError():
                cause = "the token is wrong, has ended, or may not read: see --git-password-file"
            case NotFoundError():
                cause = "a slip in --git-url, or our login may not see it"
            case TransientError():
                cause = "the remote is down, or the network is"
            case _:
                cause = "it will fail the same way until it is changed"
        return cause, remedy

    def _unpushed(self, error: ReconcilerError) -> Check:
        match error:
            case AccessDeniedError() if self._program.remote.scheme == _SSH:
                cause = "the deploy key may only read: at the remote, let it write"
                remedy = self._public_command()
            case AccessDeniedError():
                cause, remedy = "the token may only read: it takes one that may write contents", ""
            case RefusedError():
                cause, remedy = "a rule of the remote's for this branch", ""
            case TransientError():
                cause, remedy = "the remote is down, or the network is", self._list_command()
            case _:
                cause, remedy = "what the remote says of pushes", ""
        return failed(
            "push",
            error.message,
            cause=f"{cause}; without that right: --git-read-only",
            remedy=remedy,
            may_pass=isinstance(error, TransientError),
        )

    def _list_command(self) -> str:
        return f"git ls-remote {shlex.quote(self._program.settings.url)}"

    def _public_command(self) -> str:
        path = self._program.settings.ssh_key_file
        if path is None:
            return "ssh-add -L"
        return f"reconcile identity --git-ssh-key-file {shlex.quote(str(path))}"
