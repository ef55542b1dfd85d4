"""A place where a repository can be asked for: its own registry, or a mirror of it."""

from dataclasses import dataclass

from reconciler.core.images.reference import Repository


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A place to ask about a repository.

    Attributes:
        host: where the requests go.
        repository: what the repository is called there; logins are for this.
        is_mirror: whether it stands in for another registry.
    """

    host: str
    repository: Repository
    is_mirror: bool = False
