"""What a piece of work costs: seconds, CPU seconds, memory."""

import gc
import os
import resource
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

Made = TypeVar("Made")

_KIB_IN_MIB = 1024
_CLEAR = Path("/proc/self/clear_refs")
_RESET_PEAK = "5"  # proc(5): "Reset the peak resident set size ("high water mark")"


@dataclass(frozen=True, slots=True)
class Cost:
    """What one run of a piece of work took.

    Attributes:
        seconds: on the clock.
        cpu_s: of the process, its threads and the programs that it ran.
        peak_mib: most resident memory of the process at any moment; 0 if it is not known.
        growth_mib: how much of it was not there before the work began; 0 for whole programs.
        counts: requests and the like, by name.
    """

    seconds: float
    cpu_s: float
    peak_mib: float
    growth_mib: float = 0.0
    counts: Mapping[str, int] = field(default_factory=dict)

    def with_counts(self, counts: Mapping[str, int]) -> "Cost":
        """Return the same cost with more counts."""
        merged = {**self.counts, **counts}
        return Cost(self.seconds, self.cpu_s, self.peak_mib, self.growth_mib, merged)


@dataclass(frozen=True, slots=True)
class Sample:
    """One measured run.

    Attributes:
        group: what is compared: one table of the results.
        row: who, or which variant.
        cost: what it took.
    """

    group: str
    row: str
    cost: Cost


class FailedRunError(Exception):
    """A program that was to be measured failed, or gave a wrong answer."""


def cost_of(work: Callable[[], Made]) -> tuple[Cost, Made]:
    """Return what a function costs in this process, and what it returned."""
    gc.collect()
    _CLEAR.write_text(_RESET_PEAK)
    before = memory_mib("VmRSS")
    cpu_s, begin = _cpu_s(), time.perf_counter()
    made = work()
    seconds, spent_s = time.perf_counter() - begin, _cpu_s() - cpu_s
    peak = memory_mib("VmHWM")
    return Cost(seconds, spent_s, peak, peak - before), made


def cost_of_program(
    command: Sequence[str],
    *,
    environment: Mapping[str, str] | None = None,
    expected: Sequence[int] = (0,),
) -> Cost:
    """Return what a whole program costs, its start included.

    Raises:
        FailedRunError: it ended with a code that is not expected.
    """
    begin = time.perf_counter()
    child = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env=environment,
    )
    with child:
        words = child.stderr.read() if child.stderr else b""
        _, status, usage = os.wait4(child.pid, 0)
        seconds = time.perf_counter() - begin
        child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode not in expected:
        raise FailedRunError(f"{command[:3]} ended with {child.returncode}: {words[-2000:]!r}")
    return Cost(seconds, usage.ru_utime + usage.ru_stime, _peak_of_program(usage.ru_maxrss))


def read_cost(fields: Mapping[str, Any]) -> Cost:
    """Return the cost that another process wrote as JSON."""
    return Cost(**fields)


def _peak_of_program(max_kib: int) -> float:
    """Return a program's peak in MiB; 0 if it was lower than ours, for then it is hidden.

    The kernel counts in what we had when we started it.
    """
    own_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return max_kib / _KIB_IN_MIB if max_kib > own_kib else 0.0


def memory_mib(name: str, pid: int | str = "self") -> float:
    """Return ``VmRSS`` or ``VmHWM`` of a process, see proc(5)."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) / _KIB_IN_MIB
    raise FailedRunError(f"this kernel does not tell {name}")


def _cpu_s() -> float:
    spent = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(each.ru_utime + each.ru_stime for each in spent)
