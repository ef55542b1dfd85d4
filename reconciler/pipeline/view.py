"""View: a revision of a branch as we see it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from reconciler.core.manifests.images import FileReport
from reconciler.core.manifests.tree import TreeEntry
from reconciler.core.revision import Revision
from reconciler.errors import ReconcilerError


@dataclass(frozen=True, slots=True)
class Manifests:
    """The manifests of a revision.

    Attributes:
        revision: what was fetched.
        texts: by path, in path order.
        problems: what could not be read; other files are unharmed, but nothing is pruned.
        entries: the whole tree, with all that is no manifest.
    """

    revision: Revision
    texts: Mapping[str, str]
    problems: tuple[ReconcilerError, ...]
    entries: tuple[TreeEntry, ...] = field(default=(), kw_only=True)


@dataclass(frozen=True, slots=True)
class View(Manifests):
    """The manifests of a revision, with their images.

    Not all texts are there: what a content says may be known from an earlier process.

    Attributes:
        reports: what each manifest says about images, in path order; and what Git remembers of
            them.
        files: the manifests that can be read, by path, in path order.
        recalled: those of them whose reports were not made of their texts by this process. They
            are to be read anew before they are edited.
    """

    reports: tuple[FileReport, ...]
    files: Mapping[str, TreeEntry]
    recalled: frozenset[str] = frozenset()
