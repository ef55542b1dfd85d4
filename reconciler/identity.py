"""Who this process is among others, and whether another one of this machine is gone."""

import hashlib
import os
import socket
from contextlib import suppress
from pathlib import Path

_PROC = Path("/proc")
_PARTS = 3


def own_identity() -> str:
    """Return ``HOST/PID.START/SCOPE``: no other process ever has the same.

    The scope stands for the machine since it was started, and the processes that see each other.
    """
    return f"{socket.gethostname()}/{os.getpid()}.{_start(os.getpid())}/{_scope()}"


def is_gone(identity: str, *, is_pod: bool) -> bool:
    """Whether the process of an identity has certainly ended.

    Args:
        identity: of :func:`own_identity`, of whatever process.
        is_pod: whether we run in a pod: its name is its host's, and nobody else's, so a process of
            the same name in another scope is a container of ours that was started before this one.
    """
    parts = identity.split("/")
    if len(parts) != _PARTS or parts[0] != socket.gethostname():
        return False
    pid, _, start = parts[1].partition(".")
    if parts[2] != _scope():
        return is_pod
    return pid.isdigit() and bool(start) and _start(int(pid)) != start


def _start(pid: int) -> str:
    """Return when a process was started, in ticks since the machine was; empty: there is none."""
    with suppress(OSError, IndexError):
        stat = (_PROC / str(pid) / "stat").read_text()
        state, *fields = stat.rpartition(")")[2].split()
        return "" if state in "ZX" else fields[18]
    return ""


def _scope() -> str:
    parts = []
    for path in ("sys/kernel/random/boot_id", "self/ns/pid"):
        with suppress(OSError):
            file = _PROC / path
            parts.append(str(file.readlink()) if file.is_symlink() else file.read_text())
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:8]
