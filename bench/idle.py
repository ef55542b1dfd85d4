"""What the program costs while it runs on and nothing changes."""

import json
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from bench.cost import Cost, FailedRunError, memory_mib

_TICKS: Final = os.sysconf("SC_CLK_TCK")
_FIRST_TIME: Final = 11  # of utime, stime, cutime, cstime, after the name in /proc/PID/stat
_WARM: Final = 2  # cycles until everything has been seen twice


def cost_of_idling(command: Sequence[str], *, environment: Mapping[str, str], cycles: int) -> Cost:
    """Return what one cycle costs, on average over many that have nothing to do.

    Each cycle is asked for by SIGHUP when the one before has ended. The growth is that of the
    resident memory over all of them.

    Raises:
        FailedRunError: the program ended, or a cycle did not come out as ``ok``.
    """
    child = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        text=True, env=dict(environment),
    )  # fmt: skip
    with child:
        try:
            _await_cycle(child)  # at the start nobody has to ask
            for _ in range(_WARM):
                _cycle(child)
            before_mib, before_s = memory_mib("VmRSS", child.pid), _cpu_s(child.pid)
            seconds = sum(_cycle(child) for _ in range(cycles))
            after_mib, after_s = memory_mib("VmRSS", child.pid), _cpu_s(child.pid)
            peak_mib = memory_mib("VmHWM", child.pid)
        finally:
            child.terminate()
            child.communicate()
    return Cost(
        seconds / cycles,
        (after_s - before_s) / cycles,
        peak_mib,
        max(0.0, after_mib - before_mib),
        {"MiB resident at the end": round(after_mib)},
    )


def _cycle(child: "subprocess.Popen[str]") -> float:
    """Ask for a cycle, and return the seconds that it took by its own log."""
    child.send_signal(signal.SIGHUP)
    return _await_cycle(child)


def _await_cycle(child: "subprocess.Popen[str]") -> float:
    lines: list[str] = []
    for line in child.stderr or ():
        lines.append(line)
        if "cycle.finished" in line:
            return _seconds_of(line)
    raise FailedRunError(f"the program ended: {''.join(lines)[-2000:]}")


def _seconds_of(line: str) -> float:
    fields = json.loads(line)
    if fields["result"] != "ok":
        raise FailedRunError(f"a cycle went wrong: {line}")
    return float(fields.get("seconds", 0.0))


def _cpu_s(pid: int) -> float:
    """Return the processor time of a process and of the programs that it has run."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[_FIRST_TIME : _FIRST_TIME + 4])) / _TICKS
