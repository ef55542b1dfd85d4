"""Lays files out in a folder for a build, for us alone, and removes them surely.

Each such folder is locked by the process that made it: what a killed one left is found by its lock,
which the kernel let go, and removed before the next build.
"""

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from reconciler.errors import ManifestError

MEMORY: Final = Path("/dev/shm")  # noqa: S108 - the kernel's file system in memory; our folder there is our own

_PREFIX: Final = "build-"
_ROOM: Final = 2  # times the size of the files


@contextlib.contextmanager
def laid_out(
    files: Mapping[str, bytes], directory: Path, *, is_secret: bool, memory: Path = MEMORY
) -> Iterator[Path]:
    """Give a folder that holds the files, readable by us alone.

    Args:
        files: by path.
        directory: where our folders are; made when needed.
        is_secret: whether it is to be in memory, if that has room.
        memory: where memory is.

    Raises:
        ManifestError: a path is none.
        OSError: the disk is full, for instance.
    """
    size = sum(map(len, files.values()))
    hidden = memory / f"reconcile-{os.getuid()}"
    place = hidden if is_secret and _has_room(memory, size) else directory
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    _require_own(place)
    _sweep(directory)
    with contextlib.suppress(OSError):  # also when nothing is secret any more
        _require_own(hidden)
        _sweep(hidden)
    with _made(place) as home:
        root = home / "files"
        root.mkdir()
        for path, content in files.items():
            if not _is_below(path):
                raise ManifestError(f"{path[:200]!r} is no path of a file", where=path[:200])
            target = root / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.touch(mode=0o600)
            target.write_bytes(content)
        yield root


def _has_room(memory: Path, size: int) -> bool:
    try:
        return os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > _ROOM * size
    except OSError:
        return False


def _require_own(place: Path) -> None:
    """Refuse a folder that somebody else has made where everybody may."""
    found = place.lstat()
    if found.st_uid != os.getuid() or not place.is_dir() or place.is_symlink():
        raise PermissionError(f"{place} is not ours")


@contextlib.contextmanager
def _made(place: Path) -> Iterator[Path]:
    with _only_one(place):
        home = Path(tempfile.mkdtemp(dir=place, prefix=_PREFIX)).resolve()
        own = _locked(home)
    try:
        yield home
    finally:
        shutil.rmtree(home, ignore_errors=True)
        if own is not None:
            os.close(own)


def _sweep(place: Path) -> None:
    """Remove what killed processes left behind."""
    if not place.is_dir():
        return
    with _only_one(place):
        for left in place.glob(f"{_PREFIX}*"):
            with contextlib.suppress(OSError):
                own = _locked(left)
                if own is not None:
                    shutil.rmtree(left, ignore_errors=True)
                    os.close(own)


@contextlib.contextmanager
def _only_one(place: Path) -> Iterator[None]:
    """Let only one process at a time make or sweep folders."""
    folder = os.open(place, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def _locked(folder: Path) -> int | None:
    """Return the lock of a folder; None if a living process has it."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(opened)
        return None
    return opened


def _is_below(path: str) -> bool:
    """Whether a path stays in the folder that it is laid out in: git lets no others in, mostly."""
    return not {"", ".", ".."} & set(path.split("/"))
