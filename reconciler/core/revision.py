"""A revision: a branch at a commit."""

from dataclasses import dataclass

_SHORT = 7


@dataclass(frozen=True, slots=True)
class Revision:
    """A branch at a commit; prints ``main@sha1:<40 hex>``."""

    branch: str
    commit: str  # 40 hex (SHA-1) or 64 hex (SHA-256)

    @property
    def short(self) -> str:
        """The commit as a person reads it: seven hex."""
        return self.commit[:_SHORT]

    @classmethod
    def parse(cls, text: str) -> "Revision | None":
        """Return the revision that a text such as ``main@sha1:<40 hex>`` is; None if it is none."""
        branch, _, digest = text.rpartition("@")
        _, colon, commit = digest.partition(":")
        return cls(branch, commit) if branch and colon and commit else None

    def __str__(self) -> str:
        algorithm = "sha1" if len(self.commit) == 40 else "sha256"  # noqa: PLR2004 - hex length
        return f"{self.branch}@{algorithm}:{self.commit}"
