"""What the program costs while it runs on and nothing changes."""

import json
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from bench.cost import Cost, FailedRunError, memory_mib

_TICKS: Final = os.sysconf("SC_CLK_TCK")
_FIRST_TIME: Final = 11  # of utime, stime, cutime, cstime, after the name in /proc/PID/stat
_WARM: Final = 2  # cycles until everything has been seen twice


class Idler:
    """The program as it runs on; each cycle is asked for when the one before has ended."""

    def __init__(self, command: Sequence[str], *, environment: Mapping[str, str]) -> None:
        """Start it.

        Args:
            command: runs it continuously, with a log of JSON.
            environment: of the program.
        """
        self._child = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            text=True, env=dict(environment),
        )  # fmt: skip

    def __enter__(self) -> Self:
        """Wait until it has seen everything twice.

        Raises:
            FailedRunError: it ended, or a cycle did not come out as ``ok``.
        """
        try:
            self._await_cycle()  # at the start nobody has to ask
            for _ in range(_WARM):
                self.cycle()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End it."""
        self._end()

    @property
    def pid(self) -> int:
        """Of the program."""
        return self._child.pid

    @property
    def cpu_s(self) -> float:
        """The processor time of the program and of those that it has run."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return sum(map(int, fields[_FIRST_TIME : _FIRST_TIME + 4])) / _TICKS

    @property
    def proportional_mib(self) -> float:
        """Its memory, with its part of what it shares with other processes."""
        for line in Path(f"/proc/{self.pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) / 1024
        raise FailedRunError("this kernel does not tell Pss")

    def cycle(self) -> float:
        """Ask for a cycle, and return the seconds that it took by its own log.

        Raises:
            FailedRunError: see :meth:`__enter__`.
        """
        self._child.send_signal(signal.SIGHUP)
        return self._await_cycle()

    def _await_cycle(self) -> float:
        lines: list[str] = []
        for line in self._child.stderr or ():
            lines.append(line)
            if "cycle.finished" in line:
                return _seconds_of(line)
        raise FailedRunError(f"the program ended: {''.join(lines)[-2000:]}")

    def _end(self) -> None:
        self._child.terminate()
        self._child.communicate()


def cost_of_idling(command: Sequence[str], *, environment: Mapping[str, str], cycles: int) -> Cost:
    """Return what one cycle costs, on average over many that have nothing to do.

    The growth is that of the resident memory over all of them.

    Raises:
        FailedRunError: the program ended, or a cycle did not come out as ``ok``.
    """
    with Idler(command, environment=environment) as idler:
        before_mib, before_s = memory_mib("VmRSS", idler.pid), idler.cpu_s
        seconds = sum(idler.cycle() for _ in range(cycles))
        after_mib, after_s = memory_mib("VmRSS", idler.pid), idler.cpu_s
        peak_mib = memory_mib("VmHWM", idler.pid)
    return Cost(
        seconds / cycles,
        (after_s - before_s) / cycles,
        peak_mib,
        max(0.0, after_mib - before_mib),
        {"MiB resident at the end": round(after_mib)},
    )


def _seconds_of(line: str) -> float:
    fields = json.loads(line)
    if fields["result"] != "ok":
        raise FailedRunError(f"a cycle went wrong: {line}")
    return float(fields.get("seconds", 0.0))
