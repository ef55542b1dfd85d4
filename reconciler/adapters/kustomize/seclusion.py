"""Starts a program in bounds: no sockets, and so much memory. Run as a script, it becomes that one.

Where a proxy is named that is not there, programs written in Go still ask the hosts of loopback,
and straight: on a machine that runs other things, those answer more than strangers are to read. A
seccomp filter takes no rights to set, and is kept by all that the program starts.
"""

import contextlib
import errno
import os
import struct
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

MAX_MEMORY_BYTES: Final = 1024 * 1024 * 1024
"""Of data, or half of what the container has: half a kilobyte of aliases takes gigabytes else, and
all that runs in the container is ended for it."""

_LIMIT_OF_CONTAINER: Final = Path("/sys/fs/cgroup/memory.max")

_MACHINES: Final = {"x86_64": (0xC000003E, 41), "aarch64": (0xC00000B7, 198)}
"""By the names of ``uname``: how the kernel calls them (linux/audit.h), and their ``socket``."""

_IO_URING_SETUP: Final = 425  # opens sockets by another way
_X32: Final = 0x40000000  # linux/seccomp.h: calls of x86-64 with short pointers
_ARCH, _NUMBER = 4, 0  # places in struct seccomp_data
_LOAD, _IF_SAME, _IF_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06  # linux/bpf_common.h
_ALLOW, _FAIL = 0x7FFF0000, 0x00050000  # linux/seccomp.h
_SET_NO_NEW_PRIVS, _SET_SECCOMP, _MODE_FILTER = 38, 22, 2  # linux/prctl.h


def secluded(command: Sequence[str]) -> list[str]:
    """Return the command that runs a command so; elsewhere than on Linux, the command itself."""
    if sys.platform != "linux" or not sys.executable:
        return list(command)
    return [sys.executable, "-I", "-S", __file__, *command]


def filter_of(machine: str) -> bytes:
    """Return the filter for a machine: what opens sockets fails; empty if it is not known."""
    if machine not in _MACHINES:
        return b""
    arch, socket = _MACHINES[machine]
    steps = [
        (_LOAD, 0, 0, _ARCH),
        (_IF_SAME, 0, 5, arch),  # how many steps to leave out, if so and if not
        (_LOAD, 0, 0, _NUMBER),
        (_IF_LEAST, 3, 0, _X32),
        (_IF_SAME, 2, 0, socket),
        (_IF_SAME, 1, 0, _IO_URING_SETUP),
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, _FAIL | errno.EACCES),
    ]
    return b"".join(struct.pack("=HBBI", *step) for step in steps)


def _seclude() -> None:
    """Let this process, and what it starts, open no socket, if the kernel knows how to."""
    import ctypes  # noqa: PLC0415 - the package is to work where Python has none

    content = filter_of(os.uname().machine)
    if not content or struct.calcsize("P") != 8:  # noqa: PLR2004 - bytes of a machine above
        return
    steps = ctypes.create_string_buffer(content, len(content))
    pointer = ctypes.addressof(steps)
    program = ctypes.create_string_buffer(struct.pack("@HP", len(content) // 8, pointer))
    prctl = ctypes.CDLL(None).prctl
    prctl.argtypes = [ctypes.c_int, *[ctypes.c_ulong] * 4]
    if prctl(_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0:
        prctl(_SET_SECCOMP, _MODE_FILTER, ctypes.addressof(program), 0, 0)


def most_bytes(limit: Path = _LIMIT_OF_CONTAINER) -> int:
    """Return how much memory the program may take."""
    try:
        return min(MAX_MEMORY_BYTES, int(limit.read_text(encoding="ascii")) // 2)
    except (OSError, ValueError):  # no container, or "max"
        return MAX_MEMORY_BYTES


def _bound() -> None:
    import resource  # noqa: PLC0415 - not everywhere either

    most = most_bytes()
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    if hard != resource.RLIM_INFINITY:
        most = min(most, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (most, most))


if __name__ == "__main__":
    with contextlib.suppress(ImportError):
        _seclude()
    with contextlib.suppress(ImportError):
        _bound()
    os.execv(sys.argv[1], sys.argv[1:])  # noqa: S606 - what we were told to run
