"""Child processes that end with us, whatever happens to us."""

import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

STOP_S = 10.0
_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True)


class LabError(Exception):
    """A part of the lab could not be had; the message says what to do."""


class Process:
    """A running program with a log file, in a process group of its own.

    The kernel kills it when the thread that started it ends, even by SIGKILL.
    """

    def __init__(
        self, name: str, command: Sequence[str], log: Path, *, environment: Mapping[str, str]
    ) -> None:
        self.name = name
        self.log = log
        with log.open("ab") as output:
            self._child = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=dict(environment),
                start_new_session=True,
                preexec_fn=_die_with_parent,  # noqa: PLW1509 - no other thread holds a lock here
            )

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._child.pid

    def require_running(self) -> None:
        """Raise if it has ended.

        Raises:
            LabError: with the end of its log.
        """
        if self._child.poll() is not None:
            tail = self.log.read_text(errors="replace")[-2000:]
            raise LabError(f"{self.name} ended with {self._child.returncode}:\n{tail}")

    def stop(self) -> None:
        """End it: politely, then not."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._child.pid, number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._child.wait(STOP_S)
                return


def free_port() -> int:
    """Return a loopback port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(
    is_ready: Callable[[], bool], *, what: str, timeout_s: float, processes: Sequence[Process] = ()
) -> None:
    """Wait until something is true.

    Raises:
        LabError: it is not in time, or a process that it needs has ended.
    """
    deadline = time.monotonic() + timeout_s
    while not is_ready():
        for process in processes:
            process.require_running()
        if time.monotonic() > deadline:
            raise LabError(f"{what} was not ready within {timeout_s:g} s")
        time.sleep(0.05)


def is_listening(port: int) -> bool:
    """Whether somebody accepts connections at a loopback port."""
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _die_with_parent() -> None:
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
