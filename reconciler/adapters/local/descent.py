"""Opens files below a folder without following a link, whoever moves things meanwhile."""

import contextlib
import errno
import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from reconciler.errors import AccessDeniedError, ReconcilerError, TransientError

_DENIED: Final = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})
_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_FILE: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


@contextlib.contextmanager
def opened_folder(root: Path, steps: Sequence[str]) -> Iterator[int]:
    """Give the descriptor of a folder below ``root``, which itself may be reached by a link.

    Raises:
        OSError: one of the steps is not there, is no folder, or is a link.
    """
    folder = os.open(root, _FOLDER)
    try:
        for step in steps:
            below = os.open(step, _FOLDER | os.O_NOFOLLOW, dir_fd=folder)
            os.close(folder)
            folder = below
        yield folder
    finally:
        os.close(folder)


def read_file(folder: int, name: str, *, max_bytes: int) -> tuple[bytes, os.stat_result]:
    """Return a regular file's content, cut after ``max_bytes`` and one more, and its state.

    Raises:
        OSError: it is not there, is a link, or is no regular file.
    """
    descriptor = os.open(name, _FILE, dir_fd=folder)
    try:
        state = os.fstat(descriptor)
        if not stat.S_ISREG(state.st_mode):
            raise OSError(errno.EINVAL, "is no regular file", name)
        with open(descriptor, "rb", closefd=False) as file:
            return file.read(max_bytes + 1), state
    finally:
        os.close(descriptor)


def failure_of(error: OSError, *, doing: str, where: str) -> ReconcilerError:
    """Return what the operating system's no means for us.

    Args:
        error: what it said.
        doing: what was tried: ``cannot write``.
        where: the file or folder.
    """
    kind = AccessDeniedError if error.errno in _DENIED else TransientError
    return kind(f"{doing}: {error.strerror}", where=where)
