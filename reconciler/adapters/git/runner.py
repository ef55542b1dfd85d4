"""Runs the git program, by GitPython: one process group, bounded in time, killed as a whole."""

import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.adapters.git.environment import strangers
from reconciler.errors import GitError, SettingsError, StoppedError
from reconciler.interruption import interruptions_held
from reconciler.stop import Stop

if TYPE_CHECKING:
    import git


@dataclass(frozen=True, slots=True)
class Output:
    """What a git command said and how it ended; ``status`` is 0 if all went well."""

    status: int
    stdout: bytes
    stderr: str


def run_git(
    arguments: Sequence[str],
    *,
    directory: Path,
    environment: Mapping[str, str],
    timeout_s: float,
    stdin: bytes = b"",
    keep_open: Sequence[int] = (),
    stop: Stop | None = None,
    is_work: bool = False,
) -> Output:
    """Run ``git ARGUMENTS`` in a folder and return what came of it.

    GitPython adds to this process's environment where an allow-list is wanted, so ``env -u`` takes
    the rest away. Its own time-out needs ``pgrep`` or ``ps`` to find git's helpers, which a slim
    image does not have, and so the process gets a group of its own to be killed by.

    Args:
        arguments: after ``git``; no secrets, they can be read by all users of the machine.
        directory: the working directory.
        environment: all variables that are not inherited.
        timeout_s: seconds until the command and its children are killed.
        stdin: what it reads.
        keep_open: file descriptors that live as long as the command does, such as a lock.
        stop: ends the command early.
        is_work: whether the command should be finished rather than ended, if there is time.

    Raises:
        GitError: it did not end in time, or could not be started.
        StoppedError: it was ended, because this process is to end.
        SettingsError: there is no git program.
    """
    stop = stop or Stop()
    was_ended = threading.Event()
    with interruptions_held() as let_go:
        process = _start(arguments, directory, environment, keep_open)  # gone, it ends its program
        popen = process.proc
        if popen is None:  # pragma: no cover - GitPython forgets it at the end only
            raise GitError(f"git {arguments[0]} ended before it began")

        def end() -> None:
            was_ended.set()
            _kill(popen)

        with stop.ending_work(end) if is_work else stop.ending_wait(end):
            output = _communicate(
                popen, stdin, timeout_s=timeout_s, command=arguments[0], begin=let_go
            )
    if output.status and was_ended.is_set():
        raise StoppedError(f"git {arguments[0]} was ended: this process was asked to end")
    return output


def _start(
    arguments: Sequence[str],
    directory: Path,
    environment: Mapping[str, str],
    keep_open: Sequence[int],
) -> "git.Git.AutoInterrupt":
    unset = [part for name in strangers(os.environ, environment) for part in ("-u", name)]
    try:
        return _program(directory).execute(
            ["env", *unset, "git", *arguments],
            istream=subprocess.PIPE,
            as_process=True,
            env=dict(environment),
            start_new_session=True,
            pass_fds=tuple(keep_open),
        )
    except OSError as error:
        raise GitError(f"cannot start git: {error.strerror}") from error


def _communicate(
    popen: "subprocess.Popen[bytes]",
    stdin: bytes,
    *,
    timeout_s: float,
    command: str,
    begin: Callable[[], None],
) -> Output:
    try:
        begin()
        stdout, stderr = popen.communicate(stdin, timeout=timeout_s)
    except subprocess.TimeoutExpired as error:
        raise GitError(f"git {command} did not end within {timeout_s:g} s") from error
    finally:
        if popen.returncode is None:  # also when interrupted
            _kill(popen)
            popen.communicate()
    return Output(popen.returncode, bytes(stdout), bytes(stderr).decode("utf-8", "replace"))


def _kill(popen: "subprocess.Popen[bytes]") -> None:
    """Kill the command and all its children; nothing happens if it has ended."""
    if popen.returncode is None:  # not reaped: its group cannot be somebody else's
        with contextlib.suppress(ProcessLookupError):
            os.killpg(popen.pid, signal.SIGKILL)


def _program(directory: Path) -> "git.Git":
    try:
        from git import Git  # noqa: PLC0415 - importing it looks for git, which may be missing
    except ImportError as error:
        raise SettingsError("there is no git program on the PATH that works") from error
    return Git(directory)
