"""The files of a Git tree as entries: path, mode and blob, before anything is read."""

import enum
from dataclasses import dataclass

from reconciler.core.revision import Revision

MAX_FILE_BYTES = 16 * 1024 * 1024
"""A manifest that is larger is not read."""


class EntryKind(enum.Enum):
    """What a tree entry is, by its Git file mode."""

    FILE = "file"
    LINK = "link"
    SUBMODULE = "submodule"


@dataclass(frozen=True, slots=True, order=True)
class TreeEntry:
    """One entry of a Git tree, at any depth; its path is relative to the repository's root."""

    path: str
    kind: EntryKind
    blob: str  # the object's id: hex


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The remote branch as fetched: its revision, and every entry of its tree sorted by path."""

    revision: Revision
    entries: tuple[TreeEntry, ...]


@dataclass(frozen=True, slots=True)
class Oversize:
    """Stands for a content that was not read because it is larger than allowed."""

    size_bytes: int
