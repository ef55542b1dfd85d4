"""The files of a Git tree as entries: path, mode and blob, before anything is read."""

import enum
from dataclasses import dataclass


class EntryKind(enum.Enum):
    """What a tree entry is, by its Git file mode."""

    FILE = "file"
    LINK = "link"
    SUBMODULE = "submodule"


@dataclass(frozen=True, slots=True, order=True)
class TreeEntry:
    """One entry of a Git tree, at any depth: a path with ``/``, relative to the repository's root."""

    path: str
    kind: EntryKind
    blob: str  # the object's id: hex
