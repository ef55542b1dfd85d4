"""Whether a file has changed: secrets that are mounted are renewed while we run."""

import os
from pathlib import Path
from typing import Final, TypeAlias

Stamp: TypeAlias = tuple[int, int, int]

NO_FILE: Final[Stamp] = (0, 0, 0)


def stamp_of(path: Path | None) -> Stamp:
    """Return what changes when a file is written or replaced; the same for all that are absent."""
    try:
        found = os.stat(path) if path is not None else None  # noqa: PTH116 - None is no Path
    except OSError:
        return NO_FILE
    return (found.st_mtime_ns, found.st_ino, found.st_size) if found else NO_FILE
