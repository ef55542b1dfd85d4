"""Child processes that end with us, whatever happens to us."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

STOP_S = 10.0
_LAUNCHER = Path(__file__).with_name("launcher.py")


class LabError(Exception):
    """A part of the lab does not work; the message says what is wrong."""


class MissingPartError(LabError):
    """A part of the lab is not there; the message says how to get it.

    Tests that need it are skipped; in CI they fail.
    """


class Process:
    """A running program with a log file, in a process group of its own.

    The kernel kills it when the thread that started it ends, even by SIGKILL.
    """

    def __init__(
        self, name: str, command: Sequence[str], log: Path, *, environment: Mapping[str, str]
    ) -> None:
        self.name = name
        self.log = log
        launcher = [sys.executable, "-I", "-S", str(_LAUNCHER), str(os.getpid())]
        with log.open("ab") as output:
            self._child = subprocess.Popen(
                [*launcher, *command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=dict(environment),
                start_new_session=True,
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

    def stop(self, *, patience_s: float = STOP_S) -> None:
        """End it: politely, then not. Nothing happens if it has ended."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            if self._child.poll() is not None:  # its id may be somebody else's by now
                return
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._child.pid, number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._child.wait(patience_s)


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
