"""Which scope tokens are asked for: learned from what a host's challenges name.

Most want ``repository:acme/web:pull``, which is what is tried first. ACR wants ``…:metadata_read``
for a list of tags, ECR Public ``aws`` for everything, and Artifactory leaves out the part of the
path that is its own. Without this memory each repository there would cost two requests more.
"""

from dataclasses import dataclass
from typing import Final

MAX_SCOPE: Final = 1024

LISTING: Final = "listing the tags of"
READING: Final = "reading images of"
"""What is attempted at a repository, for the words of a refusal; scopes are learned for each."""


@dataclass(frozen=True, slots=True)
class ScopeShape:
    """A scope with a hole for a repository's path.

    Attributes:
        before: what stands before the path; all of it if the path is no part of it.
        after: what stands after it.
        left_out: how many of the path's first parts do not stand there; None: none of it does.
    """

    before: str
    after: str = ""
    left_out: int | None = 0

    def scope(self, path: str) -> str:
        """Return the scope for a repository."""
        if self.left_out is None:
            return self.before
        return f"{self.before}{_rest(path, self.left_out)}{self.after}"


USUAL: Final = ScopeShape("repository:", ":pull")


def shape_of(scope: str, path: str) -> ScopeShape:
    """Return the shape of the scope that a host wants for a repository."""
    for left_out in range(path.count("/") + 1):
        before, found, after = scope.partition(f":{_rest(path, left_out)}:")
        if found:
            return ScopeShape(f"{before}:", f":{after}", left_out)
    return ScopeShape(scope, left_out=None)


def _rest(path: str, left_out: int) -> str:
    """Return a path without its first parts; its last one if there are no more."""
    parts = path.split("/")
    return "/".join(parts[min(left_out, len(parts) - 1) :])
