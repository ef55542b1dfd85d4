"""Replaces files by others: all of them written first, then put in place one after the other."""

import contextlib
import os
import secrets
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from reconciler.adapters.local.descent import opened_folder, read_file

_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_MODE_BITS: Final = 0o7777


class Replacement:
    """New contents for files below a folder, which are in place after :meth:`finish` or never.

    A context manager: what was written and not put in place is removed at the end. The files keep
    their mode, and their owner where we may give it.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._stack = ExitStack()
        self._moves: list[Callable[[], None]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Remove what was not put in place."""
        self._stack.close()

    def add(self, path: str, old: bytes, new: bytes) -> bool:
        """Write a file's new content beside it; return whether it holds the old one still.

        Raises:
            OSError: it cannot be read, or the new one not be written: the disk is full.
        """
        *steps, name = path.split("/")
        folder = self._stack.enter_context(opened_folder(self._root, steps))
        content, state = read_file(folder, name, max_bytes=len(old))
        if content != old:
            return False
        beside = f".{name[:200]}.{secrets.token_hex(4)}.tmp"  # no manifest's name, also for us
        descriptor = os.open(beside, _NEW, 0o600, dir_fd=folder)
        self._stack.callback(_remove, beside, folder)
        with open(descriptor, "wb") as file:  # noqa: PTH123 - a descriptor
            file.write(new)
            with contextlib.suppress(PermissionError):  # only root may give files away
                os.fchown(file.fileno(), state.st_uid, state.st_gid)
            os.fchmod(file.fileno(), state.st_mode & _MODE_BITS)
            file.flush()
            os.fsync(file.fileno())
        self._moves.append(lambda: os.rename(beside, name, src_dir_fd=folder, dst_dir_fd=folder))
        return True

    def finish(self) -> None:
        """Put everything in place.

        Raises:
            OSError: it cannot be.
        """
        for move in self._moves:
            move()


def _remove(name: str, folder: int) -> None:
    with contextlib.suppress(FileNotFoundError):  # it is in place
        os.unlink(name, dir_fd=folder)
