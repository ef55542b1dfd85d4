"""One process at a time for a clone."""

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path

from reconciler.errors import TransientError

_POLL_S = 0.05


@contextlib.contextmanager
def exclusive(path: Path, *, wait_s: float) -> Iterator[int]:
    """Hold a lock file, and yield its descriptor.

    A child that inherits the descriptor holds the lock too: the git that a killed process leaves
    behind is waited for, and not disturbed while it writes.

    Raises:
        TransientError: somebody else holds it, and did so for all of ``wait_s``.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        _acquire(descriptor, path, wait_s)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        yield descriptor
    finally:
        os.close(descriptor)


def _acquire(descriptor: int, path: Path, wait_s: float) -> None:
    deadline = time.monotonic() + wait_s
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                holder = os.pread(descriptor, 20, 0).decode("ascii", "replace") or "unknown"
                raise TransientError(
                    f"the clone is in use by process {holder} (or a git that it started)",
                    where=str(path.parent),
                ) from None
            time.sleep(_POLL_S)
        else:
            return
