"""The program as it runs continuously, and what a test sees of it: its log, its HTTP, its end."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from lab import launcher
from tests.e2e.world import World

PATIENCE_S = 240.0  # a machine may be busy with other tests; nothing takes that long by itself
LAUNCHER = Path(launcher.__file__)  # lets the kernel end the program with a test that is killed
_POLL_S = 0.1


class Running:
    """A process of ``reconcile`` without ``--once``."""

    def __init__(
        self,
        world: World,
        *more: str,
        interval: str = "1s",
        program: Sequence[str] = ("-m", "reconciler"),
    ) -> None:
        self._world = world
        self._log = world.folder / f"log-{time.monotonic_ns()}"
        arguments = [*world.arguments()[1:], *more]  # without --once
        with self._log.open("wb") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", str(LAUNCHER), str(os.getpid()),
                 sys.executable, *program, "--interval", interval, "--listen", "127.0.0.1:0",
                 *arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=output,
                env={key: value for key, value in os.environ.items() if key != "KUBECONFIG"},
            )  # fmt: skip

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def lines(self) -> list[Mapping[str, Any]]:
        """Return the log, all of which is JSON."""
        return [json.loads(line) for line in self._whole_lines()]

    @property
    def text(self) -> str:
        """Return what it wrote to standard error, as it is."""
        return self._log.read_text()

    def said(self, event: str, **facts: object) -> list[Mapping[str, Any]]:
        """Return the lines of an event that have these facts."""
        return [
            line
            for line in self.lines
            if line["event"] == event and all(line.get(k) == v for k, v in facts.items())
        ]

    def until(self, is_true: Callable[[], object]) -> None:
        """Wait until something is true."""
        deadline = time.monotonic() + PATIENCE_S
        while not is_true():
            assert self._process.poll() is None, self.text
            assert time.monotonic() < deadline, self.text
            time.sleep(_POLL_S)

    def until_said(self, event: str, *, count: int = 1, **facts: object) -> None:
        """Wait until an event was logged so often."""
        self.until(lambda: len(self.said(event, **facts)) >= count)

    def cycles(self, more: int) -> None:
        """Wait until so many more cycles have ended."""
        self.until_said("cycle.finished", count=len(self.said("cycle.finished")) + more)

    def ask(self, path: str) -> str:
        """Return what HTTP says."""
        address = self.said("loop.started")[0]["addresses"][0]
        with urllib.request.urlopen(f"http://{address}{path}", timeout=60) as answer:
            return str(answer.read().decode())

    def signal(self, number: int) -> None:
        self._process.send_signal(number)

    def wait(self) -> int:
        """Wait for the end, and return the exit code."""
        return self._process.wait(PATIENCE_S)

    def stop(self) -> int:
        """End it as a kubelet does, and return the exit code."""
        self.signal(signal.SIGTERM)
        return self.wait()

    def kill(self) -> None:
        """End it, whatever happens."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def left_behind(self) -> list[str]:
        """Return the processes that work in the folder of clones: git's, and those of its like."""
        data = str(self._world.folder / "data")
        found = []
        for entry in Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                if entry.name.isdigit() and str((entry / "cwd").readlink()).startswith(data):
                    found.append((entry / "cmdline").read_text().replace("\0", " "))
        return found

    def until_nothing_is_left(self) -> None:
        """Wait until what was killed is gone."""
        deadline = time.monotonic() + PATIENCE_S
        while left := self.left_behind():
            assert time.monotonic() < deadline, left
            time.sleep(_POLL_S)

    def _whole_lines(self) -> list[str]:
        return self.text.rpartition("\n")[0].splitlines()


@contextlib.contextmanager
def running(
    world: World,
    *more: str,
    interval: str = "1s",
    program: Sequence[str] = ("-m", "reconciler"),
) -> Iterator[Running]:
    """Run the program while the block runs."""
    process = Running(world, *more, interval=interval, program=program)
    try:
        yield process
    finally:
        process.kill()
