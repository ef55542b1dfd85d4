"""Files that only we may read, for programs that are given private copies of a user's files."""

import contextlib
import os
import shutil
from pathlib import Path

from reconciler.errors import SettingsError

_MAX_BYTES = 4 * 1024 * 1024


def read_bounded(path: Path, what: str) -> bytes:
    """Return a file's content.

    Args:
        path: a file of the settings.
        what: what it is, for errors: ``the SSH key``.

    Raises:
        SettingsError: it cannot be read, or is larger than 4 MiB.
    """
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_BYTES + 1)
    except OSError as error:
        raise SettingsError(f"cannot read {what}: {error.strerror}", where=str(path)) from error
    if len(content) > _MAX_BYTES:
        raise SettingsError(f"{what} is larger than {_MAX_BYTES:,} bytes", where=str(path))
    return content


def write_private(path: Path, content: bytes, *, mode: int = 0o600) -> None:
    """Write a file that is not there yet.

    Raises:
        OSError: it is there, or the disk does not permit it.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)


def remove_folder(folder: Path) -> None:
    """Remove a folder with all that is in it, if it is there.

    Raises:
        OSError: something in it cannot be removed.
    """
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(folder)
